"""Chat Completions in front of the same simulated models: its requests, chunks, completions and errors.

A request is turned into one of the Messages API, and the events of the answer into chunks at the same times.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tui.simulator import script
from tui.simulator.openai import COMMON, common_fields, counts, effort, error, refuse_fields, with_schema
from tui.simulator.profiles import Profile
from tui.simulator.replies import ApiError, PlannedEvent, required

PATH = "/v1/chat/completions"

_FIELDS = COMMON | {
    "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens",
    "max_tokens", "messages", "modalities", "n", "prediction", "presence_penalty", "reasoning_effort",
    "response_format", "seed", "stop", "verbosity", "web_search_options",
}  # fmt: skip
_DONE = b"data: [DONE]\n\n"
_FINISH = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
    "tool_use": "tool_calls",
}
_DELTA = "chunk.delta"
"""Name of a chunk with content, in the log."""


def message_fields(fields: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """The same request in the Messages API's words. Raises ApiError where a server of this protocol would refuse it."""
    refuse_fields(fields, _FIELDS)
    if fields.get("n") not in (None, 1):
        raise ApiError(400, "Invalid value for 'n': the simulator gives one choice.")
    turns = required(fields, "messages")
    if not isinstance(turns, list):
        raise ApiError(400, "Invalid type for 'messages': expected an array of objects.")
    asked = common_fields(fields, profile, fields.get("max_completion_tokens", fields.get("max_tokens")), turns)
    if (stop := fields.get("stop")) is not None:
        asked["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    asked |= effort(fields.get("reasoning_effort"), profile, "reasoning_effort")
    return with_schema(asked, fields.get("response_format"), "response_format")


def streamed(events: Iterable[PlannedEvent], given: Mapping[str, Any]) -> Iterator[PlannedEvent]:
    """The events of a message as chunks of a completion, at the same times. `given` is what was asked."""
    options = given.get("stream_options")
    with_usage = isinstance(options, dict) and options.get("include_usage") is True
    head = {"id": "", "object": "chat.completion.chunk", "created": 0, "model": given["model"]}
    usage: dict[str, Any] = {}
    for event in events:
        body, at = event.body, event.offset_ns
        if isinstance(body, bytes):
            yield event
            continue
        if event.name == "message_start":
            head |= {"id": _id(body["message"]), "model": body["message"]["model"]}
            yield _chunk(at, "chunk", head, {"role": "assistant", "content": ""})
        elif event.name == "content_block_start":
            if body["content_block"]["type"] == "tool_use":
                yield _chunk(at, _DELTA, head, _call(body["content_block"]))
        elif event.name == "content_block_delta":
            if delta := _delta(body["delta"]):
                yield _chunk(at, _DELTA, head, delta)._replace(after=event.after)
        elif event.name == "message_delta":
            usage = body.get("usage") or {}
            yield _chunk(at, "chunk", head, {}, _finish(body["delta"]["stop_reason"]))
        elif event.name == "message_stop":
            if with_usage and usage:
                yield _data(at, "usage", {**head, "choices": [], "usage": _usage(usage)})
            yield PlannedEvent(at, "done", _DONE)
        elif event.name == "error":
            yield _data(at, "error", {"error": error(body["error"]["type"], body["error"]["message"])})
        elif event.name == "ping":
            yield PlannedEvent(at, "comment", b": ping\n\n")
        elif event.name != "content_block_stop":
            yield _data(at, event.name, body)


def whole(events: Iterable[PlannedEvent], given: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """The message in one piece as a completion in one piece, and its offset in nanoseconds."""
    message, offset_ns = script.folded(events)
    blocks = message["content"]
    said: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(block["text"] for block in blocks if block["type"] == "text"),
        "refusal": None,
    }
    called = [block for block in blocks if block["type"] == "tool_use"]
    if called:
        said["tool_calls"] = [_whole_call(block) for block in called]
    if thought := "".join(block["thinking"] for block in blocks if block["type"] == "thinking"):
        said["reasoning_content"] = thought
    finish = _finish(message["stop_reason"])
    return {
        "id": _id(message),
        "object": "chat.completion",
        "created": 0,
        "model": given["model"],
        "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": finish}],
        "usage": _usage(message["usage"]),
        "service_tier": "default",
    }, offset_ns


def _id(message: Mapping[str, Any]) -> str:
    return "chatcmpl-" + str(message["id"]).removeprefix("msg_")


def _finish(reason: str) -> str:
    return _FINISH.get(reason, "stop")


def _delta(delta: Mapping[str, Any]) -> dict[str, Any]:
    match delta["type"]:
        case "text_delta":
            return {"content": delta["text"]}
        case "thinking_delta":
            return {"reasoning_content": delta["thinking"]}
        case "input_json_delta":
            return {"tool_calls": [{"index": 0, "function": {"arguments": delta["partial_json"]}}]}
    return {}


def _call(block: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": block["name"], "arguments": ""}
    return {"tool_calls": [{"index": 0, "id": "call_sim", "type": "function", "function": function}]}


def _whole_call(block: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": block["name"], "arguments": msgspec.json.encode(block["input"]).decode()}
    return {"id": "call_sim", "type": "function", "function": function}


def _chunk(
    at: int, name: str, head: Mapping[str, Any], delta: dict[str, Any], finish: str | None = None
) -> PlannedEvent:
    choice = {"index": 0, "logprobs": None, "finish_reason": finish, "delta": delta}
    return _data(at, name, {**head, "choices": [choice]})


def _data(at: int, name: str, body: object) -> PlannedEvent:
    """An event without a name on the wire; `name` is the log's."""
    return PlannedEvent(at, name, b"data: %b\n\n" % msgspec.json.encode(body))


def _usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    prompt, read, written, output, reasoning = counts(usage)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
    }
