"""Every command of the documents runs, as a person would type it after installing.

The README's own commands run first, in order; what they leave (a plan, an export, a history) is what the others find.
They and all lines that need a shell run in one that finds `latency-tui` on its PATH; the others are started without.
"""

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from canary import SPARE
from terminal_under_test import Terminal

from docs.pages import PAGES, README, ROOT, Block, blocks
from tui.child import own_command
from tui.simulator.process import SimulatorProcess

pytestmark = [pytest.mark.pty, pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs pidfd")]

OF_CI = ("run", "test")
"""Comments of the blocks that `.ci/run` runs."""
PORT = "8099"
"""The documents' port for a server on this machine."""
F10, ESCAPE, DOWN, RIGHT = b"\x1b[21~", b"\x1b", b"\x1b[B", b"\x1b[C"
CHANGE = re.compile("TTFT [−+][\\d.]+ m?s")
"""What a lane says of its change since it was pinned."""
KEYS = {
    "F5": b"\x1b[15~",
    "F6": b"\x1b[17~",
    "F9": b"\x1b[20~",
    "F4": b"\x1bOS",
    "Alt+S": b"\x1bs",
    "Alt+Shift+B": b"\x1bB",
    "Alt+E": b"\x1be",
    "Enter": b"\r",
    "Alt+A": b"\x1ba",
}
"""What a terminal sends for the keys of the README's steps."""
SHORTER = """\
[parameters]
max_tokens = 20
[series]
repeats = 3
[[targets]]
model = "claude-haiku-5-5"
[[targets]]
model = "claude-sonnet-5-5"
"""
"""Settings with which the steps take seconds."""
LANE = re.compile("○ idle|◌ connecting|◔ waiting|◑ thinking|▶ streaming|✔ done|REPLAY")
"""Any state of a lane: the screen is there."""


def _unique(found: list[Block]) -> list[Block]:
    """Those whose text was not there before: a page may show a command of another's again."""
    return list({(block.comment, block.text): block for block in reversed(found)}.values())[::-1]


COMMANDS = [block for page in PAGES for block in blocks(page, "sh") if block.comment not in OF_CI]
OWN = [block for block in COMMANDS if block.page == README and not block.comment]
SHOWN_BEFORE = {block.text for block in OWN}
OTHERS = [one for one in _unique(COMMANDS) if one.comment not in ("screen", "server") and one.text not in SHOWN_BEFORE]
SCREENS = [block for block in _unique(COMMANDS) if block.comment == "screen"]
SERVERS = [block for block in _unique(COMMANDS) if block.comment == "server"]


class Checkout:
    """A directory that looks to a shell as the checkout does after the README's first command."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def script(self, commands: str) -> str:
        """`commands` where `latency-tui` is on the PATH."""
        return f"source .venv/bin/activate\n{commands}"

    @property
    def environ(self) -> dict[str, str]:
        """Nothing of the person at this machine."""
        ours = ("LATENCY_TUI_", "ANTHROPIC_", "XDG_", "TEXTUAL", "COLUMNS", "LINES", "NO_COLOR", "OTEL_")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        home = self.directory / "home"
        places = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
        return environ | SPARE | places | {"HOME": str(home), "TMPDIR": str(self.directory)}


@pytest.fixture(scope="module")
def after_readme(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The checkout after the README's commands."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    (checkout.directory / ".venv/bin").mkdir(parents=True)
    (checkout.directory / ".venv/bin/activate").symlink_to(Path(sys.prefix) / "bin/activate")
    shutil.copytree(ROOT / "configs", checkout.directory / "configs")
    (checkout.directory / "plan.toml").write_text(blocks(README, "toml")[0].text)
    (checkout.directory / "letter.txt").write_text("Why is the sky blue?")
    script = "\n".join(block.text for block in OWN)
    assert script.startswith("source .venv/bin/activate\n"), "the README puts the program on the PATH first"
    _run(["bash", "-euo", "pipefail", "-c", script], checkout)
    return checkout


@pytest.fixture
def checkout(after_readme: Checkout, tmp_path: Path) -> Checkout:
    """A copy of that for one block."""
    shutil.copytree(after_readme.directory, tmp_path / "checkout", symlinks=True)
    return Checkout(tmp_path / "checkout")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The port of a simulator."""
    with SimulatorProcess.start() as simulator:
        yield simulator.base_url.rpartition(":")[2]


def _run(command: list[str], checkout: Checkout) -> int:
    done = subprocess.run(
        command,
        cwd=checkout.directory,
        env=checkout.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
    )
    sys.stdout.write(done.stdout)
    return done.returncode


def _lines(text: str) -> list[str]:
    return [line for line in text.replace("\\\n", "").splitlines() if line and not line.startswith("#")]


def _words(line: str) -> list[str] | None:
    """The arguments in a line that has nothing for a shell to do; None for others."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    program, *words = lexer
    needs_shell = program != "latency-tui" or any(set(word) <= set(lexer.punctuation_chars) for word in words)
    return None if needs_shell else words


def _run_line(line: str, checkout: Checkout) -> int:
    words = _words(line)
    if words is None:
        return _run(["bash", "-euo", "pipefail", "-c", checkout.script(line)], checkout)
    return _run(own_command(*words), checkout)


@contextlib.contextmanager
def _terminal(line: str, checkout: Checkout, *, in_shell: bool = False) -> Iterator[Terminal]:
    """A terminal in which this line was typed."""
    words = None if in_shell else _words(line)
    with contextlib.chdir(checkout.directory):
        if words is None:
            terminal = Terminal(["-c", checkout.script(line)], checkout.environ, program=("bash",))
        else:
            terminal = Terminal(words, checkout.environ)
    with terminal:
        yield terminal


def _name(block: Block) -> str:
    return block.name


def test_the_readmes_commands_run(after_readme: Checkout) -> None:
    assert (after_readme.directory / "before.json").exists()


@pytest.mark.parametrize("block", OTHERS, ids=_name)
def test_commands_run(block: Block, checkout: Checkout, server: str) -> None:
    *before, last = _lines(block.text.replace(PORT, server))
    assert [line for line in before if _run_line(line, checkout) != 0] == []
    status = _run_line(last, checkout)
    assert status in [int(word) for word in block.comment.split()[1:] or ["0"]]


@pytest.mark.parametrize("block", SCREENS, ids=_name)
def test_screens_open_and_close(block: Block, checkout: Checkout, server: str) -> None:
    for line in _lines(block.text.replace(PORT, server)):
        with _terminal(line, checkout, in_shell=block.page == README) as terminal:
            terminal.until(lambda shown: LANE.search(shown) is not None)
            terminal.press(F10)
            assert terminal.until_ended() == 0


def test_the_first_five_minutes(checkout: Checkout) -> None:
    steps = README.read_text("utf-8").partition("## First five minutes")[2].partition("\n## ")[0]
    # The same steps, with short answers of two models and few repeats.
    (checkout.directory / "latency-tui.toml").write_text(SHORTER)
    with _terminal("latency-tui --demo", checkout) as terminal:
        terminal.until_shows("○ idle", 2)

        def press(key: str, until: Callable[[str], object]) -> None:
            assert key in steps, f"the README does not say {key}"
            terminal.press(KEYS[key])
            terminal.until(lambda shown: bool(until(shown)))

        press("F5", lambda shown: "run 1 done" in shown)
        press("F6", lambda shown: "y Copy" in shown)
        press("F9", lambda shown: "Models (" not in shown)
        press("F9", lambda shown: "Models (" in shown)
        press("F4", lambda shown: "TTFT, first token" in shown)
        terminal.press(ESCAPE)
        terminal.until(lambda shown: "TTFT, first token" not in shown)
        press("Alt+S", lambda shown: "3 of 3, done" in shown)
        press("Alt+Shift+B", lambda shown: "Pinned: 2 lanes" in shown)
        press("Alt+E", lambda shown: "Parameters of all targets" in shown)
        terminal.press(DOWN + RIGHT)
        terminal.until_shows("[low]")
        press("Enter", lambda shown: "‹ low ›" in shown)
        press("Alt+S", lambda shown: "3 of 3, done" in shown and len(CHANGE.findall(shown)) == 2)
        press("Alt+A", lambda shown: "Advice · " in shown)


@pytest.mark.parametrize("block", SERVERS, ids=_name)
def test_servers_start_and_stop(block: Block, checkout: Checkout) -> None:
    for line in _lines(block.text):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        words = _words(line.replace(PORT, port))
        assert words is not None
        process = subprocess.Popen(
            own_command(*words),
            cwd=checkout.directory,
            env=checkout.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with process:
            assert process.stdout is not None
            assert any(f"127.0.0.1:{port}" in said for said in process.stdout)
            process.send_signal(signal.SIGTERM)
            assert process.wait() in (0, 128 + signal.SIGTERM, -signal.SIGTERM)
