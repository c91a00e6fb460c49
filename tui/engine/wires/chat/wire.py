"""Chat Completions as a wire: its route, its body and its reader."""

from collections.abc import Sequence
from typing import Any

from tui.core.plan import RequestSpec
from tui.core.prompt import KeptAnswer
from tui.core.protocol import Protocol
from tui.engine.reporter import RequestReporter
from tui.engine.wires.chat import transcript
from tui.engine.wires.chat.answer import CompletionReader
from tui.engine.wires.chat.request_body import body
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
