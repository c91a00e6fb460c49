"""Rows: searchable text, shared plans, deleting and pruning."""

import contextlib
import sqlite3
from pathlib import Path

from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt, Turn
from tui.core.target import Endpoint, Target
from tui.history.rows import prompt_text
from tui.history.store import Store

from .making import plan, stored


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
