"""The database's schema, as the numbered steps that lead to it. A step that was released is never changed."""

import contextlib
import os
import sqlite3
from pathlib import Path

from tui.errors import HistoryError

Migration = tuple[str, ...]
"""The statements of one step."""

MIGRATIONS: tuple[Migration, ...] = (
    (
        # What was asked, once for all runs that asked it. `prompt` is there to be searched.
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
        # `record` is absent while the request is in flight; `writer` then says who has it.
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
        # What came for requests in flight, in batches of events; deleted once nothing of the writer is in flight.
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


def migrate(connection: sqlite3.Connection, path: Path, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Bring the schema of the database at `path` up to date, each step in one transaction.

    What is there is copied beside it first. Raises HistoryError for a schema newer than this program's, and
    sqlite3.Error.
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
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another program may have come first.
            version = _version(connection)
            for statement in migrations[version] if version < wanted else ():
                connection.execute(statement)
            version = max(version, min(version + 1, wanted))
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _back_up(connection: sqlite3.Connection, path: Path) -> None:
    """Copy the whole database to `path`, readable by its owner only; replaces an earlier try."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    with contextlib.closing(sqlite3.connect(beside)) as copy:
        connection.backup(copy)
    beside.replace(path)
