"""Bodies of chat completions: every parameter goes where its declaration says, or the protocol has none."""

import msgspec
import pytest

from tui.core.parameters import PARAMETERS, Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt, Turn
from tui.core.refusals import unsupported
from tui.core.target import Endpoint, Timeouts
from tui.engine.wires.chat import body

HERE = Endpoint(name="here", base_url="http://127.0.0.1:1/v1", kind="openai")


def spec(parameters: Parameters, endpoint: Endpoint = HERE, prompt: Prompt | None = None) -> RequestSpec:
    return RequestSpec(
        request_id=1,
        target="lane",
        model="m",
        endpoint=endpoint,
        prompt=prompt or Prompt(user="Hello"),
        parameters=parameters,
        timeouts=Timeouts(),
    )


def test_the_prompt_is_messages() -> None:
    prompt = Prompt(
        system="Be brief.", user="Why?", turns=(Turn(role="user", text="Hi"), Turn(role="assistant", text="Yes?"))
    )
    messages = body(spec(Parameters(), prompt=msgspec.structs.replace(prompt, prefill="Because")))["messages"]
    said = [(message["role"], message["content"]) for message in messages]
    assert said == [
        ("system", "Be brief."), ("user", "Hi"), ("assistant", "Yes?"), ("user", "Why?"), ("assistant", "Because"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", Parameters.__struct_fields__)
def test_one_that_is_set_is_sent_or_refused(name: str) -> None:
    parameters = Parameters(**{name: PARAMETERS[name].example})
    sent, unset = body(spec(parameters)), body(spec(Parameters()))
    if name in unsupported(parameters, "openai"):
        assert sent == unset
    else:
        assert sent != unset
    assert not unsupported(parameters, "anthropic")


def test_the_protocols_own_words() -> None:
    parameters = Parameters(
        max_tokens=5, stop_sequences=("END",), effort="low", service_tier="standard_only", top_p=0.5
    )
    assert body(spec(parameters)) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_completion_tokens": 5,
        "stop": ["END"],
        "reasoning_effort": "low",
        "service_tier": "default",
        "top_p": 0.5,
    }


def test_quirks_and_extra() -> None:
    older = msgspec.structs.replace(HERE, quirks=("max_tokens", "no_stream_options"))
    sent = body(spec(Parameters(max_tokens=5, extra={"prompt_cache_key": "k"}), older))
    assert (sent["max_tokens"], sent["prompt_cache_key"]) == (5, "k")
    assert not {"max_completion_tokens", "stream_options"} & sent.keys()
    assert "stream_options" not in body(spec(Parameters(stream=False)))
