"""Body of a request for a chat completion, from its specification. Pure."""

from typing import Any

from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.engine.wires.chat.transcript import messages_of, with_files
from tui.engine.wires.openai import with_parameters


def body(spec: RequestSpec) -> dict[str, Any]:
    """The body of `POST …/chat/completions`; parameters that are not set are absent."""
    quirks = spec.endpoint.quirks
    streamed = spec.parameters.stream is not False
    built: dict[str, Any] = {"model": spec.model, "messages": _messages(spec.prompt), "stream": streamed}
    if streamed and "no_stream_options" not in quirks:
        built["stream_options"] = {"include_usage": True}  # else nothing is counted
    return with_parameters(built, spec, {"max_tokens": "max_tokens"} if "max_tokens" in quirks else {})


def _messages(prompt: Prompt) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": prompt.system}] if prompt.system else []
    for turn in prompt.turns:
        messages += messages_of(turn)
    if prompt.user or not prompt.turns:
        messages.append({"role": "user", "content": with_files(prompt.user, prompt.attached)})
    if prompt.prefill:
        messages.append({"role": "assistant", "content": prompt.prefill})
    return messages
