"""The writer: whatever fails, no result is lost."""

import contextlib
import itertools
import shutil
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tui.history.store import Store
from tui.history.writer import Writer

from .making import SETTINGS, items, read, stored, writes

FULL = sqlite3.OperationalError("database or disk is full")


class Failing(sqlite3.Connection):
    """A connection whose n-th statement fails, alone or with all that follow."""

    left = 0
    lasting = False
    error: Exception = FULL

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        Failing.left -= 1
        if Failing.left == 0 or (Failing.lasting and Failing.left < 0):
            raise Failing.error
        return super().execute(*arguments)


def statements(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Count the statements that one run takes, from opening the database to closing it."""
    with monkeypatch.context() as patch:
        patch.setattr("tui.history.database.sqlite3.connect", partial(sqlite3.connect, factory=Failing))
        patch.setattr(Failing, "left", 0)
        writes(path, [])
        return -Failing.left


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("error", [FULL, OSError(5, "Input/output error")], ids=["sqlite", "os"])
def test_a_write_that_fails_anywhere_loses_nothing(
    fast_disk: Path, monkeypatch: pytest.MonkeyPatch, lasting: bool, error: Exception
) -> None:
    count = statements(fast_disk / "count" / "history.db", monkeypatch)
    assert count > 50
    silent = 0
    for point in range(1, count + 1):
        path, said = fast_disk / str(point) / "history.db", list[str]()
        with monkeypatch.context() as patch:
            patch.setattr("tui.history.database.sqlite3.connect", partial(sqlite3.connect, factory=Failing))
            patch.setattr(Failing, "left", point)
            patch.setattr(Failing, "lasting", lasting)
            patch.setattr(Failing, "error", error)
            writes(path, said)
        silent += not said
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert read(path).requests == stored().requests, f"statement {point}: {said}"
        assert not list(path.parent.glob("*spill*"))
    # A statement that fails is said, unless it was in the tidying up.
    assert silent < count * 0.1


@pytest.mark.parametrize("how", ["deleted", "all deleted", "directory deleted", "replaced"])
def test_a_history_that_goes_away_while_in_use_is_noticed(path: Path, how: str) -> None:
    said = list[str]()
    writer = Writer(path, "w", SETTINGS, said.append)
    writer.open()
    run = list(itertools.chain.from_iterable(items()))
    writer.commit(run)
    match how:
        case "deleted":
            path.unlink()
        case "all deleted":
            for file in path.parent.glob("history.db*"):
                file.unlink()
        case "directory deleted":
            shutil.rmtree(path.parent)
        case "replaced":
            with Store(path.with_name("other.db")) as store:
                store.add(stored())
            path.with_name("other.db").rename(path)
    writer.commit(run)
    writer.commit(run)
    writer.close()
    (sentence,) = said
    assert "was deleted or replaced while in use" in sentence
    assert writer.left_out is None
    assert read(path).requests == stored().requests


def broken_database(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database, but it is long enough" * 1_000)


def damaged_inside(path: Path) -> None:
    with Store(path) as store:
        store.add(stored())
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [broken_database, damaged_inside])
def test_a_damaged_database_is_set_aside_and_a_new_one_begun(path: Path, damage: Callable[[Path], None]) -> None:
    damage(path)
    before = path.read_bytes()
    said: list[str] = []
    writes(path, said)
    (aside,) = path.parent.glob("history-damaged-*.db")
    assert aside.read_bytes() == before
    assert len(said) == 1
    assert aside.name in said[0]
    assert read(path).requests == stored().requests


def test_a_database_damaged_while_in_use_is_set_aside(path: Path) -> None:
    said: list[str] = []
    writer = Writer(path, "w", SETTINGS, said.append)
    writer.open()
    batches = items()
    for batch in batches[:3]:
        writer.commit(batch)
    # What another program writes makes the writer read the file anew.
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE runs SET uid = uid")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * (path.stat().st_size - 100))
    writer.commit(batches[3])
    writer.close()
    assert any("is damaged" in sentence for sentence in said)
    assert read(path).requests[-1] == stored().requests[-1]
