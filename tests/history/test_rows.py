"""Rows: searchable text, shared plans, deleting and pruning."""

import contextlib
import os
import sqlite3
from pathlib import Path

from tui.config.schema import HistorySettings
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt, Turn
from tui.core.target import Endpoint, Target
from tui.history.rows import prompt_text, prune
from tui.history.store import Store

from .making import DAY_NS, info, plan, stored


def test_a_plan_is_found_by_any_text_that_it_asks() -> None:
    first = Prompt(name="a", system="System.", user="{{question}}", turns=(Turn(role="user", text="Hello"),))
    second = Prompt(name="b", user="Short {{question}}", prefill="Because")
    plan = Plan(
        prompt=first,
        parameters=Parameters(),
        targets=(Target(model="m"),),
        endpoints=(Endpoint(name="here", base_url="http://127.0.0.1:1"),),
        default_endpoint="here",
        variants=(first, second),
        rows=({"question": "Why?"}, {"question": "When?"}),
    )
    assert prompt_text(plan) == "System.\nHello\n{{question}}\nWhy?"
    everything = Plan(**{name: getattr(plan, name) for name in plan.__struct_fields__} | {"ask_all": True})
    assert prompt_text(everything.of_run(1)).split("\n") == [
        "System.", "Hello", "{{question}}", "Short {{question}}", "Because", "When?",
    ]  # fmt: skip


def test_deleting_leaves_nothing(path: Path) -> None:
    with Store(path) as store:
        first, second = store.add(stored(plan("mine"))), store.add(stored(plan("canary-prompt")))
        store.save_snapshot("base", [store.run(second).info.uid])
        assert store.delete([second, 99]) == 1
        assert store.numbers() == [first]
        assert store.snapshots()[0].uids == ()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for table in ("plans", "runs"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM specs").fetchone() == (2,)


def test_equal_plans_are_stored_once(path: Path) -> None:
    with Store(path) as store:
        for _ in range(5):
            store.add(stored(plan("long " * 1000)))
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM plans").fetchone() == (1,)
            assert connection.execute("SELECT count(*) FROM specs").fetchone() == (2,)


def test_pruning_by_age_spares_what_a_snapshot_names(path: Path) -> None:
    with Store(path) as store:
        kept, _, recent = (store.add(stored(about=info(started=day * DAY_NS))) for day in (1, 2, 9))
        store.save_snapshot("base", [store.run(kept).info.uid])
        assert prune(store._connection, HistorySettings(), 10 * DAY_NS) == 0
        assert prune(store._connection, HistorySettings(keep_days=5), 10 * DAY_NS) == 1
        assert store.numbers() == [recent, kept]


def test_pruning_by_size_deletes_the_oldest(fast_disk: Path) -> None:
    path = fast_disk / "history.db"
    with Store(path) as store:
        for day in range(120):
            run = stored(plan(os.urandom(20_000).hex()), info(started=day))
            store.add(run)
        assert store.bytes_used() > 2_000_000
        assert store.prune(HistorySettings(keep_mb=2)) > 0
        assert store.bytes_used() <= 2_000_000
        left = store.numbers(reverse=True)
        assert left == list(range(left[0], 121)), "the latest stay"
    assert path.stat().st_size < 5_000_000, "the file gives the room back"
