"""The database file: private, migrated step by step, refused if newer."""

import contextlib
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from tui.errors import HistoryError
from tui.history.database import MIGRATIONS, Migration, migrate
from tui.history.store import Store

from .making import stored

NEXT: tuple[Migration, ...] = (*MIGRATIONS, ("ALTER TABLE runs ADD COLUMN mood TEXT", "UPDATE runs SET mood = 'new'"))


def test_only_its_owner_reads_it(path: Path) -> None:
    before = os.umask(0)
    try:
        with Store(path) as store:
            store.add(stored())
            files = list(path.parent.iterdir())
            assert {file.name for file in files} >= {"history.db", "history.db-wal", "history.db-shm"}
            for file in files:
                assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_taken_from_them(path: Path) -> None:
    Store(path).close()
    path.chmod(0o644)
    Store(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def version_of(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_a_schema_moves_forward_after_a_backup(path: Path) -> None:
    with Store(path) as store:
        store.add(stored())
        migrate(store._connection, path, NEXT)
        assert store._connection.execute("SELECT mood FROM runs").fetchall() == [("new",)]
        assert store.count() == 1
    assert version_of(path) == len(NEXT)
    backup = path.with_name(f"history-before-schema-{len(NEXT)}.db")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert version_of(backup) == len(MIGRATIONS)
    with Store(backup) as store:
        assert store.count() == 1


def test_a_step_that_fails_changes_nothing(path: Path) -> None:
    broken = (*MIGRATIONS, ("ALTER TABLE runs ADD COLUMN mood TEXT", "UPDATE nowhere SET mood = 1"))
    with Store(path) as store:
        store.add(stored())
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            migrate(store._connection, path, broken)
        assert "mood" not in [row[1] for row in store._connection.execute("PRAGMA table_info(runs)")]
    assert version_of(path) == len(MIGRATIONS)


def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    with Store(path) as store:
        migrate(store._connection, path, NEXT)
    before = path.read_bytes()
    with pytest.raises(HistoryError, match=r"newer latency-tui .* update latency-tui"):
        Store(path)
    assert path.read_bytes() == before
