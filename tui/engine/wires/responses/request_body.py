"""Body of a request to the Responses API, from its specification. Pure."""

from typing import Any

from tui.core.plan import RequestSpec
from tui.engine.wires.openai import with_parameters


def body(spec: RequestSpec) -> dict[str, Any]:
    """The body of `POST …/responses`; parameters that are not set are absent."""
    prompt = spec.prompt
    said = [(turn.role, turn.text) for turn in prompt.turns] + [("user", prompt.user)]
    if prompt.prefill:
        said.append(("assistant", prompt.prefill))
    built: dict[str, Any] = {
        "model": spec.model,
        "input": [{"role": role, "content": content} for role, content in said],
        "stream": spec.parameters.stream is not False,
        "store": False,  # else the server keeps every answer that was measured for a month
    }
    if prompt.system:
        built["instructions"] = prompt.system
    return with_parameters(built, spec, {})
