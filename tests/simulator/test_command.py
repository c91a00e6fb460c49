"""The command: address, signals, help and usage errors."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tui.errors import ExitCode, LatencyTuiError, UsageError
from tui.simulator.command import main
from tui.simulator.faults import FAULTS
from tui.simulator.process import SimulatorProcess

from .raw import Wire, body


@pytest.mark.process
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
    # It is a mock for programs of others, and shows how.
    assert "OPENAI_BASE_URL=http://127.0.0.1:8099/v1" in shown


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "x"], ["--fault", "nonsense"], ["--nonsense"]])
def test_a_bad_argument_is_a_usage_error(arguments: list[str]) -> None:
    with pytest.raises(UsageError, match=f"^{arguments[0]} "):
        main(arguments)


@pytest.mark.process
def test_it_is_light() -> None:
    code = "import sys, tui.simulator.command, tui.simulator.process; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"anthropic", "httpx2", "httpcore2", "pydantic", "textual", "rich", "numpy", "plotext"}
    assert not heavy & set(loaded)
    assert not [name for name in loaded if name.startswith(("tui.core", "tui.engine", "tui.ui", "tui.history"))]


def _arrivals_ns(base_url: str, requests: int) -> list[int]:
    """The moments at which the first content of answers arrived."""
    found = []
    for _ in range(requests):
        with Wire(base_url) as wire:
            wire.post(body(model="sim-chatty", max_tokens=3, stream=True))
            wire.until(b"content_block_delta")
            found.append(time.monotonic_ns())
            wire.until(b"message_stop")
    return found


@pytest.mark.process
def test_alone_it_sends_as_promptly_as_the_built_in_one(tmp_path: Path) -> None:
    # Where small writes wait for acknowledgements, most first pieces come 27 to 40 ms after their time in the log.
    middle = {}
    for name, start in (("alone", _alone), ("built in", _built_in)):
        log = tmp_path / f"{name}.jsonl"
        with start(log) as base_url:
            arrived = _arrivals_ns(base_url, 11)
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        written = [next(at for name, _, at in line["events"] if name == "content_block_delta") for line in lines]
        middle[name] = median((there - left) / 1e6 for there, left in zip(arrived, written, strict=True))
    assert middle["alone"] <= middle["built in"] + 20, middle


@contextlib.contextmanager
def _alone(log: Path) -> Iterator[str]:
    code = "import sys; from tui.simulator.command import main; sys.exit(main(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", code, "--log", str(log)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield next(word for word in process.stdout.readline().split() if word.startswith("http://"))
        process.terminate()


@contextlib.contextmanager
def _built_in(log: Path) -> Iterator[str]:
    process = SimulatorProcess.start(log=log)
    yield process.base_url
    process.stop()
