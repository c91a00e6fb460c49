"""Rules on generation."""

from advice.made import MS, answers, evidence, known, measured
from tui.advice.rules.generation import effort, fast_mode, temperature, thinking
from tui.advice.suggestion import Basis, NoSuggestion, Suggestion
from tui.core.parameters import Parameters

TAKES_IT = (known(accepts_temperature=True, fast=True),)


def test_the_whole_thinking_time_is_saved() -> None:
    said = thinking(evidence(measured(*answers(thinking=300))))
    assert isinstance(said, Suggestion)
    assert said.saving.basis is Basis.DERIVED
    assert 295 * MS < said.saving.ns < 305 * MS
    assert said.trial is not None
    assert said.trial.change.parameters == Parameters(thinking="disabled")


def test_what_goes_with_thinking_is_no_longer_sent() -> None:
    asked = Parameters(thinking="enabled", thinking_budget=2_000, effort="max")
    said = thinking(evidence(measured(*answers(thinking=300), parameters=asked)))
    assert isinstance(said, Suggestion)
    assert said.trial is not None
    assert said.trial.change.unset == ("thinking_budget", "effort")


def test_with_few_runs_there_is_no_interval() -> None:
    said = thinking(evidence(measured(*answers(4, thinking=300))))
    assert isinstance(said, Suggestion)
    assert said.saving.interval is None


def test_it_is_silent_where_nothing_is_to_gain() -> None:
    said = thinking(evidence(measured(*answers())))
    assert isinstance(said, NoSuggestion)
    assert "does not think" in said.reason
    off = measured(*answers(), parameters=Parameters(thinking="disabled"))
    assert thinking(evidence(off)) == NoSuggestion(rule="thinking", reason="thinking is off")


def test_a_model_that_always_thinks_is_not_asked_to_stop() -> None:
    said = thinking(evidence(measured(*answers(thinking=300)), models=(known(thinking=("adaptive",)),)))
    assert isinstance(said, NoSuggestion)
    assert "always thinks" in said.reason


def test_what_was_measured_goes_before_what_is_derived() -> None:
    off = measured(*answers(), parameters=Parameters(max_tokens=500, thinking="disabled"))
    said = thinking(evidence(measured(*answers(thinking=300)), off))
    assert isinstance(said, Suggestion)
    assert said.saving.basis is Basis.MEASURED


def test_a_part_of_the_thinking_is_presumed_to_go() -> None:
    said = effort(evidence(measured(*answers(thinking=300))))
    assert isinstance(said, Suggestion)
    assert said.saving.basis is Basis.PRESUMED
    assert said.saving.interval is not None
    assert said.saving.interval.low < 40 * MS
    assert said.saving.interval.high > 280 * MS


def test_the_lowest_level_cannot_be_lowered() -> None:
    low = measured(*answers(thinking=300), parameters=Parameters(effort="low"))
    assert effort(evidence(low)) == NoSuggestion(rule="effort", reason="effort is at its lowest")


def test_a_model_without_levels_says_so() -> None:
    said = effort(evidence(measured(*answers(thinking=300)), models=(known(effort=(), default_effort=None),)))
    assert said == NoSuggestion(rule="effort", reason="Known has no levels of effort")


def test_without_thinking_only_a_run_would_tell() -> None:
    said = effort(evidence(measured(*answers())))
    assert isinstance(said, NoSuggestion)
    assert said.trial is not None
    assert said.trial.change.parameters.effort == "low"


def test_without_an_answer_nothing_is_said_of_thinking() -> None:
    for rule in (thinking, effort):
        said = rule(evidence(measured()))
        assert isinstance(said, NoSuggestion)
        assert said.reason == "no answer yet"


def test_a_higher_effort_that_was_faster_is_not_this_rule_s() -> None:
    high = measured(*answers(), parameters=Parameters(max_tokens=500, effort="max"))
    said = effort(evidence(measured(*answers(thinking=300)), high))
    assert isinstance(said, Suggestion)
    assert said.saving.basis is Basis.PRESUMED


def test_a_model_that_refuses_temperature_says_so() -> None:
    said = temperature(evidence(measured(*answers())))
    assert said == NoSuggestion(rule="temperature", reason="Known does not take temperature; only older models do")


def test_temperature_tells_lengths_and_their_spread() -> None:
    subject = measured(*answers(), parameters=Parameters(temperature=0.8))
    low = measured(*answers(ttft=20), parameters=Parameters(temperature=0.2))
    said = temperature(evidence(subject, low, models=TAKES_IT))
    assert isinstance(said, Suggestion)
    assert "temperature 0.2: 51 tokens, half of the answers between 51 and 51" in said.figures


def test_fast_mode_takes_a_part_of_the_writing() -> None:
    said = fast_mode(evidence(measured(*answers(writing=1_000)), models=TAKES_IT))
    assert isinstance(said, Suggestion)
    assert said.saving.basis is Basis.PRESUMED
    assert said.saving.interval is not None
    assert said.saving.interval.low < 30 * MS
    assert 600 * MS <= said.saving.interval.high < 640 * MS
    assert "output costs 2 times" in said.price


def test_a_model_without_fast_mode_says_so() -> None:
    assert isinstance(fast_mode(evidence(measured(*answers()))), NoSuggestion)
    assert isinstance(fast_mode(evidence(measured(*answers()), models=())), NoSuggestion)
