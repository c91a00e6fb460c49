"""Body of a request, from its specification. Pure, and without the SDK.

Every parameter goes where its declaration says (`Parameter.wire`), so that a parameter that is set is sent. Only those
with structure have code here: thinking, the cache and `extra`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tui.core.attachment import Attachment
from tui.core.parameters import PARAMETERS, Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import KeptAnswer, Prompt, ToolCall, Turn
from tui.engine import files
from tui.engine.server_words import decoded, table, text
from tui.engine.wires import merged

_TYPES_WITH_DISPLAY = ("adaptive", "enabled")
_CONTENT = ("model", "messages", "system")
_NAMED = (*_CONTENT, "max_tokens", "stream")
"""Fields that the SDK must be given by name. All others go in `extra_body`, which it merges into the body as it is:
it knows neither the sampling parameters, which are gone from its signature, nor what is newer than it."""
_GROWING = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
"""Field of a block that each delta adds to."""

THREADS_BETA = "message-threads-2026-08-12"
_OF_THE_THREAD = ("system", "tools")
"""Fields that the server has from the thread's first request, and refuses in those that follow."""
_LOST = ("thread_not_found", "thread_already_continued", "thread_continue_in_flight")
"""Codes of errors after which the whole conversation begins another thread."""


def body(spec: RequestSpec, *, previous_message_id: str | None = None) -> dict[str, Any]:
    """The body of `POST /v1/messages`; parameters that are not set are absent.

    Where the prompt is cached, the API is asked for the reason of a miss, compared with the prompt that was answered
    with `previous_message_id`; without one, from the next request on.
    """
    parameters = spec.parameters
    built: dict[str, Any] = {
        "model": spec.model,
        "max_tokens": parameters.max_tokens,
        "messages": _messages(spec.prompt),
        "stream": parameters.stream is not False,
    }
    if spec.prompt.system:
        built["system"] = spec.prompt.system
    for name, value in parameters.set_ones():
        if not PARAMETERS[name].is_structured and value != ():
            _put(built, PARAMETERS[name].wire, list(value) if isinstance(value, tuple) else value)
    if spec.warms_cache:
        built["max_tokens"] = 0
    if parameters.thinking is not None:
        built["thinking"] = _thinking(parameters)
    if parameters.cache:
        ttl = {} if parameters.cache is True else {"ttl": parameters.cache}
        built["cache_control"] = {"type": "ephemeral", **ttl}
        if spec.endpoint.is_anthropic:
            built["diagnostics"] = {"previous_message_id": previous_message_id}
    for name, value in (parameters.extra or {}).items():
        built[name] = merged(built.get(name), value)
    return in_thread(built, spec)


def arguments(spec: RequestSpec, *, previous_message_id: str | None = None) -> dict[str, Any]:
    """Arguments of the SDK's `messages.create`, except the timeout; see `body`."""
    return _as_arguments(body(spec, previous_message_id=previous_message_id), spec)


def count_arguments(spec: RequestSpec) -> dict[str, Any]:
    """Arguments of the SDK's `messages.count_tokens` for the prompt of `spec`, except the timeout."""
    counted = {*_CONTENT, *(one.wire.partition(".")[0] for one in PARAMETERS.values() if one.is_counted)}
    return _as_arguments({name: value for name, value in body(spec).items() if name in counted}, spec)


def _as_arguments(built: Mapping[str, Any], spec: RequestSpec) -> dict[str, Any]:
    found = {name: value for name, value in built.items() if name in _NAMED}
    if unnamed := {name: value for name, value in built.items() if name not in _NAMED}:
        found["extra_body"] = unnamed
    if headers := _headers(spec):
        found["extra_headers"] = headers
    return found


def _headers(spec: RequestSpec) -> dict[str, str]:
    headers = dict(spec.endpoint.headers)
    if spec.api_version is not None:
        headers["anthropic-version"] = spec.api_version
    betas = (*spec.betas, THREADS_BETA) if spec.parameters.thread else spec.betas
    if betas:
        given = [beta.strip() for beta in headers.get("anthropic-beta", "").split(",") if beta.strip()]
        headers["anthropic-beta"] = ",".join(dict.fromkeys([*given, *betas]))
    return headers


def _messages(prompt: Prompt) -> list[dict[str, Any]]:
    messages = [{"role": turn.role, "content": content_of(turn)} for turn in prompt.turns]
    if prompt.user or not messages:
        messages.append({"role": "user", "content": with_files(prompt.user, prompt.attached)})
    if prompt.prefill:
        messages.append({"role": "assistant", "content": prompt.prefill})
    return messages


