"""Interruption: requests of dead programs, locks, and the note of a cut-off session."""

from pathlib import Path

import pytest

from tui.core.events import Status
from tui.history.interruption import WriterLock, is_alive, leave_note, take_note
from tui.history.store import Store
from tui.history.writer import Begun, Came, OpenRun, Writer

from .making import SETTINGS, beginning, info, plan, read, stored


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


def test_a_lock_shows_a_writer_alive_until_it_is_released(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path, "one")
    assert is_alive(tmp_path, "one")
    assert not is_alive(tmp_path, "other")
    lock.release()
    assert not is_alive(tmp_path, "one")


def test_a_note_is_read_once(tmp_path: Path) -> None:
    leave_note(tmp_path, 3)
    assert [take_note(tmp_path), take_note(tmp_path)] == [3, 0]


@pytest.mark.parametrize("text", ["", "many", "-1"])
def test_a_note_that_makes_no_sense_counts_for_nothing(tmp_path: Path, text: str) -> None:
    leave_note(tmp_path, 3)
    (note,) = (one for one in tmp_path.iterdir() if one.is_file())
    note.write_text(text)
    assert take_note(tmp_path) == 0
