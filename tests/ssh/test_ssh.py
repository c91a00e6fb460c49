"""The program at the far end of a real SSH connection, alone and in tmux; and what is left when the connection goes."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from ssh_server import MISSING, SshServer
from stored import stored_statuses
from terminal_under_test import PROGRAM, Terminal, all_ended, marked

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs pidfd and /proc"),
    pytest.mark.skipif(MISSING is not None, reason=f"{MISSING} is not installed (Debian: openssh-server)"),
]

F5, F10, ALT_Y = b"\x1b[15~", b"\x1b[21~", b"\x1by"
LONG = ["--run", "--model", "sim-steady", "--max-tokens", "100000"]


@pytest.fixture
def server(environ: dict[str, str], tmp_path: Path) -> Iterator[SshServer]:
    """A server to log in to."""
    with SshServer(tmp_path / "sshd", environ) as running:
        yield running


def remote(*arguments: str) -> str:
    """A command for the far end's shell that runs the program."""
    return shlex.join(["cd", "/"]) + " && exec " + shlex.join([*PROGRAM, *arguments])


def statuses(record: Path) -> list[str]:
    """How the requests in a record file ended."""
    lines = map(json.loads, record.read_text().splitlines())
    return [line["status"] for line in lines if line["type"] == "result"]


def test_a_session_over_ssh(environ: dict[str, str], server: SshServer) -> None:
    with Terminal([remote("--model", "sim-fast")], environ, program=server.client) as terminal:
        terminal.until_shows("○ idle")
        terminal.press(F5)
        terminal.until_shows("✔ done")
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert terminal.is_restored()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=["cut", "frozen"])
def test_a_connection_that_goes_leaves_no_process_and_no_request(
    environ: dict[str, str], server: SshServer, tmp_path: Path, end: signal.Signals
) -> None:
    """A client that is killed, and one that is frozen, which the server's keepalive ends."""
    record = tmp_path / "record.jsonl"
    with Terminal([remote(*LONG, "--record", str(record))], environ, program=server.client) as terminal:
        terminal.until_shows("▶ streaming")
        family = marked(terminal.mark, but=terminal.process.pid)
        assert len(family) == 3  # the program, its engine, its simulator
        os.kill(terminal.process.pid, end)
        assert all_ended(family)
    assert statuses(record) == ["cancelled"]
    assert stored_statuses(environ) == [["cancelled"]]
    if end is signal.SIGKILL:
        with Terminal([remote("--model", "sim-fast")], environ, program=server.client) as terminal:
            terminal.until_shows("Alt+Y shows the interrupted run")
            terminal.press(ALT_Y)
            terminal.until_shows("⊘ cancelled")
            terminal.press(F10)
            assert terminal.until_ended() == 0


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_in_tmux_it_outlives_the_connection_and_goes_on_at_another_size(
    environ: dict[str, str], server: SshServer, tmp_path: Path
) -> None:
    socket = f"latency-tui-{uuid.uuid4().hex}"
    tmux = ["tmux", "-L", socket, "-f", "/dev/null"]
    record = tmp_path / "record.jsonl"
    start = shlex.join([*tmux, "new-session", "-s", "it", remote(*LONG, "--record", str(record))])
    try:
        with Terminal([start], environ | {"LANG": "C.UTF-8"}, program=server.client) as terminal:
            terminal.until_shows("▶ streaming")
            os.kill(terminal.process.pid, signal.SIGKILL)
            assert terminal.process.wait() == -signal.SIGKILL
        attach = shlex.join([*tmux, "attach", "-t", "it"])
        with Terminal([attach], environ | {"LANG": "C.UTF-8"}, program=server.client, size=(80, 25)) as terminal:
            # One pane at a time now, and the lane still streams.
            terminal.until(lambda shown: "Prompt" in shown and "▶ streaming" in shown)
            terminal.press(b"\x02d")  # detach, as a person does
            assert terminal.until_ended() == 0
        with Terminal([attach], environ | {"LANG": "C.UTF-8"}, program=server.client, size=(120, 40)) as terminal:
            terminal.until(lambda shown: "Session ·" in shown and "▶ streaming" in shown)
            assert not statuses(record)
            terminal.press(F10)
            terminal.until_ended()
        assert statuses(record) == ["cancelled"]
    finally:
        subprocess.run([*tmux, "kill-server"], capture_output=True, check=False)
