"""Input of the terminal: what no terminal should send ends nothing and costs little, and keys come through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import constants, events

from tui.ui.terminal_input import TerminalInput

AFTER = "\x1b[21~"
"""F10, by which the person leaves."""
HARMFUL = {
    "a code beyond Unicode": "\x1b[1114112u",
    "a text beyond Unicode": "\x1b[97;;1114112u",
    "a modified key beyond Unicode": "\x1b[27;2;99999999~",
    "a function key beyond all": "\x1b[999999999999999999~",
    "a surrogate": "\x1b[55296u",
    "no number": "\x1b[;u",
    "many separators": "\x1b[1:::::::::;:::::;::::u",
    "a sequence without an end": "\x1b[" + "1;" * 50_000,
    "a clipboard without an end": "\x1b]52;c;" + "A" * 100_000,
    "a clipboard": "\x1b]52;c;QUJD\x07",
    "a clipboard, ended otherwise": "\x1b]52;c;QUJD\x1b\\",
    "a forged size": "\x1b[48;99999;99999;0;0t",
    "a forged size of zero": "\x1b[48;0;0;0;0t",
    "a mouse beyond the screen": "\x1b[<0;99999999999;1M",
    "a mouse left of the screen": "\x1b[<0;-5;-5M",
    "a mouse wheel of no kind": "\x1b[<127;1;1M",
    "a report without its question": "\x1b[?99999999999;1$y",
    "a position": "\x1b[99999999999;1R",
}


def read(text: str, step: int = 4096) -> list[events.Event]:
    """The events of `text`, read in steps as the driver does, and a pause."""
    source = TerminalInput()
    found = []
    for at in range(0, len(text), step):
        found += source.feed(text[at : at + step])
    return [*found, *source.pause()]  # type: ignore[list-item]


def keys(found: list[events.Event]) -> list[str]:
    return [event.key for event in found if isinstance(event, events.Key)]


@pytest.mark.parametrize("step", [1, 7, 4096])
@pytest.mark.parametrize("name", HARMFUL)
def test_what_cannot_be_is_dropped_and_the_next_key_counts(name: str, step: int) -> None:
    found = read(HARMFUL[name] + AFTER, step)
    assert keys(found)[-1:] == ["f10"]
    assert len(found) < 100
    assert not [event for event in found if isinstance(event, events.Resize) and event.size.area > 1_000_000]


@given(st.text("\x1b[]<>?;:0123456789umMt~ABCIOR\x07\\ a", max_size=60), st.integers(1, 70))
def test_nothing_ends_it(text: str, step: int) -> None:
    source = TerminalInput()
    for at in range(0, len(text), step):
        source.feed(text[at : at + step])
    source.pause()
    source.pause()
    after = [event for event in source.feed(AFTER) if isinstance(event, events.Key)]
    assert [event.key for event in after][-1:] == ["f10"] or "200~" in text


@pytest.mark.parametrize("step", [1, 3, 4096])
def test_ordinary_keys_come_through(step: int) -> None:
    sent = "a\r\t\x1b[A\x1b[1;5C\x1b[97;5u\x1bOP\x1b[15~\x1b[200~pasted\x1b[201~b"
    found = read(sent, step)
    assert keys(found) == ["a", "enter", "tab", "up", "ctrl+right", "ctrl+a", "f1", "f5", "b"]
    assert [event.text for event in found if isinstance(event, events.Paste)] == ["pasted"]


@pytest.mark.parametrize("step", [1, 3, 4096])
def test_keys_with_alt_in_one_read_are_keys_and_those_in_a_paste_are_text(step: int) -> None:
    found = read("\x1bm\x1be\x1b\x1bs\x1b[200~one\x1bs\x1b[21~two~\x1b[201~\x1bS", step)
    assert [key for key in keys(found) if key != "escape"] == ["alt+m", "alt+e", "alt+s", "alt+shift+s"]
    assert [event.text for event in found if isinstance(event, events.Paste)] == ["one\x1bs\x1b[21~two~"]


REPORTS = ["\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;4c", "\x1b]11;rgb:ff/ff/ff\x07", "\x1b[?1;2c", "\x1b[<35;10;12M",
           "\x1b]52;c;QUJD\x1b\\"]  # fmt: skip
"""What terminals tell, asked or not."""


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("pauses", [False, True])
def test_a_report_in_two_pieces_types_nothing(report: str, pauses: bool) -> None:
    for cut in range(3, len(report)):
        if pauses and report[:cut].endswith(("\x1b", "\x1b[")):
            continue  # it may be a key
        source = TerminalInput()
        found = [*source.feed("a" + report[:cut]), *(source.pause() if pauses else ())]
        found += source.feed(report[cut:] + "b")
        assert keys(found) == ["a", "b"], report[:cut]


@pytest.mark.parametrize("sent", ["\x1b[", "\x1b]", "\x1bP", "\x1bp"])
def test_alt_with_what_begins_sequences_is_a_key(sent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ESCAPE_DELAY", 0)
    source = TerminalInput()
    found = [*source.feed(sent), *source.pause(), *source.pause()]
    assert len(found) == 1
    assert isinstance(found[0], events.Key)


def test_a_paste_without_brackets_is_one_event_per_read() -> None:
    text = "some words, and\rmore of them in lines\r" * 500
    found = read(text)
    pasted = [event.text for event in found if isinstance(event, events.Paste)]
    assert len(found) <= 2 * (len(text) // 4096 + 1)
    assert "".join(pasted).replace("\n", "").startswith("some words, and")
    assert "".join(pasted).count("\n") + keys(found).count("enter") == text.count("\r")


def test_what_is_typed_is_no_paste() -> None:
    assert keys(read("hello")) == [*"hello"]
    assert keys(read("j" * 100)) == ["j"] * 100


@pytest.mark.parametrize("sent", ["\x1b[I\x1b[O", "\x1b[<35;10;10M\x1b[<35;11;10M"])
def test_of_a_flood_only_the_last_in_each_read_counts(sent: str) -> None:
    found = read(sent * 2_000)
    assert 0 < len(found) <= 2 * (len(sent) * 2_000 // 4096 + 1)
