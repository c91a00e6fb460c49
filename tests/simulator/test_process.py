"""The simulator as a child process: how it starts and how it ends."""

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tui.simulator.process import SimulatorProcess

from .raw import Wire, body

_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and pidfd")


def refuses(base_url: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", urlsplit(base_url).port or 0)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_it_answers_at_the_address_given_at_once_and_stops() -> None:
    process = SimulatorProcess.start(fault="error-529")
    assert process.base_url.startswith("http://127.0.0.1:")
    with Wire(process.base_url) as wire:
        wire.post(body())
        assert wire.until(b"\r\n").startswith(b"HTTP/1.1 529 ")
        assert process.is_running()
        process.stop()
        assert not process.is_running()
    assert refuses(process.base_url)
    process.stop()


def test_it_stops_while_it_streams() -> None:
    with SimulatorProcess.start() as process, Wire(process.base_url) as wire:
        wire.post(body("sim-steady", stream=True, max_tokens=100_000))
        wire.until(b"text_delta")
        process.stop()
        assert process._process
        assert process._process.returncode == 0


def test_one_that_does_not_stop_is_killed() -> None:
    with SimulatorProcess.start() as process:
        os.kill(process.pid, signal.SIGSTOP)
        process.stop()
        assert process._process
        assert process._process.returncode == -signal.SIGKILL


def test_a_child_that_cannot_start_leaves_no_open_port(tmp_path: Path) -> None:
    with SimulatorProcess.start(log=tmp_path / "missing" / "log") as process:
        assert process._process
        process._process.wait()
        assert refuses(process.base_url)


@_LINUX
def test_it_dies_with_its_parent_in_the_middle_of_a_stream() -> None:
    code = (
        "from tui.simulator.process import SimulatorProcess\n"
        "process = SimulatorProcess.start()\n"
        "print(process.pid, process.base_url, flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid, base_url = parent.stdout.readline().split()
        ended = os.pidfd_open(int(pid))
        with Wire(base_url) as wire:
            wire.post(body("sim-steady", stream=True, max_tokens=100_000))
            wire.until(b"text_delta")
            parent.kill()
            readable, _, _ = select.select([ended], [], [], 20)
            assert readable
        os.close(ended)
    assert refuses(base_url)


@_LINUX
@pytest.mark.cold
def test_it_is_given_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "hunter2")
    monkeypatch.setenv("aws_secret_access_key", "hunter2")
    monkeypatch.setenv("HARMLESS", "yes")
    with SimulatorProcess.start() as process:
        with Wire(process.base_url) as wire:  # an answer comes from the new program, not from the fork before it
            wire.post(body(max_tokens=1))
            wire.until(b"\r\n")
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert b"hunter2" not in environment
    assert b"HARMLESS=yes" in environment


def test_one_to_be_launched_later_has_its_address_and_lets_connections_wait() -> None:
    with SimulatorProcess() as process, Wire(process.base_url) as wire:
        assert not process.is_running()
        wire.post(body("sim-fast"))
        process.launch()
        process.launch()
        assert b"HTTP/1.1 200 " in wire.until(b"message")


def test_one_that_died_is_launched_again_at_the_same_address() -> None:
    with SimulatorProcess.start() as process:
        first = process.pid
        os.kill(first, signal.SIGKILL)
        assert process._process
        process._process.wait()
        assert refuses(process.base_url)
        process.launch()
        assert process.pid != first
        with Wire(process.base_url) as wire:
            wire.post(body("sim-fast"))
            assert b"HTTP/1.1 200 " in wire.until(b"message")


def test_one_that_was_never_launched_leaves_no_open_port() -> None:
    process = SimulatorProcess()
    process.stop()
    assert refuses(process.base_url)
