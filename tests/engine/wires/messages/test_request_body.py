"""The wire form of every parameter, held against the SDK's own types."""

from functools import cache
from typing import Any, get_args, get_type_hints

import pytest
from anthropic.types import (
    CacheControlEphemeralParam,
    OutputConfigParam,
    ThinkingConfigAdaptiveParam,
    ThinkingConfigParam,
    message_create_params,
)
from pydantic import TypeAdapter

from tui.core import parameters as core
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt, Turn
from tui.core.target import Endpoint, Timeouts
from tui.engine.wires.messages.request_body import arguments

SDK = message_create_params.MessageCreateParamsStreaming
TYPES = get_type_hints(SDK)


@cache
def adapter(name: str = "") -> TypeAdapter[Any]:
    """A checker of one field, or of all together: making it takes a hundred times as long as checking."""
    return TypeAdapter(TYPES[name] if name else SDK)


def sent(parameters: Parameters, prompt: Prompt | None = None, **endpoint: Any) -> dict[str, Any]:
    """The body and headers for these parameters, checked against the SDK's types as far as it has any."""
    found = arguments(
        RequestSpec(
            request_id=1,
            target="lane",
            model="a",
            endpoint=Endpoint(name="here", base_url="http://127.0.0.1:1", **endpoint),
            prompt=prompt or Prompt(user="Hello"),
            parameters=Parameters(max_tokens=4000).overridden_by(parameters),
            timeouts=Timeouts(),
        )
    )
    added = found.pop("extra_body", {})
    known = {name: value for name, value in added.items() if name in TYPES}
    unknown = {name: value for name, value in added.items() if name not in known}
    named = {name: value for name, value in found.items() if name != "extra_headers"} | known
    assert set(named) <= set(TYPES)
    adapter().validate_python(named, strict=True)
    for name in named:  # the SDK declares some fields twice over; each alone has to fit too
        adapter(name).validate_python(named[name])
    return found | known | ({"beside the types": unknown} if unknown else {})


def added(parameters: Parameters, **endpoint: Any) -> dict[str, Any]:
    """Fields that these parameters add to a plain request."""
    plain = sent(Parameters())
    found = sent(parameters, **endpoint)
    return {name: value for name, value in found.items() if name not in plain or plain[name] != value}


def test_a_plain_request() -> None:
    assert sent(Parameters(), Prompt(system="Be kind.", user="Hello")) == {
        "model": "a",
        "max_tokens": 4000,
        "messages": [{"role": "user", "content": "Hello"}],
        "system": "Be kind.",
        "stream": True,
    }
    assert "system" not in sent(Parameters())


def test_a_conversation_with_a_prefill() -> None:
    turns = (Turn(role="user", text="Hello"), Turn(role="assistant", text="Good day"))
    assert sent(Parameters(), Prompt(user="Why?", turns=turns, prefill="Because"))["messages"] == [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Good day"},
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": "Because"},
    ]


@pytest.mark.parametrize(
    ("parameters", "wire"),
    [
        (Parameters(max_tokens=7), {"max_tokens": 7}),
        (Parameters(stop_sequences=("END",)), {"stop_sequences": ["END"]}),
        (Parameters(stop_sequences=()), {}),
        *((Parameters(effort=level), {"output_config": {"effort": level}}) for level in get_args(core.Effort)),
        (Parameters(thinking="adaptive"), {"thinking": {"type": "adaptive"}}),
        (Parameters(thinking="disabled"), {"thinking": {"type": "disabled"}}),
        (Parameters(thinking="between_tools"), {"thinking": {"type": "between_tools"}}),
        (
            Parameters(thinking="enabled", thinking_budget=2048, thinking_display="summarized"),
            {"thinking": {"type": "enabled", "budget_tokens": 2048, "display": "summarized"}},
        ),
        (
            Parameters(thinking="adaptive", thinking_budget=2048, thinking_display="omitted"),
            {"thinking": {"type": "adaptive", "display": "omitted"}},
        ),
        (
            Parameters(thinking="disabled", thinking_budget=2048, thinking_display="omitted"),
            {"thinking": {"type": "disabled"}},
        ),
        (Parameters(speed="fast"), {"speed": "fast"}),
        (Parameters(speed="standard"), {"speed": "standard"}),
        (Parameters(cache=True), {"cache_control": {"type": "ephemeral"}}),
        (Parameters(cache="5m"), {"cache_control": {"type": "ephemeral", "ttl": "5m"}}),
        (Parameters(cache="1h"), {"cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        (Parameters(cache=False), {}),
        (Parameters(service_tier="standard_only"), {"service_tier": "standard_only"}),
        (Parameters(inference_geo="us"), {"inference_geo": "us"}),
        (Parameters(extra={}), {}),
        (Parameters(extra={"newest": [1, {"a": "b"}]}), {"beside the types": {"newest": [1, {"a": "b"}]}}),
        (
            Parameters(effort="low", extra={"output_config": {"format": {"type": "json_schema", "schema": {}}}}),
            {"output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}}},
        ),
        (Parameters(effort="low", extra={"output_config": {"effort": "max"}}), {"output_config": {"effort": "max"}}),
    ],
)
def test_each_parameter(parameters: Parameters, wire: dict[str, Any]) -> None:
    assert added(parameters) == wire


@pytest.mark.parametrize(("name", "value"), [("temperature", 0.0), ("top_p", 0.5), ("top_k", 0)])
def test_sampling_goes_out_under_the_older_version_beside_the_sdks_types(name: str, value: float) -> None:
    wire = added(Parameters(**{name: value}, extra={"newest": 1}))  # type: ignore[arg-type]
    assert wire == {
        "beside the types": {name: value, "newest": 1},
        "extra_headers": {"anthropic-version": "2023-06-01"},
    }
    assert name not in TYPES


def test_an_endpoints_version_and_headers() -> None:
    headers = {"x-team": "search"}
    assert added(Parameters(), headers=headers) == {"extra_headers": headers}
    versioned = added(Parameters(top_k=1), headers=headers, api_version="2026-10-21")
    assert versioned["extra_headers"] == {"x-team": "search", "anthropic-version": "2026-10-21"}
    assert headers == {"x-team": "search"}


def test_the_plan_stays_as_it_was() -> None:
    extra = {"output_config": {"format": {"type": "json_schema", "schema": {}}}}
    sent(Parameters(effort="low", extra=extra))
    assert extra == {"output_config": {"format": {"type": "json_schema", "schema": {}}}}


def literals(hint: Any) -> set[str]:
    """All texts that a type names, however deep in unions they stand."""
    return {hint} if isinstance(hint, str) else {text for part in get_args(hint) for text in literals(part)}


def test_the_values_are_all_that_the_sdk_knows() -> None:
    hints = TYPES
    assert set(get_args(core.Effort)) == literals(get_type_hints(OutputConfigParam)["effort"])
    assert set(get_args(core.Speed)) == literals(hints["speed"])
    assert set(get_args(core.ServiceTier)) == literals(hints["service_tier"])
    assert set(get_args(core.CacheTtl)) == literals(get_type_hints(CacheControlEphemeralParam)["ttl"])
    assert set(get_args(core.ThinkingDisplay)) == literals(get_type_hints(ThinkingConfigAdaptiveParam)["display"])
    types = {text for kind in get_args(ThinkingConfigParam) for text in literals(get_type_hints(kind)["type"])}
    assert set(get_args(core.ThinkingType)) == types
