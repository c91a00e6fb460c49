"""Thinking off."""

from tui.advice.rules.thinking import suggest
from tui.advice.suggestion import Basis, NoSuggestion, Suggestion
from tui.core.parameters import Parameters

from .made import MS, answers, evidence, known, measured


def test_the_whole_thinking_time_is_saved() -> None:
    said = suggest(evidence(measured(*answers(thinking=300))))
    assert isinstance(said, Suggestion)
    assert said.saving.basis is Basis.DERIVED
    assert 295 * MS < said.saving.ns < 305 * MS
    assert said.trial is not None
    assert said.trial.change.parameters == Parameters(thinking="disabled")


def test_what_goes_with_thinking_is_no_longer_sent() -> None:
    asked = Parameters(thinking="enabled", thinking_budget=2_000, effort="max")
    said = suggest(evidence(measured(*answers(thinking=300), parameters=asked)))
    assert isinstance(said, Suggestion)
    assert said.trial is not None
    assert said.trial.change.unset == ("thinking_budget", "effort")


def test_with_few_runs_there_is_no_interval() -> None:
    said = suggest(evidence(measured(*answers(4, thinking=300))))
    assert isinstance(said, Suggestion)
    assert said.saving.interval is None


def test_it_is_silent_where_nothing_is_to_gain() -> None:
    assert suggest(evidence(measured(*answers()))) == NoSuggestion(
        rule="thinking", reason="it does not think before it answers"
    )
    off = measured(*answers(), parameters=Parameters(thinking="disabled"))
    assert suggest(evidence(off)) == NoSuggestion(rule="thinking", reason="thinking is off")


def test_a_model_that_always_thinks_is_not_asked_to_stop() -> None:
    said = suggest(evidence(measured(*answers(thinking=300)), models=(known(thinking=("adaptive",)),)))
    assert isinstance(said, NoSuggestion)
    assert "always thinks" in said.reason


def test_what_was_measured_goes_before_what_is_derived() -> None:
    off = measured(*answers(), parameters=Parameters(max_tokens=500, thinking="disabled"))
    said = suggest(evidence(measured(*answers(thinking=300)), off))
    assert isinstance(said, Suggestion)
    assert said.saving.basis is Basis.MEASURED
