"""Framing, compression and server-sent events of a body, undone wherever the bytes are cut.

The events are held against the SDK's own decoder.
"""

import gzip
import itertools
import zlib
from collections.abc import Iterable, Mapping
from itertools import pairwise

import pytest
from anthropic._streaming import SSEDecoder
from hypothesis import given
from hypothesis import strategies as st

from tui.engine.limits import BodyError
from tui.engine.transport.body import RawBody, ServerSentEvent, SseDecoder

CHUNKED = {"transfer-encoding": "chunked"}
TEXT = b"event: ping\ndata: {}\n\n" * 20


def decoded(headers: Mapping[str, str], *parts: bytes) -> tuple[bytes, RawBody]:
    body = RawBody(headers)
    return b"".join(itertools.chain.from_iterable(map(body.feed, parts))), body


def chunks(*parts: bytes, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    framed = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
    return framed + b"0" + extension + b"\r\n" + trailers + b"\r\n"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    at = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(at)]


PLACES = st.lists(st.integers(0, 1 << 16), max_size=8)

BODIES = [
    (CHUNKED, chunks(TEXT)),
    (CHUNKED, chunks(TEXT[:1], TEXT[1:200], TEXT[200:])),
    ({"transfer-encoding": "Chunked"}, chunks(TEXT, extension=b';name="v;1"')),
    (CHUNKED, chunks(TEXT, trailers=b"x-one: 1\r\nx-two: 2\r\n")),
    (CHUNKED, chunks(TEXT).replace(b"\r\n", b"\n", 1)),
    ({"content-length": str(len(TEXT))}, TEXT),
    (CHUNKED | {"content-encoding": "gzip"}, chunks(gzip.compress(TEXT, mtime=0))),
    (CHUNKED | {"content-encoding": "GZIP "}, chunks(*(bytes([byte]) for byte in gzip.compress(TEXT, mtime=0)))),
    (CHUNKED | {"content-encoding": "deflate"}, chunks(zlib.compress(TEXT))),
    (
        {"content-length": str(len(gzip.compress(TEXT, mtime=0))), "content-encoding": "gzip"},
        gzip.compress(TEXT, mtime=0),
    ),
]


@pytest.mark.parametrize(("headers", "data"), BODIES)
@given(places=PLACES)
def test_every_cut_gives_the_same(headers: dict[str, str], data: bytes, places: list[int]) -> None:
    plain, body = decoded(headers, *cut(data, places))
    assert plain == TEXT
    assert body.complete
    assert not body.ends_with_connection


@pytest.mark.parametrize(("headers", "data"), BODIES)
def test_cut_at_every_byte(headers: dict[str, str], data: bytes) -> None:
    body = RawBody(headers)
    for at in range(len(data)):
        assert not body.complete
        list(body.feed(data[at : at + 1]))
    assert body.complete


@given(st.lists(st.binary(min_size=1, max_size=400), max_size=8), PLACES)
def test_any_chunks(parts: list[bytes], places: list[int]) -> None:
    plain, body = decoded(CHUNKED, *cut(chunks(*parts), places))
    assert plain == b"".join(parts)
    assert body.complete


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=8))
def test_what_comes_out_came_in_with_the_same_call(parts: list[bytes]) -> None:
    packer = zlib.compressobj(wbits=31)
    body = RawBody(CHUNKED | {"content-encoding": "gzip"})
    for part in parts:
        packed = packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)
        assert b"".join(body.feed(b"%x\r\n%b\r\n" % (len(packed), packed))) == part


def test_a_body_until_the_connection_closes_is_never_complete() -> None:
    plain, body = decoded({}, TEXT, TEXT)
    assert plain == TEXT * 2
    assert body.ends_with_connection
    assert not body.complete


def test_chunks_count_and_not_a_length_beside_them() -> None:
    plain, body = decoded(CHUNKED | {"content-length": "3"}, chunks(TEXT))
    assert plain == TEXT
    assert body.complete


def test_what_may_be_the_end_of_a_body() -> None:
    ends = [b"", chunks(TEXT) + b"0\r\n\r\n", b"0\r\n\r\n"]
    for headers in (CHUNKED, {}, {"content-length": "4"}):
        assert [RawBody(headers).may_end_with(data) for data in ends] == [True] * 3
    assert not RawBody(CHUNKED).may_end_with(b"4\r\ndata\r\n")
    assert not RawBody({}).may_end_with(b"data")


@pytest.mark.parametrize("headers", [{"content-length": "0"}, {"content-length": "4"}])
def test_nothing_beyond_the_length(headers: dict[str, str]) -> None:
    plain, body = decoded(headers, b"data", b"more")
    assert plain == b"data"[: int(headers["content-length"])]
    assert body.complete


