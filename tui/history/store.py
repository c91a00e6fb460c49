"""Store: everything that screens, exports and commands read from the history and change in it."""

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
from tui.core.run import RunFilter, RunInfo, RunRow, Sort, StoredRun, StoredSnapshot, StoredTrial, TargetRow, folded
from tui.errors import HistoryError, NoSuchRunError
from tui.history import rows, spill
from tui.history.codec import UNREADABLE, pack_record, unpack, unpack_record
from tui.history.database import connect, reason, transaction
from tui.history.interruption import adopt

ALL = RunFilter()

_FOLDS = "coalesce(series, uid)"
"""Expression that is equal for runs that fold into one entry."""

_KINDS = ("repeat", "warm-up", "sweep")
_ORDER = {
    # Runs without the figure come last in either order.
    (Sort.STARTED, False): "started_unix_ns DESC, number DESC",
    (Sort.STARTED, True): "started_unix_ns, number",
    (Sort.TTFT, False): "ttft_ns IS NULL, ttft_ns, number",
    (Sort.TTFT, True): "ttft_ns DESC, number DESC",
    (Sort.TOTAL, False): "total_ns IS NULL, total_ns, number",
    (Sort.TOTAL, True): "total_ns DESC, number DESC",
}


class Store:
    """An open history, for the thread that opened it. A method that fails raises HistoryError with one sentence."""

    def __init__(self, path: Path) -> None:
        """Open the history at `path`, make it if missing, and store what programs that died left in flight."""
        self.path = path
        with self._told("opened"):
            self._connection = connect(path)
        # A history that cannot be written can still be read.
        with contextlib.suppress(HistoryError), self._told("written"):
            adopt(self._connection, path.parent)
            spill.take_in(self._connection, path.parent)

    def close(self) -> None:
        """Close the history."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Reading

    def count(self, wanted: RunFilter = ALL, *, fold: bool = False) -> int:
        """Return the number of runs that match; of a series only one with `fold`."""
        where, values = _where(wanted)
        what = f"count(DISTINCT {_FOLDS})" if fold else "count(*)"
        with self._told("read"):
            return int(self._connection.execute(f"SELECT {what} FROM runs {where}", values).fetchone()[0])  # noqa: S608 - see `_where`

    def numbers(
        self,
        wanted: RunFilter = ALL,
        sort: Sort = Sort.STARTED,
        *,
        reverse: bool = False,
        limit: int = -1,
        offset: int = 0,
        fold: bool = False,
    ) -> list[int]:
        """Return the numbers of the runs that match, the latest or the shortest first. No limit if it is negative.

        With `fold`, the latest run of a series stands for all of them.
        """
        where, values = _where(wanted)
        if fold:
            latest = f"SELECT max(number) FROM runs {where} GROUP BY {_FOLDS}"  # noqa: S608 - see `_where`
            where = f"WHERE number IN ({latest})"
        query = f"SELECT number FROM runs {where} ORDER BY {_ORDER[sort, reverse]} LIMIT ? OFFSET ?"  # noqa: S608 - see `_where`
        with self._told("read"):
            return [number for (number,) in self._connection.execute(query, (*values, limit, offset))]

    def rows(self, numbers: Iterable[int], *, fold: bool = False) -> list[RunRow]:
        """Return the list entries of these runs, in this order, without those that are gone. With `fold`,
        the entry of a run of a series is that of the whole series."""
        with self._told("read"):
            found = [_row(self._connection, number) for number in numbers]
            if fold:
                found = [row if row is None else self._of_series(row) for row in found]
        return [row for row in found if row is not None]

    def _of_series(self, row: RunRow) -> RunRow:
        if row.series is None:
            return row
        query = "SELECT number FROM runs WHERE series = ? ORDER BY number"
        numbers = [number for (number,) in self._connection.execute(query, (row.series,))]
        return folded([one for number in numbers if (one := _row(self._connection, number)) is not None])

    def runs(
        self, wanted: RunFilter = ALL, *, reverse: bool = False, limit: int = 100, fold: bool = False
    ) -> list[RunRow]:
        """Return the first list entries of the runs that match, the latest first."""
        return self.rows(self.numbers(wanted, reverse=reverse, limit=limit, fold=fold), fold=fold)

    def run(self, number_or_uid: int | str) -> StoredRun:
        """Return one run with everything. A request in flight in another program has no answer yet."""
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
                tags=_tags(self._connection, number),
            )

    def known(self, uids: Iterable[str]) -> set[str]:
        """Return those of these runs that are in the history."""
        query = "SELECT uid FROM runs WHERE uid = ?"
        with self._told("read"):
            found = [self._connection.execute(query, (uid,)).fetchone() for uid in uids]
        return {uid for row in found if row is not None for uid in row}

    def bytes_used(self) -> int:
        """Return the size of the stored runs, bytes."""
        with self._told("read"):
            return rows.bytes_used(self._connection)

    # Changing

    def add(self, run: StoredRun) -> int:
        """Store a run from elsewhere, unless it is there already, and return its number."""
        with self._told("written"), transaction(self._connection) as connection:
            there = connection.execute("SELECT number FROM runs WHERE uid = ?", (run.info.uid,)).fetchone()
            if there is not None:
                return int(there[0])
            number = rows.put_run(connection, run.info, run.plan)
            for lane, record in enumerate(run.requests):
                rows.put_request(connection, number, lane, record)
            connection.execute("UPDATE runs SET note = ? WHERE number = ?", (run.note, number))
            _put_tags(connection, number, run.tags)
            return number

    def set_note(self, number: int, note: str) -> None:
        """Set the note of a run, in place of the one it had."""
        with self._told("written"):
            self._connection.execute("UPDATE runs SET note = ? WHERE number = ?", (note, number))

    def set_tags(self, number: int, tags: Iterable[str]) -> None:
        """Set the tags of a run, in place of those it had."""
        with self._told("written"), transaction(self._connection) as connection:
            connection.execute("DELETE FROM tags WHERE run = ?", (number,))
            _put_tags(connection, number, tags)

    def overrule(self, uid: str, request: int, word: bool | None) -> None:
        """Keep a person's word on one finished answer of a run; None takes it back."""
        with self._told("written"), transaction(self._connection) as connection:
            found = connection.execute(
                """SELECT run, lane, request_id, data, record FROM requests
                JOIN runs ON number = run JOIN specs ON specs.id = spec
                WHERE uid = ? AND request_id = ? AND record IS NOT NULL""",
                (uid, request),
            ).fetchall()
            # Two of one number can only come from a file that was changed.
            if len(found) != 1:
                raise NoSuchRunError(f"This holds until the program ends: the history {self.path} lacks the answer.")
            run, lane, *stored = found[0]
            record = _record(*stored)
            record.overruled = word
            query = "UPDATE requests SET record = ? WHERE run = ? AND lane = ?"
            connection.execute(query, (pack_record(record), run, lane))

    def delete(self, numbers: Iterable[int]) -> int:
        """Delete runs for good, from snapshots too, and return how many there were."""
        with self._told("written"):
            return rows.delete(self._connection, numbers)

    def prune(self, settings: HistorySettings) -> int:
        """Delete runs beyond the limits on age and size, except those in snapshots, and return how many."""
        with self._told("written"):
            return rows.prune(self._connection, settings)

    # Snapshots and trials

    def save_snapshot(self, name: str, uids: Sequence[str]) -> None:
        """Save these runs as the snapshot called `name`, in place of an earlier one."""
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
        """Return all snapshots, the latest first."""
        with self._told("read"):
            named = self._connection.execute("SELECT name, made_unix_ns FROM snapshots ORDER BY 2 DESC, 1").fetchall()
            query = "SELECT uid FROM snapshot_runs JOIN runs ON number = run WHERE name = ? ORDER BY place"
            return [
                StoredSnapshot(
                    name=name, made_unix_ns=made, uids=tuple(uid for (uid,) in self._connection.execute(query, (name,)))
                )
                for name, made in named
            ]

    def delete_snapshot(self, name: str) -> None:
        """Delete a snapshot; its runs stay."""
        with self._told("written"):
            self._connection.execute("DELETE FROM snapshots WHERE name = ?", (name,))

    def note_tried(self, what: str, data: dict[str, Any]) -> int:
        """Add an entry to the trial log, and return its number."""
        with self._told("written"):
            row = self._connection.execute(
                "INSERT INTO tried (at_unix_ns, what, data) VALUES (?, ?, ?) RETURNING id",
                (time.time_ns(), what, msgspec.json.encode(data)),
            ).fetchone()
            return int(row[0])

    def tried(self) -> list[StoredTrial]:
        """Return the trial log, the latest entry first."""
        with self._told("read"):
            found = self._connection.execute("SELECT id, at_unix_ns, what, data FROM tried ORDER BY id DESC")
            return [
                StoredTrial(number=number, at_unix_ns=at, what=what, data=msgspec.json.decode(data))
                for number, at, what, data in found
            ]

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turn any failure inside into a HistoryError that says what could not be done."""
        try:
            yield
        except (sqlite3.Error, OSError, *UNREADABLE) as error:
            raise HistoryError(f"The history {self.path} cannot be {what}: {reason(error)}.") from None


def _record(request_id: int, spec: bytes, record: bytes | None) -> RequestRecord:
    own = msgspec.structs.replace(unpack(spec, RequestSpec), request_id=request_id)
    return RequestRecord(spec=own) if record is None else unpack_record(record, own)


def _row(connection: sqlite3.Connection, number: int) -> RunRow | None:
    run = connection.execute(
        """SELECT uid, started_unix_ns, series, repeat, warm_up, simulated, excerpt, note, info
        FROM runs WHERE number = ?""",
        (number,),
    ).fetchone()
    if run is None:
        return None
    uid, started, series, repeat, warm_up, simulated, excerpt, note, info = run
    requests = connection.execute(
        """SELECT target, model, endpoint, status, ttft_ns, total_ns, output_tokens
        FROM requests WHERE run = ? ORDER BY lane""",
        (number,),
    )
    return RunRow(
        number=number,
        uid=uid,
        started_unix_ns=started,
        series=series,
        repeat=repeat,
        kind=_KINDS[warm_up],
        turn=None if series is None else msgspec.msgpack.decode(info, type=RunInfo).turn,
        simulated=bool(simulated),
        excerpt=excerpt,
        note=note,
        tags=_tags(connection, number),
        targets=tuple(
            TargetRow(**dict(zip(TargetRow.__struct_fields__, request, strict=True))) for request in requests
        ),
    )


def _tags(connection: sqlite3.Connection, number: int) -> tuple[str, ...]:
    found = connection.execute("SELECT tag FROM tags WHERE run = ? ORDER BY tag", (number,))
    return tuple(tag for (tag,) in found)


def _put_tags(connection: sqlite3.Connection, number: int, tags: Iterable[str]) -> None:
    connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(number, tag) for tag in tags])


def _where(wanted: RunFilter) -> tuple[str, tuple[object, ...]]:
    """Return the condition, which holds only words of ours, and the values for its question marks."""
    like = r"LIKE ? ESCAPE '\'"
    of_requests = "number IN (SELECT run FROM requests WHERE"
    conditions: list[tuple[str, tuple[object, ...]]] = []
    if wanted.model is not None:
        part = _pattern(wanted.model)
        conditions.append((f"{of_requests} model {like} OR target {like})", (part, part)))
    if wanted.endpoint is not None:
        conditions.append((f"{of_requests} endpoint {like})", (_pattern(wanted.endpoint),)))
    if wanted.since_unix_ns is not None:
        conditions.append(("started_unix_ns >= ?", (wanted.since_unix_ns,)))
    if wanted.until_unix_ns is not None:
        conditions.append(("started_unix_ns < ?", (wanted.until_unix_ns,)))
    if wanted.text is not None:
        conditions.append((f"plan IN (SELECT id FROM plans WHERE prompt {like})", (_pattern(wanted.text),)))  # noqa: S608 - our own words
    if wanted.tag is not None:
        conditions.append(("number IN (SELECT run FROM tags WHERE tag = ?)", (wanted.tag,)))
    if wanted.failed is not None:
        conditions.append(("unwell" if wanted.failed else "NOT unwell", ()))
    if wanted.simulated is not None:
        conditions.append(("simulated = ?", (wanted.simulated,)))
    if wanted.series is not None:
        conditions.append(("series = ?", (wanted.series,)))
    if not conditions:
        return "", ()
    return (
        "WHERE " + " AND ".join(condition for condition, _ in conditions),
        tuple(value for _, values in conditions for value in values),
    )


def _pattern(text: str) -> str:
    """Return the LIKE pattern for any text that contains this one."""
    for character in "\\%_":
        text = text.replace(character, f"\\{character}")
    return f"%{text}%"
