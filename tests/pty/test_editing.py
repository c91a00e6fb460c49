"""Text that is being written, in a real terminal: taken to the person's editor and back, and kept through a signal."""

import signal
import sys
from pathlib import Path

import pytest
from terminal_under_test import Terminal, all_ended

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs pidfd and /proc")

F10 = b"\x1b[21~"
EDIT_OUTSIDE = b"\x1bV"


def editor(directory: Path, script: str) -> str:
    """An editor of these lines of shell; its path."""
    path = directory / "editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return str(path)


def test_the_prompt_goes_to_the_editor_and_comes_back(environ: dict[str, str], tmp_path: Path) -> None:
    took = tmp_path / "took"
    script = f'cp "$2" {took}\nprintf "Now type."\nread -r typed\nprintf "%s\\n" "Appended: $typed." >> "$2"'
    environ = {name: value for name, value in environ.items() if name != "VISUAL"}
    with Terminal(
        ["Begun on screen.", "--model", "sim-fast"],
        environ | {"EDITOR": f"{editor(tmp_path, script)} --wait"},
        # So far away that the answer to what is asked of the terminal is still to come when the editor is called for.
        link=(1e6, 0.15),
    ) as terminal:
        terminal.until_shows("○ idle")
        terminal.press(EDIT_OUTSIDE)
        terminal.until_shows("Now type.")
        # The terminal is the editor's meanwhile, its line modes too.
        terminal.press(b"zebra\r")
        terminal.until_shows("Appended: zebra.")
        shown = terminal.until_shows("○ idle")
        assert "Begun on screen." in shown
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert terminal.is_restored()
    assert took.read_text() == "Begun on screen."


def test_an_editor_that_fails_leaves_the_prompt(environ: dict[str, str], tmp_path: Path) -> None:
    failing = editor(tmp_path, 'echo "never seen" > "$1"\nexit 3')
    environ = {name: value for name, value in environ.items() if name != "VISUAL"}
    with Terminal(["Begun on screen.", "--model", "sim-fast"], environ | {"EDITOR": failing}) as terminal:
        terminal.until_shows("○ idle")
        terminal.press(EDIT_OUTSIDE)
        terminal.until_shows("status 3")
        shown = terminal.until_shows("Begun on screen.")
        assert "never seen" not in shown
        terminal.press(F10)
        assert terminal.until_ended() == 0


def test_what_was_typed_is_there_again_after_sigterm(environ: dict[str, str]) -> None:
    with Terminal(["--model", "sim-fast"], environ) as terminal:
        terminal.until_shows("○ idle")
        # A paste takes the place of the untouched example.
        terminal.press(b"\x1b[200~Zebras at noon\x1b[201~")
        terminal.until_shows("Zebras at noon")
        terminal.press(b", and ibexes")
        terminal.until_shows("ibexes")
        family = terminal.family()
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.until_ended() == 128 + signal.SIGTERM
        assert all_ended(family)
    with Terminal(["--model", "sim-fast"], environ) as terminal:
        terminal.until(lambda shown: "Zebras at noon" in shown and "ibexes" in shown, "what was typed before")
        terminal.press(F10)
        assert terminal.until_ended() == 0
