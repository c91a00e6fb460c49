"""Shared by all tests: their kinds (see `KINDS`), one hypothesis profile, a sealed environment for child processes, and
a search for the key in all that is written."""

import gc
import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from canary import SPARE
from hypothesis import HealthCheck, settings
from warm import Starter, WarmPopen, is_possible

# Without its bytecode every child would compile the program anew, which takes a third of its time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A collection for each 700 new objects, as Python has it, finds next to nothing.
gc.set_threshold(50_000, 10, 10)

# One profile for all property tests. A deadline, or a limit on how long examples take to make, is an assertion on the
# wall clock: a busy machine is no failure.
settings.register_profile(
    "tests", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("tests")

pytest_plugins = ["canary", "pytester"]

KINDS = ("unit", "process", "screen", "pty", "ssh", "browser", "field")
"""The markers, of which every test has one: `pytest -m unit` is the inner loop."""

_KIND_OF_PLACE = {
    "field": "field",
    "headless": "process",
    "ui/screens": "screen",
    "pty": "pty",
    "ssh": "ssh",
    **dict.fromkeys(
        (
            "docs/test_commands.py",
            "engine/test_bad_streams.py",
            "engine/test_client.py",
            "engine/test_command.py",
            "engine/test_engine.py",
            "engine/test_api_keys.py",
            "engine/test_request_attempts.py",
            "history/test_crash.py",
            "session/test_engines.py",
            "simulator/test_process.py",
            "test_child.py",
            "test_cli.py",
            "test_layers.py",
        ),
        "process",
    ),
}
"""Directories and modules all of whose tests are of one kind."""

_KIND_OF_FIXTURE = {
    "page": "browser",
    "open_app": "screen",
    "snap_compare": "screen",
    **dict.fromkeys(
        (
            "certificates",
            "child_environ",
            "engine",
            "environ",
            "lab",
            "logged",
            "pytester",
            "serve",
            "shared",
            "simulator",
            "with_fault",
        ),
        "process",
    ),
}
"""Fixtures that say of which kind a test is, first the one that weighs most."""


@cache
def _kind_of_place(path: Path) -> str | None:
    place = path.relative_to(Path(__file__).parent)
    kinds = (_KIND_OF_PLACE.get(part.as_posix()) for part in (place, *place.parents))
    return next(filter(None, kinds), None)


def _kind_of(item: pytest.Item) -> str:
    if (kind := _kind_of_place(item.path)) is not None:
        return kind
    fixtures = getattr(item, "fixturenames", ())
    return next((kind for fixture, kind in _KIND_OF_FIXTURE.items() if fixture in fixtures), "unit")


def _kind_wanted(config: pytest.Config) -> str | None:
    """The only kind of tests that `-m` asks for, if there is one."""
    wanted = config.getoption("markexpr").strip()
    return wanted if wanted in KINDS else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Workers of `-n auto`: two a core, since screens and terminals often wait for a clock; unit tests never.

    Each imports what it collects, which takes as long as a tenth of the unit tests.
    """
    return (1 if _kind_wanted(config) == "unit" else 2) * (os.cpu_count() or 1)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no module for `-m unit` none of whose tests is one, by its place and by its own marks."""
    wanted = _kind_wanted(config)
    if wanted is None or not collection_path.name.startswith("test_") or collection_path.suffix != ".py":
        return None
    is_other = _kind_of_place(collection_path) not in (None, wanted)
    return True if is_other and f"mark.{wanted}" not in collection_path.read_text("utf-8") else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare what is loaded for the tests from the garbage collector, which would walk through it hundreds of times."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


# Before `-m` selects among them.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with its kind, unless it says itself of which it is."""
    for item in items:
        if not any(item.get_closest_marker(kind) for kind in KINDS):
            item.add_marker(_kind_of(item))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Leave to pytest's own five collections at the end only what comes after this one."""
    gc.collect()
    gc.freeze()


_STARTER = pytest.StashKey[Starter]()
"""Of a session: what starts its processes without their imports."""
_ITEM = pytest.StashKey[pytest.Item]()
"""The present test."""


@pytest.fixture(scope="session", autouse=True)
def _warm_starts(request: pytest.FixtureRequest, _watched: None) -> Iterator[None]:
    if not is_possible():
        yield
        return
    starter = request.config.stash[_STARTER] = Starter()
    _start_as_marked(request.config.stash[_ITEM])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", WarmPopen)
        yield
    starter.close()


def _start_as_marked(item: pytest.Item) -> None:
    """Have this test's processes started as it is marked; the imports of all are in no test's time."""
    starter = item.config.stash.get(_STARTER, None)
    WarmPopen.starter = None if item.get_closest_marker("cold") is not None else starter
    if WarmPopen.starter is not None and item.get_closest_marker("unit") is None:
        WarmPopen.starter.prepare()


_IN_UNIT_TEST = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Let no unit test start a process: one guard for all, since one for each takes as long as many of the tests."""
    start = subprocess.Popen.__init__

    def guarded(*arguments: Any, **named: Any) -> None:
        if config.stash.get(_IN_UNIT_TEST, False):
            pytest.fail(
                "a unit test starts a process: mark it with `pytest.mark.process`, or see `KINDS` in conftest.py"
            )
        start(*arguments, **named)

    patch = pytest.MonkeyPatch()
    patch.setattr(subprocess.Popen, "__init__", guarded)
    config.add_cleanup(patch.undo)


# Before fixtures of any scope start anything.
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Have a unit test start no process, and a test that is marked `cold` as a person does, with all imports."""
    item.config.stash[_ITEM] = item
    item.config.stash[_IN_UNIT_TEST] = item.get_closest_marker("unit") is not None
    _start_as_marked(item)


@pytest.fixture
def child_environ(tmp_path: Path) -> dict[str, str]:
    """Environment variables for a child process: a home of its own, no settings, no key that it could use."""
    ours = ("LATENCY_TUI_", "ANTHROPIC_", "XDG_", "TEXTUAL", "COV_", "COLUMNS", "LINES", "NO_COLOR")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environ["HOME"] = str(tmp_path / "home")
    for kind in ("CONFIG", "STATE", "DATA", "CACHE"):
        environ[f"XDG_{kind}_HOME"] = str(tmp_path / "home" / kind.lower())
    (tmp_path / "home").mkdir()
    # Below what is searched for the key, as all else.
    (tmp_path / "tmp").mkdir()
    return environ | SPARE | {"TMPDIR": str(tmp_path / "tmp")}


@pytest.fixture
def environ(child_environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The same, for a command that is started in an empty directory."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    return child_environ
