"""Answers of the Responses API as servers send them, read from their bytes."""

import json
from typing import Any

import pytest

from tui.core.events import FailureKind, Kind, Mark, Status
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.engine.reporter import RequestReporter
from tui.engine.wires.responses import ResponseReader

CREATED = {"type": "response.created", "response": {"id": "resp_1", "model": "m-2026-01-02", "output": []}}


def delta(part: str, words: str, **at: int) -> dict[str, Any]:
    """A delta with the random characters that OpenAI adds against guesses by size."""
    return {"type": f"response.{part}.delta", "delta": words, "obfuscation": "x7Q", **at}


def item(state: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.output_item.{state}", "item": fields}


def over(state: str = "completed", **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{state}", "response": {"id": "resp_1", "status": state, "output": [], **fields}}


def usage(asked: int = 9, output: int = 4, cached: int = 0, written: int = 0, reasoning: int = 0) -> dict[str, Any]:
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": asked + output,
    }


def record_of(feed: Any) -> RequestRecord:
    spec = RequestSpec(
        request_id=1,
        target="lane",
        model="m",
        endpoint=Endpoint(name="e", base_url="http://127.0.0.1:1/v1", kind="openai-responses"),
        prompt=Prompt(user="Why?"),
        parameters=Parameters(max_tokens=100),
        timeouts=Timeouts(),
    )
    record = RequestRecord(spec=spec)
    reporter = RequestReporter(1, record.apply)
    reporter.mark(Mark.SENT, 100)
    reader = ResponseReader(reporter)
    feed(reader)
    status, stop_reason, failure = reader.outcome()
    record.apply(reporter.ended(status, stop_reason=stop_reason, failure=failure))
    return record


def streamed(*events: Any) -> RequestRecord:
    """The events, one each 10 ns from 200 ns on; a text is sent as it is."""

    def feed(reader: ResponseReader) -> None:
        for number, event in enumerate(events):
            data = event.encode() if isinstance(event, str) else json.dumps(event).encode()
            reader.feed(200 + 10 * number, event["type"] if isinstance(event, dict) else "", data)

    return record_of(feed)


def whole(body: Any) -> RequestRecord:
    return record_of(lambda reader: reader.feed_whole(500, json.dumps(body).encode()))


def test_a_stream_as_openai_sends_it() -> None:
    record = streamed(
        CREATED,
        {"type": "response.in_progress", "response": CREATED["response"]},
        item("added", type="message", content=[]),
        {"type": "response.content_part.added", "part": {"type": "output_text", "text": ""}},
        delta("output_text", "So"),
        delta("output_text", " it is."),
        {"type": "response.output_text.done", "text": "So it is."},
        {"type": "response.content_part.done", "part": {"type": "output_text", "text": "So it is."}},
        item("done", type="message", content=[{"type": "output_text", "text": "So it is."}]),
        over(usage=usage(cached=5, written=2), service_tier="default"),
    )
    assert (record.status, record.stop_reason, record.failure) == (Status.DONE, "completed", None)
    assert record.text(Kind.TEXT) == "So it is."
    # The heads, and what repeats the text at its end, are no tokens.
    assert record.timeline.content_ns == [240, 250]
    assert (record.timeline.message_start_ns, record.timeline.message_stop_ns) == (200, 290)
    counts = record.usage
    assert (counts.input_tokens, counts.cache_read_input_tokens, counts.cache_creation_input_tokens) == (2, 5, 2)
    assert (counts.prompt_tokens, counts.output_tokens, counts.service_tier) == (9, 4, "default")
    assert record.other_model is None


@pytest.mark.parametrize("part", ["reasoning_summary_text", "reasoning_text"])
def test_reasoning_is_thinking(part: str) -> None:
    record = streamed(
        CREATED,
        item("added", type="reasoning"),
        delta(part, "Hm."),
        item("done", type="reasoning"),
        delta("output_text", "Yes."),
        over(usage=usage(output=9, reasoning=5)),
    )
    assert (record.text(Kind.THINKING), record.text(Kind.TEXT)) == ("Hm.", "Yes.")
    assert (record.timeline.thinking_started_ns, record.timeline.thinking_withheld_ns) == (210, None)
    assert (record.timeline.content_ns[0], record.timeline.first_text_ns) == (220, 240)
    assert record.usage.thinking_tokens == 5


def test_reasoning_without_a_summary_was_withheld() -> None:
    record = streamed(
        item("added", type="reasoning", summary=[]),
        item("done", type="reasoning", summary=[], encrypted_content="c2lt"),
        delta("output_text", "Yes"),
        delta("output_text", "."),
        over(usage=usage(output=52, reasoning=50)),
    )
    assert (record.timeline.thinking_started_ns, record.timeline.thinking_withheld_ns) == (200, 210)
    assert record.timed_tokens == 2


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("max_output_tokens", Status.TRUNCATED),
        ("max_messages", Status.TRUNCATED),
        ("content_filter", Status.REFUSED),
    ],
)
def test_incomplete_answers(reason: str, status: Status) -> None:
    record = streamed(delta("output_text", "a"), over("incomplete", incomplete_details={"reason": reason}))
    assert (record.status, record.stop_reason) == (status, reason)


