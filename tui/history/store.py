"""The store: what screens, exports and commands read of the history and change in it."""

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from tui.config.schema import HistorySettings
from tui.core.plan import Plan, RequestSpec
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.core.stored import RunFilter, RunRow, Sort, StoredSnapshot, StoredTrial
from tui.errors import HistoryError, NoSuchRunError
from tui.history import journal, listing, pruning, spill
from tui.history.codec import UNREADABLE, unpack, unpack_record
from tui.history.database import connect, reason, transaction
from tui.history.writer_lock import is_alive
from tui.history.writing import put_request, put_run

ALL = RunFilter()


class Store:
    """An open history. For the thread that opened it; every method raises HistoryError, one sentence, if it fails."""

    def __init__(self, path: Path) -> None:
        """Open the history at `path`, make it if it is not there, and take in what programs that died left."""
        self.path = path
        with self._told("opened"):
            self._connection = connect(path)
        try:
            with self._told("written"):
                journal.adopt(self._connection, lambda writer: is_alive(path.parent, writer))
                spill.take_in(self._connection, path.parent)
        except HistoryError:
            # What is there can be read even where nothing can be written.
            pass

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Reading

    def count(self, wanted: RunFilter = ALL) -> int:
        """How many runs there are."""
        with self._told("read"):
            return listing.count(self._connection, wanted)

    def runs(
        self,
        wanted: RunFilter = ALL,
        sort: Sort = Sort.STARTED,
        *,
        reverse: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> list[RunRow]:
        """Some of the runs wanted, the latest or the shortest first."""
        with self._told("read"):
            return listing.page(self._connection, wanted, sort, reverse=reverse, limit=limit, offset=offset)

    def numbers(self, wanted: RunFilter = ALL, sort: Sort = Sort.STARTED, *, reverse: bool = False) -> list[int]:
        """The numbers of all runs wanted, in order; `rows` has what a list shows of them."""
        with self._told("read"):
            return listing.numbers(self._connection, wanted, sort, reverse=reverse)

    def rows(self, numbers: Iterable[int]) -> list[RunRow]:
        """What a list shows of these runs, in this order; those that are gone are left out."""
        with self._told("read"):
            return listing.rows(self._connection, numbers)

    def run(self, number_or_uid: int | str) -> StoredRun:
        """One run with everything. A request in flight in another program is there without its answer."""
        column = "number" if isinstance(number_or_uid, int) else "uid"
        with self._told("read"):
            row = self._connection.execute(
                f"SELECT number, info, note, data FROM runs JOIN plans ON plans.id = plan WHERE {column} = ?",  # noqa: S608
                (number_or_uid,),
            ).fetchone()
            if row is None:
                raise NoSuchRunError(f"There is no run {number_or_uid} in the history.")
            number, info, note, plan = row
            requests = self._connection.execute(
                """SELECT request_id, data, record FROM requests JOIN specs ON specs.id = spec
                WHERE run = ? ORDER BY lane""",
                (number,),
            )
            return StoredRun(
                info=msgspec.msgpack.decode(info, type=RunInfo),
                plan=unpack(plan, Plan),
                requests=[_record(*request) for request in requests],
                number=number,
                note=note,
                tags=listing.tags_of(self._connection, number),
            )

    def models(self) -> list[str]:
        """All models that were asked, in alphabetical order."""
        return self._texts("SELECT DISTINCT model FROM requests ORDER BY 1")

    def endpoints(self) -> list[str]:
        """The names of all endpoints that were asked, in alphabetical order."""
        return self._texts("SELECT DISTINCT endpoint FROM requests ORDER BY 1")

    def tags(self) -> list[str]:
        """All tags in use, in alphabetical order."""
        return self._texts("SELECT DISTINCT tag FROM tags ORDER BY 1")

    def bytes_used(self) -> int:
        """What the stored runs take up, bytes."""
        with self._told("read"):
            return pruning.bytes_used(self._connection)

    # Changing

    def add(self, run: StoredRun) -> int:
        """Store a run that came from elsewhere, as an import does; its number. One that is there already is left."""
        with self._told("written"), transaction(self._connection) as connection:
            there = connection.execute("SELECT number FROM runs WHERE uid = ?", (run.info.uid,)).fetchone()
            if there is not None:
                return int(there[0])
            number = put_run(connection, run.info, run.plan)
            for lane, record in enumerate(run.requests):
                put_request(connection, number, lane, record)
            connection.execute("UPDATE runs SET note = ? WHERE number = ?", (run.note, number))
            connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(number, tag) for tag in run.tags])
            return number

    def set_note(self, number: int, note: str) -> None:
        """Write a note on a run, in place of the one it had."""
        with self._told("written"):
            self._connection.execute("UPDATE runs SET note = ? WHERE number = ?", (note, number))

    def set_tags(self, number: int, tags: Iterable[str]) -> None:
        """Give a run these tags, in place of those it had."""
        with self._told("written"), transaction(self._connection) as connection:
            connection.execute("DELETE FROM tags WHERE run = ?", (number,))
            connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(number, tag) for tag in tags])

    def delete(self, numbers: Iterable[int]) -> int:
        """Delete runs for good, from snapshots too; how many there were."""
        with self._told("written"):
            return pruning.delete(self._connection, numbers)

    def prune(self, settings: HistorySettings) -> int:
        """Delete what is older or more than the settings allow, except what snapshots name; how many runs."""
        with self._told("written"):
            return pruning.prune(self._connection, settings)

    # Snapshots, and the ledger of what was tried

    def save_snapshot(self, name: str, uids: Sequence[str]) -> None:
        """Name these runs, in place of what had the name."""
        with self._told("written"), transaction(self._connection) as connection:
            found = [connection.execute("SELECT number FROM runs WHERE uid = ?", (uid,)).fetchone() for uid in uids]
            if None in found:
                raise NoSuchRunError(f"There is no run {uids[found.index(None)]} in the history.")
            connection.execute("DELETE FROM snapshots WHERE name = ?", (name,))
            connection.execute("INSERT INTO snapshots VALUES (?, ?)", (name, time.time_ns()))
            connection.executemany(
                "INSERT INTO snapshot_runs VALUES (?, ?, ?)",
                [(name, place, number) for place, (number,) in enumerate(found)],
            )

    def snapshots(self) -> list[StoredSnapshot]:
        """All snapshots, the latest first."""
        with self._told("read"):
            named = self._connection.execute("SELECT name, made_unix_ns FROM snapshots ORDER BY 2 DESC, 1").fetchall()
            return [
                StoredSnapshot(
                    name=name,
                    made_unix_ns=made,
                    uids=tuple(
                        self._texts(
                            "SELECT uid FROM snapshot_runs JOIN runs ON number = run WHERE name = ? ORDER BY place",
                            name,
                        )
                    ),
                )
                for name, made in named
            ]

    def delete_snapshot(self, name: str) -> None:
        """Forget a name; its runs stay."""
        with self._told("written"):
            self._connection.execute("DELETE FROM snapshots WHERE name = ?", (name,))

    def note_tried(self, what: str, data: dict[str, Any]) -> int:
        """Enter something into the ledger; its number."""
        with self._told("written"):
            row = self._connection.execute(
                "INSERT INTO tried (at_unix_ns, what, data) VALUES (?, ?, ?) RETURNING id",
                (time.time_ns(), what, msgspec.json.encode(data)),
            ).fetchone()
            return int(row[0])

    def tried(self) -> list[StoredTrial]:
        """The ledger, the latest entry first."""
        with self._told("read"):
            rows = self._connection.execute("SELECT id, at_unix_ns, what, data FROM tried ORDER BY id DESC")
            return [
                StoredTrial(number=number, at_unix_ns=at, what=what, data=msgspec.json.decode(data))
                for number, at, what, data in rows
            ]

    def _texts(self, query: str, *values: object) -> list[str]:
        with self._told("read"):
            return [text for (text,) in self._connection.execute(query, values)]

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, *UNREADABLE) as error:
            raise HistoryError(f"The history {self.path} cannot be {what}: {reason(error)}.") from None


def _record(request_id: int, spec: bytes, record: bytes | None) -> RequestRecord:
    asked = msgspec.structs.replace(unpack(spec, RequestSpec), request_id=request_id)
    return RequestRecord(spec=asked) if record is None else unpack_record(record, asked)
