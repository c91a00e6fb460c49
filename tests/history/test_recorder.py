"""The recorder: results are stored before they are shown, and whatever fails, none is lost."""

import asyncio
import contextlib
import json
import os
import sqlite3
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tui.config.schema import HistorySettings
from tui.core.events import EngineFailed, Event, RequestEnded, Status
from tui.core.run import StoredRun
from tui.history import spill
from tui.history.migrations import MIGRATIONS
from tui.history.recorder import Recorder
from tui.history.store import Store
from tui.history.writer import Begun, Came, Ended, Item, OpenRun, Writer
from tui.session import keeper
from tui.session.keeper import Keeper

from .making import beginning, ending, info, over, plan, started, stored

SETTINGS = HistorySettings()
FULL = sqlite3.OperationalError("database or disk is full")


@pytest.fixture(autouse=True)
def temp_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temp directory of its own."""
    made = tmp_path / "temp"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.db"


def record(path: Path, *batches: list[Event], requests: int = 2, close: bool = True) -> Recorder:
    """A recorder that was given a run of so many requests, and these batches."""
    recorder = Recorder(path, SETTINGS)
    recorder.start()
    asked = plan()
    recorder.begin(1, info(uid="the-run"), asked, asked.requests(1)[:requests])
    for events in batches:
        recorder.take(events)
    if close:
        assert recorder.close(30)
    return recorder


def read(path: Path, uid: str = "the-run") -> StoredRun:
    with Store(path) as store:
        return store.run(uid)


def test_a_run_is_stored_whole(path: Path) -> None:
    record(path, started(1, (1, 2)), beginning(1), [*beginning(2), *ending(1)], ending(2), over(1))
    run, expected = read(path), stored()
    assert run.requests == expected.requests
    assert run.plan == plan()
    assert run.info.started_unix_ns == 5_000, "the engine's time"
    assert run.info.sdk_version == "2.12"
    assert run.info.send_spread_ns == 77
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM journal").fetchone() == (0,)
    assert not list((path.parent / "writers").iterdir())


def test_requests_stand_in_the_order_of_the_lanes_however_they_are_asked(path: Path) -> None:
    recorder = Recorder(path, SETTINGS)
    recorder.start()
    recorder.begin(1, info(uid="the-run"), plan(), plan().requests(1)[::-1])
    recorder.take([*beginning(2), *ending(2), *beginning(1), *ending(1)])
    recorder.close(30)
    assert [request.spec.target for request in read(path).requests] == ["fast", "slow"]


def test_the_engines_end_interrupts_what_was_in_flight(path: Path) -> None:
    gone = EngineFailed(t_ns=9, message="The measuring process was ended by signal 9.")
    record(path, beginning(1), [*beginning(2), *ending(2)], [gone])
    first, second = read(path).requests
    assert (first.status, second.status) == (Status.INTERRUPTED, Status.DONE)
    assert first.failure is not None
    assert "signal 9" in first.failure.message
    assert len(first.pieces) == 3


def test_the_next_session_is_told_once_of_what_was_cut_off(path: Path) -> None:
    safe = threading.Event()
    recorder = record(path, close=False)
    recorder.on_safe = lambda _ticket: safe.set()
    recorder.take([*beginning(1), *beginning(2), *ending(1)])
    assert safe.wait(30)
    recorder.cut_off()
    recorder.take(ending(2))
    assert recorder.close(30)
    told: list[int] = []
    for _ in range(2):
        recorder = Recorder(path, SETTINGS)
        recorder.on_interrupted = told.append
        recorder.start()
        recorder.cut_off()  # nothing is in flight
        assert recorder.close(30)
    assert told == [1]


def test_what_a_dead_program_had_in_flight_becomes_interrupted(path: Path) -> None:
    # As after a kill: the journal is there, nobody holds the lock.
    writer = Writer(path, "dead", SETTINGS, pytest.fail)
    asked = plan()
    writer.open()
    writer.commit([Begun(OpenRun(info=info(uid="the-run"), plan=asked, specs=asked.requests(1)))])
    writer.commit([Came(beginning(1)[:4])])
    writer.commit([Came(beginning(1)[4:])])
    with Store(path) as store:
        assert [target.status for target in store.runs()[0].targets] == ["idle", "idle"], "it is alive"
    assert writer._lock is not None
    writer._lock.release()
    first, second = read(path).requests
    assert first.status is second.status is Status.INTERRUPTED
    assert first.pieces == stored().requests[0].pieces
    assert first.timeline.content_ns == stored().requests[0].timeline.content_ns
    assert second.pieces == []
    writer._lock = None
    writer.close()


# Failures


class Failing(sqlite3.Connection):
    """A connection whose n-th statement fails, alone or with all that follow."""

    left = 0
    lasting = False
    error: Exception = FULL

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        Failing.left -= 1
        if Failing.left == 0 or (Failing.lasting and Failing.left < 0):
            raise Failing.error
        return super().execute(*arguments)


def items() -> list[list[Item]]:
    """What the recorder hands over for one run."""
    run = OpenRun(info=info(uid="the-run"), plan=plan(), specs=plan().requests(1))
    first, second = stored().requests
    return [
        [Begun(run)],
        [Came(beginning(1))],
        [Came([*beginning(2), *ending(1)]), Ended(run, 0, first)],
        [Came(ending(2)), Ended(run, 1, second)],
    ]


def writes(path: Path, said: list[str]) -> None:
    writer = Writer(path, "w", SETTINGS, said.append)
    writer.open()
    for batch in items():
        writer.commit(batch)
    writer.close()


def statements(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many statements one run takes from opening the database to closing it."""
    with monkeypatch.context() as patch:
        patch.setattr("tui.history.database.sqlite3.connect", partial(sqlite3.connect, factory=Failing))
        patch.setattr(Failing, "left", 0)
        writes(path, [])
        return -Failing.left


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("error", [FULL, OSError(5, "Input/output error")], ids=["sqlite", "os"])
def test_a_write_that_fails_anywhere_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lasting: bool, error: Exception
) -> None:
    count = statements(tmp_path / "count" / "history.db", monkeypatch)
    assert count > 50
    silent = 0
    for point in range(1, count + 1):
        path, said = tmp_path / str(point) / "history.db", list[str]()
        with monkeypatch.context() as patch:
            patch.setattr("tui.history.database.sqlite3.connect", partial(sqlite3.connect, factory=Failing))
            patch.setattr(Failing, "left", point)
            patch.setattr(Failing, "lasting", lasting)
            patch.setattr(Failing, "error", error)
            writes(path, said)
        silent += not said
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert read(path).requests == stored().requests, f"statement {point}: {said}"
        assert not list(path.parent.glob("*spill*"))
    # A statement that fails is said, unless it was in the tidying up.
    assert silent < count * 0.1


