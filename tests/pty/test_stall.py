"""A screen that stands still, as on a laptop that is busy or a terminal that is suspended, changes no stored time."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from canary import KEY
from terminal_under_test import Terminal

from tui.simulator.process import SimulatorProcess

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs pidfd and kernel stamps")

F5 = b"\x1b[15~"

STALL_S = 2.0
TOKENS = 400
"""Four seconds at 100 tokens per second: the stall lies within."""
EARLY_NS = 50_000
"""As far as the offset between the stamps' clock and ours may err."""
LATE_NS = 50_000_000
"""How much later than the log's a stamp may be: what an engine may be late on a machine that is busy. The stall is
forty times as long."""


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def median(values: list[int]) -> int:
    return sorted(values)[len(values) // 2]


@pytest.mark.timeout(100)
def test_a_screen_that_is_stopped_for_two_seconds_moves_no_stored_time(
    child_environ: dict[str, str], tmp_path: Path
) -> None:
    record, log = tmp_path / "record.jsonl", tmp_path / "truth.jsonl"
    with SimulatorProcess.start(log=log) as simulator:
        arguments = ["--model", "sim-steady", "--max-tokens", str(TOKENS), "--base-url", simulator.base_url]
        environ = child_environ | {"ANTHROPIC_API_KEY": KEY}
        with Terminal(["--run", "--record", str(record), *arguments], environ) as terminal:
            # One run undisturbed, one with the stall.
            terminal.until_shows("run 1 done")
            terminal.press(F5)
            terminal.until_shows("▶ streaming")
            pid = terminal.process.pid
            os.kill(pid, signal.SIGSTOP)
            os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
            stopped_ns = time.monotonic_ns()
            time.sleep(STALL_S)  # this is the stall
            resumed_ns = time.monotonic_ns()
            os.kill(pid, signal.SIGCONT)
            terminal.until_shows("run 2 done")
            # Not with a key: on SIGCONT, Textual starts a second thread that reads keys, and one may take half a key.
            terminal.process.terminate()
            assert terminal.until_ended() == 143
    results = [line for line in lines(record) if line["type"] == "result"]
    truth = {line["request_id"]: line for line in lines(log) if line["status"] == 200 and line["method"] == "POST"}
    assert len(results) == 2
    errors: list[list[int]] = []
    for result in results:
        assert result["status"] == "truncated"
        assert result["stamp_source"] == "kernel"
        events = truth[result["api_request_id"]]["events"]
        deltas = [(planned, written) for name, planned, written in events if name == "content_block_delta"]
        stamps = result["stamps"]["content_ns"]
        assert len(stamps) == len(deltas) == TOKENS
        for stamp, (planned_ns, written_ns) in zip(stamps, deltas, strict=True):
            assert planned_ns - EARLY_NS <= stamp <= written_ns + LATE_NS
        errors.append([stamp - written_ns for stamp, (_, written_ns) in zip(stamps, deltas, strict=True)])
    # The stall was in mid-stream, and what arrived in it is stamped within it.
    during = [stamp for stamp in results[1]["stamps"]["content_ns"] if stopped_ns < stamp < resumed_ns]
    assert len(during) > TOKENS * STALL_S / 4 / 2
    # As close as without: half of all stamps are within a millisecond of the log in either run.
    assert [abs(median(run)) < 1_000_000 for run in errors] == [True, True]
