"""The key that all tests give to the program, and the search for it in all that is written while they run.

A plugin of pytest's, loaded by `conftest.py`. It looks through

- every file below the tests' temporary directories at the end of the session (pyproject.toml has pytest keep them until
  then), the compressed columns of databases too;
- what a test's processes print, as pytest captures it, and what `refuse` is given: whatever comes from terminals and
  pipes;
- arguments and environment of every process that the program starts, but the engine's environment: see `watched`.

What is found fails the run. A session split by xdist is searched by each worker, and the controller tells of it.

PYTEST_DONT_REWRITE: tests import it before pytest loads it.
"""

import base64
import contextlib
import os
import re
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

KEY = "sk-ant-api03-Canary7f3Kq9ZtW2mBxQ5-0000"
"""What tests set as the API key. It is nobody's."""

SPARE = {"SPARE_API_KEY": KEY}
"""For runs that need no key: one that the program has no use for, and nothing to do with."""

_CORE = b"Canary7f3Kq9ZtW2mBxQ5"
"""Found even without its ends."""
_FORMS = (
    _CORE,
    _CORE.decode().encode("utf-16-le"),
    _CORE.hex().encode(),
    # In base64 what stands before shifts it by 0 to 2 characters; the ends depend on the neighbours.
    *(base64.b64encode(b"\0" * shift + _CORE)[4:-4] for shift in range(3)),
)
_BETWEEN = re.compile(rb"\x1b\[[0-9;:?]*[A-Za-z]|\s+")
"""What a terminal's output may have within a word that is wrapped or painted in parts."""

_FOUND = pytest.StashKey[list[str]]()
_WATCHED = pytest.StashKey[Path]()


def holds_key(data: bytes) -> bool:
    """Whether the key stands in `data`: plainly, in base64, hexadecimal or UTF-16."""
    return any(form in data for form in _FORMS)


def refuse(data: bytes | str, where: str) -> None:
    """Fail if the key stands in what was written to `where`, be it broken by line ends and escape sequences."""
    data = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    assert not holds_key(data), f"the key stands in {where}"
    assert not holds_key(_BETWEEN.sub(b"", data)), f"the key stands in {where}, in parts"


def files_with_key(directory: Path) -> list[Path]:
    """The files below `directory` that hold the key."""
    found = []
    for folder, _, names in os.walk(directory):
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink() and (holds_key(os.fsencode(name)) or _file_holds_key(path)):
                found.append(path)
    return found


def _file_holds_key(path: Path) -> bool:
    # Other processes may still write and remove here: a browser's, for one.
    with contextlib.suppress(FileNotFoundError):
        data = path.read_bytes()
        return holds_key(data) or (data.startswith(b"SQLite format 3\0") and _database_holds_key(path))
    return False


def _database_holds_key(path: Path) -> bool:
    with contextlib.closing(sqlite3.connect(path)) as database, contextlib.suppress(sqlite3.DatabaseError):
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                if any(isinstance(value, bytes) and holds_key(_inflated(value)) for value in row):
                    return True
    return False


def _inflated(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value


# Hooks


def pytest_configure(config: pytest.Config) -> None:
    """Nothing is found yet."""
    config.stash[_FOUND] = []


@pytest.fixture(scope="session", autouse=True)
def _watched(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[None]:
    """Have every Python that is started note what it starts."""
    directory = tmp_path_factory.mktemp("watched")
    shutil.copy(Path(__file__).parent / "watched" / "sitecustomize.py", directory)
    (directory / "key").write_bytes(_CORE)
    request.config.stash[_WATCHED] = directory
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(directory), prepend=os.pathsep)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Look through what was printed."""
    report: pytest.TestReport = yield
    for name, text in report.sections:
        if holds_key(text.encode("utf-8", "surrogateescape")):
            item.config.stash[_FOUND].append(f"{name} of {item.nodeid}")
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Look through all files, and fail the run if anything was found."""
    config = session.config
    found = config.stash[_FOUND]
    watched = config.stash.get(_WATCHED, None)
    if watched is not None:
        found += [str(path) for path in files_with_key(watched.parent) if path.parent != watched]
        for notes in sorted(watched.glob("found-*")):
            found += notes.read_text().splitlines()
    if hasattr(config, "workeroutput"):
        config.workeroutput["keys_found"] = found
    elif found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take in what a worker of xdist has found."""
    node.config.stash[_FOUND].extend(getattr(node, "workeroutput", {}).get("keys_found", []))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Name the places."""
    if config.stash[_FOUND]:
        terminalreporter.section("THE KEY WAS WRITTEN", red=True)
        for place in config.stash[_FOUND]:
            terminalreporter.line(f"the key stands in {place.replace(KEY, '[the key]')}", red=True)
