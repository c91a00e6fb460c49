"""Bodies of requests to the Responses API: every parameter goes where its declaration says, or has no place."""

import msgspec
import pytest

from tui.core.parameters import PARAMETERS, Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt, Turn
from tui.core.refusals import contradiction, unsupported
from tui.core.target import Endpoint, Timeouts
from tui.engine.wires.responses import body

HERE = Endpoint(name="here", base_url="http://127.0.0.1:1/v1", kind="openai-responses")
KIND = HERE.kind


def spec(parameters: Parameters, prompt: Prompt | None = None) -> RequestSpec:
    return RequestSpec(
        request_id=1,
        target="lane",
        model="m",
        endpoint=HERE,
        prompt=prompt or Prompt(user="Hello"),
        parameters=parameters,
        timeouts=Timeouts(),
    )


def test_the_prompt_is_instructions_and_input() -> None:
    turns = (Turn(role="user", text="Hi"), Turn(role="assistant", text="Yes?"))
    prompt = Prompt(system="Be brief.", user="Why?", turns=turns)
    sent = body(spec(Parameters(), prompt=msgspec.structs.replace(prompt, prefill="Because")))
    assert sent["instructions"] == "Be brief."
    said = [(message["role"], message["content"]) for message in sent["input"]]
    assert said == [("user", "Hi"), ("assistant", "Yes?"), ("user", "Why?"), ("assistant", "Because")]


@pytest.mark.parametrize("name", Parameters.__struct_fields__)
def test_one_that_is_set_is_sent_or_refused(name: str) -> None:
    parameters = Parameters(**{name: PARAMETERS[name].example})
    sent, unset = body(spec(parameters)), body(spec(Parameters()))
    assert (sent == unset) == (name in unsupported(parameters, KIND))


def test_the_protocols_own_words() -> None:
    parameters = Parameters(
        max_tokens=5, effort="max", thinking_display="summarized", service_tier="standard_only", temperature=1.5
    )
    assert contradiction(parameters, KIND) is None
    assert body(spec(parameters)) == {
        "model": "m",
        "input": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "store": False,
        "max_output_tokens": 5,
        "reasoning": {"effort": "max", "summary": "auto"},
        "service_tier": "default",
        "temperature": 1.5,
    }


def test_extra_is_merged_last() -> None:
    sent = body(spec(Parameters(effort="low", extra={"reasoning": {"summary": "detailed"}, "store": True})))
    assert (sent["reasoning"], sent["store"]) == ({"effort": "low", "summary": "detailed"}, True)


def test_there_are_no_stop_sequences() -> None:
    # None at all is what the built-in configuration has.
    assert unsupported(Parameters(stop_sequences=()), KIND) == {}
    assert "stop" not in "".join(body(spec(Parameters(stop_sequences=()))))
    assert unsupported(Parameters(stop_sequences=("END",)), KIND) == {
        "stop_sequences": "The Responses API has no stop_sequences"
    }
