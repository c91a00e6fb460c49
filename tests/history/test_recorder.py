"""The recorder: results are stored before they are shown, and whatever fails, none is lost."""

import contextlib
import sqlite3
import threading
from pathlib import Path

from tui.core.events import Event
from tui.history.recorder import Recorder

from .making import SETTINGS, Recorded, beginning, ending, over, plan, read, started, stored


def record(path: Path, *batches: list[Event]) -> None:
    """Have a recorder keep a run of two requests with these batches."""
    recorder = Recorder(path, SETTINGS)
    recorder.start()
    run = Recorded(recorder)
    for events in batches:
        run.add(events)
    assert recorder.close(30)


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


def test_the_next_session_is_told_once_of_what_was_cut_off(path: Path) -> None:
    safe = threading.Event()
    recorder = Recorder(path, SETTINGS)
    recorder.on_safe = lambda _ticket: safe.set()
    recorder.start()
    run = Recorded(recorder)
    run.add([*beginning(1), *beginning(2), *ending(1)])
    assert safe.wait(30)
    recorder.cut_off()
    run.add(ending(2))
    assert recorder.close(30)
    told: list[int] = []
    for _ in range(2):
        recorder = Recorder(path, SETTINGS)
        recorder.on_interrupted = told.append
        recorder.start()
        recorder.cut_off()  # nothing is in flight
        assert recorder.close(30)
    assert told == [1]


def test_what_is_stored_has_ended_while_the_record_that_is_shown_has_not(path: Path) -> None:
    recorder = Recorder(path, SETTINGS)
    recorder.start()
    run = Recorded(recorder)
    run.add([*beginning(1), *ending(1)])
    assert run.records[0].state.in_flight
    assert recorder.close(30)
    found = read(path).requests[0]
    assert found == stored().requests[0]
    assert found.pieces == run.records[0].pieces
