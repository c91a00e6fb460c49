"""A link of 64 kbit/s with 200 ms there and back: what waits on it stays little, and no measured time changes."""

import json
import sys
from pathlib import Path

import pytest
from canary import KEY
from terminal_under_test import Terminal

from tui.simulator.process import SimulatorProcess

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs pidfd and kernel stamps")

BYTES_PER_S = 8_000
DELAY_S = 0.1
F2, F5, F10 = b"\x1bOQ", b"\x1b[15~", b"\x1b[21~"
TOKENS = 1_500
LANES = 6
EARLY_NS, LATE_NS = 50_000, 50_000_000
"""How far a stamp may be from the simulator's log; see test_stall.py."""


@pytest.mark.timeout(150)
def test_the_rate_falls_keys_come_through_and_the_figures_stay_true(environ: dict[str, str], tmp_path: Path) -> None:
    record, log = tmp_path / "record.jsonl", tmp_path / "truth.jsonl"
    with SimulatorProcess.start(log=log) as simulator:
        arguments = ["--model", "sim-steady"] * LANES
        arguments += ["--max-tokens", str(TOKENS), "--base-url", simulator.base_url, "--record", str(record)]
        with Terminal(
            arguments, environ | {"ANTHROPIC_API_KEY": KEY}, link=(BYTES_PER_S, DELAY_S), size=(120, 40)
        ) as terminal:
            terminal.until_shows("○ idle", LANES)
            # Behind the first pictures, of which the answers tell the program what the link carries.
            terminal.until_shows(" ready ")
            terminal.press(F5)
            terminal.until_shows("▶ streaming", LANES)
            assert terminal.link is not None
            terminal.link.largest_backlog = 0
            terminal.until(lambda _: record.read_text().count('"content"') >= 300)
            # A key finds less before it than the link carries in a second: 10 frames a second would be many times that.
            assert terminal.link.largest_backlog < BYTES_PER_S
            terminal.until_shows("◧ truncated", LANES)
            terminal.press(F10)
            assert terminal.until_ended() == 0
            assert terminal.is_restored()
    results = [line for line in map(json.loads, record.read_text().splitlines()) if line["type"] == "result"]
    assert len(results) == LANES
    truth = {line["request_id"]: line for line in map(json.loads, log.read_text().splitlines())}
    for result in results:
        events = truth[result["api_request_id"]]["events"]
        _, planned_ns, written_ns = next(event for event in events if event[0] == "content_block_delta")
        assert planned_ns - EARLY_NS <= result["stamps"]["content_ns"][0] <= written_ns + LATE_NS
