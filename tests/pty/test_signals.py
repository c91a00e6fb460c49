"""However the program ends or stops, the terminal is as it was and no process is left."""

import json
import os
import signal
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from canary import KEY
from stored import stored_statuses
from terminal_under_test import Terminal, all_ended

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs pidfd and /proc")

F5, F10 = b"\x1b[15~", b"\x1b[21~"
LONG = ["--run", "--model", "sim-steady", "--max-tokens", "100000"]
PROMPT = "a prompt that nobody else may read"


def statuses(record: Path) -> list[str]:
    """How the requests in a record file ended."""
    lines = map(json.loads, record.read_text().splitlines())
    return [line["status"] for line in lines if line["type"] == "result"]


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGABRT, signal.SIGUSR1],
    ids=lambda number: number.name,
)
def test_a_signal_ends_it_in_order_while_it_streams(
    environ: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    record = tmp_path / "record.jsonl"
    with Terminal([*LONG, "--record", str(record)], environ) as terminal:
        terminal.until_shows("▶ streaming")
        family = terminal.family()
        assert len(family) == 3
        terminal.process.send_signal(number)
        assert terminal.until_ended() == 128 + number
        assert terminal.is_restored()
        assert all_ended(family)
    assert statuses(record) == ["cancelled"]
    assert stored_statuses(environ) == [["cancelled"]]


def test_a_terminal_that_goes_away_ends_it(environ: dict[str, str], tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    with Terminal([*LONG, "--record", str(record)], environ) as terminal:
        terminal.until_shows("▶ streaming")
        family = terminal.family()
        terminal.hang_up()
        assert all_ended(family)
    # The request in flight was cancelled in order, and its result written.
    assert statuses(record) == ["cancelled"]
    assert stored_statuses(environ) == [["cancelled"]]


def test_a_terminal_that_goes_away_ends_it_even_where_hanging_up_is_ignored(environ: dict[str, str]) -> None:
    with Terminal(LONG, environ, ignore=signal.SIGHUP) as terminal:
        terminal.until_shows("▶ streaming")
        family = terminal.family()
        terminal.hang_up()
        assert all_ended(family)
        assert terminal.process.wait() == 128 + signal.SIGHUP


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_terminal_that_takes_nothing_cannot_hold_it_up(
    environ: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    record = tmp_path / "record.jsonl"
    with Terminal([*LONG, "--record", str(record)], environ) as terminal:
        terminal.until_shows("▶ streaming")
        family = terminal.family()
        terminal.stall()
        terminal.process.send_signal(number)
        assert terminal.process.wait() == 128 + number
        assert all_ended(family)
        # What had piled up was dropped for what gives the terminal back.
        terminal.read_what_is_there()
        assert terminal.is_restored()
    assert statuses(record) == ["cancelled"]
    assert stored_statuses(environ) == [["cancelled"]]


def test_a_screen_that_hangs_is_ended_without_its_help(environ: dict[str, str]) -> None:
    program = """
        import time
        from tui.cli import main
        from tui.ui.controllers.runs import RunsController
        RunsController.cancel_all = lambda self: time.sleep(1000)
        raise SystemExit(main())
    """
    with Terminal(LONG, environ, program=[sys.executable, "-c", dedent(program)]) as terminal:
        terminal.until_shows("▶ streaming")
        family = terminal.family()
        terminal.press(b"\x1b[19~")
        terminal.process.terminate()
        assert terminal.until_ended() == 143
        assert terminal.is_restored()
        assert all_ended(family)


def test_stopping_gives_the_terminal_back_and_going_on_takes_it_again(environ: dict[str, str]) -> None:
    with Terminal(["--model", "sim-fast"], environ) as terminal:
        terminal.until_shows("○ idle")
        pid = terminal.process.pid
        for number in (1, 2):
            os.kill(pid, signal.SIGTSTP)
            os.waitid(os.P_PID, pid, os.WSTOPPED)
            terminal.read_what_is_there()
            assert terminal.is_restored()
            terminal.wipe()
            os.kill(pid, signal.SIGCONT)
            terminal.until(lambda _: not terminal.is_restored())
            terminal.until_shows("more (Alt+E)")
            terminal.press(F5)
            terminal.until_shows(f"run {number} done")
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert terminal.is_restored()


def test_one_that_was_stopped_unasked_goes_on_too(environ: dict[str, str]) -> None:
    with Terminal(["--model", "sim-fast"], environ) as terminal:
        terminal.until_shows("○ idle")
        pid = terminal.process.pid
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED)
        os.kill(pid, signal.SIGCONT)
        terminal.until(lambda _: terminal.written.count(b"\x1b[?1049h") == 2)
        # Two threads that read would each take half of this.
        terminal.press(F5)
        terminal.until_shows("run 1 done")
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert terminal.is_restored()


@pytest.mark.parametrize("link", [None, (1_000_000, 0.2)], ids=["near", "far"])
def test_stopping_with_a_key_in_a_shell(environ: dict[str, str], link: tuple[float, float] | None) -> None:
    bash = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
    with Terminal([], environ | {"PS1": "sh> "}, program=bash, link=link) as terminal:
        terminal.until_shows("sh>")
        terminal.press(f"{sys.executable} -P -m tui --model sim-fast\r".encode())
        terminal.until_shows("○ idle")
        terminal.press(b"\x1bZ")
        terminal.until_shows("Stopped")
        terminal.press(b"fg\r")
        terminal.until_shows("○ idle")
        terminal.press(F10)
        terminal.until(lambda _: terminal.written.count(b"\x1b[?1049l") == 2)
        terminal.press(b"exit 7\r")
        assert terminal.until_ended() == 7
        assert b"not found" not in terminal.written, "the shell was given an answer that was meant for the program"


def test_without_a_shell_the_key_does_not_stop_it(environ: dict[str, str]) -> None:
    with Terminal(["--model", "sim-fast"], environ) as terminal:
        terminal.until_shows("○ idle")
        terminal.press(b"\x1bZ")
        terminal.until_shows("no shell to go back to")
        terminal.press(F10)
        assert terminal.until_ended() == 0


def test_a_crash_restores_the_terminal_and_leaves_a_report_without_prompt_or_key(
    environ: dict[str, str], tmp_path: Path
) -> None:
    program = """
        from tui.cli import main
        from tui.ui.controllers.runs import RunsController
        def crash(self):
            prompt = self._context.draft.book.prompt
            raise KeyError(prompt.user)
        RunsController.cancel_all = crash
        raise SystemExit(main())
    """
    with Terminal(
        [PROMPT, "--demo", *LONG],
        environ | {"ANTHROPIC_API_KEY": KEY},
        program=[sys.executable, "-c", dedent(program)],
    ) as terminal:
        terminal.until_shows("▶ streaming")
        family = terminal.family()
        shown_before = len(terminal.written)
        terminal.press(b"\x1b[19~")
        assert terminal.until_ended() == 1
        assert terminal.is_restored()
        assert all_ended(family)
        said = terminal.written[shown_before:].decode().rpartition("\x1b[0m")[2]
    [report] = (tmp_path / "home/state/latency-tui/crashes").iterdir()
    assert "internal error (KeyError)" in said
    assert str(report) in said.replace("\r\n", "")
    assert report.stat().st_mode & 0o777 == 0o600
    assert report.parent.stat().st_mode & 0o777 == 0o700
    text = report.read_text()
    assert "KeyError" in text
    assert "in crash" in text
    for secret in (PROMPT, KEY):
        assert secret not in text
        assert secret not in said
