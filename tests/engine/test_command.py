"""`latency-tui engine` as a command of its own."""

import os
import subprocess
import sys

import pytest
from canary import KEY

from tui import child
from tui.core.engine_events import EngineFailed
from tui.core.events import Status
from tui.core.host import Host
from tui.engine import pinger
from tui.engine.command import main
from tui.errors import UsageError

from .driver import Driver, TruthPipe

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


async def test_it_ends_itself_when_its_parent_falls_silent_and_cancels_what_is_in_flight(
    logged: tuple[str, TruthPipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pipe stays open, as the server's end of a link does that is dead: only pings tell."""
    url, truth = logged
    monkeypatch.setattr(pinger, "PING_EVERY_S", 3_600.0)
    monkeypatch.setenv("KEY_GOOD", KEY)
    tokyo = Host(name="tokyo", command=(*COMMAND, "--ping-within", "2"))
    driver = Driver(tokyo)
    await driver.client.connect()
    spec = driver.spec(url, "sim-steady", max_tokens=100_000, key_env="KEY_GOOD")
    driver.start(spec)
    failed = await driver.until(lambda event: isinstance(event, EngineFailed))
    assert isinstance(failed, EngineFailed)
    assert failed.message == "The link to tokyo ended with status 0."
    assert driver.records[spec.request_id].status is Status.CANCELLED
    assert (await truth.line())["end"] == "cancelled"
    await driver.close()


def test_the_time_until_then_is_a_minute_and_has_bounds() -> None:
    done = subprocess.run([*COMMAND, "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    assert "60 s" in done.stdout
    for wrong in ("0", "nan", "x", "1e9"):
        with pytest.raises(UsageError, match="must be a number from"):
            main(["--ping-within", wrong])
