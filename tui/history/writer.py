"""Writer: the recorder's transactions, and a safe place for results when a transaction fails. Runs on one thread."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from tui.config.schema import HistorySettings
from tui.core.events import Event
from tui.core.plan import Plan, RequestSpec
from tui.core.record import RequestRecord
from tui.core.run import RunInfo
from tui.core.wording import counted
from tui.errors import HistoryError
from tui.history import spill
from tui.history.codec import UNREADABLE
from tui.history.database import connect, is_corrupt, reason, set_aside, transaction
from tui.history.interruption import WriterLock, add_events, adopt, clear_events, take_note
from tui.history.rows import prune_at_start, put_open_requests, put_request, put_run

_FAILURES = (sqlite3.Error, OSError, HistoryError, *UNREADABLE)


class OpenRun(msgspec.Struct, kw_only=True):
    """A run that has begun; `info` is replaced as more is known."""

    info: RunInfo
    plan: Plan
    specs: tuple[RequestSpec, ...]


class Begun(msgspec.Struct, frozen=True):
    """A run was sent."""

    run: OpenRun


class Known(msgspec.Struct, frozen=True):
    """More is known of a run."""

    run: OpenRun


class Came(msgspec.Struct, frozen=True):
    """Events arrived for requests in flight."""

    events: list[Event]


class Ended(msgspec.Struct, frozen=True):
    """A request has ended; `record` no longer changes."""

    run: OpenRun
    lane: int
    record: RequestRecord


Item = Begun | Known | Came | Ended


class Writer:
    """Writes the recorder's items. A failure is never raised: it is reported, and results go to the spill file."""

    def __init__(self, path: Path, uid: str, settings: HistorySettings, say: Callable[[str], None]) -> None:
        """Prepare to write to the database at `path` as the writer `uid`, and to report problems with `say`."""
        self._path = path
        self._uid = uid
        self._settings = settings
        self._say = say
        self.on_interrupted: Callable[[int], None] = lambda _requests: None
        """Called with the number of requests, if any, that earlier programs had in flight when they ended."""
        self.left_out: str | None = None
        """A sentence on results that are not in the database; set by `close`."""
        self.lost = 0
        """Number of results that are nowhere on a disk; set by `close`."""
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        """Device and inode of the file that is open."""
        self._lock: WriterLock | None = None
        self._spill = spill.Spill(path.parent, uid)
        self._unsaved: list[Ended] = []
        """Finished requests that the database has not taken yet."""
        self._failing = False
        self._kept = ""
        """Place of results while the database takes none, as it was last said."""
        self._journaling = False
        """False from a failure until the next run: a journal with a gap would yield a wrong text."""
        self._open: set[tuple[str, int]] = set()
        """Requests that are in flight in the database: the run's uid and the lane."""
        self._spilled = 0
        """Number of `_unsaved` that are in the spill file, from the first."""
        self._batch = 0
        self._durable = True

    @property
    def is_behind(self) -> bool:
        """True while the database lacks results that have ended."""
        return self._failing or bool(self._unsaved)

    def open(self) -> None:
        """Open the database, take in what dead programs left, and prune. Reports what fails."""
        try:
            self._opened()
        except _FAILURES as error:
            self._fail(error, [])

    def commit(self, items: list[Item]) -> None:
        """Write these items in one transaction, together with results that failed before."""
        if self._failing:
            # Only results are worth another attempt, which may block on the disk.
            items = [item for item in items if isinstance(item, Ended)]
            if not items:
                return
        ended = [item for item in items if isinstance(item, Ended)]
        try:
            try:
                self._write(items)
            except sqlite3.DatabaseError as error:
                if self._connection is None or not is_corrupt(error):
                    raise
                self._begin_anew(error)
                self._write(list(ended))
        except _FAILURES as error:
            self._journaling = False
            self._fail(error, ended)
        else:
            self._recovered()

    def close(self) -> None:
        """Write results that failed before once more, and close. Those that fail again stay in the spill file."""
        if self._unsaved:
            try:
                self._write([])
                self._recovered()
            except _FAILURES as error:
                self._fail(error, [])
        self.left_out = self._left_out()
        self._spill.close()
        self._disconnect()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None and _identity(self._path) != self._file:
            self._say(
                f"The history {self._path} was deleted or replaced while in use: results go into what is there now."
            )
            self._disconnect()
        if self._connection is None:
            try:
                self._connection = self._open_once()
            except sqlite3.DatabaseError as error:
                if not is_corrupt(error):
                    raise
                self._set_aside(error)
                self._connection = self._open_once()
            self._file = _identity(self._path)
            self._durable = True
        return self._connection

    def _open_once(self) -> sqlite3.Connection:
        connection = connect(self._path)
        try:
            if self._lock is None:
                self._lock = WriterLock(self._path.parent, self._uid)
            directory = self._path.parent
            adopted = adopt(connection, directory, self._uid)
            # A program that was cut off and then died left both a note and a journal.
            if interrupted := max(adopted, take_note(directory)):
                self.on_interrupted(interrupted)
            spill.take_in(connection, directory)
            prune_at_start(connection, self._settings, self._say)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self, error: Exception) -> None:
        aside = set_aside(self._path)
        if aside is not None:
            self._say(
                f"The history {self._path} is damaged ({reason(error)}): it is now {aside.name}; a new one begins."
            )

    def _begin_anew(self, error: Exception) -> None:
        """Set aside a database found damaged while in use. The next write opens a new one."""
        self._disconnect()
        self._set_aside(error)

    def _disconnect(self) -> None:
        """Let go of a database that is no longer there. The next write opens a new one."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        self._open.clear()
        self._journaling = False

    def _write(self, items: list[Item]) -> None:
        connection = self._opened()
        ended = [*self._unsaved, *(item for item in items if isinstance(item, Ended))]
        begun = [item.run for item in items if isinstance(item, Begun)]
        events = [event for item in items if isinstance(item, Came) for event in item.events]
        journaling, in_flight = self._journaling or bool(begun), set(self._open)
        self._sync(connection, durable=bool(ended))
        with transaction(connection):
            for run in begun:
                number = put_run(connection, run.info, run.plan)
                put_open_requests(connection, number, run.specs, self._uid)
                in_flight |= {(run.info.uid, lane) for lane in range(len(run.specs))}
            for item in items:
                if isinstance(item, Known):
                    put_run(connection, item.run.info, item.run.plan)
            for one in ended:
                put_request(connection, put_run(connection, one.run.info, one.run.plan), one.lane, one.record)
            in_flight -= {(one.run.info.uid, one.lane) for one in ended}
            if not in_flight:
                clear_events(connection, self._uid)
            elif journaling and events:
                add_events(connection, self._uid, self._batch, events)
        self._batch += 1
        self._open, self._journaling = in_flight, journaling

    def _sync(self, connection: sqlite3.Connection, *, durable: bool) -> None:
        """Choose whether the next transaction outlives a power cut, or only the program.

        A result must outlive a power cut before it is shown. The journal need not: syncing it several times a second
        would keep the disk busy for little.
        """
        if durable != self._durable:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable

    def _fail(self, error: Exception, ended: list[Ended]) -> None:
        self._unsaved += ended
        lines = [
            spill.SpilledRequest(info=one.run.info, plan=one.run.plan, lane=one.lane, record=one.record)
            for one in self._unsaved[self._spilled :]
        ]
        kept = ""
        if lines:
            try:
                self._spill.write(lines)
            except (OSError, *UNREADABLE):
                pass
            else:
                self._spilled = len(self._unsaved)
        if self._spilled < len(self._unsaved):
            kept = "results are kept in memory only"
        elif self._unsaved:
            kept = f"results go to {self._spill.path}, and into the history once that can be"
        if not self._failing:
            self._say(f"The history {self._path} cannot be written ({reason(error)}){': ' * bool(kept)}{kept}.")
        elif kept and kept != self._kept:
            self._say(f"{kept[0].upper()}{kept[1:]}.")
        self._failing, self._kept = True, kept or self._kept

    def _left_out(self) -> str | None:
        if not (count := len(self._unsaved)):
            return None
        if lost := count - self._spilled:
            self.lost = lost
            return f"Not stored, since they were in memory only: {counted(lost, 'result')} of this session."
        return f"Not yet in the history, but in {self._spill.path}: {counted(count, 'result')} of this session."

    def _recovered(self) -> None:
        self._unsaved.clear()
        self._spilled = 0
        self._kept = ""
        self._spill.discard()
        if self._failing:
            self._failing = False
            self._say(f"The history {self._path} can be written again; all results are in it.")


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file at `path`; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
