"""Answers of Chat Completions as the servers in use send them, read from their bytes."""

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
from tui.engine.wires.chat import CompletionReader

DONE = "[DONE]"


def chunk(delta: Any = None, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": choices, "usage": None, **fields}


def usage(prompt: int = 9, completion: int = 4, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, **more}


def record_of(feed: Any) -> RequestRecord:
    spec = RequestSpec(
        request_id=1,
        target="lane",
        model="m",
        endpoint=Endpoint(name="e", base_url="http://127.0.0.1:1/v1", kind="openai"),
        prompt=Prompt(user="Why?"),
        parameters=Parameters(max_tokens=100),
        timeouts=Timeouts(),
    )
    record = RequestRecord(spec=spec)
    reporter = RequestReporter(1, record.apply)
    reporter.mark(Mark.SENT, 100)
    reader = CompletionReader(reporter)
    feed(reader)
    status, stop_reason, failure = reader.outcome()
    record.apply(reporter.ended(status, stop_reason=stop_reason, failure=failure))
    return record


def streamed(*events: Any) -> RequestRecord:
    """The events, one each 10 ns from 200 ns on; a text is sent as it is."""

    def feed(reader: CompletionReader) -> None:
        for number, event in enumerate(events):
            data = event.encode() if isinstance(event, str) else json.dumps(event).encode()
            if not reader.stopped:
                reader.feed(200 + 10 * number, "message", data)

    return record_of(feed)


def whole(body: Any) -> RequestRecord:
    return record_of(lambda reader: reader.feed_whole(500, json.dumps(body).encode()))


def test_a_stream_as_openai_sends_it() -> None:
    record = streamed(
        chunk({"role": "assistant", "content": "", "refusal": None}),
        chunk({"content": "So"}),
        chunk({"content": " it is."}),
        chunk({}, "stop"),
        chunk(
            choices=[], usage=usage(total_tokens=13, prompt_tokens_details={"cached_tokens": 5}), service_tier="default"
        ),
        DONE,
    )
    assert (record.status, record.stop_reason, record.failure) == (Status.DONE, "stop", None)
    assert record.text(Kind.TEXT) == "So it is."
    # The chunk with the role alone is no token.
    assert record.timeline.content_ns == [210, 220]
    assert record.timeline.message_stop_ns == 250
    counts = record.usage
    assert (counts.input_tokens, counts.cache_read_input_tokens, counts.prompt_tokens) == (4, 5, 9)
    assert (counts.output_tokens, counts.service_tier) == (4, "default")


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_thinking(field: str) -> None:
    record = streamed(chunk({field: "Hm."}), chunk({"content": "Yes."}), chunk({}, "stop"), DONE)
    assert (record.text(Kind.THINKING), record.text(Kind.TEXT)) == ("Hm.", "Yes.")
    assert (record.timeline.content_ns[0], record.timeline.first_text_ns) == (200, 210)


def test_reasoning_in_parts_as_mistral_sends_it() -> None:
    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]
    record = streamed(chunk({"content": thought}), chunk({"content": [{"type": "text", "text": "Yes."}]}, "stop"), DONE)
    assert (record.text(Kind.THINKING), record.text(Kind.TEXT)) == ("Hm.", "Yes.")


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        ("stop", Status.DONE, "stop"),
        ("length", Status.TRUNCATED, "length"),
        ("model_length", Status.TRUNCATED, "model_length"),
        ("tool_calls", Status.DONE, "tool_calls"),
        ("content_filter", Status.REFUSED, "content_filter"),
    ],
)
def test_finish_reasons(finish: str, status: Status, reason: str) -> None:
    record = streamed(chunk({"content": "a"}), chunk({}, finish), DONE)
    assert (record.status, record.stop_reason) == (status, reason)


def test_a_refusal_in_words_is_text_and_a_refusal() -> None:
    record = streamed(chunk({"refusal": "I cannot"}), chunk({"refusal": " help."}), chunk({}, "stop"), DONE)
    assert (record.text(Kind.TEXT), record.status) == ("I cannot help.", Status.REFUSED)


