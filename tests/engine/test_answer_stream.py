"""Scripted bytes with scripted stamps: every piece carries the stamp of the segment that completed its event."""

import asyncio
import bisect
import itertools
import json
import time
import zlib
from collections.abc import Iterator, Mapping

import httpcore2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.core.engine_events import StampSource
from tui.core.events import FailureKind, Mark, Status
from tui.engine import answer_stream as module
from tui.engine.answer_stream import AnswerStream, DecodeQueue
from tui.engine.limits import BodyError
from tui.engine.transport import Segment

from .scripted import END, HEADERS, Decoded, ScriptedStream, decode, segment

STEP = 1000
"""Nanoseconds from one segment to the next."""


def event(name: str, **fields: object) -> str:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n"


def delta(text: str, kind: str = "text") -> str:
    return event("content_block_delta", index=0, delta={"type": f"{kind}_delta", kind: text})


START = event("message_start", message={"usage": {"input_tokens": 3, "output_tokens": 1}})
PING = event("ping")
COMMENT = ": keep-alive\n\n"
TAIL = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5}) + event("message_stop")
TEXTS = ["One", " grüße", " – three", "\r\n4", " 五"]
STREAM = [START, PING, delta("", "thinking"), *map(delta, TEXTS), COMMENT, TAIL]


def variants() -> Iterator[tuple[str, Mapping[str, str], bytes, list[int]]]:
    """Ways to send the same answer: its bytes on the wire, and where each text's event is complete in them."""
    for newline in ("\n", "\r\n", "\r"):
        plain = [part.replace("\n", newline).encode() for part in STREAM]
        ends = list(itertools.accumulate(map(len, plain)))
        # With CRLF the CR of the empty line completes the event already.
        completing = [end - 1 - (newline == "\r\n") for end in ends]
        until_close = {name: value for name, value in HEADERS.items() if name != "transfer-encoding"}
        wire = b"".join(plain)
        name = newline.encode().hex()
        yield f"until-close-{name}", until_close, wire, completing[3:8]
        yield f"length-{name}", until_close | {"content-length": str(len(wire))}, wire, completing[3:8]
    plain = [part.encode() for part in STREAM]
    yield "a-chunk-each", HEADERS, *_chunked([[part] for part in plain])
    # Chunk boundaries in the middle of events.
    yield "split-chunks", HEADERS, *_chunked([[part[: len(part) // 2], part[len(part) // 2 :]] for part in plain])
    yield "gzip", {**HEADERS, "content-encoding": "gzip"}, *_chunked(_gzipped(plain))


def _chunked(events: list[list[bytes]]) -> tuple[bytes, list[int]]:
    wire, ends = b"", []
    for parts in events:
        for part in parts:
            wire += b"%x\r\n%b" % (len(part), part)
            ends.append(len(wire) - 1)
            wire += b"\r\n"
    per_event = len(events[0])
    return wire + b"0\r\n\r\n", ends[per_event - 1 :: per_event][3:8]


def _gzipped(plain: list[bytes]) -> list[list[bytes]]:
    packer = zlib.compressobj(wbits=31)
    packed = [packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH) for part in plain]
    # The flush ends with an empty stored block, whose last bytes add nothing: deflate gives all before them.
    return [[part] for part in [*packed[:-1], packed[-1] + packer.flush()]]


VARIANTS = {name: rest for name, *rest in variants()}


def cut(wire: bytes, places: list[int]) -> list[Segment]:
    """Segments that end at these places, stamped in steps."""
    at = sorted({0, *places, len(wire)})
    return [segment(wire[start:end], (number + 1) * STEP) for number, (start, end) in enumerate(itertools.pairwise(at))]


def stamps(segments: list[Segment], completing: list[int]) -> list[int]:
    """The stamps of the segments in which these bytes are."""
    ends = list(itertools.accumulate(len(part.data) for part in segments))
    return [segments[bisect.bisect_right(ends, byte)].arrival_ns for byte in completing]


def one_of(variant: str) -> tuple[Mapping[str, str], bytes, list[int]]:
    headers, wire, completing = VARIANTS[variant]
    assert isinstance(headers, dict | Mapping)
    return headers, wire, completing  # type: ignore[return-value]


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != "gzip"])
def test_split_at_every_byte_boundary(variant: str) -> None:
    headers, wire, completing = one_of(variant)
    for place in range(1, len(wire)):
        segments = cut(wire, [place])
        decoded = decode([[*segments, END]], headers)
        assert decoded.error is None
        assert decoded.pieces == list(zip(TEXTS, stamps(segments, completing), strict=True))
        assert decoded.answer.outcome()[0] is Status.DONE


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != "gzip"])
@given(data=st.data())
def test_any_split_in_any_turns(variant: str, data: st.DataObject) -> None:
    headers, wire, completing = one_of(variant)
    segments = cut(wire, data.draw(st.lists(st.integers(1, len(wire) - 1), max_size=40)))
    turns = data.draw(st.lists(st.integers(0, len(segments)), max_size=5))
    at = sorted({0, *turns, len(segments)})
    batches = [segments[start:end] for start, end in itertools.pairwise(at)]
    decoded = decode([*batches, [END]], headers)
    assert decoded.error is None
    assert decoded.pieces == list(zip(TEXTS, stamps(segments, completing), strict=True))
    assert decoded.marks[Mark.MESSAGE_STOP] <= len(segments) * STEP
    assert decoded.progress >= 1


