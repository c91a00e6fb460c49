"""Effort."""

from tui.advice.rules.effort import suggest
from tui.advice.suggestion import Basis, NoSuggestion, Suggestion
from tui.core.parameters import Parameters

from .made import MS, answers, evidence, known, measured


def test_a_part_of_the_thinking_is_presumed_to_go() -> None:
    said = suggest(evidence(measured(*answers(thinking=300))))
    assert isinstance(said, Suggestion)
    assert said.saving.basis is Basis.ASSUMED
    assert said.saving.interval is not None
    assert said.saving.interval.low < 40 * MS
    assert said.saving.interval.high > 280 * MS


def test_the_lowest_level_cannot_be_lowered() -> None:
    low = measured(*answers(thinking=300), parameters=Parameters(effort="low"))
    assert suggest(evidence(low)) == NoSuggestion(rule="effort", reason="effort is at its lowest")


def test_a_model_without_levels_says_so() -> None:
    said = suggest(evidence(measured(*answers(thinking=300)), models=(known(effort=(), default_effort=None),)))
    assert said == NoSuggestion(rule="effort", reason="Known has no levels of effort")


def test_without_thinking_only_a_run_would_tell() -> None:
    said = suggest(evidence(measured(*answers())))
    assert isinstance(said, NoSuggestion)
    assert said.trial is not None
    assert said.trial.change.parameters.effort == "low"


def test_a_higher_effort_that_was_faster_is_not_this_rule_s() -> None:
    high = measured(*answers(), parameters=Parameters(max_tokens=500, effort="max"))
    said = suggest(evidence(measured(*answers(thinking=300)), high))
    assert isinstance(said, Suggestion)
    assert said.saving.basis is Basis.ASSUMED
