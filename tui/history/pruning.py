"""Deleting runs: chosen ones, and the oldest when a limit on age or size is set."""

import sqlite3
import time
from collections.abc import Iterable

from tui.config.schema import HistorySettings
from tui.history.database import transaction
from tui.history.writing import drop_unused

_NS_PER_DAY = 86_400_000_000_000
_BYTES_PER_MB = 1_000_000

_FREE = "NOT EXISTS (SELECT 1 FROM snapshot_runs WHERE snapshot_runs.run = number)"
"""Runs that a snapshot names stay."""


def bytes_used(connection: sqlite3.Connection) -> int:
    """What the stored runs take up in the database, bytes."""
    size, pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
    )
    return int(size * (pages - free))


def delete(connection: sqlite3.Connection, numbers: Iterable[int]) -> int:
    """Delete these runs with all that is kept of them; how many there were. Raises sqlite3.Error."""
    with transaction(connection):
        deleted = sum(connection.execute("DELETE FROM runs WHERE number = ?", (number,)).rowcount for number in numbers)
        drop_unused(connection)
    # A script, because one step of this statement frees one page, and a cursor takes a single step.
    connection.executescript("PRAGMA incremental_vacuum")
    return deleted


def prune(connection: sqlite3.Connection, settings: HistorySettings, now_unix_ns: int | None = None) -> int:
    """Delete what is older or more than the settings allow, the oldest first; how many runs that were.

    Raises sqlite3.Error.
    """
    deleted = 0
    if settings.keep_days:
        now = time.time_ns() if now_unix_ns is None else now_unix_ns
        before = now - settings.keep_days * _NS_PER_DAY
        rows = connection.execute(f"SELECT number FROM runs WHERE started_unix_ns < ? AND {_FREE}", (before,))  # noqa: S608
        if old := [number for (number,) in rows.fetchall()]:
            deleted += delete(connection, old)
    limit = settings.keep_mb * _BYTES_PER_MB
    while limit and (used := bytes_used(connection)) > limit:
        (stored,) = connection.execute("SELECT count(*) FROM runs").fetchone()
        # Half of what would do if all were alike, so that no more go than must.
        at_once = max(1, stored * (used - limit) // used // 2)
        rows = connection.execute(
            f"SELECT number FROM runs WHERE {_FREE} ORDER BY started_unix_ns LIMIT ?",  # noqa: S608
            (at_once,),
        )
        oldest = [number for (number,) in rows.fetchall()]
        if not oldest:
            break
        deleted += delete(connection, oldest)
    return deleted
