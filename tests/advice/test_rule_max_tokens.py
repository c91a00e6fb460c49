"""The cap."""

from tui.advice.rules.max_tokens import suggest
from tui.advice.suggestion import Silence, Suggestion
from tui.core.events import Status
from tui.core.parameters import Parameters

from .made import MS, answer, evidence, measured


def test_where_all_answers_are_cut_half_the_cap_saves_half_the_tokens() -> None:
    cut = [answer(writing=199, output_tokens=200, status=Status.TRUNCATED) for _ in range(8)]
    said = suggest(evidence(measured(*cut, parameters=Parameters(max_tokens=200))))
    assert isinstance(said, Suggestion)
    assert abs(said.saving.ns - 100 * MS) < MS
    assert "middle of a word" in said.price


def test_where_some_are_cut_a_lower_cap_would_cut_more() -> None:
    mixed = [answer(status=Status.TRUNCATED if at == 0 else Status.DONE) for at in range(10)]
    said = suggest(evidence(measured(*mixed)))
    assert isinstance(said, Silence)
    assert said.reason == "1 of 10 answers cut at max_tokens: a lower cap would cut more"


def test_the_cap_that_cuts_few_needs_many_answers() -> None:
    said = suggest(evidence(measured(*(answer() for _ in range(20)))))
    assert isinstance(said, Silence)
    assert said.run == "a series of 59 runs"
    many = [answer(output_tokens=40 + at) for at in range(100)]
    said = suggest(evidence(measured(*many)))
    assert isinstance(said, Silence)
    assert said.trial is not None
    assert 134 < (said.trial.change.parameters.max_tokens or 0) <= 141


def test_a_cap_stays_above_the_thinking_budget() -> None:
    cut = [answer(status=Status.TRUNCATED) for _ in range(8)]
    asked = Parameters(max_tokens=2_000, thinking="enabled", thinking_budget=1_500)
    assert isinstance(suggest(evidence(measured(*cut, parameters=asked))), Silence)
    assert isinstance(suggest(evidence(measured(*cut, parameters=Parameters(max_tokens=1)))), Silence)
