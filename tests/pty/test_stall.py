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
LATE_NS = 1_000_000
"""Later than the log by more are only stamps of pieces that were read together, as the engine states: a busy machine
lets it wait, for as long as it says."""


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


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
    results, told = ([line for line in lines(record) if line["type"] == kind] for kind in ("result", "instrument"))
    truth = {line["request_id"]: line for line in lines(log) if line["status"] == 200 and line["method"] == "POST"}
    assert len(results) == 2
    for result, instrument in zip(results, told, strict=True):
        assert result["status"] == "truncated"
        assert result["stamp_source"] == "kernel"
        events = truth[result["api_request_id"]]["events"]
        deltas = [(planned, written) for name, planned, written in events if name == "content_block_delta"]
        stamps = result["stamps"]["content_ns"]
        assert len(stamps) == len(deltas) == TOKENS
        # As close with the stall as without.
        assert all(stamp >= planned_ns - EARLY_NS for stamp, (planned_ns, _) in zip(stamps, deltas, strict=True))
        errors = [stamp - written_ns for stamp, (_, written_ns) in zip(stamps, deltas, strict=True)]
        assert sum(error > LATE_NS for error in errors) <= instrument.get("shared", 0)
        assert max(errors) <= max(LATE_NS, instrument.get("delay_max_ns", 0)) + EARLY_NS
    # The stall was in mid-stream, and what arrived in it is stamped within it.
    during = [stamp for stamp in results[1]["stamps"]["content_ns"] if stopped_ns < stamp < resumed_ns]
    assert len(during) > TOKENS * STALL_S / 4 / 2
