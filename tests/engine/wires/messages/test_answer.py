"""Reader of an answer, fed by hand: content, marks, usage and failures of its events."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.events import Content, Event, FailureKind, Kind, Mark, Marked, Status, Usage, UsageReported
from tui.engine.reporter import RequestReporter
from tui.engine.wires.messages.answer import MessageReader


class Stream:
    """An answer fed by hand; each event arrives one nanosecond after the one before."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.reader = MessageReader(RequestReporter(7, self.events.append))
        self.now = 0

    def raw(self, name: str, data: bytes) -> None:
        self.now += 1
        self.reader.feed(self.now, name, data)

    def take(self, name: str, **body: Any) -> None:
        self.raw(name, json.dumps({"type": name, **body}).encode())

    def start(self, **usage: Any) -> None:
        self.take("message_start", message={"usage": usage})

    def delta(self, **delta: Any) -> None:
        self.take("content_block_delta", index=0, delta=delta)

    def text(self, text: str) -> None:
        self.delta(type="text_delta", text=text)

    def end(self, stop_reason: str | None = "end_turn", **usage: Any) -> None:
        self.take("message_delta", delta={"stop_reason": stop_reason}, usage=usage)
        self.take("message_stop")

    @property
    def contents(self) -> list[Content]:
        return [event for event in self.events if isinstance(event, Content)]

    @property
    def marks(self) -> list[tuple[Mark, int]]:
        return [(event.mark, event.t_ns) for event in self.events if isinstance(event, Marked)]

    @property
    def usage(self) -> Usage:
        return [event.usage for event in self.events if isinstance(event, UsageReported)][-1]

    @property
    def failure_kind(self) -> FailureKind | None:
        failure = self.reader.outcome()[2]
        return failure.kind if failure else None


@pytest.fixture
def stream() -> Stream:
    return Stream()


def test_a_whole_answer(stream: Stream) -> None:
    stream.start(input_tokens=11, output_tokens=1)
    stream.take("content_block_start", content_block={"type": "text", "text": ""})
    stream.text("Hello")
    stream.text(" world")
    stream.take("content_block_stop", index=0)
    stream.end(output_tokens=2)
    assert [(content.kind, content.t_ns, content.texts) for content in stream.contents] == [
        (Kind.TEXT, [3], ["Hello"]),
        (Kind.TEXT, [4], [" world"]),
    ]
    assert stream.marks == [(Mark.MESSAGE_START, 1), (Mark.MESSAGE_STOP, 7)]
    assert stream.usage == Usage(input_tokens=11, output_tokens=2)
    assert stream.reader.outcome() == (Status.DONE, "end_turn", None)


def test_framing_is_no_first_token(stream: Stream) -> None:
    stream.start()
    stream.take("ping")
    stream.take("content_block_start", content_block={"type": "text", "text": ""})
    stream.text("")
    stream.delta(type="thinking_delta", thinking="")
    stream.delta(type="signature_delta", signature="c2ln")
    stream.take("content_block_stop")
    assert (stream.reader.pieces, stream.contents) == (0, [])
    stream.text("x")
    assert (stream.reader.pieces, stream.contents[0].t_ns) == (1, [8])


def test_a_block_that_opens_with_text_counts(stream: Stream) -> None:
    stream.take("content_block_start", content_block={"type": "text", "text": "early"})
    assert stream.contents[0].texts == ["early"]


def test_thinking_and_text_are_told_apart(stream: Stream) -> None:
    stream.start()
    stream.take("content_block_start", content_block={"type": "thinking", "thinking": ""})
    stream.delta(type="thinking_delta", thinking="Hm.")
    stream.take("content_block_start", content_block={"type": "text", "text": ""})
    stream.text("So.")
    assert [(content.kind, content.texts) for content in stream.contents] == [
        (Kind.THINKING, ["Hm."]),
        (Kind.TEXT, ["So."]),
    ]
    assert (Mark.THINKING_STARTED, 2) in stream.marks


def test_redacted_thinking_is_seen_as_thinking(stream: Stream) -> None:
    stream.take("content_block_start", content_block={"type": "redacted_thinking", "data": "xx"})
    assert stream.marks == [(Mark.THINKING_STARTED, 1)]
    assert not stream.reader.pieces


def test_usage_is_merged(stream: Stream) -> None:
    stream.start(input_tokens=5, output_tokens=1, cache_read_input_tokens=3, cache_creation_input_tokens=None)
    stream.end(output_tokens=42, output_tokens_details={"thinking_tokens": 17})
    assert stream.usage == Usage(input_tokens=5, output_tokens=42, cache_read_input_tokens=3, thinking_tokens=17)


