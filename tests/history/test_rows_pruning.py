"""Pruning: what is beyond the limits goes, and a start never deletes more than a few runs."""

import os
from pathlib import Path

import pytest

from tui.config.schema import HistorySettings
from tui.history.rows import prune, prune_at_start
from tui.history.store import Store

from .making import DAY_NS, info, plan, stored


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
        for day in range(40):
            run = stored(plan(os.urandom(30_000).hex()), info(started=day))
            store.add(run)
        assert store.bytes_used() > 1_000_000
        assert store.prune(HistorySettings(keep_mb=1)) > 0
        assert store.bytes_used() <= 1_000_000
        left = store.numbers(reverse=True)
        assert left == list(range(left[0], 41)), "the latest stay"
    assert path.stat().st_size < 1_100_000, "the file gives the room back"


def days(path: Path, *started: int) -> None:
    with Store(path) as store:
        for day in started:
            store.add(stored(about=info(started=day * DAY_NS)))


def at_start(path: Path, settings: HistorySettings, day: int) -> tuple[int, list[str]]:
    """The number of runs left by a start on this day, and what it said."""
    said = list[str]()
    with Store(path) as store:
        prune_at_start(store._connection, settings, said.append, day * DAY_NS)
        return store.count(), said


def test_a_start_deletes_few_runs_and_says_so(path: Path) -> None:
    days(path, *range(1, 21))
    assert at_start(path, HistorySettings(keep_days=18), 20) == (
        19,
        ["Deleted from the history: 1 of 20 runs older than history.keep_days (18)."],
    )
    assert at_start(path, HistorySettings(keep_days=18), 20) == (19, [])
    assert at_start(path, HistorySettings(), 2_000) == (19, [])


@pytest.mark.parametrize("day", [25, 2_000], ids=["a limit that is new", "a clock five years ahead"])
def test_a_start_that_would_delete_many_deletes_none_and_says_why(path: Path, day: int) -> None:
    days(path, *range(1, 21))
    left, (said,) = at_start(path, HistorySettings(keep_days=18), day)
    assert left == 20
    assert said.endswith(
        "of 20 runs older than history.keep_days (18), more than a start deletes by itself: all were kept; "
        "`latency-tui history prune` deletes them."
    )
    with Store(path) as store:
        assert prune(store._connection, HistorySettings(keep_days=18), day * DAY_NS) > 2, "asked for, it deletes them"


def test_nothing_is_deleted_while_the_clock_is_behind_the_latest_run(path: Path) -> None:
    days(path, *range(1, 20), 900)
    left, (said,) = at_start(path, HistorySettings(keep_days=18), 20)
    assert left == 20
    assert said.startswith("The latest run is later than the clock of this machine")


def test_a_start_above_the_limit_on_size_deletes_none_at_once(fast_disk: Path) -> None:
    path = fast_disk / "history.db"
    with Store(path) as store:
        for day in range(40):
            store.add(stored(plan(os.urandom(30_000).hex()), info(started=day)))
    left, (said,) = at_start(path, HistorySettings(keep_mb=1), 1)
    assert left == 40
    assert "runs above history.keep_mb (1), more than a start deletes by itself" in said
