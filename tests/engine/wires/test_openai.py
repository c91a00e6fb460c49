"""What OpenAI's protocols share, held against the types of its installed SDK."""

from importlib.util import find_spec
from typing import Any, get_args, get_type_hints

import pytest

from tui.core.parameters import PARAMETERS, Effort
from tui.core.protocol import Protocol
from tui.engine.server_words import decode
from tui.engine.wires.chat import _CUT
from tui.engine.wires.openai import counts_of, opened_by
from tui.engine.wires.responses import _KINDS, _REFUSALS

# Not `importorskip`: every worker would load the SDK, for one's tests.
pytestmark = pytest.mark.skipif(find_spec("openai") is None, reason="OpenAI's SDK is a client of the tests alone")


def fields_of(protocol: Protocol) -> dict[str, Any]:
    from openai.types.chat import completion_create_params as chat
    from openai.types.responses import response_create_params as responses

    params = chat if protocol is Protocol.CHAT else responses
    base = chat.CompletionCreateParamsBase if params is chat else responses.ResponseCreateParamsBase
    return {"stream": bool, **get_type_hints(base, vars(params))}


@pytest.mark.parametrize("protocol", [Protocol.CHAT, Protocol.RESPONSES])
def test_every_parameter_has_a_field_of_the_sdks_types(protocol: Protocol) -> None:
    from openai.types.shared_params import Reasoning

    fields = fields_of(protocol)
    fields |= {f"reasoning.{name}": hint for name, hint in get_type_hints(Reasoning).items()}
    places = [one.elsewhere[protocol] for name, one in PARAMETERS.items() if protocol in one.elsewhere]
    assert set(places) - {"extra"} <= fields.keys()


def literals(hint: Any) -> set[Any]:
    found = set()
    for part in get_args(hint):
        found |= literals(part) if get_args(part) else {part}
    return found


def test_values_are_those_of_the_sdks_types() -> None:
    from openai.types.shared import ReasoningEffort
    from openai.types.shared_params import Reasoning

    assert set(get_args(Effort)) <= literals(ReasoningEffort)
    tiers = literals(fields_of(Protocol.CHAT)["service_tier"]) & literals(fields_of(Protocol.RESPONSES)["service_tier"])
    assert {"auto", *PARAMETERS["service_tier"].words.values()} <= tiers
    summaries = literals(get_type_hints(Reasoning)["summary"])
    assert set(PARAMETERS["thinking_display"].words.values()) <= {*summaries, None}


def test_events_and_reasons_are_those_of_the_sdks_types() -> None:
    from openai.types.chat.chat_completion_chunk import Choice
    from openai.types.responses import ResponseStreamEvent
    from openai.types.responses.response import IncompleteDetails

    events = get_args(get_args(ResponseStreamEvent)[0])
    kinds = set().union(*(get_args(event.model_fields["type"].annotation) for event in events))
    assert {f"{part}.{end}" for part in _KINDS for end in ("delta", "done")} <= kinds
    assert "length" in literals(Choice.model_fields["finish_reason"].annotation)
    assert "length" in _CUT
    assert set(_REFUSALS) <= literals(IncompleteDetails.model_fields["reason"].annotation)
    # What is not told apart by name is content by the form of its event.
    ends = ("response.completed", "response.incomplete", "response.failed", "error")
    assert set(ends) <= kinds


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        ((9, 4, 3, 5, 2), (2, 4, 5, 2, 3)),
        ((9, 4, None, 20, 7), (0, 4, 9, 0, None)),
        ((None, "4", -1, 5, None), (None, None, 5, None, None)),
        ((9, 4, 0, None, None), (9, 4, None, None, 0)),
    ],
)
def test_counts_of_input_exclude_the_caches(told: tuple[Any, ...], counts: tuple[int | None, ...]) -> None:
    prompt, output, reasoning, cached, written = told
    assert tuple(counts_of(prompt, output, reasoning=reasoning, cached=cached, written=written).values()) == counts


def test_the_head_of_an_answer_is_believed_as_far_as_it_can_be() -> None:
    assert opened_by({"id": 7, "model": "m"}, 1) is None
    opened = opened_by({"id": "a", "model": "m" * 1000}, 1)
    assert opened is not None
    assert (opened.message_id, opened.model) == ("a", None)


def test_json_with_invalid_texts_is_read_for_the_rest() -> None:
    assert decode(b'{"a": "\xff", "b": "\\ud83d"}') == {"a": "\ufffd", "b": "\ufffd"}