def broken_database(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database, but it is long enough" * 1_000)


def damaged_inside(path: Path) -> None:
    with Store(path) as store:
        store.add(stored())
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [broken_database, damaged_inside])
def test_a_damaged_database_is_set_aside_and_a_new_one_begun(path: Path, damage: Callable[[Path], None]) -> None:
    damage(path)
    before = path.read_bytes()
    said: list[str] = []
    writes(path, said)
    (aside,) = path.parent.glob("history-damaged-*.db")
    assert aside.read_bytes() == before
    assert len(said) == 1
    assert aside.name in said[0]
    assert read(path).requests == stored().requests


def test_a_database_damaged_while_in_use_is_set_aside(path: Path) -> None:
    said: list[str] = []
    writer = Writer(path, "w", SETTINGS, said.append)
    writer.open()
    batches = items()
    for batch in batches[:3]:
        writer.commit(batch)
    assert writer._connection is not None
    writer._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * (path.stat().st_size - 100))
    writer._connection.execute("PRAGMA shrink_memory")
    writer.commit(batches[3])
    writer.close()
    assert any("is damaged" in sentence for sentence in said)
    assert read(path).requests[-1] == stored().requests[-1]


def test_a_newer_schema_is_said_and_results_are_spilled_beside_it(path: Path) -> None:
    with Store(path) as store:
        store._connection.execute("PRAGMA user_version = 999")
    said: list[str] = []
    writes(path, said)
    assert len(said) == 1
    assert "newer latency-tui" in said[0]
    (file,) = path.parent.glob("latency-tui-spill-*.jsonl")
    assert str(file) in said[0]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [json.loads(line)["record"]["status"] for line in file.read_text().splitlines()] == ["done", "done"]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (999,)
        # With the program that knows it, the results come in.
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    assert read(path).requests == stored().requests
    assert not file.exists()


def test_without_a_directory_results_are_spilled_to_the_temp_directory(
    tmp_path: Path, path: Path, temp_directory: Path
) -> None:
    path.parent.write_text("a file stands where the directory should")
    said: list[str] = []
    writes(path, said)
    (file,) = temp_directory.glob("latency-tui-spill-*.jsonl")
    assert str(file) in said[0]
    path.parent.unlink()
    assert read(path).requests == stored().requests
    assert not file.exists()


