"""Reader of an answer, fed by hand: content, marks, usage and failures of its events."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.events import Content, Event, FailureKind, Kind, Mark, Marked, MessageOpened, Status, Usage, UsageReported
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
    assert stream.marks == [(Mark.THINKING_STARTED, 1), (Mark.THINKING_WITHHELD, 1)]
    assert not stream.reader.pieces


def test_thinking_of_which_nothing_came_is_withheld_when_its_block_is_over(stream: Stream) -> None:
    stream.take("content_block_start", content_block={"type": "thinking", "thinking": ""})
    stream.delta(type="thinking_delta", thinking="", estimated_tokens=50)
    stream.delta(type="signature_delta", signature="c2ln")
    stream.take("content_block_stop")
    stream.take("content_block_start", content_block={"type": "thinking", "thinking": ""})
    stream.delta(type="thinking_delta", thinking="Hm.")
    stream.take("content_block_stop")
    assert stream.marks == [(Mark.THINKING_STARTED, 1), (Mark.THINKING_WITHHELD, 4)]


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
    assert "overloaded_error in the answer" in failure.message
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
    stream.raw("message", b"[DONE]")
    stream.raw("weather_report", b"sunny")
    assert stream.events == []
    stream.text("x")
    stream.end()
    assert stream.reader.outcome()[0] is Status.DONE


@pytest.mark.parametrize(
    ("name", "part", "shown"),
    [
        ("content_block_delta", {"type": "input_json_delta", "partial_json": '{"city'}, '{"city'),
        ("content_block_delta", {"type": "scent_delta", "scent": "lilac"}, "lilac"),
        ("content_block_delta", {"type": "citations_delta", "citation": {"cited_text": "a"}}, "cited_text"),
        ("content_block_delta", {"type": "compaction_delta", "content": "in short"}, "in short"),
        ("content_block_start", {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}, "weather"),
        ("content_block_start", {"type": "hologram", "data": [1]}, "hologram"),
        ("content_block_start", {"type": "web_search_tool_result", "content": [{"url": "https://a"}]}, "https://a"),
    ],
)
def test_whatever_is_neither_text_nor_thinking_is_content_too(
    stream: Stream, name: str, part: dict[str, object], shown: str
) -> None:
    stream.start()
    stream.take(name, index=0, **{"delta" if name.endswith("delta") else "content_block": part})
    (content,) = stream.contents
    assert (content.kind, content.t_ns, stream.reader.pieces) == (Kind.OTHER, [2], 1)
    assert shown in content.texts[0]


@pytest.mark.parametrize(
    "block", [{"type": "compaction", "content": None}, {"type": "tool_use", "input": {}}, {"type": "fallback"}]
)
def test_a_block_in_which_nothing_stands_is_framing(stream: Stream, block: dict[str, object]) -> None:
    stream.take("content_block_start", content_block=block)
    assert stream.contents == []


@pytest.mark.parametrize(
    "after",
    [
        ("message", b"[DONE]"),
        ("message_delta", b"oops"),
        ("error", b'{"type":"error","error":{"type":"api_error","message":"late"}}'),
        ("message_start", b'{"type":"message_start","message":{"id":"msg_2"}}'),
        ("content_block_delta", b'{"type":"content_block_delta","delta":{"text":"late"}}'),
    ],
)
def test_nothing_after_the_end_of_the_message_changes_it(stream: Stream, after: tuple[str, bytes]) -> None:
    stream.take("message_start", message={"id": "msg_1"})
    stream.text("x")
    stream.end()
    stream.raw(*after)
    assert stream.reader.outcome() == (Status.DONE, "end_turn", None)
    assert len(stream.contents) == 1


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens_details": []}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_details": 4}, "error": []},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "text": 7}, "usage": "none"},
        {"type": "message_start", "message": {"usage": [], "id": {}, "model": 5}},
        {"type": "content_block_start", "content_block": {"type": "text", "text": 5}},
    ],
)
def test_an_optional_field_of_another_type_costs_nothing(stream: Stream, event: dict[str, Any]) -> None:
    stream.start()
    stream.text("x")
    stream.raw(event["type"], json.dumps(event).encode())
    stream.end(output_tokens=3)
    assert stream.reader.outcome() == (Status.DONE, "end_turn", None)
    assert stream.usage.output_tokens == 3


def test_a_second_message_of_another_id_is_a_fault(stream: Stream) -> None:
    stream.take("message_start", message={"id": "msg_1"})
    stream.text("x")
    stream.take("message_start", message={"id": "msg_1"})
    assert stream.reader.failure is None
    stream.take("message_start", message={"id": "msg_2"})
    stream.text("y")
    stream.end()
    assert stream.failure_kind is FailureKind.BROKEN_STREAM
    assert len(stream.contents) == 1


def test_an_end_without_a_message_is_no_success(stream: Stream) -> None:
    stream.take("message_stop")
    assert stream.failure_kind is FailureKind.PROTOCOL


def test_what_is_missing_is_said_where_all_but_the_end_came(stream: Stream) -> None:
    stream.start()
    stream.text("x")
    stream.take("message_delta", delta={"stop_reason": "tool_use"})
    stream.raw("message", b"[DONE]")
    failure = stream.reader.outcome()[2]
    assert failure is not None
    assert "tool_use" in failure.message


def test_a_refusal_has_a_state_and_words(stream: Stream) -> None:
    stream.start()
    details = {"type": "refusal", "category": "cyber", "explanation": "It would help\x1b[2J an attack."}
    stream.take("message_delta", delta={"stop_reason": "refusal", "stop_details": details})
    stream.take("message_stop")
    assert stream.reader.outcome() == (Status.REFUSED, "refusal", None)
    assert stream.reader.stop_details is not None
    assert stream.reader.stop_details.startswith("cyber: It would help")
    assert "\x1b" not in stream.reader.stop_details


def test_an_answer_at_the_end_of_the_context_is_cut(stream: Stream) -> None:
    stream.text("x")
    stream.end("model_context_window_exceeded")
    assert stream.reader.outcome()[0] is Status.TRUNCATED


def _models(stream: Stream) -> list[str | None]:
    return [event.model for event in stream.events if isinstance(event, MessageOpened)]


def test_the_model_that_answers_is_reported(stream: Stream) -> None:
    stream.take("message_start", message={"id": "msg_1", "model": "claude-a"})
    stream.take("content_block_start", content_block={"type": "fallback", "to": {"model": "claude-b"}})
    stream.end(iterations=[{"type": "message", "model": "x"}, {"type": "fallback_message", "model": "claude-c"}])
    assert _models(stream) == ["claude-a", "claude-b", "claude-c"]


def test_the_count_of_the_messages_start_is_no_count_of_the_answer(stream: Stream) -> None:
    stream.start(input_tokens=5, output_tokens=1)
    stream.text("one two three")
    stream.end()
    assert stream.usage == Usage(input_tokens=5)


def test_a_prompt_of_no_tokens_is_not_believed(stream: Stream) -> None:
    stream.start(input_tokens=20, cache_read_input_tokens=100)
    stream.end(input_tokens=0, cache_read_input_tokens=0, output_tokens=9)
    assert stream.usage == Usage(input_tokens=20, cache_read_input_tokens=100, output_tokens=9)


def test_a_prompt_that_is_read_from_the_cache_whole_is_believed(stream: Stream) -> None:
    stream.start(input_tokens=0, cache_read_input_tokens=100)
    assert stream.usage == Usage(input_tokens=0, cache_read_input_tokens=100)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("message", {"error": {"message": "too long"}}),
        ("message", {"error": "too long"}),
        ("error", {"error": "too long", "type": None}),
        ("error", {"type": "error", "message": "too long"}),
        ("error", [{"error": {"message": "too long"}}]),
        ("error", "too long"),
    ],
)
def test_an_error_frame_of_any_shape_is_quoted(stream: Stream, name: str, data: object) -> None:
    stream.start()
    stream.raw(name, json.dumps(data).encode())
    failure = stream.reader.outcome()[2]
    assert failure is not None
    assert "too long" in failure.message


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"{}", FailureKind.PROTOCOL, "no message"),
        (b"[]", FailureKind.PROTOCOL, "no message"),
        (b'{"type":"message"}', FailureKind.PROTOCOL, "no message"),
        (b'{"error":{"message":"prompt is too long"}}', FailureKind.SERVER_ERROR, "prompt is too long"),
        (b'{"error":"Unexpected endpoint"}', FailureKind.SERVER_ERROR, "Unexpected endpoint"),
        (b'{"detail":[{"loc":["body","n"],"msg":"bad"}]}', FailureKind.PROTOCOL, "body.n: bad"),
        (b'{"object":"chat.completion","choices":[{"message":{"content":"x"}}]}', FailureKind.PROTOCOL, "OpenAI"),
    ],
)
def test_json_that_is_no_message_is_no_success(stream: Stream, body: bytes, kind: FailureKind, said: str) -> None:
    stream.reader.feed_whole(1, body)
    status, _, failure = stream.reader.outcome()
    assert status is Status.FAILED
    assert failure is not None
    assert failure.kind is kind
    assert said in failure.message


def test_a_whole_message_has_content_of_all_kinds(stream: Stream) -> None:
    content = [
        {"type": "thinking", "thinking": "", "signature": "c2ln"},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "name": "weather", "input": {"city": "Graz"}},
    ]
    message = {"type": "message", "content": content, "stop_reason": "tool_use", "usage": {"output_tokens": 30}}
    stream.reader.feed_whole(9, json.dumps(message).encode())
    assert [(content.kind, content.t_ns) for content in stream.contents] == [(Kind.TEXT, [9]), (Kind.OTHER, [9])]
    assert "Graz" in stream.contents[1].texts[0]
    assert (Mark.THINKING_WITHHELD, 9) in stream.marks
    assert stream.usage.output_tokens == 30
    assert stream.reader.outcome() == (Status.DONE, "tool_use", None)


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