@settings(max_examples=150)
@given(data=st.data())
def test_what_stands_elsewhere_in_the_split_does_not_matter(data: st.DataObject) -> None:
    """Two splits that both have one segment from `start` to `end`: the events completed there have one stamp."""
    headers, wire, completing = one_of("split-chunks")
    start = data.draw(st.integers(1, len(wire) - 2))
    end = data.draw(st.integers(start + 1, len(wire) - 1))
    found = []
    for _ in range(2):
        before = data.draw(st.lists(st.integers(1, start), max_size=9))
        after = data.draw(st.lists(st.integers(end, len(wire) - 1), max_size=9))
        parts = cut(wire, [*before, start, end, *after])
        begins = [0, *itertools.accumulate(len(part.data) for part in parts)]
        parts[begins.index(start)] = parts[begins.index(start)]._replace(arrival_ns=-1)
        decoded = decode([[*parts, END]], headers)
        found.append([text for text, stamp in decoded.pieces if stamp == -1])
    assert found[0] == found[1]
    assert found[0] == [text for text, byte in zip(TEXTS, completing, strict=True) if start <= byte < end]


def test_gzip_is_attributed_to_the_segment_of_each_flush() -> None:
    headers, wire, completing = one_of("gzip")
    # Cut behind each event's chunk, as a server that flushes after every event sends it.
    segments = cut(wire, [byte + 3 for byte in completing])
    decoded = decode([[*segments, END]], headers)
    assert decoded.pieces == list(zip(TEXTS, stamps(segments, completing), strict=True))
    assert decoded.reusable


def test_gzip_cut_anywhere_is_never_early() -> None:
    headers, wire, completing = one_of("gzip")
    for place in range(1, len(wire) - 1):
        segments = cut(wire, [place])
        decoded = decode([segments], headers)
        assert [text for text, _ in decoded.pieces] == TEXTS
        expected = stamps(segments, completing)
        # The last bytes of a flush add nothing to what the ones before them said, so it may be the segment before.
        earliest = stamps(segments, [byte - 6 for byte in completing])
        found = zip(earliest, decoded.pieces, expected, strict=True)
        assert all(low <= stamp <= high for low, (_, stamp), high in found), f"cut at {place}"


def test_several_events_in_a_segment_have_one_stamp() -> None:
    wire = (START + delta("a") + delta("b") + PING + delta("c") + TAIL).encode()
    decoded = decode([[segment(wire, 5), END]], {})
    assert decoded.pieces == [("a", 5), ("b", 5), ("c", 5)]
    assert decoded.marks == {Mark.MESSAGE_START: 5, Mark.MESSAGE_STOP: 5}


def test_segments_that_waited_together_keep_their_own_stamps() -> None:
    parts = [START, delta("a"), delta("b"), TAIL]
    together = [segment(part.encode(), (number + 1) * STEP) for number, part in enumerate(parts)]
    decoded = decode([[*together, END]], {})
    assert decoded.pieces == [("a", 2 * STEP), ("b", 3 * STEP)]
    # Once for all of them, and once more where this machine was too slow for one turn.
    assert decoded.progress in (1, 2)


def test_empty_pieces_and_pings_are_no_content() -> None:
    decoded = decode(
        [[segment((START + PING + COMMENT + delta("")).encode(), 1), segment(delta("x").encode(), 2)], [END]], {}
    )
    assert decoded.pieces == [("x", 2)]