def _thinking(parameters: Parameters) -> dict[str, Any]:
    thinking: dict[str, Any] = {"type": parameters.thinking}
    if parameters.thinking == "enabled" and parameters.thinking_budget is not None:
        thinking["budget_tokens"] = parameters.thinking_budget
    if parameters.thinking in _TYPES_WITH_DISPLAY and parameters.thinking_display is not None:
        thinking["display"] = parameters.thinking_display
    return thinking


def _put(built: dict[str, Any], path: str, value: object) -> None:
    """Set the field of the body at `path`, names joined by dots."""
    *tables, name = path.split(".")
    for outer in tables:
        built = built.setdefault(outer, {})
    built[name] = value


def content_of(turn: Turn) -> Any:
    """The content of a turn: its words, an answer's blocks, or results of tools."""
    if turn.said:
        return msgspec.json.decode(turn.said)
    if turn.results:
        return [{"type": "tool_result", "tool_use_id": result.call, "content": result.text} for result in turn.results]
    return with_files(turn.text, turn.attached)


def with_files(words: str, attached: Sequence[Attachment]) -> Any:
    """The words, behind blocks of the files that go with them."""
    if not attached:
        return words
    blocks: list[dict[str, Any]] = []
    for file in attached:
        source = {"type": "base64", "media_type": file.media_type, "data": files.base64_of(file)}
        blocks.append({"type": "document" if file.is_pdf else "image", "source": source})
    return [*blocks, {"type": "text", "text": words}]


def kept(events: Sequence[tuple[str, bytes]]) -> KeptAnswer | None:
    """See `Wire.kept`."""
    blocks = [block for block in _blocks(events) if block.get("type") != "text" or block.get("text")]
    calls = [block for block in blocks if block.get("type") == "tool_use"]
    if not blocks or not all(_is_whole(call) for call in calls):
        return None
    return KeptAnswer(
        said=msgspec.json.encode(blocks).decode(),
        calls=tuple(ToolCall(id=call["id"], name=call["name"]) for call in calls),
    )


def _is_whole(call: Mapping[str, Any]) -> bool:
    return all(isinstance(call.get(name), str) for name in ("id", "name")) and isinstance(call.get("input"), dict)


def _blocks(events: Sequence[tuple[str, bytes]]) -> list[dict[str, Any]]:
    """The blocks of a streamed answer, or of one in one piece; what cannot be read adds nothing."""
    blocks: list[dict[str, Any]] = []
    inputs: dict[int, str] = {}
    for _, data in events:
        event = decoded(data)
        if isinstance(event.get("content"), list):  # all in one piece
            return [block for block in event["content"] if isinstance(block, dict)]
        if isinstance(block := event.get("content_block"), dict):
            blocks.append(block)
        elif blocks and isinstance(delta := event.get("delta"), dict):
            _grow(blocks, inputs, delta)
    for at, words in inputs.items():
        try:
            blocks[at]["input"] = msgspec.json.decode(words)
        except msgspec.DecodeError:
            blocks[at]["input"] = None
    return blocks


def _grow(blocks: list[dict[str, Any]], inputs: dict[int, str], delta: Mapping[str, Any]) -> None:
    kind, last = str(delta.get("type")), blocks[-1]
    if kind == "input_json_delta":
        inputs[len(blocks) - 1] = inputs.get(len(blocks) - 1, "") + str(delta.get("partial_json") or "")
    elif kind in _GROWING:
        field = _GROWING[kind]
        last[field] = f"{last.get(field) or ''}{delta.get(field) or ''}"


def in_thread(built: dict[str, Any], spec: RequestSpec) -> dict[str, Any]:
    """The body as the thread of a conversation has it: all of it at first, then only what is new."""
    if not spec.parameters.thread:
        return built
    if spec.previous_message is None:
        return {**built, "thread": {"type": "create"}}
    new = {name: value for name, value in built.items() if name not in _OF_THE_THREAD}
    at = max((place for place, turn in enumerate(spec.prompt.turns) if turn.said), default=-1)
    thread = {"type": "continue", "previous_message_id": spec.previous_message}
    return {**new, "messages": built["messages"][at + 1 :], "thread": thread}


def is_thread_lost(body: bytes) -> bool:
    """True for an error that says that the thread cannot be continued."""
    error = table(decoded(body), "error")
    return text(table(error, "details").get("error_code")) in _LOST
