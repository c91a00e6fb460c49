"""The spill file: finished requests that the database did not take, as lines of JSON, until it does."""

import contextlib
import fcntl
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tui.core.plan import Plan
from tui.core.record import RequestRecord
from tui.core.run import RunInfo
from tui.history.database import make_private_directory, transaction
from tui.history.writing import put_request, put_run

_PREFIX = "latency-tui-spill-"
_ENDING = ".jsonl"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One finished request with all that its run needs: a line of the file."""

    info: RunInfo
    plan: Plan
    lane: int
    record: RequestRecord


class Spill:
    """One program's spill file, made when it is first needed: beside the database, or else in the temp directory."""

    def __init__(self, directory: Path, writer: str) -> None:
        self._places = _places(directory)
        self._name = f"{_PREFIX}{writer}{_ENDING}"
        self._handle: int | None = None
        self.path: Path | None = None
        """Where it is; None while there is none."""

    def write(self, kept: list[Kept]) -> None:
        """Append lines and have them on the disk. Raises OSError if no place takes them."""
        data = msgspec.json.Encoder().encode_lines(kept)
        if self._handle is not None and self.path is not None:
            with contextlib.suppress(OSError):
                return self._append(self._handle, data)
            # What stands there already is taken in at the next start.
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
            make_private_directory(path.parent)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            # Others leave it alone as long as it is locked.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._append(handle, data)
        except OSError:
            os.close(handle)
            raise
        self._handle, self.path = handle, path

    def _append(self, handle: int, data: bytes) -> None:
        """All of `data`, or nothing: half a line would spoil what follows."""
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
        """The database has it all now."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, 0)
        self.close()

    def close(self) -> None:
        """Leave the file, if there is anything in it, for the next start."""
        if self._handle is not None and self.path is not None:
            if not os.fstat(self._handle).st_size:
                with contextlib.suppress(OSError):
                    self.path.unlink()
            os.close(self._handle)
        self._handle = self.path = None


def take_in(connection: sqlite3.Connection, directory: Path) -> int:
    """Store what earlier programs spilled, and remove their files; how many requests that were.

    A file whose program is alive is left alone. One with lines that cannot be read is renamed and kept. Raises
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
    """The content of a spill file of ours that nobody writes. Raises OSError for any other."""
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


def _lines(data: bytes) -> tuple[list[Kept], bool]:
    """The lines that can be read, and whether those are all."""
    decoder = msgspec.json.Decoder(Kept)
    kept: list[Kept] = []
    lines = data.splitlines()
    for line in lines:
        with contextlib.suppress(msgspec.MsgspecError):
            kept.append(decoder.decode(line))
    return kept, len(kept) == len(lines)


def _places(directory: Path) -> list[Path]:
    return list(dict.fromkeys((directory, Path(tempfile.gettempdir()))))
