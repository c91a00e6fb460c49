"""Terminals of every kind: what is written to them is what they can show."""

import re
import sys
import termios
import unicodedata
from collections.abc import Callable

import pyte
import pytest
from rich.cells import cell_len
from terminal_under_test import Terminal

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs pidfd and /proc")

F5, F10 = b"\x1b[15~", b"\x1b[21~"
MODELS = ["--model", "sim-fast", "--model", "no-such-model"]


def colours_in(written: bytes) -> set[str]:
    """The kinds of colours that were set: `16`, `256`, `truecolor`."""
    kinds = set()
    for sequence in re.findall(rb"\x1b\[([\d;]*)m", written):
        numbers = [int(number or 0) for number in sequence.split(b";")]
        while numbers:
            number = numbers.pop(0)
            if number in (38, 48):
                kind = numbers.pop(0)
                kinds.add("truecolor" if kind == 2 else "256")
                del numbers[: 3 if kind == 2 else 1]
            elif 30 <= number <= 37 or 40 <= number <= 47 or 90 <= number <= 107:
                kinds.add("16")
    return kinds


def run_in(
    environ: dict[str, str], term: str, *arguments: str, done: str = "✔ done", failed: str = "✖ failed"
) -> bytes:
    """What is written to a terminal during a session with a run that half fails."""
    with Terminal([*arguments, *MODELS], environ, term=term) as terminal:
        terminal.until_shows("SIMULATED")
        terminal.press(F5)
        terminal.until(lambda shown: done in shown and failed in shown)
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert terminal.is_restored()
        return terminal.written


@pytest.mark.parametrize(
    ("term", "variables", "kinds"),
    [
        ("xterm-256color", {"COLORTERM": "truecolor"}, {"truecolor"}),
        ("xterm-256color", {}, {"256"}),
        ("screen-256color", {"STY": "1.pts"}, {"256"}),
        ("tmux-256color", {"TMUX": "/tmp/no,1,0"}, {"256"}),
        ("xterm", {}, {"16"}),
        ("linux", {}, {"16"}),
        ("vt100", {}, set()),
        ("xterm-256color", {"NO_COLOR": "1", "COLORTERM": "truecolor"}, set()),
    ],
)
def test_no_more_colours_than_it_has(
    environ: dict[str, str], term: str, variables: dict[str, str], kinds: set[str]
) -> None:
    environ.pop("COLORTERM", None)
    shapes = {"done": "v done", "failed": "X failed"} if term == "linux" else {}
    written = run_in(environ | variables, term, **shapes)
    found = colours_in(written)
    # The terminal's own sixteen are used by every theme's charts and by the theme of terminals with few colours.
    assert found - {"16"} == kinds - {"16"}
    assert ("16" in found) <= bool(kinds)
    assert (b"\x1b[?1003h" in written) is ("STY" not in variables), "GNU screen holds Escape back with the mouse"


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_one_that_cannot_show_a_screen_is_told_so(environ: dict[str, str], term: str) -> None:
    with Terminal(MODELS, environ, term=term) as terminal:
        assert terminal.until_ended() == 2
        assert b"latency-tui run --plain" in terminal.written
        assert b"\x1b" not in terminal.written


@pytest.mark.parametrize("locale", ["C", "POSIX", "de_DE.ISO-8859-1"])
def test_without_utf8_all_is_ascii_and_keeps_its_place(environ: dict[str, str], locale: str) -> None:
    written = run_in(environ | {"LC_ALL": locale}, "xterm", "Grüße aus 東京", done="v done", failed="X failed")
    assert written.isascii()
    assert b"Gr??e aus ????" in re.sub(rb"\x1b\[[\d;]*m", b"", written)


CTRL_L = b"\x0c"