def test_calls_of_tools_take_their_time() -> None:
    calls = (
        [{"index": 0, "function": {"name": "look", "arguments": ""}}],
        [{"index": 0, "function": {"arguments": "{}"}}],
    )
    record = streamed(*(chunk({"tool_calls": call}) for call in calls), chunk({}, "tool_calls"), DONE)
    assert record.timeline.content_ns == [200, 210]
    assert record.text(Kind.OTHER) == "look{}"


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        (usage(9, 4, completion_tokens_details={"reasoning_tokens": 3}), (9, 4, 3)),
        # xAI and Google count reasoning in the total alone.
        (usage(9, 4, total_tokens=20, completion_tokens_details={"reasoning_tokens": 7}), (9, 11, 7)),
        (usage(9, 4, total_tokens=20), (9, 11, 7)),
        (usage(9, 4, total_tokens=13, completion_tokens_details=[]), (9, 4, None)),
        (usage(-1, 10**18), (None, None, None)),
        (usage(9, 4, prompt_tokens_details=None, prompt_cache_hit_tokens=6), (3, 4, None)),
    ],
)
def test_counts(told: dict[str, Any], counts: tuple[int | None, ...]) -> None:
    record = streamed(chunk({"content": "a"}), chunk({}, "stop"), chunk(choices=[], usage=told), DONE)
    found = record.usage
    assert (found.input_tokens, found.output_tokens, found.thinking_tokens) == counts


def test_groq_counts_in_a_field_of_its_own() -> None:
    record = streamed(chunk({"content": "a"}), chunk({}, "stop", x_groq={"id": "req", "usage": usage()}), DONE)
    assert record.usage.output_tokens == 4


def test_of_several_choices_the_first_is_read_and_output_is_not_counted() -> None:
    second = chunk(choices=[{"index": 1, "delta": {"content": "b"}}])
    record = streamed(chunk({"content": "a"}), second, chunk({}, "stop"), chunk(choices=[], usage=usage()), DONE)
    assert (record.text(Kind.TEXT), record.usage.output_tokens, record.usage.input_tokens) == ("a", None, 9)


def test_a_finish_reason_without_the_sentinel_is_an_end() -> None:
    record = streamed(chunk({"content": "a"}), chunk({}, "stop"))
    assert (record.status, record.timeline.message_stop_ns) == (Status.DONE, 210)


@pytest.mark.parametrize("events", [(chunk({"content": "a"}),), ()], ids=["cut", "empty"])
def test_a_stream_without_an_end_is_broken(events: tuple[Any, ...]) -> None:
    failure = streamed(*events).failure
    assert failure is not None
    assert failure.kind is FailureKind.BROKEN_STREAM


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        ({"error": {"message": "Slow down", "type": "x", "code": 429}}, FailureKind.RATE_LIMITED, "Slow down"),
        ({"error": {"message": "Gone", "code": "model_not_found"}}, FailureKind.UNKNOWN_MODEL, "Gone"),
        ({"error": "out of memory"}, FailureKind.SERVER_ERROR, "out of memory"),
        (
            {
                "error": {"code": 502, "message": "Provider disconnected"},
                "choices": [{"index": 0, "finish_reason": "error"}],
            },
            FailureKind.SERVER_ERROR,
            "Provider disconnected",
        ),
    ],
)
def test_errors_in_the_stream(error: dict[str, Any], kind: FailureKind, words: str) -> None:
    record = streamed(chunk({"content": "a"}), error)
    assert record.failure is not None
    assert record.failure.kind is kind
    assert words in record.failure.message
    assert record.text(Kind.TEXT) == "a"


def test_llama_cpp_sends_its_timings_with_every_chunk() -> None:
    timings = {"cache_n": 7, "prompt_n": 10, "prompt_ms": 251.5, "predicted_n": 2, "predicted_ms": 40.5}
    record = streamed(
        chunk({"role": "assistant", "content": None}),
        chunk({"reasoning_content": " it"}, timings=timings, system_fingerprint="b9554"),
        chunk({"content": " is"}, timings=timings),
        chunk({}, "stop"),
        chunk(choices=[], usage=usage(10, 2, total_tokens=12), timings=timings),
        DONE,
    )
    assert (record.status, record.text(Kind.THINKING), record.text(Kind.TEXT)) == (Status.DONE, " it", " is")
    assert (record.timeline.content_ns, record.usage.output_tokens) == ([210, 220], 2)


