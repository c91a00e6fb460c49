"""From a request's specification to the arguments of the SDK's `messages.create`. Pure, and without the SDK.

What the SDK names goes in by name, everything else in `extra_body`, which it merges into the body as it is: today that
is the sampling parameters, which are gone from its signature, and whatever `extra` adds. They need an API version that
still takes them, `RequestSpec.api_version`, which goes out as a header.
"""

from collections.abc import Mapping
from typing import Any

from tui.core.parameters import SAMPLING, Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt

_TYPES_WITH_DISPLAY = ("adaptive", "enabled")


def arguments(spec: RequestSpec, *, previous_message_id: str | None = None) -> dict[str, Any]:
    """Everything `messages.create` is called with, but the timeout: `stream` is set, absent parameters are absent.

    Where the prompt is cached, the API is asked why it was not found there, if it was not: against the prompt that
    was answered with `previous_message_id`, or, without one, from the next request on.
    """
    parameters = spec.parameters
    named: dict[str, Any] = {
        "model": spec.model,
        "max_tokens": 0 if spec.warms_cache else parameters.max_tokens,
        "messages": _messages(spec.prompt),
        "stream": parameters.stream is not False,
    }
    if spec.prompt.system:
        named["system"] = spec.prompt.system
    if parameters.stop_sequences:
        named["stop_sequences"] = list(parameters.stop_sequences)
    if parameters.effort is not None:
        named["output_config"] = {"effort": parameters.effort}
    if parameters.thinking is not None:
        named["thinking"] = _thinking(parameters)
    if parameters.cache:
        ttl = {} if parameters.cache is True else {"ttl": parameters.cache}
        named["cache_control"] = {"type": "ephemeral", **ttl}
        if spec.endpoint.is_anthropic:
            named["diagnostics"] = {"previous_message_id": previous_message_id}
    for name in ("speed", "service_tier", "inference_geo"):
        if (value := getattr(parameters, name)) is not None:
            named[name] = value
    unnamed = {name: getattr(parameters, name) for name in SAMPLING if getattr(parameters, name) is not None}
    for name, value in (parameters.extra or {}).items():
        into = named if name in named else unnamed
        into[name] = _merged(into.get(name), value)
    headers = _headers(spec)
    return named | ({"extra_body": unnamed} if unnamed else {}) | ({"extra_headers": headers} if headers else {})


_COUNTED = ("model", "messages", "system", "thinking", "output_config", "cache_control", "speed")
"""The fields that `messages.count_tokens` takes of what a request says."""


def count_arguments(spec: RequestSpec) -> dict[str, Any]:
    """Everything `messages.count_tokens` is called with to count the prompt of `spec`, but the timeout."""
    asked = arguments(spec)
    headers = asked.get("extra_headers")
    counted = {name: asked[name] for name in _COUNTED if name in asked}
    return counted | ({"extra_headers": headers} if headers else {})


def _headers(spec: RequestSpec) -> dict[str, str]:
    headers = dict(spec.endpoint.headers)
    if spec.api_version is not None:
        headers["anthropic-version"] = spec.api_version
    if spec.betas:
        given = [beta.strip() for beta in headers.get("anthropic-beta", "").split(",") if beta.strip()]
        headers["anthropic-beta"] = ",".join(dict.fromkeys([*given, *spec.betas]))
    return headers


def _messages(prompt: Prompt) -> list[dict[str, str]]:
    messages = [{"role": turn.role, "content": turn.text} for turn in prompt.turns]
    messages.append({"role": "user", "content": prompt.user})
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


def _merged(present: object, value: object) -> object:
    """`value`, with what is `present` kept beside it where both are tables."""
    if not isinstance(present, Mapping) or not isinstance(value, Mapping):
        return value
    return {**present, **{name: _merged(present.get(name), part) for name, part in value.items()}}
