"""Interruption: results of programs that died, or that a signal ended, and how the next start learns of them.

Every program that writes to the history holds a lock, which the kernel frees when the program ends. Events of requests
in flight go to a journal in the database. A program that finds entries of a writer without a lock builds that writer's
requests from the journal and stores them as interrupted. A process id could not serve as the lock: it may belong to
another program by now, or to one in another container.
"""

import contextlib
import fcntl
import os
import sqlite3
from pathlib import Path

import msgspec

from tui.config.paths import open_private, private_directory
from tui.core.events import Event, Failure, FailureKind, Status
from tui.core.plan import RequestSpec
from tui.core.record import RequestRecord
from tui.history.codec import UNREADABLE, unpack
from tui.history.database import transaction
from tui.history.rows import put_request

_encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[list[Event]] = msgspec.msgpack.Decoder(list[Event])

INTERRUPTED = Failure(
    kind=FailureKind.ENGINE, message="The program ended before the answer did; this is what had arrived."
)
"""Failure of a request whose program died."""

_NOTE = "cut-off"


class WriterLock:
    """Lock that shows that a writer is alive, held until `release` or the end of the process."""

    def __init__(self, directory: Path, writer: str) -> None:
        """Lock the writer named `writer` of the history in `directory`. Raises OSError."""
        self._path = _lock_file(directory, writer)
        private_directory(self._path.parent)
        self._handle = open_private(self._path, os.O_RDWR)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def release(self) -> None:
        """Free the lock of a writer that ends in order, and remove its file."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._handle)


def is_alive(directory: Path, writer: str) -> bool:
    """Report whether a writer holds its lock. Removes the lock file of a dead one."""
    path = _lock_file(directory, writer)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        with contextlib.suppress(OSError):
            path.unlink()
        return False
    finally:
        os.close(handle)


def _lock_file(directory: Path, writer: str) -> Path:
    return directory / "writers" / f"{writer}.lock"


def add_events(connection: sqlite3.Connection, writer: str, batch: int, events: list[Event]) -> None:
    """Append a batch of `writer`'s events to the journal. Batches are numbered upwards."""
    connection.execute("INSERT INTO journal VALUES (?, ?, ?)", (writer, batch, _encode(events)))


def clear_events(connection: sqlite3.Connection, writer: str) -> None:
    """Empty the journal of a writer that has nothing in flight any more."""
    connection.execute("DELETE FROM journal WHERE writer = ?", (writer,))


def adopt(connection: sqlite3.Connection, directory: Path, own: str = "") -> int:
    """Store the requests that dead writers had in flight, as interrupted, and return their number.

    Requests of the writer `own` and of live ones stay untouched. Raises sqlite3.Error.
    """
    adopted = 0
    with transaction(connection):
        writers = connection.execute(
            "SELECT writer FROM requests WHERE writer IS NOT NULL UNION SELECT writer FROM journal"
        ).fetchall()
        for (writer,) in writers:
            if writer != own and not is_alive(directory, writer):
                adopted += _adopt_one(connection, writer)
    return adopted


def _adopt_one(connection: sqlite3.Connection, writer: str) -> int:
    rows = connection.execute(
        """SELECT run, lane, request_id, data FROM requests JOIN specs ON specs.id = requests.spec
        WHERE writer = ?""",
        (writer,),
    ).fetchall()
    records: dict[int, RequestRecord] = {}
    for _, _, request_id, data in rows:
        with contextlib.suppress(*UNREADABLE):
            spec = msgspec.structs.replace(unpack(data, RequestSpec), request_id=request_id)
            records[request_id] = RequestRecord(spec=spec)
    batches = connection.execute("SELECT events FROM journal WHERE writer = ? ORDER BY batch", (writer,))
    # Stop at a batch that cannot be read: the text after a gap would not be the answer's.
    with contextlib.suppress(*UNREADABLE):
        for (events,) in batches:
            for event in _decoder.decode(events):
                if record := records.get(getattr(event, "request_id", -1)):
                    record.apply(event)
    for run, lane, request_id, _ in rows:
        if record := records.get(request_id):
            record.status = Status.INTERRUPTED
            record.failure = INTERRUPTED
            put_request(connection, run, lane, record)
    connection.execute("UPDATE requests SET writer = NULL WHERE writer = ?", (writer,))
    clear_events(connection, writer)
    return len(rows)


def leave_note(directory: Path, requests: int) -> None:
    """Leave a file that tells the next start how many requests a signal cut off.

    A dropped connection sends such a signal (SIGHUP). The history shows these requests as cancelled, as if the person
    had wanted that, so the next start says otherwise. Does nothing if the file cannot be written.
    """
    with contextlib.suppress(OSError):
        (directory / _NOTE).write_text(f"{requests}\n")


def take_note(directory: Path) -> int:
    """Return the number in the file that `leave_note` left, or 0, and remove the file."""
    path = directory / _NOTE
    try:
        requests = int(path.read_text()[:20])
        path.unlink()
    except (OSError, ValueError):
        return 0
    return max(0, requests)
