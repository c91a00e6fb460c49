"""What is sent to set the clipboard, taken apart again as each program on the way would."""

import base64
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.ui.terminal import LONGEST, Terminal, clipboard_sequence, copy, describe, is_light

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=3_000)


def clipboard(sequence: str) -> str:
    """What a terminal's clipboard holds after this."""
    match = re.fullmatch("\x1b]52;c;([A-Za-z0-9+/=]*)\x07", sequence)
    assert match
    return base64.b64decode(match[1]).decode()


@given(TEXTS)
def test_straight(text: str) -> None:
    assert clipboard(clipboard_sequence(text, Terminal()) or "") == text


@given(TEXTS)
def test_through_tmux_whichever_way_it_is_set(text: str) -> None:
    sequence = clipboard_sequence(text, Terminal(inside="tmux")) or ""
    own, _, passed = sequence.partition("\x1bPtmux;")
    assert clipboard(own) == text
    assert clipboard(passed.removesuffix("\x1b\\").replace("\x1b\x1b", "\x1b")) == text


@given(TEXTS)
def test_through_screen_in_pieces_that_it_can_hold(text: str) -> None:
    sequence = clipboard_sequence(text, Terminal(inside="screen")) or ""
    pieces = re.findall("\x1bP(.*?)\x1b\\\\", sequence, re.DOTALL)
    assert all(len(piece) < 768 for piece in pieces)
    assert clipboard("".join(pieces)) == text


@pytest.mark.parametrize(
    ("term", "variables", "inside"),
    [
        ("tmux-256color", ("TMUX",), "tmux"),
        ("screen", ("TMUX",), "tmux"),
        ("screen", ("STY",), "screen"),
        ("tmux-256color", ("TMUX", "STY"), "tmux"),
        ("screen.xterm-256color", ("TMUX", "STY"), "screen"),
        ("xterm", (), ""),
    ],
)
def test_of_two_multiplexers_the_inner_one_counts(term: str, variables: tuple[str, ...], inside: str) -> None:
    assert describe({"TERM": term, **dict.fromkeys(variables, "there")}, "auto").inside == inside


@pytest.mark.parametrize(
    ("text", "terminal"), [("x" * (LONGEST + 1), Terminal()), ("secret", Terminal(clipboard=False))]
)
def test_what_a_terminal_cannot_take_goes_into_a_private_file(
    text: str, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    written: list[str] = []
    path = copy(text, terminal, written.append)
    assert path is not None
    assert path.read_text() == text
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert not written


@pytest.mark.parametrize(
    ("colour", "light"),
    [("ffff/ffff/ffff", True), ("fdf6/e3e3/0000", True), ("ff/ff/ff", True), ("f/f/f", True), ("0000/0000/0000", False),
     ("2828/2c2c/3434", False), ("00/2b/36", False)],
)  # fmt: skip
def test_a_background_is_light_where_black_is_read_better(colour: str, light: bool) -> None:
    red, green, blue = colour.encode().split(b"/")
    assert is_light(red, green, blue) is light
