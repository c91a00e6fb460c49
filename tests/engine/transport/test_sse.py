"""The decoder of server-sent events, wherever the bytes are cut, held against the SDK's own."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from anthropic._streaming import SSEDecoder
from hypothesis import given
from hypothesis import strategies as st

from tui.engine.transport.sse import ServerSentEvent, SseDecoder


def decode(chunks: Iterable[bytes]) -> list[ServerSentEvent]:
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted({min(place, len(data)) for place in places}), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


PLACES = st.lists(st.integers(0, 400), max_size=40)
NAMES = st.sampled_from(["message_start", "content_block_delta", "ping", "error"])
VALUES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
EVENTS = st.tuples(NAMES, st.lists(VALUES, min_size=1, max_size=3), st.booleans())
NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])


def encode(event: tuple[str, list[str], bool], newline: str) -> bytes:
    name, values, comment = event
    lines = [": a comment"] if comment else []
    lines += [f"event: {name}", *(f"data: {value}" for value in values), "", ""]
    return newline.join(lines).encode()


@given(st.lists(st.tuples(EVENTS, NEWLINES), max_size=6), PLACES)
def test_every_chunking_gives_the_events_that_were_written(
    written: list[tuple[tuple[str, list[str], bool], str]], places: list[int]
) -> None:
    data = b"".join(encode(event, newline) for event, newline in written)
    expected = [(name, "\n".join(values).encode()) for (name, values, _), _ in written]
    assert decode(cut(data, places)) == expected


@given(st.binary(max_size=200) | st.text("\r\n: adtevn\ufeff", max_size=200).map(str.encode), PLACES)
def test_any_bytes_give_the_same_events_in_every_chunking(data: bytes, places: list[int]) -> None:
    assert decode(cut(data, places)) == decode([data]) == decode(bytes([byte]) for byte in data)


@given(st.lists(EVENTS, max_size=6), NEWLINES, PLACES)
def test_it_agrees_with_the_sdk(events: list[tuple[str, list[str], bool]], newline: str, places: list[int]) -> None:
    data = b"".join(encode(event, newline) for event in events)
    theirs = [(sse.event, sse.data.encode()) for sse in SSEDecoder().iter_bytes(iter([data]))]
    assert decode(cut(data, places)) == theirs


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"data: a\n\n", [("message", b"a")]),
        (b"data:a\n\n", [("message", b"a")]),
        (b"data:  a\n\n", [("message", b" a")]),
        (b"data\n\n", [("message", b"")]),
        (b"event: x\ndata: a\ndata: b\n\n", [("x", b"a\nb")]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [("message", b"a"), ("message", b"b"), ("message", b"c")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("message", b"a")]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [("message", b"a")]),
        (b": comment\ndata: a\n: another\n\n", [("message", b"a")]),
        (b"id: 1\nretry: 5\nfoo: bar\ndata: a\n\n", [("message", b"a")]),
        (b"\n\n\ndata: a\n\n\n\n", [("message", b"a")]),
        (b"data: a\n", []),
        (b"data: a", []),
        (b"", []),
        (b"data: \x85\xe2\x80\xa8\x0b\x0c\n\n", [("message", b"\x85\xe2\x80\xa8\x0b\x0c")]),
        (b"event: \xff\ndata: a\n\n", [("\ufffd", b"a")]),
    ],
)
def test_the_standard(data: bytes, expected: list[tuple[str, bytes]]) -> None:
    assert decode([data]) == expected


def test_an_event_without_data_is_none_and_leaves_nothing_behind() -> None:
    assert decode([b"event: x\n\ndata: a\n\n"]) == [("message", b"a")]


def test_an_event_comes_out_with_the_byte_that_completes_it() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r\n\r") == [("message", b"a")]
    assert decoder.feed(b"") == []
    assert decoder.feed(b"\ndata: b\n\n") == [("message", b"b")]


def test_a_long_event_in_small_pieces() -> None:
    text = b"x" * 1_000_000
    data = b"data: " + text + b"\n\n"
    assert decode(data[start : start + 1000] for start in range(0, len(data), 1000)) == [("message", text)]
