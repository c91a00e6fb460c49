"""All rules together: rank, silence, and no suggestion out of noise."""

import math
from random import Random
from typing import Literal

import msgspec
import pytest

from tui.advice.advise import LEVERS, RULES, advise
from tui.advice.suggestion import Basis, NoSuggestion, Suggestion
from tui.core.observation import Observation
from tui.core.parameters import PARAMETERS, Parameters

from .made import FAILED, answer, answers, evidence, known, measured


def test_the_largest_saving_comes_first() -> None:
    advice = advise(evidence(measured(*answers(thinking=900, writing=400))))
    assert [one.id.partition(":")[0] for one in advice.suggestions] == ["thinking", "effort", "answer length"]
    savings = [one.saving.ns for one in advice.suggestions]
    assert savings == sorted(savings, reverse=True)
    assert advice.conclusion.startswith("Turn thinking off")


def test_every_rule_says_something_of_nothing() -> None:
    for subject in (measured(), measured(FAILED, FAILED)):
        for rule in RULES:
            assert isinstance(rule(evidence(subject)), NoSuggestion)
        assert advise(evidence(subject)).conclusion.startswith("Too few runs")


def test_what_cannot_matter_is_not_suggested() -> None:
    advice = advise(evidence(measured(*answers(ttft=15, thinking=5, writing=20))))
    assert advice.suggestions == ()
    assert [one.id for one in advice.minor]
    assert not any(suggestion.saving.matters for suggestion in advice.minor)
    assert advice.conclusion.endswith("more than 50 ms.")


def test_one_run_gives_estimates_without_intervals() -> None:
    advice = advise(evidence(measured(answer(thinking=900))))
    assert advice.suggestions[0].saving.interval is None
    assert advice.suggestions[0].saving.count == 1


def test_every_suggestion_has_figures_a_price_and_a_source() -> None:
    advice = advise(evidence(measured(*answers(thinking=900, writing=400)), models=(known(fast=True),)))
    for one in advice.suggestions:
        assert one.figures
        assert one.price
        assert one.source.url.startswith("https://")
        assert one.saving.interval is not None


def noisy(random: Random, count: int) -> tuple[Observation, ...]:
    """Answers with noise as of a real service: log-normal, 20 %."""
    times = [math.exp(random.gauss(0, 0.2)) for _ in range(count)]
    return tuple(answer(100 * factor, writing=300 * factor) for factor in times)


def test_equal_arms_are_rarely_taken_for_faster() -> None:
    """Five equal arms: at 95 % any rule may be wrong in one of twenty sets; two rules look at arms here."""
    random = Random(8)
    sets, wrong = 60, {"model": 0, "temperature": 0}
    for _ in range(sets):
        asked = [Parameters(temperature=value) for value in (0.2, 0.5, 0.8)]
        arms = [measured(*noisy(random, 12), parameters=parameters) for parameters in asked]
        others = [measured(*noisy(random, 12), parameters=asked[0], model=name) for name in ("other", "third")]
        said = advise(evidence(arms[0], *arms[1:], *others, models=(known(accepts_temperature=True),)))
        for one in (*said.suggestions, *said.minor):
            if one.saving.basis is Basis.MEASURED:
                wrong[one.id.partition(":")[0]] += 1
    # 5 % of 60 is 3; beyond 7 comes by chance once in a hundred times (binomial), and at a rate of 20 % in 93 of 100.
    assert all(count <= 7 for count in wrong.values()), wrong


def test_a_derived_interval_holds_the_true_part_at_its_rate() -> None:
    random = Random(9)
    held = 0
    for _ in range(100):
        thinking = [math.exp(random.gauss(math.log(300), 0.15)) for _ in range(10)]
        advice = advise(evidence(measured(*(answer(thinking=ms) for ms in thinking))))
        one = next(one for one in advice.suggestions if one.id.startswith("thinking"))
        assert isinstance(one, Suggestion)
        assert one.saving.interval is not None
        held += one.saving.interval.low <= 300e6 <= one.saving.interval.high
    # At a true rate of 85 %, fewer than 90 come in 90 of 100 tests.
    assert held >= 90, "95 % of 100 is 95; fewer than 90 come by chance once in a hundred times (binomial)"


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_raises_on_odd_answers(rule: object) -> None:
    odd = Observation(status=answer().status, ttft_ns=0, total_ns=0, ttfo_ns=None, input_tokens=None)
    assert callable(rule)
    assert isinstance(rule(evidence(measured(odd, *[FAILED] * 2), models=())), NoSuggestion | Suggestion)


@pytest.mark.parametrize("kind", ["openai", "openai-responses"])
def test_nothing_is_proposed_that_the_protocol_cannot_say(
    kind: Literal["openai", "openai-responses"],
) -> None:
    model = known(fast=True, accepts_temperature=True)
    subject = measured(
        *answers(thinking=900, writing=400), parameters=Parameters(max_tokens=500, inference_geo="us", stream=False)
    )
    there = msgspec.structs.replace(
        subject, endpoint=msgspec.structs.replace(subject.endpoint, kind=kind, base_url="http://127.0.0.1:1/v1")
    )
    here, advice = advise(evidence(subject, models=(model,))), advise(evidence(there, models=(model,)))
    said = {one.rule: one.reason for one in advice.no_suggestions}
    title = "Chat Completions" if kind == "openai" else "The Responses API"
    for rule, lever in (("thinking", "thinking"), ("fast mode", "speed"), ("region", "inference_geo")):
        assert said[rule] == f"{title} has no {lever}"
    assert {"thinking", "fast mode"} <= {one.id.partition(":")[0] for one in (*here.suggestions, *here.minor)}
    # What it has is still proposed.
    proposed = {one.id.partition(":")[0] for one in (*advice.suggestions, *advice.minor)}
    assert "effort" in proposed


def test_every_rule_about_a_parameter_says_which() -> None:
    assert LEVERS.keys() <= set(RULES)
    assert set(LEVERS.values()) <= PARAMETERS.keys()
    for rule in RULES:
        long = measured(*answers(thinking=900, writing=400))
        change = getattr(rule(evidence(long, models=(known(fast=True),))), "trial", None)
        if change is not None and change.change.parameters != Parameters():
            assert rule in LEVERS
