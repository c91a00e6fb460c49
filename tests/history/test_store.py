"""The store: runs, lists, notes, snapshots and the trial log come out as they went in."""

from pathlib import Path

import msgspec
import pytest

from tui.core.events import Status
from tui.core.run import RunFilter, Sort
from tui.errors import HistoryError
from tui.history.store import Store

from .making import DAY_NS, MS, info, plan, stored


def test_a_run_comes_out_as_it_was(path: Path) -> None:
    run = stored(about=info(series="s"), statuses=(Status.TRUNCATED, Status.FAILED))
    run.note, run.tags = "look here", ("a", "b")
    with Store(path) as store:
        number = store.add(run)
        assert store.add(run) == number, "a run that is there is not stored twice"
    with Store(path) as store:
        by_number, by_uid = store.run(number), store.run(run.info.uid)
        run.number = number
        assert by_number == by_uid == run
        with pytest.raises(HistoryError, match="no run 99"):
            store.run(99)


def test_a_series_folds_into_one_entry_with_the_medians_of_its_counted_runs(path: Path) -> None:
    asked = plan("Why?", ["haiku", "opus"])
    with Store(path) as store:
        alone = store.add(stored(asked, info(started=DAY_NS)))
        statuses = [(Status.DONE, Status.DONE), (Status.DONE, Status.FAILED), (Status.DONE, Status.DONE)]
        numbers = [
            store.add(
                stored(
                    asked, msgspec.structs.replace(info(started=(2 + at) * DAY_NS, series="s"), warm_up=not at), states
                )
            )
            for at, states in enumerate(statuses)
        ]
        store.set_tags(numbers[1], ["slow"])
        assert store.numbers(fold=True) == [numbers[-1], alone]
        assert store.count(fold=True) == 2
        assert store.numbers(RunFilter(tag="slow"), fold=True) == [numbers[1]]
        entry, single = store.runs(fold=True)
        assert (entry.runs, single.runs) == (3, 1)
        assert (entry.number, entry.tags) == (numbers[-1], ("slow",))
        assert [target.status for target in entry.targets] == ["done", "failed"]
        last = store.rows([numbers[-1]])[0]
        assert entry.targets[1].ttft_ns == last.targets[1].ttft_ns
        assert entry.fastest in entry.targets


def test_filters(path: Path) -> None:
    with Store(path) as store:
        first = store.add(stored(plan("Why is the sky 100% blue?", ["haiku", "opus"]), info(started=DAY_NS)))
        second = store.add(
            stored(plan("Count to 1000.", ["opus"], simulated=False), info(started=2 * DAY_NS), [Status.INTERRUPTED])
        )
        third = store.add(stored(plan("No_underscore"), info(started=3 * DAY_NS, series="s")))
        store.set_tags(second, ["slow", "prod"])

        def found(**wanted: object) -> list[int]:
            rows = store.runs(RunFilter(**wanted))  # type: ignore[arg-type]
            assert store.count(RunFilter(**wanted)) == len(rows)  # type: ignore[arg-type]
            assert store.numbers(RunFilter(**wanted)) == [row.number for row in rows]  # type: ignore[arg-type]
            return [row.number for row in rows]

        assert found() == [third, second, first]
        assert found(model="OPUS") == [second, first]
        assert found(endpoint="api") == [second]
        assert found(since_unix_ns=2 * DAY_NS) == [third, second]
        assert found(until_unix_ns=2 * DAY_NS) == [first]
        assert found(text="100%") == [first], "a percent sign is one"
        assert found(text="o_u") == [third]
        assert found(text="be brief") == [third, second, first], "the system text counts"
        assert found(tag="prod") == [second]
        assert found(tag="pro") == []
        assert found(failed=True) == [second]
        assert found(failed=False) == [third, first]
        assert found(simulated=False) == [second]
        assert found(series="s") == [third]
        assert found(model="opus", failed=False) == [first]


def test_orders_and_pages(path: Path) -> None:
    with Store(path) as store:
        slow = store.add(stored(about=info(started=1), later_ms=50))
        failed = store.add(stored(about=info(started=2), statuses=(Status.FAILED, Status.CANCELLED)))
        fast = store.add(stored(about=info(started=3)))
        for sort in (Sort.TTFT, Sort.TOTAL):
            assert [row.number for row in store.rows(store.numbers(sort=sort))] == [fast, slow, failed]
            assert store.numbers(sort=sort, reverse=True) == [slow, fast, failed]
        assert store.numbers(sort=Sort.STARTED, reverse=True) == [slow, failed, fast]
        assert [row.number for row in store.rows(store.numbers(limit=1, offset=1))] == [failed]
        assert [row.number for row in store.rows([fast, 99, slow])] == [fast, slow]
        row = store.rows([failed])[0]
        assert [target.status for target in row.targets] == ["failed", "cancelled"]
        assert row.excerpt == "Why?"
        assert (row.simulated, row.repeat, row.kind, row.tags) == (True, 1, "repeat", ())
        assert store.rows([fast])[0].targets[0].ttft_ns == 4 * MS


def test_notes_and_tags_are_replaced(path: Path) -> None:
    with Store(path) as store:
        number = store.add(stored())
        store.set_note(number, "one")
        store.set_note(number, "two")
        store.set_tags(number, ["b", "a", "b"])
        store.set_tags(number, ["c"])
        assert (store.run(number).note, store.run(number).tags) == ("two", ("c",))


def test_snapshots(path: Path) -> None:
    with Store(path) as store:
        uids = [store.run(store.add(stored())).info.uid for _ in range(3)]
        store.save_snapshot("base", uids[:1])
        store.save_snapshot("base", [uids[2], uids[0]])
        store.save_snapshot("other", [uids[1]])
        assert {found.name: found.uids for found in store.snapshots()} == {
            "base": (uids[2], uids[0]),
            "other": (uids[1],),
        }
        with pytest.raises(HistoryError, match="no run nowhere"):
            store.save_snapshot("base", ["nowhere"])
        store.delete_snapshot("other")
        assert [found.uids for found in store.snapshots()] == [(uids[2], uids[0])]
        assert store.count() == 3


def test_the_trial_log(path: Path) -> None:
    with Store(path) as store:
        store.note_tried("effort", {"from": "high", "to": "low"})
        store.note_tried("cache", {})
        assert [(entry.what, entry.data) for entry in store.tried()] == [
            ("cache", {}),
            ("effort", {"from": "high", "to": "low"}),
        ]


def test_a_damaged_file_is_one_sentence(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(HistoryError, match=r"cannot be opened: file is not a database\."):
        Store(path)
