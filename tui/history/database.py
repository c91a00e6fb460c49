"""Opening the database: private to its owner, in WAL mode, at this program's schema; and setting a broken one aside."""

import contextlib
import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from tui.errors import HistoryError
from tui.history.migrations import migrate

BUSY_TIMEOUT_S = 5.0
"""How long one program waits for another's transaction; all of ours take milliseconds."""

_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def connect(path: Path) -> sqlite3.Connection:
    """The database at `path`, made if it is not there (0600, its directory 0700), with the current schema.

    Transactions are begun explicitly. Raises OSError, sqlite3.Error, and HistoryError for a newer schema.
    """
    make_private_directory(path.parent)
    # Made before SQLite does it, which would make it 0644; the -wal and -shm beside it get the same mode.
    handle = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if stat.S_IMODE(os.fstat(handle).st_mode) & 0o077:
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        if not connection.execute("PRAGMA schema_version").fetchone()[0]:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def make_private_directory(path: Path) -> None:
    """Make `path`, 0700, or take it from others if it is ours. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        with contextlib.suppress(PermissionError):
            path.chmod(mode & 0o700)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing of what is executed inside. Raises sqlite3.Error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # After a full disk SQLite has rolled back by itself, and says so.
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def is_corrupt(error: Exception) -> bool:
    """Whether SQLite says that the file is damaged, or no database at all."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _CORRUPT


def reason(error: Exception) -> str:
    """What went wrong, as the middle of a sentence."""
    text = str(error) if isinstance(error, HistoryError) else getattr(error, "strerror", None) or str(error)
    return text[:1].lower() + text[1:].rstrip(".")


def set_aside(path: Path) -> Path | None:
    """Move a damaged database out of the way; where to, or None if it was whole after all. Raises OSError.

    Two programs may come upon it at once: the second finds the first one's new database and leaves that alone.
    """
    lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_whole(path):
            return None
        aside = path.with_name(f"{path.stem}-damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}{path.suffix}")
        path.rename(aside)
        for ending in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
        return aside
    finally:
        os.close(lock)


def _is_whole(path: Path) -> bool:
    """Whether SQLite finds no damage. Reads the whole file."""
    if not path.exists():
        return True
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
        try:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        except sqlite3.DatabaseError as error:
            if is_corrupt(error):
                return False
            raise