# Ends


def test_a_body_to_its_end_leaves_the_connection_reusable() -> None:
    headers, wire, _ = one_of("a-chunk-each")
    assert decode([[segment(wire, 1)]], headers).reusable


@pytest.mark.parametrize("variant", ["until-close-0a", "length-0a"])
def test_only_chunks_do(variant: str) -> None:
    headers, wire, _ = one_of(variant)
    decoded = decode([[segment(wire, 1), END]], headers)
    assert decoded.error is None
    assert not decoded.reusable


def test_an_end_in_mid_body_is_an_error_after_what_came() -> None:
    headers, wire, completing = one_of("a-chunk-each")
    decoded = decode([[segment(wire[: completing[1] + 1], 9), END]], headers)
    assert isinstance(decoded.error, httpcore2.ReadError)
    assert decoded.pieces == [(TEXTS[0], 9), (TEXTS[1], 9)]
    assert not decoded.reusable


@pytest.mark.parametrize("headers", [{}, HEADERS])
def test_a_break_is_an_error_after_what_came(headers: Mapping[str, str]) -> None:
    wire = (START + delta("a")).encode()
    framed = b"%x\r\n%b\r\n" % (len(wire), wire) if headers else wire
    decoded = decode([[segment(framed, 9), END]], headers, breaks_with="reset by peer")
    assert isinstance(decoded.error, httpcore2.ReadError)
    assert str(decoded.error) == "reset by peer"
    assert decoded.pieces == [("a", 9)]


def test_framing_that_breaks_is_an_error_after_what_came() -> None:
    wire = delta("a").encode()
    good = segment(b"%x\r\n%b\r\n" % (len(wire), wire), 1)
    decoded = decode([[good, segment(b"nonsense\r\n", 2)]])
    assert isinstance(decoded.error, BodyError)
    assert decoded.pieces == [("a", 1)]


def test_a_failure_ends_the_reading() -> None:
    error = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    decoded = decode([[segment((START + delta("a") + error + delta("b")).encode(), 1)]], {})
    assert decoded.pieces == [("a", 1)]
    status, _, failure = decoded.answer.outcome()
    assert status is Status.FAILED
    assert failure is not None
    assert failure.kind is FailureKind.OVERLOADED


# The instrument's delay


def test_the_delay_is_that_of_all_reads() -> None:
    parts = [START, *map(delta, "abcdefgh"), TAIL]
    delays = [40, 10, 30, 20, 90, 50, 60, 80, 70, 100]
    segments = [
        segment(part.encode(), number * STEP, delay_ns=delay)
        for number, (part, delay) in enumerate(zip(parts, delays, strict=True))
    ]
    instrument = decode([[*segments, END]], {}).instrument
    assert instrument is not None
    assert instrument.stamp_source is StampSource.KERNEL
    assert instrument.reads == 10
    assert (instrument.delay_p50_ns, instrument.delay_p99_ns, instrument.delay_max_ns) == (50, 100, 100)


@pytest.mark.parametrize("parts", [2, 3])
def test_pieces_that_waited_for_one_read_share_a_stamp_and_say_so(parts: int) -> None:
    """Two coalesced segments are enough: the kernel stamped only the last."""
    merged = segment((delta("a") + delta("b") + delta("c")).encode(), 1000, delay_ns=10)
    merged = merged._replace(parts=parts, since_ns=merged.read_ns - 500)
    segments = [segment(START.encode(), 0, delay_ns=20), merged, segment(TAIL.encode(), 2000, delay_ns=30), END]
    instrument = decode([segments], {}).instrument
    assert instrument is not None
    assert instrument.shared == 2, "the last one's stamp is its own"
    assert instrument.delay_max_ns == 500, "the first may have come right after the read before"


def test_pieces_that_came_in_one_segment_came_together() -> None:
    together = segment((START + delta("a") + delta("b") + TAIL).encode(), 1000, delay_ns=10)
    instrument = decode([[together, END]], {}).instrument
    assert instrument is not None
    assert (instrument.shared, instrument.delay_max_ns) == (0, 10)


