"""Estimates of savings: values of one parameter that were measured against each other."""

from collections.abc import Callable

import pytest

from tui.advice.evidence import Evidence
from tui.advice.rules.delivery import region, service_tier
from tui.advice.rules.generation import fast_mode, temperature
from tui.advice.suggestion import Basis, NoSuggestion, Suggestion
from tui.core.parameters import Parameters

from .made import MS, answers, evidence, known, measured

TAKES_IT = (known(accepts_temperature=True, fast=True),)


@pytest.mark.parametrize(
    ("suggest", "asked", "other"),
    [
        (temperature, Parameters(temperature=0.8), Parameters(temperature=0.2)),
        (service_tier, Parameters(service_tier="standard_only"), Parameters(service_tier="auto")),
        (region, Parameters(inference_geo="us"), Parameters()),
        (fast_mode, Parameters(), Parameters(speed="fast")),
    ],
)
def test_a_value_that_is_shown_to_be_faster_is_suggested(
    suggest: Callable[[Evidence], Suggestion | NoSuggestion], asked: Parameters, other: Parameters
) -> None:
    subject, fast = measured(*answers(), parameters=asked), measured(*answers(ttft=20), parameters=other)
    said = suggest(evidence(subject, fast, models=TAKES_IT))
    assert isinstance(said, Suggestion)
    assert said.saving.basis is Basis.MEASURED
    assert 75 * MS < said.saving.ns < 85 * MS
    alike = suggest(evidence(subject, measured(*answers(), parameters=other), models=TAKES_IT))
    assert isinstance(alike, NoSuggestion) or alike.saving.basis is not Basis.MEASURED


@pytest.mark.parametrize(
    ("suggest", "asked"),
    [
        (temperature, Parameters()),
        (service_tier, Parameters(service_tier="standard_only")),
        (region, Parameters(inference_geo="us")),
    ],
)
def test_what_was_not_measured_can_be_tried(
    suggest: Callable[[Evidence], Suggestion | NoSuggestion], asked: Parameters
) -> None:
    said = suggest(evidence(measured(*answers(), parameters=asked), models=TAKES_IT))
    assert isinstance(said, NoSuggestion)
    assert said.run
    assert said.trial is not None


def test_a_second_parameter_that_differs_spoils_the_comparison() -> None:
    other = measured(*answers(ttft=20), parameters=Parameters(temperature=0.2, max_tokens=20))
    said = temperature(evidence(measured(*answers(), parameters=Parameters()), other, models=TAKES_IT))
    assert isinstance(said, NoSuggestion)