def test_nothing_beyond_the_last_chunk() -> None:
    plain, body = decoded(CHUNKED, chunks(b"data") + b"HTTP/1.1 200 OK\r\n\r\n")
    assert plain == b"data"
    assert body.complete


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"xyz\r\n", "size cannot be read"),
        (b"\r\n", "size cannot be read"),
        (b"-1\r\n", "size cannot be read"),
        (b"0x10\r\n", "size cannot be read"),
        (b"1_0\r\n", "size cannot be read"),
        (b"f" * 17 + b"\r\n", "size cannot be read"),
        (b"; only an extension\r\n", "size cannot be read"),
        (b"\xc2\xb2\r\n", "size cannot be read"),
        (b"1" * 5000, "size is missing"),
        (b"2\r\nabc\r\n", "longer than its size"),
    ],
)
@pytest.mark.parametrize("step", [1, 10_000])
def test_malformed_framing(data: bytes, words: str, step: int) -> None:
    parts = [data[at : at + step] for at in range(0, len(data), step)]
    with pytest.raises(BodyError, match=words):
        decoded(CHUNKED, *parts)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_damaged_compression(encoding: str) -> None:
    packed = bytearray(gzip.compress(bytes(range(256)) * 10))
    packed[len(packed) // 2] ^= 0xFF
    with pytest.raises(BodyError, match="compression is damaged"):
        decoded({"content-encoding": encoding}, b"not compressed at all")
    with pytest.raises(BodyError, match="compression is damaged"):
        decoded({"content-encoding": encoding}, bytes(packed))


def test_an_encoding_that_was_not_asked_for() -> None:
    with pytest.raises(BodyError, match="'br'"):
        RawBody({"content-encoding": "br"})


# Server-sent events


def events_of(chunks: Iterable[bytes]) -> list[ServerSentEvent]:
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def pieces(data: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted({min(place, len(data)) for place in places}), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


EVENT_PLACES = st.lists(st.integers(0, 400), max_size=40)
NAMES = st.sampled_from(["message_start", "content_block_delta", "ping", "error"])
VALUES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
EVENTS = st.tuples(NAMES, st.lists(VALUES, min_size=1, max_size=3), st.booleans())
NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])


def encode(event: tuple[str, list[str], bool], newline: str) -> bytes:
    name, values, comment = event
    lines = [": a comment"] if comment else []
    lines += [f"event: {name}", *(f"data: {value}" for value in values), "", ""]
    return newline.join(lines).encode()


@given(st.lists(st.tuples(EVENTS, NEWLINES), max_size=6), EVENT_PLACES)
def test_every_chunking_gives_the_events_that_were_written(
    written: list[tuple[tuple[str, list[str], bool], str]], places: list[int]
) -> None:
    data = b"".join(encode(event, newline) for event, newline in written)
    expected = [(name, "\n".join(values).encode()) for (name, values, _), _ in written]
    assert events_of(pieces(data, places)) == expected


@given(st.binary(max_size=200) | st.text("\r\n: adtevn\ufeff", max_size=200).map(str.encode), EVENT_PLACES)
def test_any_bytes_give_the_same_events_in_every_chunking(data: bytes, places: list[int]) -> None:
    assert events_of(pieces(data, places)) == events_of([data]) == events_of(bytes([byte]) for byte in data)


@given(st.lists(EVENTS, max_size=6), NEWLINES, EVENT_PLACES)
def test_it_agrees_with_the_sdk(events: list[tuple[str, list[str], bool]], newline: str, places: list[int]) -> None:
    data = b"".join(encode(event, newline) for event in events)
    theirs = [(sse.event, sse.data.encode()) for sse in SSEDecoder().iter_bytes(iter([data]))]
    assert events_of(pieces(data, places)) == theirs


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
    assert events_of([data]) == expected


def test_an_event_without_data_is_none_and_leaves_nothing_behind() -> None:
    assert events_of([b"event: x\n\ndata: a\n\n"]) == [("message", b"a")]


def test_an_event_comes_out_with_the_byte_that_completes_it() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r\n\r") == [("message", b"a")]
    assert decoder.feed(b"") == []
    assert decoder.feed(b"\ndata: b\n\n") == [("message", b"b")]


def test_a_long_event_in_small_pieces() -> None:
    text = b"x" * 1_000_000
    data = b"data: " + text + b"\n\n"
    assert events_of(data[start : start + 1000] for start in range(0, len(data), 1000)) == [("message", text)]
