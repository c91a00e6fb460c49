"""Files: the suffix says the format, the owner alone may read, all of it or nothing."""

import json
import os
import stat
import tracemalloc
from functools import partial
from pathlib import Path

import msgspec
import pytest

from tui.core.events import Kind
from tui.core.run import LazyRuns, StoredRun
from tui.errors import HistoryError, UsageError
from tui.export.formats import Format, format_of, write
from tui.headless.results import results_of

from .samples import all_runs, rendered, simple_run


@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x.csv", "x.md", "x.html", "X.JSON"])
def test_the_suffix_says_the_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write(path, all_runs(), with_texts=False)
    assert path.read_bytes().decode() == rendered(all_runs(), format_of(path), with_texts=False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_another_suffix_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"name the file with one of \.json, \.jsonl, \.csv, \.md, \.html, \.toml\.$"):
        write(tmp_path / "x.xlsx", all_runs())
    write(tmp_path / "x.xlsx", all_runs(), Format.CSV)
    assert (tmp_path / "x.xlsx").read_bytes().startswith(b"run,")


def test_an_older_file_is_replaced_and_private(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("older")
    path.chmod(0o644)
    write(path, all_runs())
    assert path.read_text().startswith("{")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    write(tmp_path / "link.json", all_runs())
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text().startswith("{")


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    path = tmp_path / "x.json"
    path.write_text("older")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, fails, full)
    with pytest.raises(UsageError, match=r"x\.json cannot be written: no space left on device\.$"):
        write(path, all_runs())
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_and_a_pipe_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "dir.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    for name in ("dir.json", "pipe.json"):
        with pytest.raises(UsageError, match="that is not a file"):
            write(tmp_path / name, all_runs())
    with pytest.raises(UsageError, match="no such file or directory"):
        write(tmp_path / "none" / "x.json", all_runs())


@pytest.mark.parametrize("wanted", Format)
def test_without_runs_there_is_nothing_to_export(wanted: Format) -> None:
    with pytest.raises(UsageError, match="nothing to export"):
        rendered([], wanted)


@pytest.mark.parametrize("wanted", Format)
def test_every_format_says_simulated(wanted: Format) -> None:
    simulated, real = rendered([simple_run()], wanted), rendered([all_runs()[0]], wanted)
    if wanted is Format.JSON:
        assert json.loads(simulated)["simulated"] is json.loads(simulated)["requests"][0]["simulated"] is True
        assert json.loads(real)["simulated"] is json.loads(real)["requests"][0]["simulated"] is False
    elif wanted is Format.JSONL:
        assert [json.loads(line)["simulated"] for line in simulated.splitlines()] == [True] * 6
        assert [json.loads(line)["simulated"] for line in real.splitlines()] == [False]
    else:
        assert "SIMULATED" in simulated
        assert "SIMULATED" not in real


@pytest.mark.parametrize("wanted", [Format.JSON, Format.JSONL, Format.CSV])
def test_a_series_of_any_length_is_written_without_being_held(tmp_path: Path, wanted: Format) -> None:
    size, count = 100_000, 16

    def read(number: int, size: int = size) -> StoredRun:
        run = simple_run()
        run.info = msgspec.structs.replace(run.info, uid=f"{number}")
        run.requests[0].pieces = [(Kind.TEXT, chr(ord("a") + number % 26) * size)]
        return run

    # What is drawn for the intervals of as many is kept, and costs the same at any size.
    write(tmp_path / "x", LazyRuns(range(count), partial(read, size=1)), wanted)
    runs = LazyRuns(range(count), read)
    tracemalloc.start()
    try:
        write(tmp_path / "x", runs, wanted)
        results_of(runs, ())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "x").stat().st_size > size * count
    assert peak < size * count / 2


def test_a_file_that_is_cut_off_by_a_run_that_cannot_be_read_is_not_there(tmp_path: Path) -> None:
    def read(number: int) -> StoredRun:
        if number == 2:
            raise HistoryError("gone")
        return simple_run()

    path = tmp_path / "x.csv"
    path.write_text("what was there")
    with pytest.raises(HistoryError):
        write(path, LazyRuns(range(3), read))
    assert [each.name for each in tmp_path.iterdir()] == ["x.csv"]
    assert path.read_text() == "what was there"
