"""A newcomer's first two minutes: every key that is pressed stands on the screen, in the footer, the menu or a box."""

import re
import sys
from pathlib import Path

import pytest
from terminal_under_test import Terminal

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs pidfd and /proc")

SENT = {"F5": b"\x1b[15~", "F10": b"\x1b[21~", "^Space": b"\x00", ".": b"."}
"""Bytes of the keys that footers name."""


def press(terminal: Terminal, key: str, title: str) -> None:
    """Press a key that the footer names."""
    terminal.until(lambda shown: f"{key} {title}" in shown.splitlines()[-1], f"{key} {title} in the footer")
    terminal.press(SENT[key])


def choose(terminal: Terminal, title: str) -> None:
    """Press the letter that the menu shows for an action."""
    press(terminal, "^Space", "Menu")
    entry = re.compile(rf"(?<!\S)(\S) {title}(?= {{2,}})")
    shown = terminal.until(lambda shown: "press a letter" in shown and entry.search(shown) is not None, f"{title}")
    found = entry.search(shown)
    assert found is not None
    terminal.press(found[1].encode())
    terminal.until(lambda shown: "press a letter" not in shown, "a closed menu")


def answer(terminal: Terminal, key: str, does: str) -> None:
    """Press a key that a box names with what it does."""
    terminal.until_shows(f"{key} {does}")
    terminal.press({"Enter": b"\r", "Escape": b"\x1b"}[key])


def paste(terminal: Terminal, text: str) -> None:
    terminal.press(b"\x1b[200~" + text.encode() + b"\x1b[201~")


def test_start_paste_run_change_run_compare_save_and_reopen(environ: dict[str, str]) -> None:
    with Terminal(["--demo"], environ) as terminal:
        shown = terminal.until_shows("ready")
        assert "ANTHROPIC_API_KEY" not in shown, "who asked for a demo is not told of a key"
        paste(terminal, "Why is the sea blue?")
        terminal.until_shows("Why is the sea blue?")
        press(terminal, "F5", "Run")
        terminal.until_shows("✔ done", 3)
        choose(terminal, "Pin")
        terminal.press(b" Briefly.")
        terminal.until_shows("Briefly.")
        press(terminal, "F5", "Run")
        terminal.until_shows("run 2")
        terminal.until_shows("✔ done", 3)
        choose(terminal, "Compare")
        terminal.until(lambda shown: "━ Compare" in shown and "Briefly" in shown, "the comparison")
        answer(terminal, "Escape", "closes")
        terminal.until(lambda shown: "━ Compare" not in shown, "the main screen")
        choose(terminal, "Save")
        terminal.until_shows("Save the plan as")
        answer(terminal, "Enter", "saves")
        terminal.until_shows("Saved plan.toml")
        press(terminal, "F10", "Quit")
        assert terminal.until_ended() == 0
        assert b"2 runs kept in the history" in terminal.written
    assert "Briefly." in Path("plan.toml").read_text()
    with Terminal(["--demo"], environ, size=(80, 24)) as terminal:
        terminal.until_shows("Briefly.")
        choose(terminal, "New")
        terminal.until(lambda shown: "ten-year-old" in shown, "a fresh start")
        choose(terminal, "Open")
        terminal.until_shows("Open a plan")
        paste(terminal, "plan.toml")
        answer(terminal, "Enter", "opens")
        terminal.until_shows("Briefly.")
        # One pane at a time: from the lanes, which a run brings to the front, back to the prompt.
        press(terminal, "F5", "Run")
        terminal.until_shows("✔ done", 3)
        press(terminal, ".", "Next pane")
        terminal.until_shows("Latest run")
        press(terminal, ".", "Next pane")
        terminal.until_shows("Briefly.")
        terminal.press(b" And plainly.")
        terminal.until_shows("plainly.")
        press(terminal, "F10", "Quit")
        assert terminal.until_ended() == 0
        said = " ".join(terminal.written.decode().split())
        assert "plan.toml was not saved. What you wrote is kept: it is there when you start again." in said
