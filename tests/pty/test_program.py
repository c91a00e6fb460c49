"""The whole program as a person meets it: the real command, a real terminal, the real engine and simulator."""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from canary import KEY
from stored import stored_statuses
from terminal_under_test import PROGRAM, WITHIN_S, Terminal, all_ended

from tui.simulator.process import SimulatorProcess

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs pidfd and /proc")

F5, F8, F10 = b"\x1b[15~", b"\x1b[19~", b"\x1b[21~"
SHORT = "Say in one sentence why the sky is blue."


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess.start() as process:
        yield process


@pytest.mark.cold
def test_the_main_job(environ: dict[str, str]) -> None:
    with Terminal([SHORT], environ) as terminal:
        # What a frame paints may come in several reads: wait for all that is looked for.
        terminal.until(lambda shown: "SIMULATED" in shown and "set ANTHROPIC_API_KEY" in shown)
        terminal.until_shows("○ idle", 3)
        terminal.press(F5)
        terminal.until_shows("✔ done", 3)
        shown = terminal.until_shows("TTFT", 3)
        assert "set ANTHROPIC_API_KEY" not in shown, "it goes after the first run"
        family = terminal.family()
        assert len(family) == 3  # itself, engine, simulator
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert terminal.is_restored()
        assert all_ended(family)
    assert stored_statuses(environ) == [["done"] * 3]


def test_a_history_that_cannot_be_written_stops_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    Path(environ["XDG_DATA_HOME"]).parent.mkdir(exist_ok=True)
    Path(environ["XDG_DATA_HOME"]).write_text("a file where a directory should be")
    with Terminal(["--run", SHORT], environ | {"TMPDIR": str(tmp_path)}) as terminal:
        # A toast, wrapped wherever it may be.
        terminal.until_shows("The history")
        terminal.until_shows("✔ done", 3)
        terminal.press(F10)
        assert terminal.until_ended() == 0
    assert list(tmp_path.glob("latency-tui-spill-*.jsonl"))
    assert b"Not yet in the history, but in " in terminal.written
    assert b" in the history, latency-tui replay" not in terminal.written


def test_results_that_no_disk_takes_are_said_to_be_lost(environ: dict[str, str]) -> None:
    line = ["-c", 'ulimit -f 0; exec "$@"', "bash", *PROGRAM, "--run", SHORT]
    with Terminal(line, environ, program=("bash",)) as terminal:
        terminal.until_shows("✔ done", 3)
        terminal.until_shows("memory only")
        terminal.press(F10)
        assert terminal.until_ended() == 3
    assert b"Not stored, since they were in memory only: 3 results of this session." in terminal.written


@pytest.mark.parametrize("how", ["SIGTERM", "SIGHUP", "closed terminal"])
def test_what_is_in_flight_is_cancelled_at_the_server(environ: dict[str, str], tmp_path: Path, how: str) -> None:
    log = tmp_path / "truth.jsonl"
    arguments = ["--run", "--model", "sim-steady", "--max-tokens", "100000", "--base-url"]
    with SimulatorProcess.start(log=log) as server:
        with Terminal([*arguments, server.base_url], environ | {"ANTHROPIC_API_KEY": KEY}) as terminal:
            terminal.until_shows("▶ streaming")
            family = terminal.family()
            if how == "closed terminal":
                terminal.hang_up()
            else:
                terminal.process.send_signal(signal.Signals[how])
            assert all_ended(family)
        # The server, which goes on, writes the line once its client has gone.
        deadline = time.monotonic() + WITHIN_S
        while not (lines := log.read_text().splitlines()):
            assert time.monotonic() < deadline, "the server still answers"
        assert [json.loads(line)["end"] for line in lines] == ["cancelled"]
    assert stored_statuses(environ) == [["cancelled"]]


def test_one_that_is_killed_leaves_no_child(environ: dict[str, str]) -> None:
    with Terminal(["--run", "--model", "sim-steady", "--max-tokens", "100000"], environ) as terminal:
        terminal.until_shows("▶ streaming")
        family = terminal.family()
        terminal.process.kill()
        assert all_ended(family)
    assert stored_statuses(environ) == [["interrupted"]]