def test_resizing_again_and_again_ends_at_the_last_size(environ: dict[str, str]) -> None:
    with Terminal(["--run", "--model", "sim-steady", "--max-tokens", "100000"], environ) as terminal:
        terminal.until_shows("▶ streaming")
        for step in range(60):
            terminal.resize(40 + step * 7 % 160, 10 + step * 5 % 50)
        terminal.resize(40, 12)
        terminal.until_shows("window larger")
        terminal.resize(80, 24)
        terminal.until_shows("▶ streaming")
        terminal.resize(200, 60)
        terminal.until(lambda shown: "▶ streaming" in shown and "Session ·" in shown)
        assert "window larger" not in terminal.shown
        for size in (None, (200, 59)):
            terminal.wipe()
            if size is None:
                terminal.press(CTRL_L)
            else:
                terminal.resize(*size)
            terminal.until(lambda shown: "▶ streaming" in shown and "more (Alt+E)" in shown)
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert terminal.is_restored()


ANSWERS = {
    "light": ("\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;4c", "", "e0e0e0"),
    "dark": ("\x1b]11;rgb:1111/1111/1111\x1b\\\x1b[?62;4c", "", "121212"),
    "too late, in two": ("\x1b]11;rgb:ffff/ff", "ff/ffff\x1b\\\x1b[?62;4c", "121212"),
}
"""What a terminal answers when it is asked for its background, and once the screen is there; then the screen's own."""


@pytest.mark.parametrize(("answer", "rest", "ground"), ANSWERS.values(), ids=ANSWERS)
def test_the_screen_is_light_where_the_terminal_says_that_it_is_and_no_key_is_lost(
    environ: dict[str, str], answer: str, rest: str, ground: str
) -> None:
    with Terminal(["--demo", "--model", "sim-fast"], {**environ, "COLORTERM": "truecolor"}) as terminal:
        terminal.until(lambda _shown: b"\x1b]11;?" in terminal.written)
        assert not terminal.changes(termios.ICRNL | termios.IXON)
        terminal.press(f"typed\rah{answer}".encode())
        terminal.until(lambda _shown: b"\x1b[?1049h" in terminal.written)
        terminal.press(f"{rest}ead".encode())
        assert " typed " in terminal.until_shows(" aheadExplain")
        assert terminal.cells[3][60].bg == ground
        terminal.press(F10)
        assert terminal.until_ended() == 0
        assert terminal.is_restored()


EMOJI = (
    "Family \U0001f468\u200d\U0001f469\u200d\U0001f467, heart ❤\ufe0f, flag \U0001f1ec\U0001f1e7, "
    "thumb 👍🏽, key 1\ufe0f\u20e3, हिन्दी नमस्ते"
)


def narrow(char: str) -> int:
    """Cells by a table from before emoji."""
    return 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) == "W" and char < "🀀" else 1


def wide(char: str) -> int:
    """Cells of every character for itself, as many as may be."""
    return 0 if unicodedata.combining(char) else 2 if char >= "🀀" else cell_len(char) or 1


def replayed(written: bytes, monkeypatch: pytest.MonkeyPatch, width: Callable[[str], int] | None) -> list[list[str]]:
    """The cells of a terminal with this table to which so much was written."""
    with monkeypatch.context() as patch:
        if width is not None:
            patch.setattr(pyte.screens, "wcwidth", width)
        screen = pyte.Screen(100, 30)
        pyte.ByteStream(screen).feed(written)
    return [[screen.buffer[y][x].data for x in range(100)] for y in range(30)]


def test_whatever_an_emoji_takes_nothing_moves_or_stays(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Terminal([EMOJI, "--model", "sim-fast"], environ, size=(100, 30)) as terminal:
        # The last row is painted last.
        terminal.until(lambda shown: "○ idle" in shown and "ह" in shown)
        with_emoji = terminal.written
        terminal.press(b"\x01\x7f")
        terminal.until(lambda shown: "Family" not in shown and "ह" not in shown)
        without = terminal.written
        terminal.press(F10)
        assert terminal.until_ended() == 0
    tables = (None, narrow, wide)
    first, *others = [[row[38:] for row in replayed(with_emoji, monkeypatch, width)] for width in tables]
    assert others == [first, first]
    first, *others = [replayed(without, monkeypatch, width) for width in tables]
    assert others == [first, first]
