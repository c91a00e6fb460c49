"""The Responses API as a wire: its route, its body and its reader."""

from typing import Any

from tui.core.plan import RequestSpec
from tui.core.protocol import Protocol
from tui.engine.reporter import RequestReporter
from tui.engine.wires.openai_http import OpenAIWire
from tui.engine.wires.responses.answer import ResponseReader
from tui.engine.wires.responses.request_body import body


class ResponsesWire(OpenAIWire):
    """The Responses API. See `Wire`."""

    title = Protocol.RESPONSES.value
    path = "responses"

    def reader(self, spec: RequestSpec, reporter: RequestReporter) -> ResponseReader:
        """See `Wire.reader`."""
        return ResponseReader(reporter)

    def body(self, spec: RequestSpec) -> dict[str, Any]:
        """See `OpenAIWire.body`."""
        return body(spec)
