"""Runs the command as a person or a CI job does, in a sealed environment."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from canary import SPARE, refuse
from warm import Before

from tui.child import own_command

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class Workplace:
    """An empty home and an empty working directory below `base`, and the command as it runs there."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.cwd = base / "cwd"
        self.cwd.mkdir()
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "LANG")}
        xdg = {f"XDG_{kind}_HOME": str(base / kind.lower()) for kind in ("CONFIG", "STATE", "DATA")}
        self.before: Before | None = None
        """What happens to a process before the command begins."""
        self.environment = kept | {"HOME": str(base / "home"), "TERM": "xterm-256color"} | SPARE | xdg

    def run(self, *arguments: str, given: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
        """Run `latency-tui` with these arguments, and `given` on standard input, to its end."""
        done = subprocess.run(
            own_command(*arguments),
            cwd=self.cwd,
            env=self.environment | more,
            input=given,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            preexec_fn=self.before,
        )
        refuse(done.stdout, "standard output")
        refuse(done.stderr, "standard error")
        return done

    def plan(self, more: str = "") -> str:
        """Write a plan of two quick simulated targets, with more lines in front; return its name."""
        text = f"""{more}
[prompt]
user = "Why is the sky blue?"
[parameters]
max_tokens = 64
[[targets]]
model = "sim-fast"
name = "first"
[[targets]]
model = "sim-fast"
name = "second"
"""
        (self.cwd / "plan.toml").write_text(text)
        return "plan.toml"

    def copy_to(self, other: "Workplace") -> None:
        """Leave everything that was written here in `other`, the history too."""
        shutil.copytree(self.base, other.base, dirs_exist_ok=True)


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """A workplace below the test's temporary directory."""
    return Workplace(tmp_path)


@pytest.fixture(scope="module")
def shared_workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A workplace in which a module measures once, for all its tests; they work on copies."""
    return Workplace(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def environment(workplace: Workplace) -> dict[str, str]:
    """The environment without anything from the person's own."""
    return workplace.environment


@pytest.fixture
def run(workplace: Workplace) -> Run:
    """Runs `latency-tui` with these arguments to its end, in an empty directory."""
    return workplace.run


@pytest.fixture
def plan(workplace: Workplace) -> Callable[..., str]:
    """Writes a plan of two quick simulated targets, with more lines in front; returns its name."""
    return workplace.plan
