"""Chat Completions in front of the same simulated models: its requests, chunks, completions and errors.

A request is turned into one of the Messages API, and the events of the answer into chunks at the same times.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tui.simulator.profiles import Profile
from tui.simulator.replies import ApiError, PlannedEvent, Reply, integer, json_reply, required

PATH = "/v1/chat/completions"

_FIELDS = frozenset(
    {
        "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens",
        "max_tokens", "messages", "metadata", "modalities", "model", "n", "parallel_tool_calls", "prediction",
        "presence_penalty", "prompt_cache_key", "prompt_cache_retention", "reasoning_effort", "response_format",
        "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature",
        "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options",
    }
)  # fmt: skip
_SYSTEM_ROLES = ("system", "developer")
_DONE = b"data: [DONE]\n\n"
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
_TIERS = ("auto", "default", "flex", "priority")
_FINISH = {"max_tokens": "length", "refusal": "content_filter"}


def message_fields(fields: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """The same request in the Messages API's words. Raises ApiError where a server of this protocol would refuse it."""
    for name in fields:
        if name not in _FIELDS:
            raise ApiError(400, f"Unrecognized request argument supplied: {name}")
    if fields.get("n") not in (None, 1):
        raise ApiError(400, "Invalid value for 'n': the simulator gives one choice.")
    turns = required(fields, "messages")
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise ApiError(400, "Invalid type for 'messages': expected an array of objects.")
    most = fields.get("max_completion_tokens", fields.get("max_tokens"))
    asked: dict[str, Any] = {
        "model": fields["model"],
        "messages": [turn for turn in turns if turn.get("role") not in _SYSTEM_ROLES],
        "max_tokens": profile.max_output_tokens if most is None else integer(most, "max_completion_tokens", least=1),
        "stream": fields.get("stream") or False,
    }
    if system := [_words(turn.get("content")) for turn in turns if turn.get("role") in _SYSTEM_ROLES]:
        asked["system"] = "\n".join(system)
    if (stop := fields.get("stop")) is not None:
        asked["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    for name, most_of in (("temperature", 2), ("top_p", 1)):
        if (value := fields.get(name)) is not None:
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most_of:
                raise ApiError(400, f"Invalid '{name}': expected a number from 0 to {most_of}.")
            if not profile.sampling and value != 1:
                raise ApiError(400, f"Unsupported value: '{name}' does not support {value} with this model.")
    if (effort := fields.get("reasoning_effort")) is not None:
        asked |= _effort(effort, profile)
    if fields.get("service_tier", "auto") not in _TIERS:
        raise ApiError(400, f"Invalid value for 'service_tier'. Supported values are: {', '.join(_TIERS)}.")
    if fields.get("tools"):
        asked["tools"] = fields["tools"]
    return asked


def wants_usage(fields: Mapping[str, Any]) -> bool:
    """True where the request asks for a last chunk with the usage."""
    options = fields.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def chunks(events: Iterable[PlannedEvent], model: str, *, with_usage: bool) -> Iterator[PlannedEvent]:
    """The events of a message as chunks of a completion, at the same times."""
    head = {"id": "", "object": "chat.completion.chunk", "created": 0, "model": model}
    usage: dict[str, Any] = {}
    for event in events:
        body, at = event.body, event.offset_ns
        if isinstance(body, bytes):
            yield event
            continue
        if event.name == "message_start":
            head["id"] = _id(body["message"])
            yield _chunk(at, head, {"role": "assistant", "content": ""})
        elif event.name == "content_block_delta":
            if delta := _delta(body["delta"]):
                yield _chunk(at, head, delta)._replace(after=event.after)
        elif event.name == "message_delta":
            usage = body.get("usage") or {}
            yield _chunk(at, head, {}, _finish(body["delta"]["stop_reason"]))
        elif event.name == "message_stop":
            if with_usage and usage:
                yield _data(at, "usage", {**head, "choices": [], "usage": _usage(usage)})
            yield PlannedEvent(at, "done", _DONE)
        elif event.name == "error":
            yield _data(at, "error", {"error": _error(body["error"]["type"], body["error"]["message"])})
        elif event.name == "ping":
            yield PlannedEvent(at, "comment", b": ping\n\n")
        else:
            if event.name not in ("content_block_start", "content_block_stop"):
                yield _data(at, event.name, body)


def completion(message: Mapping[str, Any], model: str) -> dict[str, Any]:
    """A message in one piece as a completion in one piece."""
    blocks = message["content"]
    said: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(block["text"] for block in blocks if block["type"] == "text"),
        "refusal": None,
    }
    if thought := "".join(block["thinking"] for block in blocks if block["type"] == "thinking"):
        said["reasoning_content"] = thought
    finish = _finish(message["stop_reason"])
    return {
        "id": _id(message),
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": finish}],
        "usage": _usage(message["usage"]),
        "service_tier": "default",
    }


def error_reply(error: ApiError, headers: Mapping[str, str]) -> Reply:
    """The refusal in the shape of this protocol."""
    return json_reply({"error": _error(error.type, str(error))}, {**headers, **error.headers}, error.status)


def models(profiles: Mapping[str, Profile]) -> dict[str, Any]:
    """The list of `GET /v1/models` in the shape of this protocol."""
    listed = [name for name, profile in profiles.items() if profile.listed]
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "simulator"} for name in listed]
    return {"object": "list", "data": data}


def _effort(effort: object, profile: Profile) -> dict[str, Any]:
    if effort not in _EFFORTS:
        raise ApiError(400, f"Invalid value for 'reasoning_effort'. Supported values are: {', '.join(_EFFORTS)}.")
    if effort == "none":
        return {"thinking": {"type": "disabled"}} if "disabled" in profile.thinking else {}
    if not profile.effort:
        raise ApiError(400, "Unsupported parameter: 'reasoning_effort' is not supported with this model.")
    return {"output_config": {"effort": "low" if effort == "minimal" else effort}}


def _words(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def _id(message: Mapping[str, Any]) -> str:
    return "chatcmpl-" + str(message["id"]).removeprefix("msg_")


def _finish(reason: str) -> str:
    return _FINISH.get(reason, "stop")


def _delta(delta: Mapping[str, Any]) -> dict[str, str]:
    if delta["type"] == "text_delta":
        return {"content": delta["text"]}
    return {"reasoning_content": delta["thinking"]} if delta["type"] == "thinking_delta" else {}


def _chunk(at: int, head: Mapping[str, Any], delta: dict[str, str], finish: str | None = None) -> PlannedEvent:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _data(at, "chunk", {**head, "choices": [choice]})


def _data(at: int, name: str, body: object) -> PlannedEvent:
    """An event without a name on the wire; `name` is the log's."""
    return PlannedEvent(at, name, b"data: %b\n\n" % msgspec.json.encode(body))


def _usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    details = usage.get("output_tokens_details") or {}
    read = usage["cache_read_input_tokens"]
    prompt = usage["input_tokens"] + usage["cache_creation_input_tokens"] + read
    return {
        "prompt_tokens": prompt,
        "completion_tokens": usage["output_tokens"],
        "total_tokens": prompt + usage["output_tokens"],
        "prompt_tokens_details": {"cached_tokens": read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": details.get("thinking_tokens", 0), "audio_tokens": 0},
    }


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"message": message, "type": kind, "param": None, "code": None}
