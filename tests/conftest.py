"""What all tests share: an environment for child processes that knows nothing of the person at this machine, and a
search for the key in all that is written."""

import os
from pathlib import Path

import pytest
from canary import SPARE
from hypothesis import HealthCheck, settings

# One profile for all property tests. A deadline, or a limit on how long examples take to make, is an assertion on the
# wall clock: a busy machine is no failure.
settings.register_profile(
    "tests", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("tests")

pytest_plugins = ["canary", "pytester"]


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