def test_gemini_calls_tools_without_an_index_and_stops_with_stop() -> None:
    call = {
        "extra_content": {"google": {"thought_signature": "EjQKMgEM"}},
        "function": {"arguments": '{"q":1}', "name": "look"},
        "id": "call_297140",
        "type": "function",
    }
    told = usage(10, 2, total_tokens=40)
    record = streamed(
        {"object": "chat.completion.chunk", "choices": [{"delta": {"role": "assistant", "tool_calls": [call]}}]},
        # A chunk of metadata alone, and the usage in every chunk.
        chunk({"extra_content": {"google": {"thought_signature": "EjQ"}}}, usage=told),
        chunk({}, "stop", usage=told),
        DONE,
    )
    assert (record.status, record.text(Kind.OTHER)) == (Status.DONE, 'look{"q":1}')
    # Its thinking is in the total alone, and arrived in no chunk.
    assert (record.usage.output_tokens, record.usage.thinking_tokens, record.timed_tokens) == (30, 28, 2)


def test_groq_gives_reasoning_in_a_field_of_its_own_and_no_sentence_when_it_is_full() -> None:
    record = streamed(
        chunk({"role": "assistant", "content": ""}, x_groq={"id": "req_1"}),
        chunk({"reasoning": "Hm.", "channel": "analysis"}),
        chunk({"content": "Yes."}),
        chunk({}, "stop", x_groq={"id": "req_1", "usage": usage(5, 6, queue_time=0.1, completion_time=0.2)}),
        DONE,
    )
    assert (record.text(Kind.THINKING), record.usage.output_tokens) == ("Hm.", 6)
    full = streamed({"error": {"message": "No room", "type": "server_error", "code": "capacity_exceeded"}}).failure
    assert full is not None
    assert full.kind is FailureKind.OVERLOADED


def test_openrouter_ends_a_stream_with_an_error_beside_a_finish_reason() -> None:
    record = streamed(
        chunk({"role": "assistant", "content": "", "reasoning": "Hm.", "reasoning_details": [{"text": "Hm."}]}),
        chunk({"content": "So"}, provider="Somebody", native_finish_reason=None),
        chunk({"content": ""}, "error", error={"code": "server_error", "message": "Provider disconnected"}),
    )
    assert record.failure is not None
    assert (record.failure.kind, record.text(Kind.TEXT)) == (FailureKind.SERVER_ERROR, "So")
    assert "Provider disconnected" in record.failure.message


@pytest.mark.parametrize(
    "error",
    [
        {"object": "error", "message": "No memory", "type": "InternalServerError", "code": 500},  # vLLM
        {"errors": [{"message": "No memory"}]},
        {"type": "error", "error": {"type": "api_error", "message": "No memory"}},
    ],
)
def test_errors_of_other_shapes_in_the_stream(error: dict[str, Any]) -> None:
    failure = streamed(chunk({"content": "a"}), error, chunk({}, "stop"), DONE).failure
    assert failure is not None
    assert "No memory" in failure.message


def test_what_is_no_json_fails_and_what_is_no_chunk_is_passed_by() -> None:
    record = streamed("{oops", DONE)
    assert record.failure is not None
    assert record.failure.kind is FailureKind.PROTOCOL
    odd = [7, [], {"choices": [None, {"delta": 3}, {"delta": {"content": 4}}]}, {"choices": {}}]
    assert streamed(*odd, chunk({"content": "a"}), chunk({}, "stop"), DONE).status is Status.DONE


def test_an_answer_in_one_piece() -> None:
    message = {"role": "assistant", "content": "All.", "reasoning_content": "Hm."}
    record = whole(
        {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage()}
    )
    assert (record.status, record.text(Kind.TEXT), record.text(Kind.THINKING)) == (Status.DONE, "All.", "Hm.")
    assert (record.usage.output_tokens, record.timeline.message_stop_ns) == (4, 500)


@pytest.mark.parametrize("body", [{}, {"status": "ok"}, {"choices": []}, {"type": "message", "content": []}, [], "x"])
def test_what_is_no_completion_is_no_answer(body: Any) -> None:
    assert whole(body).status is Status.FAILED


def test_a_refusal_in_place_of_a_completion_is_quoted() -> None:
    failure = whole({"error": {"message": "no healthy upstream", "code": 503}}).failure
    assert failure is not None
    assert (failure.kind, "no healthy upstream" in failure.message) == (FailureKind.OVERLOADED, True)
