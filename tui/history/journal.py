"""The journal of what is in flight: batches of events as they came, from which a dead program's requests are made."""

import contextlib
import sqlite3
from collections.abc import Callable

import msgspec

from tui.core.events import Event, Failure, FailureKind, Status
from tui.core.plan import RequestSpec
from tui.core.record import RequestRecord
from tui.history.codec import UNREADABLE, unpack
from tui.history.database import transaction
from tui.history.writing import put_request

_encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[list[Event]] = msgspec.msgpack.Decoder(list[Event])

INTERRUPTED = Failure(
    kind=FailureKind.ENGINE, message="The program ended before the answer did; this is what had arrived."
)
"""What is said of a request whose program died."""


def add(connection: sqlite3.Connection, writer: str, batch: int, events: list[Event]) -> None:
    """Append a batch of `writer`'s events. Batches are numbered upwards."""
    connection.execute("INSERT INTO journal VALUES (?, ?, ?)", (writer, batch, _encode(events)))


def clear(connection: sqlite3.Connection, writer: str) -> None:
    """Nothing of `writer`'s is in flight any more."""
    connection.execute("DELETE FROM journal WHERE writer = ?", (writer,))


def adopt(connection: sqlite3.Connection, is_alive: Callable[[str], bool]) -> int:
    """Store what writers that died had in flight, as interrupted, with what had come of it; how many there were.

    A live writer's requests are not touched. Raises sqlite3.Error.
    """
    adopted = 0
    with transaction(connection):
        writers = connection.execute(
            "SELECT writer FROM requests WHERE writer IS NOT NULL UNION SELECT writer FROM journal"
        ).fetchall()
        for (writer,) in writers:
            if not is_alive(writer):
                adopted += _bury(connection, writer)
    return adopted


def _bury(connection: sqlite3.Connection, writer: str) -> int:
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
    # A batch that cannot be read ends what is known: with a piece missing the rest would be another text.
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
    clear(connection, writer)
    return len(rows)
