"""Spill file: finished requests that could not be written to the database, as lines of JSON, until they can be."""

import contextlib
import fcntl
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tui.config.paths import open_private, private_directory
from tui.core.plan import Plan
from tui.core.record import RequestRecord
from tui.core.run import RunInfo
from tui.history.database import transaction
from tui.history.rows import put_request, put_run

_PREFIX = "latency-tui-spill-"
_ENDING = ".jsonl"


class SpilledRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the file: a finished request with its run and plan."""

    info: RunInfo
    plan: Plan
    lane: int
    record: RequestRecord


class Spill:
    """Spill file of one program, made on first use beside the database or in the temp directory."""

    def __init__(self, directory: Path, writer: str) -> None:
        self._places = _places(directory)
        self._name = f"{_PREFIX}{writer}{_ENDING}"
        self._handle: int | None = None
        self.path: Path | None = None
        """Path of the file; None while there is none."""

    def write(self, kept: list[SpilledRequest]) -> None:
        """Append lines and sync them to the disk. Raises OSError if no place takes them."""
        data = msgspec.json.Encoder().encode_lines(kept)
        if self._handle is not None and self.path is not None:
            with contextlib.suppress(OSError):
                return self._append(self._handle, data)
            # The next start takes in the lines that are there already.
            self._places.remove(self.path.parent)
            self.close()
        problem: OSError = OSError("there is no place for it")
        for place in self._places:
            try:
                return self._begin(place / self._name, data)
            except OSError as error:
                problem = error
        raise problem

    def _begin(self, path: Path, data: bytes) -> None:
        if not path.parent.exists():
            private_directory(path.parent)
        handle = open_private(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
        try:
            # Other programs leave a locked file alone.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._append(handle, data)
        except OSError:
            with contextlib.suppress(OSError):
                if not os.fstat(handle).st_size:
                    path.unlink()
            os.close(handle)
            raise
        self._handle, self.path = handle, path

    def _append(self, handle: int, data: bytes) -> None:
        """Append all of `data` or nothing, because half a line would spoil the next one."""
        before = os.fstat(handle).st_size
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(handle, before)
            raise

    def discard(self) -> None:
        """Empty and close the file: the database has everything now."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, 0)
        self.close()

    def close(self) -> None:
        """Close the file, and leave it for the next start unless it is empty."""
        if self._handle is not None and self.path is not None:
            if not os.fstat(self._handle).st_size:
                with contextlib.suppress(OSError):
                    self.path.unlink()
            os.close(self._handle)
        self._handle = self.path = None


def take_in(connection: sqlite3.Connection, directory: Path) -> int:
    """Store the requests in spill files of earlier programs, remove the files, and return the number of requests.

    Leaves the file of a live program alone. Renames and keeps a file with lines that cannot be read. Raises
    sqlite3.Error.
    """
    taken = 0
    for place in _places(directory):
        for path in place.glob(f"{_PREFIX}*{_ENDING}"):
            with contextlib.suppress(OSError, UnicodeDecodeError), _claimed(path) as data:
                kept, all_read = _lines(data)
                with transaction(connection):
                    for one in kept:
                        put_request(connection, put_run(connection, one.info, one.plan), one.lane, one.record)
                taken += len(kept)
                path.unlink() if all_read else path.replace(path.with_suffix(".unread"))
    return taken


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[bytes]:
    """Lock a spill file of ours that no program writes, and yield its content. Raises OSError for others."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(f"{path} is not ours")
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with os.fdopen(os.dup(handle), "rb") as file:
            yield file.read()
    finally:
        os.close(handle)


def _lines(data: bytes) -> tuple[list[SpilledRequest], bool]:
    """Return the lines that can be read, and whether these are all."""
    decoder = msgspec.json.Decoder(SpilledRequest)
    kept: list[SpilledRequest] = []
    lines = data.splitlines()
    for line in lines:
        with contextlib.suppress(msgspec.MsgspecError):
            kept.append(decoder.decode(line))
    return kept, len(kept) == len(lines)


def _places(directory: Path) -> list[Path]:
    try:
        return list(dict.fromkeys((directory, Path(tempfile.gettempdir()))))
    except FileNotFoundError:  # it tries to write there: every disk is full
        return [directory]
