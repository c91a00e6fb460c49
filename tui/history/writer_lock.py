"""Which programs are alive that write to the history: each holds a lock that the kernel frees when it ends.

A process id could be another's by now, or be that of another container; a lock cannot.
"""

import contextlib
import fcntl
import os
from pathlib import Path


def _file(directory: Path, writer: str) -> Path:
    return directory / "writers" / f"{writer}.lock"


class WriterLock:
    """Says that the writer `writer` of the history in `directory` is alive, until `release` or the process's end."""

    def __init__(self, directory: Path, writer: str) -> None:
        """Raises OSError."""
        self._path = _file(directory, writer)
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def release(self) -> None:
        """The writer has ended in order."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._handle)


def is_alive(directory: Path, writer: str) -> bool:
    """Whether that writer holds its lock. A dead one's lock file is removed."""
    path = _file(directory, writer)
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
