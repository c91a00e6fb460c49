"""Refusals: foreseen from what is known of a model, and recognised in the words of the API, which the simulator has."""

from typing import Any

import pytest

from tui.config.known_models import load_models
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.refusals import (
    belonging,
    contradiction,
    prefill_refusal,
    refusal,
    refusals,
    refused_parameter,
)
from tui.core.target import Endpoint, Timeouts
from tui.engine.failures import Refusal, api_failure
from tui.engine.wires.messages.request_body import arguments
from tui.simulator.message_request import message_request
from tui.simulator.profiles import load
from tui.simulator.replies import ApiError

MODELS = {model.id.removeprefix("claude-"): model for model in load_models()}
PROFILES = load()
NEW = "2026-10-21"
"""The API version that the SDK sends."""


def words(model: str, parameters: Parameters, version: str | None = None) -> str:
    """What the API says to a request with these parameters; as a lane shows it."""
    spec = RequestSpec(
        request_id=1,
        target="t",
        model=model,
        endpoint=Endpoint(name="e", base_url="http://x", api_version=version),
        prompt=Prompt(user="Why?"),
        parameters=parameters,
        timeouts=Timeouts(),
    )
    sent = arguments(spec)
    fields = {name: value for name, value in sent.items() if name not in ("extra_body", "extra_headers")}
    with pytest.raises(ApiError) as refused:
        message_request(fields | sent.get("extra_body", {}), spec.api_version or NEW, PROFILES[model])
    error = refused.value
    return api_failure(http_status=error.status, refusal=Refusal(error.type, str(error))).message


@pytest.mark.parametrize(
    ("model", "sent", "version", "meant"),
    [
        ("claude-opus-5-5", {"temperature": 0.5}, None, "temperature"),
        ("claude-opus-5-5", {"top_p": 0.5}, NEW, "top_p"),
        ("claude-opus-5-5", {"top_k": 5}, None, "top_k"),
        ("claude-haiku-4-5", {"temperature": 0.5, "top_p": 0.5}, None, "temperature"),
        ("claude-haiku-4-5", {"effort": "low"}, None, "effort"),
        ("claude-haiku-4-5", {"thinking": "adaptive"}, None, "thinking"),
        ("claude-opus-5-5", {"thinking": "enabled", "thinking_budget": 2048, "effort": "low"}, None, "thinking"),
        ("claude-opus-5-5", {"thinking": "disabled"}, None, "thinking"),
        ("claude-sonnet-5-5", {"thinking": "disabled"}, None, "thinking"),
        ("claude-haiku-5-5", {"thinking": "disabled", "effort": "max"}, None, "thinking"),
        ("claude-haiku-4-5", {"thinking": "enabled"}, None, "thinking"),
        ("claude-haiku-4-5", {"thinking": "enabled", "thinking_budget": 4096, "max_tokens": 2000}, None,
         "thinking_budget"),
        ("claude-haiku-5-5", {"speed": "fast"}, None, "speed"),
        ("claude-haiku-5-5", {"max_tokens": 999_999}, None, "max_tokens"),
        ("claude-haiku-5-5", {"extra": {"frobnicate": 1}}, None, "extra"),
        ("claude-haiku-5-5", {"extra": {"output_config": {"effort": "huge"}}, "speed": "standard"}, None, "extra"),
    ],
)  # fmt: skip
def test_the_parameter_is_found_in_the_words(model: str, sent: dict[str, Any], version: str | None, meant: str) -> None:
    parameters = Parameters(**({"max_tokens": 4096} | sent))
    assert refused_parameter(words(model, parameters, version), parameters) == meant


@pytest.mark.parametrize(
    ("said", "sent", "meant"),
    [
        ("thinking.enabled.display: Input should be 'summarized' or 'omitted'",
         {"thinking": "enabled", "thinking_display": "omitted"}, "thinking_display"),
        ("cache_control.ttl: Input should be '5m' or '1h'", {"cache": "5m"}, "cache"),
        ("inference_geo: 'xx' is not available", {"inference_geo": "xx"}, "inference_geo"),
        ("service_tier: Input should be 'auto' or 'standard_only'", {"service_tier": "auto"}, "service_tier"),
        ("stop_sequences.0: each stop sequence must contain non-whitespace", {"stop_sequences": ("x",)},
         "stop_sequences"),
        ("messages: at least one message is required", {"effort": "low", "speed": "fast"}, None),
        ("effort is high, the costs are low", {}, None),
        ("this takes some rethinking, with efforts", {"thinking": "adaptive", "effort": "low"}, None),
        ("", {"effort": "low"}, None),
    ],
)  # fmt: skip
def test_other_words(said: str, sent: dict[str, Any], meant: str | None) -> None:
    assert refused_parameter(said, Parameters(max_tokens=5, **sent)) == meant


def test_only_what_was_sent_is_meant() -> None:
    assert refused_parameter("`temperature` is deprecated for this model.", Parameters(top_p=0.5)) is None


