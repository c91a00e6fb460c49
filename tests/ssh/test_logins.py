"""Hosts where ssh has to ask: for the passphrase of a key, and whether the host's own key is right."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ssh_server import MISSING, SshServer
from terminal_under_test import Terminal
from test_hosts import PLAN, Person, their_host

from tui.simulator.process import SimulatorProcess

pytestmark = pytest.mark.skipif(MISSING is not None, reason=f"{MISSING} is not installed (Debian: openssh-server)")

PASSPHRASE = "correct horse"
F5, F10 = b"\x1b[15~", b"\x1b[21~"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with SimulatorProcess.start() as simulator:
        yield simulator.base_url


@pytest.fixture
def server(environ: dict[str, str], tmp_path: Path, url: str) -> Iterator[SshServer]:
    """A server whose key nobody knows yet, for a person whose own key has a passphrase."""
    there = their_host(environ, tmp_path)
    # No key: the simulator takes any request of one that has none to send.
    plan = PLAN.replace('api_key_env = "GATEWAY_KEY"', "").replace("forward_key = true", "")
    (tmp_path / "plan.toml").write_text(plan.format(url=url))
    with SshServer(tmp_path / "sshd", there, ("PATH",), PASSPHRASE) as server:
        yield server


@pytest.fixture
def person(environ: dict[str, str], tmp_path: Path, server: SshServer) -> Person:
    return Person(environ, tmp_path, server.configuration("tokyo", is_known=False))


def answer(terminal: Terminal) -> None:
    """Answer both questions of ssh."""
    terminal.until_shows("Are you sure you want to continue connecting")
    terminal.press(b"yes\r")
    terminal.until_shows("Enter passphrase for key")
    terminal.press(PASSPHRASE.encode() + b"\r")


def test_a_command_with_a_terminal_lets_ssh_ask_once_for_all_engines_of_the_host(
    person: Person, tmp_path: Path
) -> None:
    with Terminal(["run", str(tmp_path / "plan.toml"), "--json", "out.json"], person.environ) as terminal:
        answer(terminal)
        assert terminal.until_ended() == 0, terminal.seen
        text = terminal.written.decode()
        assert text.count("Enter passphrase") == 1, "tokyo and lent are one machine"
        assert "latency-tui: ssh logs in to" in text
        assert PASSPHRASE not in text
        assert re.search(r"tokyo +[1-9]", text)


def test_the_screen_steps_aside_for_ssh_and_comes_back(person: Person, tmp_path: Path) -> None:
    with Terminal(["--config", str(tmp_path / "plan.toml")], person.environ) as terminal:
        terminal.until_shows("ssh has to ask you")  # as soon as it starts
        terminal.press(b"y")
        terminal.until_shows("Are you sure you want to continue connecting")
        terminal.press(b"\x03")  # ssh's, not ours
        terminal.until_shows("ssh has to ask you")  # for the other name of that host
        terminal.press(b"n")
        terminal.until_shows("tokyo started no engine")
        terminal.press(F5)
        terminal.until_shows("ssh has to ask you")
        terminal.press(b"y")
        answer(terminal)
        terminal.until_shows("✔ done", times=3)
        terminal.until_shows("sim-fast: ")  # how the hosts differ, below the table
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert terminal.is_restored()


def test_without_a_terminal_a_sentence_says_so(person: Person, tmp_path: Path) -> None:
    ran = person.runs("run", str(tmp_path / "plan.toml"), "--quiet")
    assert ran.returncode == 3
    assert "tokyo started no engine (status 255) (Host key verification failed.)." in ran.stderr
    assert "Where there is a terminal, ssh asks on it." in ran.stderr
