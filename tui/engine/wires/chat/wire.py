"""Chat Completions as a wire: its route, its body and its reader."""

from typing import Any

from tui.core.plan import RequestSpec
from tui.core.protocol import Protocol
from tui.engine.reporter import RequestReporter
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

    def body(self, spec: RequestSpec) -> dict[str, Any]:
        """See `OpenAIWire.body`."""
        return body(spec)
