"""Framing and compression of a body, undone wherever the bytes are cut."""

import gzip
import itertools
import zlib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.engine.transport.body import BodyError, RawBody

CHUNKED = {"transfer-encoding": "chunked"}
TEXT = b"event: ping\ndata: {}\n\n" * 20


def decoded(headers: Mapping[str, str], *parts: bytes) -> tuple[bytes, RawBody]:
    body = RawBody(headers)
    return b"".join(body.feed(part) for part in parts), body


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
        body.feed(data[at : at + 1])
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
        assert body.feed(b"%x\r\n%b\r\n" % (len(packed), packed)) == part


def test_a_body_until_the_connection_closes_is_never_complete() -> None:
    plain, body = decoded({}, TEXT, TEXT)
    assert plain == TEXT * 2
    assert body.ends_with_connection
    assert not body.complete


def test_chunks_count_and_not_a_length_beside_them() -> None:
    plain, body = decoded(CHUNKED | {"content-length": "3"}, chunks(TEXT))
    assert plain == TEXT
    assert body.complete


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
