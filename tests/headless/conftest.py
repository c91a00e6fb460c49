"""Running the command as a person or a CI job does, in a sealed environment."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from canary import SPARE, refuse

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment without anything of the person's own."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "LANG")}
    home = {"HOME": str(tmp_path / "home"), "TERM": "xterm-256color"}
    return (
        kept | home | SPARE | {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "DATA")}
    )


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Runs `latency-tui` with these arguments to its end, in a directory of its own."""
    (tmp_path / "cwd").mkdir()

    def call(*arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tui", *arguments],
            cwd=tmp_path / "cwd",
            env=environment | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        refuse(done.stdout, "standard output")
        refuse(done.stderr, "standard error")
        return done

    return call


@pytest.fixture
def plan(tmp_path: Path, run: Run) -> Callable[[str], str]:
    """Writes a plan of two quick simulated targets, with more lines in front; returns its name."""

    def write(more: str = "") -> str:
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
        (tmp_path / "cwd" / "plan.toml").write_text(text)
        return "plan.toml"

    return write
