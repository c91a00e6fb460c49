"""The store: what is put in comes out, lists find it, and files are private."""

import contextlib
import os
import sqlite3
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config.schema import HistorySettings
from tui.core.events import Kind, Status
from tui.core.plan import Plan
from tui.core.record import Attempt, RequestRecord
from tui.core.stored import RunFilter, Sort
from tui.core.timeline import Timeline
from tui.errors import HistoryError
from tui.history.codec import pack_record, unpack, unpack_record
from tui.history.migrations import MIGRATIONS, Migration, migrate
from tui.history.pruning import prune
from tui.history.store import Store

from .making import DAY_NS, MS, info, plan, stored


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.db"


@given(
    st.lists(st.tuples(st.sampled_from(Kind), st.text(), st.integers(0, 10**10))),
    st.integers(-(2**61), 2**61),
)
def test_a_record_comes_out_as_it_was(pieces: list[tuple[Kind, str, int]], first_ns: int) -> None:
    record = stored().requests[0]
    record.pieces = [(kind, text) for kind, text, _ in pieces]
    stamp = first_ns
    record.timeline.content_ns = [stamp := stamp + gap for _, _, gap in pieces]
    failure = stored(statuses=(Status.FAILED, Status.DONE)).requests[0].failure
    assert failure is not None
    attempt = Attempt(timeline=Timeline(content_ns=[3]), failure=failure, http_status=529, api_request_id=None)
    record.earlier.append(attempt)
    assert unpack_record(pack_record(record), record.spec) == record


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


def test_a_plan_of_an_older_version_takes_the_defaults() -> None:
    older = msgspec.to_builtins(plan())
    del older["retries"], older["timeouts"], older["prompt"]["system"]
    import zlib

    read = unpack(zlib.compress(msgspec.msgpack.encode(older | {"gone": 1})), Plan)
    assert read.targets == plan().targets
    assert read.prompt.system == ""


def test_only_its_owner_reads_it(path: Path) -> None:
    before = os.umask(0)
    try:
        with Store(path) as store:
            store.add(stored())
            files = list(path.parent.iterdir())
            assert {file.name for file in files} >= {"history.db", "history.db-wal", "history.db-shm"}
            for file in files:
                assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_taken_from_them(path: Path) -> None:
    Store(path).close()
    path.chmod(0o644)
    Store(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


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
        assert store.models() == ["fast", "haiku", "opus", "slow"]
        assert store.endpoints() == ["api", "simulator"]
        assert store.tags() == ["prod", "slow"]


def test_orders_and_pages(path: Path) -> None:
    with Store(path) as store:
        slow = store.add(stored(about=info(started=1), later_ms=50))
        failed = store.add(stored(about=info(started=2), statuses=(Status.FAILED, Status.CANCELLED)))
        fast = store.add(stored(about=info(started=3)))
        for sort in (Sort.TTFT, Sort.TOTAL):
            assert [row.number for row in store.runs(sort=sort)] == [fast, slow, failed]
            assert store.numbers(sort=sort, reverse=True) == [slow, fast, failed]
        assert store.numbers(sort=Sort.STARTED, reverse=True) == [slow, failed, fast]
        assert [row.number for row in store.runs(limit=1, offset=1)] == [failed]
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


def test_pruning_by_size_deletes_the_oldest(path: Path) -> None:
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


def test_the_ledger(path: Path) -> None:
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


# Migrations

NEXT: tuple[Migration, ...] = (*MIGRATIONS, ("ALTER TABLE runs ADD COLUMN mood TEXT", "UPDATE runs SET mood = 'new'"))


def version_of(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_a_schema_moves_forward_after_a_backup(path: Path) -> None:
    with Store(path) as store:
        store.add(stored())
        migrate(store._connection, path, NEXT)
        assert store._connection.execute("SELECT mood FROM runs").fetchall() == [("new",)]
        assert store.count() == 1
    assert version_of(path) == len(NEXT)
    backup = path.with_name(f"history-before-schema-{len(NEXT)}.db")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert version_of(backup) == len(MIGRATIONS)
    with Store(backup) as store:
        assert store.count() == 1


def test_a_step_that_fails_changes_nothing(path: Path) -> None:
    broken = (*MIGRATIONS, ("ALTER TABLE runs ADD COLUMN mood TEXT", "UPDATE nowhere SET mood = 1"))
    with Store(path) as store:
        store.add(stored())
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            migrate(store._connection, path, broken)
        assert "mood" not in [row[1] for row in store._connection.execute("PRAGMA table_info(runs)")]
    assert version_of(path) == len(MIGRATIONS)


def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    with Store(path) as store:
        migrate(store._connection, path, NEXT)
    before = path.read_bytes()
    with pytest.raises(HistoryError, match=r"newer latency-tui .* update latency-tui"):
        Store(path)
    assert path.read_bytes() == before


def test_a_record_in_flight_elsewhere_has_no_answer(path: Path) -> None:
    record = RequestRecord(spec=plan().requests(1)[0])
    assert unpack_record(pack_record(record), record.spec) == record
