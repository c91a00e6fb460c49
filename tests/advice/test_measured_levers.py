"""Levers of which only measuring tells anything: temperature, service tier, region; and fast mode."""

from collections.abc import Callable

import pytest

from tui.advice.evidence import Evidence
from tui.advice.rules import fast_mode, region, service_tier, temperature
from tui.advice.suggestion import Basis, NoSuggestion, Suggestion
from tui.core.parameters import Parameters

from .made import MS, answers, evidence, known, measured

TAKES_IT = (known(accepts_temperature=True, fast=True),)


@pytest.mark.parametrize(
    ("suggest", "asked", "other"),
    [
        (temperature.suggest, Parameters(temperature=0.8), Parameters(temperature=0.2)),
        (service_tier.suggest, Parameters(service_tier="standard_only"), Parameters(service_tier="auto")),
        (region.suggest, Parameters(inference_geo="us"), Parameters()),
        (fast_mode.suggest, Parameters(), Parameters(speed="fast")),
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
        (temperature.suggest, Parameters()),
        (service_tier.suggest, Parameters(service_tier="standard_only")),
        (region.suggest, Parameters(inference_geo="us")),
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
    said = temperature.suggest(evidence(measured(*answers(), parameters=Parameters()), other, models=TAKES_IT))
    assert isinstance(said, NoSuggestion)


def test_a_model_that_refuses_temperature_says_so() -> None:
    said = temperature.suggest(evidence(measured(*answers())))
    assert said == NoSuggestion(rule="temperature", reason="Known does not take temperature; only older models do")


def test_temperature_tells_lengths_and_their_spread() -> None:
    subject = measured(*answers(), parameters=Parameters(temperature=0.8))
    low = measured(*answers(ttft=20), parameters=Parameters(temperature=0.2))
    said = temperature.suggest(evidence(subject, low, models=TAKES_IT))
    assert isinstance(said, Suggestion)
    assert "temperature 0.2: 51 tokens, half of the answers between 51 and 51" in said.figures


def test_fast_mode_takes_a_part_of_the_writing() -> None:
    said = fast_mode.suggest(evidence(measured(*answers(writing=1_000)), models=TAKES_IT))
    assert isinstance(said, Suggestion)
    assert said.saving.basis is Basis.ASSUMED
    assert said.saving.interval is not None
    assert said.saving.interval.low < 30 * MS
    assert 600 * MS <= said.saving.interval.high < 640 * MS
    assert "output costs 2 times" in said.price


def test_a_model_without_fast_mode_says_so() -> None:
    assert isinstance(fast_mode.suggest(evidence(measured(*answers()))), NoSuggestion)
    assert isinstance(fast_mode.suggest(evidence(measured(*answers()), models=())), NoSuggestion)
