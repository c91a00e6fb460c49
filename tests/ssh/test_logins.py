"""Hosts where ssh has to ask: for a password and a code, a passphrase, and whether the host's own key is right."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ssh_server import CAN_ASK_PASSWORDS, CODES, MISSING, SshServer, code
from terminal_under_test import Terminal
from test_hosts import PLAN, Person, their_host

from tui.simulator.process import SimulatorProcess

pytestmark = pytest.mark.skipif(MISSING is not None, reason=f"{MISSING} is not installed (Debian: openssh-server)")

SECRET = "correct horse"
OF_CODES = "JBSWY3DPEHPK3PXP"
F5, F10 = b"\x1b[15~", b"\x1b[21~"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with SimulatorProcess.start() as simulator:
        yield simulator.base_url


@pytest.fixture
def asks() -> str:
    """What the server asks for, beside its own key: two factors, by PAM, where this machine lets tests have them."""
    return "password" if CAN_ASK_PASSWORDS else "passphrase"


@pytest.fixture
def server(environ: dict[str, str], tmp_path: Path, url: str, asks: str) -> Iterator[SshServer]:
    """A server whose key nobody knows yet, and which lets a person in who knows a secret."""
    there = their_host(environ, tmp_path)
    # No key: the simulator takes any request of one that has none to send.
    plan = PLAN.replace('api_key_env = "GATEWAY_KEY"', "").replace("forward_key = true", "")
    (tmp_path / "plan.toml").write_text(plan.format(url=url))
    codes = OF_CODES if CODES is not None else ""
    secrets = {"passphrase": SECRET} if asks == "passphrase" else {"password": SECRET, "codes": codes}
    with SshServer(tmp_path / "sshd", there, ("PATH",), **secrets) as server:
        yield server


@pytest.fixture
def person(environ: dict[str, str], tmp_path: Path, server: SshServer) -> Person:
    return Person(environ, tmp_path, server.configuration("tokyo", is_known=False))


ASKED = {"password": "@127.0.0.1) Password:", "passphrase": "Enter passphrase for key"}


def answer(terminal: Terminal, asks: str) -> None:
    """Answer all questions of ssh."""
    terminal.until_shows("Are you sure you want to continue connecting")
    terminal.press(b"yes\r")
    terminal.until_shows(ASKED[asks])
    terminal.press(SECRET.encode() + b"\r")
    if asks == "password" and CODES is not None:
        terminal.until_shows("@127.0.0.1) Verification code:")
        terminal.press(code(OF_CODES, time.time()).encode() + b"\r")


def test_a_command_with_a_terminal_lets_ssh_ask_once_for_all_engines_of_the_host(
    person: Person, tmp_path: Path, asks: str
) -> None:
    with Terminal(["run", str(tmp_path / "plan.toml"), "--json", "out.json"], person.environ) as terminal:
        answer(terminal, asks)
        assert terminal.until_ended() == 0, terminal.seen
        text = terminal.written.decode()
        assert text.count(ASKED[asks]) == 1, "tokyo and lent are one machine"
        assert "latency-tui: ssh logs in to" in text
        assert SECRET not in text
        assert re.search(r"tokyo +[1-9]", text)


@pytest.mark.parametrize("asks", ["passphrase"])
def test_the_screen_steps_aside_for_ssh_and_comes_back(person: Person, tmp_path: Path, asks: str) -> None:
    with Terminal(["--config", str(tmp_path / "plan.toml")], person.environ) as terminal:
        shown = terminal.until(lambda shown: "ssh has to ask you" in shown, "a question as soon as it starts")
        first = "tokyo" if "To reach tokyo," in shown else "lent"
        terminal.press(b"y")
        terminal.until_shows("Are you sure you want to continue connecting")
        terminal.press(b"no\r")  # not Ctrl+C: ssh misses one that comes between its question and its read
        terminal.until_shows(f"{first} started no engine")
        terminal.until_shows(f"To reach {'lent' if first == 'tokyo' else 'tokyo'},")  # the other name of that host
        terminal.press(b"n")
        terminal.until(lambda shown: "To reach" not in shown, "the end of the questions")
        terminal.press(F5)
        terminal.until_shows("ssh has to ask you")
        terminal.press(b"y")
        answer(terminal, asks)
        terminal.until_shows("✔ done", times=3)
        terminal.until_shows("sim-fast: ")  # how the hosts differ, below the table
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert terminal.is_restored()