def test_a_refusal_in_words_is_text_and_a_refusal() -> None:
    record = streamed(delta("refusal", "I cannot"), delta("refusal", " help."), over())
    assert (record.text(Kind.TEXT), record.status) == ("I cannot help.", Status.REFUSED)
    part = {"type": "refusal", "refusal": "No."}
    assert whole({"output": [{"type": "message", "content": [part]}]}).status is Status.REFUSED


@pytest.mark.parametrize(
    "part", ["function_call_arguments", "custom_tool_call_input", "mcp_call_arguments", "of_a_tool_of_next_year"]
)
def test_calls_of_tools_take_their_time(part: str) -> None:
    record = streamed(
        item("added", type="function_call", name="look", arguments=""),
        delta(part, '{"a":'),
        delta(part, "1}"),
        {"type": f"response.{part}.done", "arguments": '{"a":1}'},
        over(),
    )
    assert record.text(Kind.OTHER) == 'look {"a":1}'
    assert record.timeline.content_ns == [200, 210, 220]


def test_a_part_that_came_without_deltas_counts_where_it_ends() -> None:
    record = streamed(
        {"type": "response.output_text.done", "output_index": 0, "text": "One."},
        delta("output_text", "Two.", output_index=1),
        {"type": "response.output_text.done", "output_index": 1, "text": "Two."},
        over(),
    )
    assert (record.text(Kind.TEXT), record.timeline.content_ns) == ("One.Two.", [200, 210])


def test_an_answer_that_only_its_end_holds_has_that_stamp() -> None:
    message = {"type": "message", "content": [{"type": "output_text", "text": "All."}]}
    record = streamed(CREATED, over(output=[message], usage=usage()))
    assert (record.text(Kind.TEXT), record.timeline.content_ns) == ("All.", [210])


@pytest.mark.parametrize(
    ("event", "kind", "words"),
    [
        (
            {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down", "param": None},
            FailureKind.RATE_LIMITED,
            "Slow down",
        ),
        ({"type": "error", "code": None, "message": "Odd"}, FailureKind.SERVER_ERROR, "Odd"),
        ({"error": {"message": "Busy", "code": 503}}, FailureKind.OVERLOADED, "Busy"),
        ({"error": "out of memory"}, FailureKind.SERVER_ERROR, "out of memory"),
        (
            over("failed", error={"code": "server_is_overloaded", "message": "Later"}),
            FailureKind.OVERLOADED,
            "Later",
        ),
        (over("failed", error={"code": "invalid_prompt", "message": "No"}), FailureKind.BAD_REQUEST, "No"),
        (over("failed"), FailureKind.SERVER_ERROR, "failed"),
    ],
)
def test_errors_in_the_stream(event: dict[str, Any], kind: FailureKind, words: str) -> None:
    record = streamed(delta("output_text", "a"), event | {"type": event.get("type", "")}, over())
    assert record.failure is not None
    assert (record.failure.kind, words in record.failure.message) == (kind, True)
    assert record.text(Kind.TEXT) == "a"


def test_events_that_are_not_known_and_a_sentinel_are_passed_by() -> None:
    odd = {"type": "response.web_search_call.searching", "output_index": 0}
    events = (odd, {"type": "keepalive"}, "7", "[]", delta("output_text", "a"), over(), "[DONE]", CREATED)
    assert streamed(*events).status is Status.DONE


@pytest.mark.parametrize(
    "events", [(delta("output_text", "a"), "[DONE]"), (CREATED,), ()], ids=["cut", "head", "empty"]
)
def test_a_stream_without_an_end_is_broken(events: tuple[Any, ...]) -> None:
    failure = streamed(*events).failure
    assert failure is not None
    assert failure.kind is FailureKind.BROKEN_STREAM


@pytest.mark.parametrize("event", ["{oops", {"type": "", "choices": [{"delta": {"content": "a"}}]}])
def test_what_is_no_event_of_this_protocol_is_said(event: Any) -> None:
    failure = streamed(event, over()).failure
    assert failure is not None
    assert failure.kind is FailureKind.PROTOCOL


def test_an_answer_in_one_piece() -> None:
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "message", "content": [{"type": "output_text", "text": "All."}]},
        {"type": "function_call", "name": "look", "arguments": "{}"},
    ]
    record = whole({"id": "resp_1", "status": "completed", "error": None, "output": output, "usage": usage()})
    assert record.status is Status.DONE
    assert [record.text(kind) for kind in (Kind.THINKING, Kind.TEXT, Kind.OTHER)] == ["Hm.", "All.", "look {}"]
    assert (record.usage.output_tokens, record.timeline.message_stop_ns) == (4, 500)


@pytest.mark.parametrize(
    "body",
    [{}, {"status": "ok"}, {"choices": []}, [], "x", {"output": [], "status": "queued"}, {"error": {"message": "No"}}],
)
def test_what_is_no_response_is_no_answer(body: Any) -> None:
    assert whole(body).status is Status.FAILED


def test_a_response_in_one_piece_that_failed_says_why() -> None:
    body = {"output": [], "status": "failed", "error": {"code": "rate_limit_exceeded", "message": "Slow down"}}
    failure = whole(body).failure
    assert failure is not None
    assert (failure.kind, "Slow down" in failure.message) == (FailureKind.RATE_LIMITED, True)
