"""What is refused beforehand, and why."""

import pytest

from tui.config.known_models import load_models
from tui.core.parameters import Parameters
from tui.core.refusals import contradiction, prefill_refusal, refusal, refusals

MODELS = {model.id.removeprefix("claude-"): model for model in load_models()}


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
