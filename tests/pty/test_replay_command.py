"""`latency-tui replay` as a person meets it: a run measured without a screen is played in a real terminal."""

import subprocess
import sys
from pathlib import Path

import pytest
from stored import stored_statuses
from terminal_under_test import Terminal, all_ended

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs pidfd and /proc")

F5, F10, ESCAPE, ALT_Y = b"\x1b[15~", b"\x1b[21~", b"\x1b", b"\x1by"

PLAN = """
[prompt]
user = "Why is the sky blue?"
[[targets]]
model = "sim-fast"
name = "first"
[[targets]]
model = "sim-fast"
name = "second"
"""


def test_a_run_and_its_export_are_replayed_and_nothing_is_stored(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    command = [sys.executable, "-P", "-m", "tui", "run", "plan.toml", "--quiet", "--json", "run.json"]
    subprocess.run(command, cwd=tmp_path, env=environ, stdin=subprocess.DEVNULL, timeout=100, check=True)
    for run, name in (("last", "run 1:"), (str(tmp_path / "run.json"), "a run from a file:")):
        with Terminal(["replay", run, "--speed", "100"], environ) as terminal:
            terminal.until(lambda shown, name=name: "REPLAY" in shown and name in shown)  # type: ignore[misc]
            terminal.until_shows("✔ done", 2)
            terminal.until_shows("over, Space plays again")
            terminal.press(F5)
            terminal.press(ESCAPE)
            terminal.until_shows("○ idle", 1)
            terminal.press(ALT_Y)
            terminal.until_shows("1 run, latest first")
            family = terminal.family()
            terminal.press(F10)
            assert terminal.until_ended() == 0
            assert terminal.is_restored()
            assert all_ended(family)
    assert stored_statuses(environ) == [["done"] * 2]


def test_leaving_before_the_replay_is_open_ends_in_order(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    command = [sys.executable, "-P", "-m", "tui", "run", "plan.toml", "--quiet"]
    subprocess.run(command, cwd=tmp_path, env=environ, stdin=subprocess.DEVNULL, timeout=100, check=True)
    with Terminal(["replay", "last"], environ) as terminal:
        # The main screen is there before engine and replay are.
        terminal.until_shows("F10 Quit")
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert terminal.is_restored()