@pytest.fixture
def nobodys_directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of a user who is not root, as whom the test goes on; modes mean nothing to root."""
    # Not under tmp_path, which that user may not enter.
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        (Path(name) / "temp").mkdir()
        (Path(name) / "data").mkdir(0o700)
        monkeypatch.setattr(tempfile, "tempdir", f"{name}/temp")
        root = os.geteuid() == 0
        if root:
            for made in (name, f"{name}/temp", f"{name}/data"):
                os.chown(made, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)
            (Path(name) / "data").chmod(0o700)


def test_a_read_only_database_stops_nothing(nobodys_directory: Path) -> None:
    path = nobodys_directory / "data" / "history.db"
    with Store(path) as store:
        store.add(stored())
    path.chmod(0o400)
    path.parent.chmod(0o500)
    said: list[str] = []
    writes(path, said)
    (file,) = (nobodys_directory / "temp").glob("latency-tui-spill-*.jsonl")
    assert len(said) == 1
    assert str(file) in said[0]
    path.chmod(0o600)
    path.parent.chmod(0o700)
    assert read(path).requests == stored().requests
    assert not file.exists()


def test_with_no_place_at_all_the_program_says_so_and_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.write_text("")
    monkeypatch.setattr(spill, "_places", lambda directory: [directory])
    said: list[str] = []
    writes(path, said)
    assert said == [f"The history {path} cannot be written (file exists): results are kept in memory only."]


def test_a_spill_of_a_live_program_is_left_to_it(path: Path) -> None:
    with Store(path) as store:
        store._connection.execute("PRAGMA user_version = 999")
    writer = Writer(path, "w", SETTINGS, lambda _sentence: None)
    writer.open()
    for batch in items()[:3]:
        writer.commit(batch)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    with Store(path) as store:
        assert store.count() == 0
    # It can write again: all it kept goes in, and its spill goes.
    writer.commit(items()[3])
    writer.close()
    assert read(path).requests == stored().requests
    assert not list(path.parent.glob("*spill*"))


def test_a_spill_with_a_line_that_cannot_be_read_is_kept(path: Path) -> None:
    path.parent.mkdir()
    made = spill.Spill(path.parent, "dead")
    run = stored(about=info(uid="the-run"))
    made.write([spill.Kept(info=run.info, plan=run.plan, lane=0, record=run.requests[0])])
    made.close()
    (file,) = path.parent.glob("*.jsonl")
    with file.open("a") as end:
        end.write('{"info": {"uid"')
    assert read(path).requests == run.requests[:1]
    assert file.with_suffix(".unread").exists()


# The keeper: order, and the bound on waiting


class StalledWriter(Writer):
    """A disk that takes nothing until it is released."""

    released: threading.Event

    def commit(self, items: list[Item]) -> None:
        self.released.wait(30)
        super().commit(items)


class Shown:
    """What was delivered, and what was said."""

    def __init__(self, path: Path) -> None:
        self.events: list[Event] = []
        self.said: list[str] = []
        self.released = threading.Event()
        self._changed = asyncio.Event()

        def make(*arguments: Any) -> Writer:
            writer = StalledWriter(*arguments)
            writer.released = self.released
            return writer

        self.keeper = Keeper(Recorder(path, SETTINGS, make), self._deliver, self.said.append)
        self.keeper.start()
        self.keeper.begin(1, info(uid="the-run"), plan(), plan().requests(1))

    async def until_shown(self, wanted: Event) -> None:
        async with asyncio.timeout(30):
            while wanted not in self.events:
                self._changed.clear()
                await self._changed.wait()

    def _deliver(self, events: list[Event]) -> None:
        self.events += events
        self._changed.set()


async def test_what_ends_a_request_is_shown_once_it_is_stored_and_nothing_overtakes_it(path: Path) -> None:
    shown = Shown(path)
    shown.keeper.take(beginning(1))
    assert shown.events == beginning(1), "what ends nothing does not wait"
    shown.keeper.take(ending(1))
    shown.keeper.take(beginning(2))
    await asyncio.sleep(0)
    assert shown.events == beginning(1)
    shown.released.set()
    await shown.until_shown(beginning(2)[-1])
    assert shown.events == [*beginning(1), *ending(1), *beginning(2)]
    assert read(path).requests[0] == stored().requests[0]
    await shown.keeper.close()
    assert shown.said == []


async def test_a_disk_that_stalls_is_waited_for_only_so_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "WAIT_FOR_DISK_S", 0.05)
    shown = Shown(path)
    shown.keeper.take([*beginning(1), *ending(1)])
    await shown.until_shown(ending(1)[-1])
    assert len(shown.said) == 1
    assert "disk is slow" in shown.said[0]
    # While it stalls nothing waits again.
    shown.keeper.take([*beginning(2), *ending(2)])
    assert shown.events[-1] == ending(2)[-1]
    shown.released.set()
    await shown.keeper.close(30)
    assert len(shown.said) == 1
    assert read(path).requests == stored().requests


async def test_closing_shows_what_was_held(path: Path) -> None:
    shown = Shown(path)
    shown.keeper.take([*beginning(1), *ending(1)])
    assert not [event for event in shown.events if isinstance(event, RequestEnded)]
    shown.released.set()
    await shown.keeper.close(30)
    assert shown.events[-1] == ending(1)[-1]
