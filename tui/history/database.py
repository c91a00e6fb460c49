"""The database: opened private to its owner, in WAL mode and at this program's schema, or set aside when damaged.

The schema is a list of numbered steps. A step that was released is never changed.
"""

import contextlib
import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from tui.config.paths import open_private, private_directory
from tui.errors import HistoryError

BUSY_TIMEOUT_S = 5.0
"""Longest wait for the transaction of another program; ours take milliseconds."""

_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

Migration = tuple[str, ...]
"""Statements of one step."""

MIGRATIONS: tuple[Migration, ...] = (
    (
        # One row per distinct plan. `prompt` is there to be searched.
        """CREATE TABLE plans (
            id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, prompt TEXT NOT NULL, data BLOB NOT NULL)""",
        "CREATE TABLE specs (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, data BLOB NOT NULL)",
        # `warm_up` is 2 for a run of a sweep.
        # `ttft_ns` and `total_ns` are the shortest of the run's complete answers, for sorting.
        """CREATE TABLE runs (
            number INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE, started_unix_ns INTEGER NOT NULL,
            series TEXT, repeat INTEGER NOT NULL, warm_up INTEGER NOT NULL, simulated INTEGER NOT NULL,
            unwell INTEGER NOT NULL DEFAULT 0, ttft_ns INTEGER, total_ns INTEGER,
            plan INTEGER NOT NULL REFERENCES plans, excerpt TEXT NOT NULL, note TEXT NOT NULL DEFAULT '',
            info BLOB NOT NULL)""",
        "CREATE INDEX runs_started ON runs (started_unix_ns)",
        "CREATE INDEX runs_ttft ON runs (ttft_ns)",
        "CREATE INDEX runs_total ON runs (total_ns)",
        "CREATE INDEX runs_series ON runs (series) WHERE series IS NOT NULL",
        "CREATE INDEX runs_unwell ON runs (unwell) WHERE unwell",
        "CREATE INDEX runs_plan ON runs (plan)",
        # `record` is NULL while the request is in flight; `writer` then names the program that has it.
        """CREATE TABLE requests (
            run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, lane INTEGER NOT NULL,
            writer TEXT, request_id INTEGER NOT NULL, target TEXT NOT NULL, model TEXT NOT NULL,
            endpoint TEXT NOT NULL, simulated INTEGER NOT NULL, status TEXT NOT NULL,
            ttft_ns INTEGER, total_ns INTEGER, output_tokens INTEGER,
            spec INTEGER NOT NULL REFERENCES specs, record BLOB,
            PRIMARY KEY (run, lane))""",
        "CREATE INDEX requests_model ON requests (model, run)",
        "CREATE INDEX requests_endpoint ON requests (endpoint, run)",
        "CREATE INDEX requests_spec ON requests (spec)",
        "CREATE INDEX requests_writer ON requests (writer) WHERE writer IS NOT NULL",
        # Events of requests in flight, in batches; deleted once the writer has nothing in flight.
        "CREATE TABLE journal (writer TEXT NOT NULL, batch INTEGER NOT NULL, events BLOB NOT NULL,"
        " PRIMARY KEY (writer, batch)) WITHOUT ROWID",
        "CREATE TABLE tags (run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, tag TEXT NOT NULL,"
        " PRIMARY KEY (run, tag)) WITHOUT ROWID",
        "CREATE INDEX tags_tag ON tags (tag, run)",
        "CREATE TABLE snapshots (name TEXT PRIMARY KEY, made_unix_ns INTEGER NOT NULL) WITHOUT ROWID",
        """CREATE TABLE snapshot_runs (
            name TEXT NOT NULL REFERENCES snapshots ON DELETE CASCADE, place INTEGER NOT NULL,
            run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, PRIMARY KEY (name, place)) WITHOUT ROWID""",
        "CREATE INDEX snapshot_runs_run ON snapshot_runs (run)",
        "CREATE TABLE tried (id INTEGER PRIMARY KEY, at_unix_ns INTEGER NOT NULL, what TEXT NOT NULL,"
        " data BLOB NOT NULL)",
    ),
)


def connect(path: Path) -> sqlite3.Connection:
    """Open the database at `path`, at the current schema; make it if missing (0600, its directory 0700).

    Transactions are begun explicitly. Raises OSError, sqlite3.Error, and HistoryError for a newer schema or
    what is no file.
    """
    private_directory(path.parent)
    # SQLite would make it 0644. The -wal and -shm files beside it take its mode.
    handle = open_private(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise HistoryError(f"{path} is no ordinary file: move it away.")
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


def migrate(connection: sqlite3.Connection, path: Path, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Bring the schema of the database at `path` up to date, each step in one transaction.

    Copies an older database beside it first. Raises sqlite3.Error, and HistoryError for a schema newer than ours.
    """
    wanted = len(migrations)
    version = _version(connection)
    if version > wanted:
        raise HistoryError(
            f"The history {path} was written by a newer latency-tui (schema {version}, this one knows {wanted}): "
            "update latency-tui, or move the file away."
        )
    if 0 < version < wanted:
        _back_up(connection, path.with_name(f"{path.stem}-before-schema-{wanted}{path.suffix}"))
    while version < wanted:
        with transaction(connection):
            # Another program may have come first.
            version = _version(connection)
            for statement in migrations[version] if version < wanted else ():
                connection.execute(statement)
            version = max(version, min(version + 1, wanted))
            connection.execute(f"PRAGMA user_version = {version}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _back_up(connection: sqlite3.Connection, path: Path) -> None:
    """Copy the whole database to `path`, readable by its owner only, in place of an earlier copy."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    os.close(open_private(beside, os.O_WRONLY | os.O_TRUNC))
    with contextlib.closing(sqlite3.connect(beside)) as copy:
        connection.backup(copy)
    beside.replace(path)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Commit everything executed inside, or nothing of it. Raises sqlite3.Error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # When the disk is full, SQLite has rolled back already and reports that.
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def is_corrupt(error: Exception) -> bool:
    """Report whether SQLite found the file damaged, or no database at all."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _CORRUPT


def reason(error: Exception) -> str:
    """Return the reason of a failure, worded for the middle of a sentence."""
    text = str(error) if isinstance(error, HistoryError) else getattr(error, "strerror", None) or str(error)
    return text[:1].lower() + text[1:].rstrip(".")


def set_aside(path: Path) -> Path | None:
    """Move a damaged database out of the way, and return its new path, or None if it is whole. Raises OSError.

    When two programs find the damage at once, the second finds the new database of the first and leaves it alone.
    """
    lock = open_private(path.with_name(f"{path.name}.lock"), os.O_RDWR)
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
    """Report whether SQLite finds no damage. Reads the whole file."""
    if not path.exists():
        return True
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
        try:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        except sqlite3.DatabaseError as error:
            if is_corrupt(error):
                return False
            raise