@pytest.mark.parametrize("count", [-1, 10**9, 10**18, 10**30, True, "12", 3.5, None, [1]])
def test_an_impossible_count_is_not_believed_and_costs_nothing(stream: Stream, count: object) -> None:
    stream.start(input_tokens=5)
    stream.text("x")
    stream.end(input_tokens=count, output_tokens=count)
    assert stream.usage == Usage(input_tokens=5)
    assert stream.reader.outcome()[0] is Status.DONE


def test_no_usage_at_all(stream: Stream) -> None:
    stream.take("message_start", message={})
    stream.text("x")
    stream.take("message_delta", delta={"stop_reason": "end_turn"})
    stream.take("message_stop")
    assert stream.reader.outcome() == (Status.DONE, "end_turn", None)


def test_cut_at_max_tokens(stream: Stream) -> None:
    stream.text("x")
    stream.end("max_tokens")
    assert stream.reader.outcome() == (Status.TRUNCATED, "max_tokens", None)


def test_an_error_event_ends_it_and_what_follows_is_ignored(stream: Stream) -> None:
    stream.start()
    stream.text("kept")
    stream.take("error", error={"type": "overloaded_error", "message": "Overloaded"})
    stream.text("not kept")
    stream.end()
    status, _, failure = stream.reader.outcome()
    assert status is Status.FAILED
    assert failure is not None
    assert failure.kind is FailureKind.OVERLOADED
    assert "overloaded_error in the stream" in failure.message
    assert failure.http_status is None
    assert [content.texts for content in stream.contents] == [["kept"]]


def test_an_error_event_that_says_nothing(stream: Stream) -> None:
    stream.take("error")
    assert stream.failure_kind is FailureKind.SERVER_ERROR


@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"content_block_delta","delta":{"text":"oops}',
        b"",
        b"null",
        b"[]",
        b'{"type":5}',
        b'{"type":"content_block_delta","delta":5}',
        b'{"type":"content_block_delta","delta":{"text":5}}',
        b'{"type":"x","a":' + b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_an_event_that_cannot_be_read_fails_the_answer_and_keeps_what_came(stream: Stream, data: bytes) -> None:
    stream.text("kept")
    stream.raw("content_block_delta", data)
    stream.text("not kept")
    assert stream.failure_kind is FailureKind.PROTOCOL
    assert [content.texts for content in stream.contents] == [["kept"]]


def test_unknown_events_and_deltas_are_passed_by(stream: Stream) -> None:
    stream.take("weather_report", outlook={"clouds": 8}, delta=5, usage="much")
    stream.delta(type="scent_delta", scent="lilac")
    stream.delta(type="input_json_delta", partial_json="{")
    stream.take("content_block_start", content_block={"type": "hologram", "data": [1]})
    assert stream.events == []
    stream.text("x")
    stream.end()
    assert stream.reader.outcome()[0] is Status.DONE


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"a\xff\xc3(z", "a\ufffd\ufffd(z"),
        (rb"half \ud83d", "half \ufffd"),
        (rb"\ude00 half", "\ufffd half"),
        (rb"whole \ud83d\ude00", "whole \U0001f600"),
        ("ä\U0001f600".encode(), "ä\U0001f600"),
    ],
)
def test_text_that_is_no_unicode_is_repaired(stream: Stream, written: bytes, read: str) -> None:
    stream.raw("content_block_delta", b'{"type":"content_block_delta","delta":{"text":"' + written + b'"}}')
    assert stream.failure_kind is FailureKind.BROKEN_STREAM  # for want of message_stop alone
    assert stream.contents[0].texts == [read]
    assert stream.contents[0].texts[0].encode()


def test_an_end_without_message_stop(stream: Stream) -> None:
    stream.start()
    stream.text("x")
    assert stream.failure_kind is FailureKind.BROKEN_STREAM
    assert not stream.reader.stopped


def test_an_end_without_anything(stream: Stream) -> None:
    failure = stream.reader.outcome()[2]
    assert failure is not None
    assert failure.kind is FailureKind.BROKEN_STREAM
    assert "no message" in failure.message


@given(st.lists(st.tuples(st.sampled_from(["ping", "message_delta", "x", ""]), st.binary(max_size=40)), max_size=8))
def test_no_bytes_raise(events: list[tuple[str, bytes]]) -> None:
    stream = Stream()
    for name, data in events:
        stream.raw(name, data)
    assert stream.failure_kind is not None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "usage", "delta", "output_tokens", "message"]), inner)
    ),
    max_leaves=10,
)


@given(st.sampled_from(["message_start", "content_block_delta", "message_delta", "error", "new"]), _JSON, _JSON)
def test_an_event_of_any_shape_alone_is_a_failure(name: str, delta: object, usage: object) -> None:
    stream = Stream()
    stream.take(name, delta=delta, usage=usage, message=usage, error=delta, content_block=delta)
    assert stream.failure_kind is not None
