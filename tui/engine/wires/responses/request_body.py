"""Body of a request to the Responses API, from its specification. Pure."""

from itertools import chain
from typing import Any

from tui.core.plan import RequestSpec
from tui.engine.wires.openai import with_parameters
from tui.engine.wires.responses.transcript import items_of, with_files


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
