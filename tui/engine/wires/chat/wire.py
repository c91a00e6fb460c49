"""Chat Completions as a wire: its route, its body and its reader."""

from collections.abc import Sequence
from typing import Any

from tui.core.plan import RequestSpec
from tui.core.prompt import KeptAnswer, Prompt
from tui.core.protocol import Protocol
from tui.engine.reporter import RequestReporter
from tui.engine.wires.chat import transcript
from tui.engine.wires.chat.answer import CompletionReader
from tui.engine.wires.chat.transcript import messages_of, with_files
from tui.engine.wires.openai import with_parameters
from tui.engine.wires.openai_http import OpenAIWire


class ChatWire(OpenAIWire):
    """Chat Completions. See `Wire`."""

    title = f"{Protocol.CHAT} API"
    path = "chat/completions"

    def reader(self, spec: RequestSpec, reporter: RequestReporter) -> CompletionReader:
        """See `Wire.reader`."""
        return CompletionReader(reporter)

    def kept(self, events: Sequence[tuple[str, bytes]]) -> KeptAnswer | None:
        """See `Wire.kept`."""
        return transcript.kept(events)

    def body(self, spec: RequestSpec) -> dict[str, Any]:
        """See `OpenAIWire.body`."""
        return body(spec)


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
