"""Text with colour sequences becomes strips, and nothing but colours gets through."""

from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color
from rich.style import Style

from tui.ui.widgets.strips import KeyName, ansi_strips, key_strip

BASE = Style.parse("white on blue")


def parts(text: str) -> list[list[tuple[str, Style | None]]]:
    return [[(segment.text, segment.style) for segment in strip] for strip in ansi_strips(text, BASE)]


def test_colours_are_kept_and_backgrounds_are_not() -> None:
    text = "a\x1b[38;2;1;2;3m\x1b[48;5;15mb\x1b[0mc\n\x1b[31md\x1b[92me\x1b[1;38;5;200mf"
    assert parts(text) == [
        [("a", BASE), ("b", BASE + Style(color=Color.from_rgb(1, 2, 3))), ("c", BASE)],
        [
            ("d", BASE + Style(color=Color.from_ansi(1))),
            ("e", BASE + Style(color=Color.from_ansi(10))),
            ("f", BASE + Style(color=Color.from_ansi(200), bold=True)),
        ],
    ]


def test_runs_of_one_style_are_one_segment() -> None:
    assert parts("a\x1b[0mb\x1b[mc") == [[("abc", BASE)]]


def test_names_of_a_key_are_cut_only_where_short_ones_do_not_fit() -> None:
    key = [KeyName("*", BASE, name, name[:7]) for name in ("connecting", "waiting", "thinking", "stream")]
    assert key_strip(key, BASE, 60).text == "* connecting  * waiting  * thinking  * stream  "
    assert key_strip(key, BASE, 41).text == "* connect  * waiting  * thinkin  * stream  "
    cut = key_strip(key, BASE, 36)
    assert cut.cell_length <= 38
    assert cut.text.count("…") == 4


def test_incomplete_sequences_do_no_harm() -> None:
    assert parts("\x1b[38;5mx\x1b[38my\x1b[38;2;1mz") == [[("xyz", BASE)]]


@given(st.lists(st.sampled_from(["\x1b", "[", "0", ";", "m", "38", "5", "2", "\n", "x", "\x07"]), max_size=30))
def test_no_control_character_is_left(pieces: list[str]) -> None:
    for strip in ansi_strips("".join(pieces), BASE):
        assert strip.text.isprintable()