@pytest.mark.parametrize("from_kernel", [[False, False], [True, False]])
def test_one_read_without_a_stamp_and_the_delay_is_not_known(from_kernel: list[bool]) -> None:
    segments = [
        segment(part.encode(), 5, from_kernel=known) for part, known in zip([START, TAIL], from_kernel, strict=True)
    ]
    instrument = decode([[*segments, END]], {}).instrument
    assert instrument is not None
    assert instrument.stamp_source is StampSource.READ
    assert instrument.reads == 2
    assert instrument.delay_p50_ns is instrument.delay_p99_ns is instrument.delay_max_ns is None


def test_refused_stamps_are_counted_and_reads_are_late_by_the_loops_look() -> None:
    refused = segment(START.encode(), 100, delay_ns=0, from_kernel=False)._replace(is_refused=True, since_ns=60)
    good = segment(TAIL.encode(), 200, delay_ns=0, from_kernel=False)._replace(since_ns=190)
    instrument = decode([[refused, good, END]], {}).instrument
    assert instrument is not None
    assert instrument.refused == 1
    assert instrument.stamp_source is StampSource.READ
    assert (instrument.delay_max_ns, instrument.late_max_ns, instrument.latest_ns) == (None, 40, 40)


def test_an_answer_of_nothing_has_no_delay() -> None:
    instrument = decode([[END]], {}).instrument
    assert instrument is not None
    assert instrument.reads == 0
    assert instrument.delay_max_ns is None


# The queue on which all answers are decoded


async def turn(event: asyncio.Event) -> None:
    async with asyncio.timeout(30):
        await event.wait()


async def test_a_job_runs_once_however_often_it_is_added() -> None:
    ran: list[int] = []
    done = asyncio.Event()
    queue = DecodeQueue()

    def job() -> None:
        ran.append(1)

    for _ in range(3):
        queue.add(job)
    queue.add(done.set)
    await turn(done)
    assert ran == [1]


async def test_a_dropped_job_never_runs() -> None:
    done = asyncio.Event()
    queue = DecodeQueue()
    ran: list[int] = []

    def job() -> None:
        ran.append(1)

    queue.add(job)
    queue.drop(job)
    queue.drop(job)
    queue.add(done.set)
    await turn(done)
    assert ran == []


async def test_an_urgent_job_does_not_wait_for_what_is_gathered() -> None:
    queue = DecodeQueue(gather_s=3600)
    done = asyncio.Event()
    queue.add(lambda: pytest.fail("it was to wait"))
    queue.add(done.set, is_urgent=True)
    await turn(done)


async def test_an_answers_end_is_decoded_as_it_comes() -> None:
    """Whatever is gathered: somebody may wait for it to send the next request."""
    parts = [b"%x\r\n%b\r\n" % (len(part), part) for part in (START.encode(), delta("word").encode(), TAIL.encode())]
    decoded, wire = Decoded(), ScriptedStream([[segment(parts[0], STEP)]])
    stream = AnswerStream(wire, HEADERS, decoded.answer, DecodeQueue(gather_s=3600), decoded.progressed)
    reading = asyncio.create_task(stream.read())
    while not decoded.progress:  # noqa: ASYNC110 - what came with the headers
        await asyncio.sleep(0)
    for at, part in enumerate((*parts[1:], b"0\r\n\r\n"), 2):
        wire.arrive(segment(part, at * STEP))
        await asyncio.sleep(0)
    await asyncio.wait_for(reading, 30)
    assert decoded.marks[Mark.MESSAGE_STOP] == 3 * STEP


async def test_a_job_can_add_itself_again_and_others_get_their_turn() -> None:
    queue = DecodeQueue()
    done = asyncio.Event()
    order: list[str] = []

    def again() -> None:
        order.append("again")
        if order.count("again") < 5:
            queue.add(again)
        else:
            done.set()

    def other() -> None:
        order.append("other")

    queue.add(again)
    queue.add(other)
    await turn(done)
    assert order[:3] == ["again", "other", "again"]
    assert order.count("again") == 5


async def test_sockets_are_read_between_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """With jobs that use their slice up, the loop still comes round between any two."""
    queue = DecodeQueue()
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    order: list[str] = []
    monkeypatch.setattr(module, "SLICE_S", 0.0005)

    def job(name: str) -> None:
        order.append(name)
        loop.call_soon(order.append, "loop")
        until = time.monotonic() + 0.001
        while time.monotonic() < until:
            pass
        if name == "last":
            done.set()

    queue.add(lambda: job("first"))
    queue.add(lambda: job("second"))
    queue.add(lambda: job("last"))
    await turn(done)
    assert order[:5] == ["first", "loop", "second", "loop", "last"]
