"""The embedded simulator and the command: how they start and how they end."""

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tui.errors import ExitCode, LatencyTuiError
from tui.simulator.command import main
from tui.simulator.faults import FAULTS
from tui.simulator.process import SimulatorProcess, without_secrets

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


def test_names_of_secrets() -> None:
    secret = dict.fromkeys(["A_API_KEY", "B_TOKEN", "C_SECRET", "D_KEY", "github_token"], "x")
    harmless = {"PATH": "x", "KEYBOARD": "x", "TOKENS": "x"}
    assert without_secrets(secret | harmless) == harmless


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_alone_it_says_where_it_is_and_ends_on_a_signal(number: signal.Signals) -> None:
    code = "import sys; from tui.simulator.command import main; sys.exit(main([]))"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        url = next(word for word in line.split() if word.startswith("http://"))
        assert f"latency-tui --base-url {url}" in line
        with Wire(url) as wire:
            wire.post(body(max_tokens=1))
            assert wire.until(b"\r\n").startswith(b"HTTP/1.1 200 ")
            process.send_signal(number)
            assert process.wait() == ExitCode.OK
        assert process.stdout.read() == ""
        assert process.stderr.read() == ""


def test_a_busy_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LatencyTuiError, match=f"cannot listen on 127.0.0.1:{port}") as caught:
            main(["--port", str(port)])
    assert caught.value.exit_code == ExitCode.ERROR


def test_help_lists_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in FAULTS)


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "x"], ["--fault", "nonsense"], ["--nonsense"]])
def test_a_bad_argument_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == ExitCode.USAGE
    assert "usage:" in capsys.readouterr().err


def test_it_is_light() -> None:
    code = "import sys, tui.simulator.command, tui.simulator.process; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"anthropic", "httpx2", "httpcore2", "pydantic", "textual", "rich", "numpy", "plotext"}
    assert not heavy & set(loaded)
    assert not [name for name in loaded if name.startswith(("tui.core", "tui.engine", "tui.ui", "tui.history"))]


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
