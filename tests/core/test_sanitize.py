"""Text from a model cannot drive the terminal."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.core.sanitize import clean, stand_ins

FORBIDDEN = {
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u2060\ufeff\xad",
} - {"\n", "\t"}
NASTY = st.text(
    st.sampled_from(
        "\x1b[31m;\x07\r\n\t\x9b\x85\u202e\u2066\u200d\ufe0f\ufe0e\u200b\U000e0041a1é漢क\u094d "
        "❤👩💻🏽\ud800\udc00\ufffe\ufeff"
    )
)
TEXT = NASTY | st.text()


def forbidden(text: str) -> set[str]:
    return {
        char
        for char in text
        if char in FORBIDDEN
        or unicodedata.category(char) == "Cs"
        or 0xFDD0 <= ord(char) <= 0xFDEF
        or ord(char) & 0xFFFE == 0xFFFE
        or 0xE0000 <= ord(char) <= 0xE0FFF
    }


@given(TEXT)
def test_nothing_forbidden_is_left(text: str) -> None:
    assert not forbidden(clean(text))


@given(TEXT)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(TEXT, TEXT)
def test_a_sequence_split_in_two_stays_harmless(first: str, second: str) -> None:
    assert not forbidden(clean(first) + clean(second))


MARKS = st.text(st.sampled_from("\u0301\u0e49\u20dd\u05b0\ufe0f\u200de漢❤"), max_size=200)


@given(MARKS)
@example("\u0301" * 8 + "\u0e49\u200d")
@example("\u0301" * 8 + "\u20e3\ufe0f\u200d❤")
@example("\u0301" * 8 + "\u0e49\u200d\u0e49")
def test_marks_on_one_character_are_bounded(text: str) -> None:
    longest = run = 0
    for char in clean(text):
        run = run + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        longest = max(longest, run)
    assert longest <= 8
    assert clean(clean(text)) == clean(text)


@given(TEXT)
def test_the_result_can_be_encoded(text: str) -> None:
    clean(text).encode()


@pytest.mark.parametrize(
    "text",
    [
        "plain text, with\ttabs\nand lines",
        "a" + "\u0301" * 8,  # beyond what any script puts on a letter
        "\u0f40\u0fb2\u0f71\u0f72\u0f7e \u05e9\u05bc\u05c1\u05b8\u0591 \u0e17\u0e35\u0e48 \u0915\u094d\u0937\u093f",
        "｡、〜！？…—「」『』（）【】",
        "Zażółć gęślą jaźń — “quotes” … ½ × ±",
        "日本語のテキスト、한국어 텍스트、中文文本",
        "שלום עולם \u200fمرحبا بالعالم می\u200cخواهم",
        "हिन्दी क्\u200dष ශ්\u200dරී ไทย ខ្មែរ",
        "e\u0301 o\u0308 Z\u0351\u036b",
        "👩\u200d💻 👨\u200d👩\u200d👧\u200d👦 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈 👩🏽\u200d🚀",
        "🇬🇧 1\ufe0f\u20e3 ©\ufe0f ☎\ufe0e",
        "│┆█ ⠿ ␛ \ufffd",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2J\x1b]52;c;aGk=\x07", "␛[2J␛]52;c;aGk=␇"),
        ("a\r\nb\rc\x85d\u2028e\u2029f", "a\nb\nc\nd\ne\nf"),
        ("\x00\x7f\x9b31m", "␀␡\ufffd31m"),
        ("user\u202egnp.exe\u202c", "user\ufffdgnp.exe\ufffd"),
        ("a\u200bb\xadc\ufeff\u2060", "abc"),
        ("a\u200db 1\u200d2 👩\u200d", "ab 12 👩\u200d"),
        ("a\ufe0fb x\ufe01", "ab x"),
        ("🏴\U000e0067\U000e0062\U000e007f", "🏴"),
        ("\ud83d\uffff\U0001fffe", "\ufffd\ufffd\ufffd"),
    ],
)
def test_what_becomes_of_it(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_marks_without_end_are_cut() -> None:
    assert clean("za" + "\u0300\u0328" * 500 + "lgo") == "za" + "\u0300\u0328" * 4 + "lgo"


def test_an_emoji_split_by_the_stream_arrives_whole() -> None:
    emoji = "❤\ufe0f\u200d🔥"
    for cut in range(len(emoji)):
        assert clean(emoji[:cut]) + clean(emoji[cut:]) == emoji


@given(st.text())
def test_stand_ins_move_no_character_and_leave_nothing_that_drives_a_terminal(text: str) -> None:
    shown = stand_ins(text)
    assert len(shown) == len(text)
    assert not any(char in "\x1b\x9b\x07\r\u202e\x7f\u200b\u2060" for char in shown)
    assert stand_ins("a\tb [red]\x1b[31m") == "a\tb [red]␛[31m"
