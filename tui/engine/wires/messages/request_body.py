"""Body of a request, from its specification. Pure, and without the SDK.

Every parameter goes where its declaration says (`Parameter.wire`), so that a parameter that is set is sent. Only those
with structure have code here: thinking, the cache and `extra`.
"""

from collections.abc import Mapping
from typing import Any

from tui.core.parameters import PARAMETERS, Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.engine.wires import merged
from tui.engine.wires.messages.transcript import THREADS_BETA, content_of, in_thread, with_files

_TYPES_WITH_DISPLAY = ("adaptive", "enabled")
_CONTENT = ("model", "messages", "system")
_NAMED = (*_CONTENT, "max_tokens", "stream")
"""Fields that the SDK must be given by name. All others go in `extra_body`, which it merges into the body as it is:
it knows neither the sampling parameters, which are gone from its signature, nor what is newer than it."""


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
    for table in tables:
        built = built.setdefault(table, {})
    built[name] = value
