"""`latency-tui engine` as a command of its own."""

import os
import subprocess
import sys

import pytest

from tui import child

COMMAND = child.own_command("engine")


def test_its_help_says_what_it_is_for() -> None:
    done = subprocess.run([*COMMAND, "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    assert "[[hosts]]" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("where", ["input", "output"])
def test_a_terminal_gets_a_sentence(where: str) -> None:
    parent, terminal = os.openpty()
    try:
        done = subprocess.run(
            COMMAND,
            stdin=terminal if where == "input" else subprocess.PIPE,
            stdout=terminal if where == "output" else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(parent)
        os.close(terminal)
    assert done.returncode == 2
    assert f"its standard {where} is a terminal" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


def test_no_input_and_a_closed_one_get_a_sentence_and_no_traceback() -> None:
    for redirection in ("</dev/null", "<&-"):
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2, done.stderr
        assert "its standard input is no pipe" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert done.stdout == ""


def test_other_arguments_are_refused() -> None:
    done = subprocess.run([*COMMAND, "--fast"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--fast" in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads pipes as Linux has them")
def test_it_ends_in_order_with_its_input() -> None:
    done = subprocess.run(COMMAND, input=b"", capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith(b"LATENCY-TUI ENGINE ")
    assert done.stderr == b""
