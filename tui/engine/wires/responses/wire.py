"""The Responses API as a wire: its route, its body and its reader."""

from collections.abc import Sequence
from typing import Any

from tui.core.plan import RequestSpec
from tui.core.prompt import KeptAnswer
from tui.core.protocol import Protocol
from tui.engine.reporter import RequestReporter
from tui.engine.wires.openai_http import OpenAIWire
from tui.engine.wires.responses import transcript
from tui.engine.wires.responses.answer import ResponseReader
from tui.engine.wires.responses.request_body import body


class ResponsesWire(OpenAIWire):
    """The Responses API. See `Wire`."""

    title = Protocol.RESPONSES.value
    path = "responses"

    def reader(self, spec: RequestSpec, reporter: RequestReporter) -> ResponseReader:
        """See `Wire.reader`."""
        return ResponseReader(reporter)

    def kept(self, events: Sequence[tuple[str, bytes]]) -> KeptAnswer | None:
        """See `Wire.kept`."""
        return transcript.kept(events)

    def body(self, spec: RequestSpec) -> dict[str, Any]:
        """See `OpenAIWire.body`."""
        return body(spec)