def test_a_prompt_from_standard_input_leaves_the_keyboard(environ: dict[str, str]) -> None:
    with Terminal(["-", "--model", "sim-fast"], environ, stdin=b"Why do zebras have stripes?\n") as terminal:
        terminal.until_shows("zebras have stripes?")
        terminal.until_shows("○ idle")
        terminal.press(F5)
        terminal.until_shows("✔ done")
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert terminal.is_restored()


def test_run_record_and_max_tokens_against_a_server_and_no_key_is_written(
    environ: dict[str, str], simulator: SimulatorProcess, tmp_path: Path
) -> None:
    record = tmp_path / "record.jsonl"
    arguments = ["--run", "--record", str(record), "--max-tokens", "20", "--base-url", simulator.base_url]
    arguments += ["--api-key-env", "ANTHROPIC_API_KEY"]
    with Terminal(arguments, {**environ, "ANTHROPIC_API_KEY": KEY}) as terminal:
        terminal.until_shows("◧ truncated", 3)
        terminal.press(F5)
        terminal.until_shows("run 2 done")
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert KEY.encode() not in terminal.written
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    results = [line for line in lines if line["type"] == "result"]
    assert len(results) == 6
    for result in results:
        assert result["status"] == "truncated"
        assert result["output_tokens"] == 20
        assert 0 < result["ttft_ms"] <= result["ttlt_ms"]
        assert result["target"] == result["model"]
        assert not result["simulated"]
        assert result["stamps"]["sent_ns"] < result["stamps"]["content_ns"][0]
    assert [line["run_id"] for line in lines if line["type"] == "run_ended"] == [1, 2]
    for path in (tmp_path / "home").rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes()
    assert KEY not in record.read_text()


def test_a_model_cannot_drive_the_terminal(environ: dict[str, str]) -> None:
    with (
        SimulatorProcess.start(fault="control-characters") as hostile,
        Terminal(
            ["--run", "--model", "sim-fast", "--base-url", hostile.base_url], environ | {"ANTHROPIC_API_KEY": KEY}
        ) as terminal,
    ):
        terminal.until_shows("✔ done")
        terminal.until_shows("␛]0;title␇")
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert terminal.is_restored()
        # The one control that Textual itself ends with BEL sets the pointer's shape.
        written = re.sub(rb"\x1b\]22;[a-z-]*\x07", b"", terminal.written)
        for sequence in (b"\x1b]52", b"\x1b]0;", b"\x07", b"\x1bP", b"\x1b[6n", b"\xc2\x9b", b"\xc2\x9d", b"\x08"):
            assert sequence not in written
        for character in "\u202e\u2066\u200b":
            assert character.encode() not in written


def test_a_failure_is_a_sentence_on_its_lane(environ: dict[str, str]) -> None:
    arguments = ["--run", "--model", "no-such-model", "--model", "sim-fast"]
    with Terminal(arguments, environ) as terminal:
        terminal.until(lambda shown: "✖ failed" in shown and "✔ done" in shown)
        # Cause, then remedy.
        terminal.until(lambda shown: "Choose another" in shown.partition("not_found_error")[2])
        terminal.press(F10)
        assert terminal.until_ended() == 0


def test_cancelling_with_a_key(environ: dict[str, str]) -> None:
    with Terminal(["--run", "--model", "sim-steady", "--max-tokens", "100000"], environ) as terminal:
        terminal.until_shows("▶ streaming")
        terminal.press(F8)
        terminal.until_shows("⊘ cancelled")
        terminal.press(F10)
        assert terminal.until_ended() == 0


def test_an_engine_that_dies_is_started_again(environ: dict[str, str], tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    arguments = ["--run", "--model", "sim-steady", "--max-tokens", "100000", "--record", str(record)]
    with Terminal(arguments, environ) as terminal:
        terminal.until_shows("▶ streaming")
        ready = json.loads(record.read_text().splitlines()[0])
        assert ready["type"] == "hello"
        engine = os.pidfd_open(ready["pid"])
        signal.pidfd_send_signal(engine, signal.SIGKILL)
        terminal.until_shows("↯ interrupted")
        assert all_ended([engine])
        terminal.press(F5)
        terminal.until_shows("▶ streaming")
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert terminal.is_restored()
