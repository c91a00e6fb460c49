"""Body of a request for a chat completion, from its specification. Pure.

Every parameter goes where its declaration says (`Parameter.chat`). One that the protocol lacks is not left out in
silence: the request is not sent.
"""

from typing import Any

from tui.core.parameters import PARAMETERS
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.engine.wires import merged

_TIERS = {"standard_only": "default"}
"""The protocol's words for tiers of service, where they differ."""


def body(spec: RequestSpec) -> dict[str, Any]:
    """The body of `POST …/chat/completions`; parameters that are not set are absent."""
    parameters, quirks = spec.parameters, spec.endpoint.quirks
    streamed = parameters.stream is not False
    built: dict[str, Any] = {"model": spec.model, "messages": _messages(spec.prompt), "stream": streamed}
    for name, value in parameters.set_ones():
        field = PARAMETERS[name].chat
        if not field or name == "extra" or value == ():
            continue
        if name == "max_tokens" and "max_tokens" in quirks:
            field = name
        built[field] = list(value) if isinstance(value, tuple) else value
    if parameters.service_tier is not None:
        built["service_tier"] = _TIERS.get(parameters.service_tier, parameters.service_tier)
    if streamed and "no_stream_options" not in quirks:
        built["stream_options"] = {"include_usage": True}  # else nothing is counted
    for name, value in (parameters.extra or {}).items():
        built[name] = merged(built.get(name), value)
    return built


def _messages(prompt: Prompt) -> list[dict[str, str]]:
    messages = [{"role": "system", "content": prompt.system}] if prompt.system else []
    messages += [{"role": turn.role, "content": turn.text} for turn in prompt.turns]
    messages.append({"role": "user", "content": prompt.user})
    if prompt.prefill:
        messages.append({"role": "assistant", "content": prompt.prefill})
    return messages