def test_what_means_nothing_without_the_other_goes_with_it() -> None:
    enabled = Parameters(thinking="enabled", thinking_budget=2048, thinking_display="omitted", effort="low")
    assert belonging("thinking", enabled) == ("thinking", "thinking_budget", "thinking_display")
    assert belonging("thinking_budget", enabled) == ("thinking", "thinking_budget", "thinking_display")
    assert belonging("thinking_display", enabled) == ("thinking_display",)
    assert belonging("thinking_budget", Parameters(thinking_budget=2048)) == ("thinking_budget",)
    assert belonging("effort", enabled) == ("effort",)


@pytest.mark.parametrize(
    ("model", "parameter", "value", "reason"),
    [
        ("haiku-4-5", "max_tokens", 64_001, "Claude Haiku 4.5 answers with at most 64,000 tokens"),
        ("haiku-4-5", "effort", "low", "Claude Haiku 4.5 has no levels of effort"),
        ("haiku-4-5", "thinking", "adaptive", "Claude Haiku 4.5 takes thinking enabled or disabled, not adaptive"),
        ("opus-5-5", "thinking", "disabled", "Claude Opus 5.5 always thinks; a lower effort makes it think less"),
        ("opus-5-5", "thinking", "enabled", "Claude Opus 5.5 takes thinking adaptive, not enabled"),
        (
            "sonnet-5-5",
            "thinking",
            "disabled",
            'Claude Sonnet 5.5 takes thinking = "between_tools" in place of "disabled"',
        ),
        (
            "opus-5",
            "thinking_budget",
            2048,
            "Claude Opus 5 takes no thinking budget; its effort says how long it thinks",
        ),
        ("haiku-5-5", "speed", "fast", "Claude Haiku 5.5 has no fast mode"),
        ("haiku-5-5", "temperature", 1.0, "Claude Haiku 5.5 does not take temperature; only older models do"),
        ("haiku-5-5", "top_k", 0, "Claude Haiku 5.5 does not take top_k; only older models do"),
    ],
)
def test_a_refusal_says_why(model: str, parameter: str, value: object, reason: str) -> None:
    assert refusal(parameter, value, MODELS[model]) == reason
    assert refusals(Parameters(**{parameter: value}), MODELS[model]) == {parameter: reason}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "parameter", "value"),
    [
        ("haiku-4-5", "temperature", 0.0),
        ("haiku-4-5", "thinking_budget", 1024),
        ("opus-5-5", "speed", "fast"),
        ("haiku-5-5", "speed", "standard"),
        ("haiku-5-5", "effort", "max"),
        ("haiku-5-5", "thinking", "disabled"),
        ("haiku-5-5", "cache", "1h"),
        ("haiku-5-5", "max_tokens", 128_000),
        ("haiku-5-5", "temperature", None),
    ],
)
def test_what_is_taken_is_not_refused(model: str, parameter: str, value: object) -> None:
    assert refusal(parameter, value, MODELS[model]) is None


def test_a_model_that_is_not_known_is_refused_nothing() -> None:
    everything = Parameters(max_tokens=1_000_000, effort="max", thinking="disabled", speed="fast", temperature=1.0)
    assert refusals(everything, None) == {}


@pytest.mark.parametrize(("model", "thinking"), [("opus-5", "disabled"), ("sonnet-5-5", "between_tools")])
def test_no_thinking_and_much_effort_exclude_each_other(model: str, thinking: str) -> None:
    high = Parameters(effort="high", thinking=thinking)  # type: ignore[arg-type]
    assert refusals(high, MODELS[model]) == {}
    found = refusals(high.overridden_by(Parameters(effort="xhigh")), MODELS[model])
    assert list(found) == ["effort"]
    assert found["effort"].endswith(f'takes thinking = "{thinking}" with effort up to high only')


@pytest.mark.parametrize(
    ("parameters", "start"),
    [
        (Parameters(), None),
        (Parameters(thinking="adaptive", thinking_display="omitted", thinking_budget=1024), None),
        (Parameters(thinking="enabled", thinking_budget=1024, max_tokens=1025), None),
        (Parameters(thinking="enabled", thinking_budget=1024), None),
        (Parameters(thinking="enabled", thinking_budget=1024, max_tokens=1024), "thinking_budget must be less"),
        (Parameters(thinking="enabled"), 'thinking = "enabled" needs'),
        (Parameters(thinking_budget=1024), 'thinking_budget is for thinking = "enabled"'),
        (Parameters(thinking_display="omitted"), "thinking_display is for"),
    ],
)
def test_contradictions(parameters: Parameters, start: str | None) -> None:
    found = contradiction(parameters)
    assert found is None if start is None else found is not None and found.startswith(start)


def test_only_older_models_take_a_prefill() -> None:
    reason = "Claude Opus 5.5 does not take a prefill; only older models do"
    assert prefill_refusal(MODELS["opus-5-5"]) == reason
    assert prefill_refusal(MODELS["haiku-4-5"]) is None
    assert prefill_refusal(None) is None
