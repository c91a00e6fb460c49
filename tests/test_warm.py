"""Warm starts: what they start cannot be told from what Python starts, but by what it took."""

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from warm import BESIDE, WarmPopen, is_possible

from tui import child

pytestmark = [pytest.mark.process, pytest.mark.skipif(not is_possible(), reason="needs Linux")]

COMMANDS = {
    "a page": ("run", "--help"),
    "a refusal by argparse": ("run", "--no-such-option"),
    "a refusal of ours": ("run", "no-such-plan.toml"),
    "a variable": ("config",),
    "standard input": ("run", "-", "--model", "sim-fast", "--max-tokens", "nought"),
    "a measurement": ("run", "--prompt", "x", "--demo", "--model", "sim-fast", "--json", "out.json", "--quiet"),
}


def run(environ: dict[str, str], *arguments: str, cold: bool) -> "subprocess.CompletedProcess[str]":
    starter = WarmPopen.starter
    try:
        WarmPopen.starter = None if cold else starter
        return subprocess.run(
            child.own_command(*arguments), env=environ, input="Grüße", capture_output=True, text=True, check=False
        )
    finally:
        WarmPopen.starter = starter


@pytest.mark.parametrize("name", COMMANDS)
def test_it_says_and_leaves_what_a_cold_start_does(environ: dict[str, str], name: str) -> None:
    environ |= {"LATENCY_TUI_UI__NOTIFY": "osc9", "COLUMNS": "70"}
    cold, warm = (run(environ, *COMMANDS[name], cold=cold) for cold in (True, False))
    assert (warm.returncode, warm.stdout, warm.stderr) == (cold.returncode, cold.stdout, cold.stderr)


@pytest.fixture
def endless(environ: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """A long measurement under way."""
    arguments = ("run", "--demo", "--prompt", "x", "--model", "sim-fast", "--repeat", "9999")
    with subprocess.Popen(child.own_command(*arguments), env=environ, stderr=subprocess.PIPE, text=True) as command:
        assert command.stderr is not None
        while not command.stderr.readline().startswith("series: 1 of"):
            pass
        yield command
        command.kill()


def children_of(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_its_children_are_its_own_and_end_with_it(endless: "subprocess.Popen[str]", number: signal.Signals) -> None:
    children = children_of(endless.pid)
    assert endless.pid in children_of(os.getpid())
    names = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in children]
    assert [name != BESIDE for name in sorted(names)] == [True, True, False], "besides, an engine and a simulator"
    ends = [os.pidfd_open(pid) for pid in children]
    endless.send_signal(number)
    assert endless.wait(60) == (128 + number if number is signal.SIGINT else -number)
    for end in ends:
        assert select.select([end], [], [], 60)[0], "all have ended"
        os.close(end)
