"""The spill file: results that the database cannot take wait for the next start."""

import contextlib
import itertools
import json
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.history import spill
from tui.history.database import MIGRATIONS
from tui.history.store import Store
from tui.history.writer import Writer

from .making import SETTINGS, info, items, read, stored, writes


def test_a_newer_schema_is_said_and_results_are_spilled_beside_it(path: Path) -> None:
    with Store(path) as store:
        store._connection.execute("PRAGMA user_version = 999")
    said: list[str] = []
    writes(path, said)
    assert len(said) == 2
    assert "newer latency-tui" in said[0]
    (file,) = path.parent.glob("latency-tui-spill-*.jsonl")
    assert str(file) in said[1]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [json.loads(line)["record"]["status"] for line in file.read_text().splitlines()] == ["done", "done"]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (999,)
        # With the program that knows it, the results come in.
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    assert read(path).requests == stored().requests
    assert not file.exists()


def test_without_a_directory_results_are_spilled_to_the_temp_directory(
    tmp_path: Path, path: Path, temp_directory: Path
) -> None:
    path.parent.write_text("a file stands where the directory should")
    said: list[str] = []
    writes(path, said)
    (file,) = temp_directory.glob("latency-tui-spill-*.jsonl")
    assert str(file) in said[1]
    path.parent.unlink()
    assert read(path).requests == stored().requests
    assert not file.exists()


@pytest.fixture
def nobodys_directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of a user who is not root, as whom the test goes on; modes mean nothing to root."""
    # Not under tmp_path, which that user may not enter.
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        (Path(name) / "temp").mkdir()
        (Path(name) / "data").mkdir(0o700)
        monkeypatch.setattr(tempfile, "tempdir", f"{name}/temp")
        root = os.geteuid() == 0
        if root:
            for made in (name, f"{name}/temp", f"{name}/data"):
                os.chown(made, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)
            (Path(name) / "data").chmod(0o700)


def test_a_read_only_database_stops_nothing(nobodys_directory: Path) -> None:
    path = nobodys_directory / "data" / "history.db"
    with Store(path) as store:
        store.add(stored())
    path.chmod(0o400)
    path.parent.chmod(0o500)
    said: list[str] = []
    writes(path, said)
    (file,) = (nobodys_directory / "temp").glob("latency-tui-spill-*.jsonl")
    assert len(said) == 2
    assert str(file) in said[1]
    path.chmod(0o600)
    path.parent.chmod(0o700)
    assert read(path).requests == stored().requests
    assert not file.exists()


def test_with_no_place_at_all_the_program_says_so_and_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.write_text("")
    monkeypatch.setattr(spill, "_places", lambda directory: [directory])
    said: list[str] = []
    writes(path, said)
    assert said == [f"The history {path} cannot be written (file exists).", "Results are kept in memory only."]


def test_a_file_is_named_only_once_a_result_is_in_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk opens an empty file without a word, and takes no line."""
    path.parent.write_text("")
    said = list[str]()
    writer = Writer(path, "w", SETTINGS, said.append)
    writer.open()
    assert said == [f"The history {path} cannot be written (file exists)."]
    assert not list(Path(tempfile.gettempdir()).glob("latency-tui-spill-w*"))
    run = list(itertools.chain.from_iterable(items()))
    with monkeypatch.context() as patch:
        patch.setattr(spill.Spill, "_append", _full)
        writer.commit(run)
    assert said[1:] == ["Results are kept in memory only."]
    writer.commit(run)
    assert said[2].startswith("Results go to ")
    monkeypatch.setattr(spill.Spill, "_append", _full)
    writer.commit(run)
    assert said[3:] == ["Results are kept in memory only."]
    writer.close()
    assert writer.lost == 2
    assert writer.left_out == "Not stored, since they were in memory only: 2 results of this session."


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_spill_of_a_live_program_is_left_to_it(path: Path) -> None:
    with Store(path) as store:
        store._connection.execute("PRAGMA user_version = 999")
    writer = Writer(path, "w", SETTINGS, lambda _sentence: None)
    writer.open()
    for batch in items()[:3]:
        writer.commit(batch)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    with Store(path) as store:
        assert store.count() == 0
    # It can write again: all it kept goes in, and its spill goes.
    writer.commit(items()[3])
    writer.close()
    assert read(path).requests == stored().requests
    assert not list(path.parent.glob("*spill*"))


def test_a_spill_with_a_line_that_cannot_be_read_is_kept(path: Path) -> None:
    path.parent.mkdir()
    made = spill.Spill(path.parent, "dead")
    run = stored(about=info(uid="the-run"))
    made.write([spill.SpilledRequest(info=run.info, plan=run.plan, lane=0, record=run.requests[0])])
    made.close()
    (file,) = path.parent.glob("*.jsonl")
    with file.open("a") as end:
        end.write('{"info": {"uid"')
    assert read(path).requests == run.requests[:1]
    assert file.with_suffix(".unread").exists()
