"""The Responses API as a wire: its route, its body and its reader."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from tui.core.plan import RequestSpec
from tui.core.prompt import KeptAnswer
from tui.core.protocol import Protocol
from tui.engine.reporter import RequestReporter
from tui.engine.wires.openai import with_parameters
from tui.engine.wires.openai_http import OpenAIWire
from tui.engine.wires.responses import transcript
from tui.engine.wires.responses.answer import ResponseReader
from tui.engine.wires.responses.transcript import items_of, with_files


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


def body(spec: RequestSpec) -> dict[str, Any]:
    """The body of `POST …/responses`; parameters that are not set are absent."""
    prompt = spec.prompt
    said: list[dict[str, Any]] = list(chain.from_iterable(map(items_of, prompt.turns)))
    if prompt.user or not said:
        said.append({"role": "user", "content": with_files(prompt.user, prompt.attached)})
    if prompt.prefill:
        said.append({"role": "assistant", "content": prompt.prefill})
    built: dict[str, Any] = {
        "model": spec.model,
        "input": said,
        "stream": spec.parameters.stream is not False,
        "store": False,  # else the server keeps every answer that was measured for a month
    }
    if prompt.system:
        built["instructions"] = prompt.system
    return with_parameters(built, spec, {})
