"""The cap."""

import msgspec
import pytest

from tui.advice.evidence import Evidence
from tui.advice.rules.max_tokens import suggest
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.core.events import Status
from tui.core.outcome import Outcome
from tui.core.parameters import Parameters

from .made import MS, answer, evidence, measured


def cut(count: int) -> list[Outcome]:
    """Answers of 200 tokens, which are cut, at a millisecond each."""
    return [answer(writing=199, output_tokens=200, status=Status.TRUNCATED) for _ in range(count)]


def of(*outcomes: Outcome, share: float = 0.05, **asked: object) -> Evidence:
    parameters = Parameters(**{"max_tokens": 200, **asked})  # type: ignore[arg-type]
    return msgspec.structs.replace(evidence(measured(*outcomes, parameters=parameters)), cut_share=share)


@pytest.mark.parametrize(("whole", "share"), [(0, 0.05), (0, 0.99), (4, 0.6), (7, 0.5)])
def test_where_more_are_cut_than_may_be_it_warns_and_cuts_no_more(whole: int, share: float) -> None:
    said = suggest(of(*cut(8), *(answer(output_tokens=50 + at) for at in range(whole)), share=share))
    assert isinstance(said, NoSuggestion)
    assert said.warns
    assert said.reason.startswith(f"8 of {8 + whole} answers were cut at max_tokens (200)")
    assert "raise max_tokens or ask for shorter answers" in said.run
    assert said.trial is not None
    # The text of the answer has six sentences.
    assert said.trial.change.label == "at most 3 sentences"


def test_a_cut_answer_without_a_sentence_cannot_be_asked_for_fewer() -> None:
    subject = measured(*cut(8), parameters=Parameters(max_tokens=200), text="word " * 9)
    said = suggest(evidence(subject))
    assert isinstance(said, NoSuggestion)
    assert said.trial is None


def test_where_all_may_be_cut_half_of_a_typical_answer_saves_half_its_tokens() -> None:
    said = suggest(of(*cut(8), share=1.0))
    assert isinstance(said, Suggestion)
    assert abs(said.saving.ns - 100 * MS) < MS
    assert "middle of a word" in said.price
    assert said.trial is not None
    assert said.trial.change.parameters.max_tokens == 100


def test_answers_that_are_cut_count_as_the_longest() -> None:
    # 14 of 100 are cut, 20 % may be: the cap that cuts fewer lies between the longest whole ones and the present one.
    whole = [answer(output_tokens=40 + at) for at in range(86)]
    said = suggest(of(*whole, *cut(14), share=0.2))
    assert isinstance(said, NoSuggestion)
    assert said.reason.startswith("14 of 100 answers were cut at max_tokens; whether a lower one cuts fewer than 20 %")
    said = suggest(of(*whole, *cut(1), share=0.2))
    assert isinstance(said, NoSuggestion)
    assert said.trial is not None
    assert 110 < (said.trial.change.parameters.max_tokens or 0) < 126


def test_the_cap_that_cuts_few_needs_many_answers() -> None:
    said = suggest(of(*(answer() for _ in range(20))))
    assert isinstance(said, NoSuggestion)
    assert said.run == "a series of 59 runs"
    many = [answer(output_tokens=40 + at) for at in range(100)]
    said = suggest(of(*many))
    assert isinstance(said, NoSuggestion)
    assert not said.warns
    assert said.trial is not None
    assert 134 < (said.trial.change.parameters.max_tokens or 0) <= 141


def test_a_cap_that_may_cut_most_answers_saves_time() -> None:
    many = [answer(writing=99.0 + at, output_tokens=100 + at) for at in range(60)]
    said = suggest(of(*many, share=0.9))
    assert isinstance(said, Suggestion)
    assert said.saving.ns > 10 * MS
    assert any("would cut fewer than 90 %" in figure for figure in said.figures)


def test_a_cap_stays_above_the_thinking_budget() -> None:
    asked = {"max_tokens": 2_000, "thinking": "enabled", "thinking_budget": 1_500}
    said = suggest(of(*cut(8), share=1.0, **asked))
    assert isinstance(said, NoSuggestion)
    assert said.reason.endswith("none lower than 100 would cut few enough")
