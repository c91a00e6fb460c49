"""Rules on the length of answers."""

import msgspec
import pytest

from advice.made import MS, PROMPT, answer, answers, evidence, measured
from tui.advice.evidence import Evidence
from tui.advice.rules.answer_length import answer_length, max_tokens
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.core.events import Status
from tui.core.observation import Observation
from tui.core.parameters import Parameters


def test_a_third_of_the_sentences_is_asked_for() -> None:
    said = answer_length(evidence(measured(*answers(writing=600))))
    assert isinstance(said, Suggestion)
    assert said.saving.interval is not None
    assert said.saving.interval.low < 360 * MS < said.saving.interval.high
    assert said.trial is not None
    assert said.trial.change.prompt_of(PROMPT).user.endswith("Be brief: answer in at most 2 sentences.")


def test_a_short_answer_is_left_alone() -> None:
    said = answer_length(evidence(measured(*answers(), text="It scatters. So it is blue.")))
    assert isinstance(said, NoSuggestion)
    assert not said.run


def test_of_cut_answers_the_length_is_not_known() -> None:
    cut = [answer(status=Status.TRUNCATED) for _ in range(8)]
    said = answer_length(evidence(measured(*cut)))
    assert isinstance(said, NoSuggestion)
    assert said.run == "a series with a larger max_tokens"


def cut_answers(count: int) -> list[Observation]:
    """Answers of 200 tokens, which are cut, at a millisecond each."""
    return [answer(writing=199, output_tokens=200, status=Status.TRUNCATED) for _ in range(count)]


def of(*outcomes: Observation, share: float = 0.05, **asked: object) -> Evidence:
    parameters = Parameters(**{"max_tokens": 200, **asked})  # type: ignore[arg-type]
    return msgspec.structs.replace(evidence(measured(*outcomes, parameters=parameters)), cut_share=share)


@pytest.mark.parametrize(("whole", "share"), [(0, 0.05), (0, 0.99), (4, 0.6), (7, 0.5)])
def test_where_more_are_cut_than_may_be_it_warns_and_cuts_no_more(whole: int, share: float) -> None:
    said = max_tokens(of(*cut_answers(8), *(answer(output_tokens=50 + at) for at in range(whole)), share=share))
    assert isinstance(said, NoSuggestion)
    assert said.warns
    assert said.reason.startswith(f"8 of {8 + whole} answers cut at max_tokens (200)")
    assert "raise max_tokens or ask for shorter answers" in said.run
    assert said.trial is not None
    # The text of the answer has six sentences.
    assert said.trial.change.label == "at most 3 sentences"


def test_a_cut_answer_without_a_sentence_cannot_be_asked_for_fewer() -> None:
    subject = measured(*cut_answers(8), parameters=Parameters(max_tokens=200), text="word " * 9)
    said = max_tokens(evidence(subject))
    assert isinstance(said, NoSuggestion)
    assert said.trial is None


def test_where_all_may_be_cut_half_of_a_typical_answer_saves_half_its_tokens() -> None:
    said = max_tokens(of(*cut_answers(8), share=1.0))
    assert isinstance(said, Suggestion)
    assert abs(said.saving.ns - 100 * MS) < MS
    assert "middle of a word" in said.price
    assert said.trial is not None
    assert said.trial.change.parameters.max_tokens == 100


def test_answers_that_are_cut_count_as_the_longest() -> None:
    # 14 of 100 are cut, 20 % may be: the cap that cuts fewer lies between the longest whole ones and the present one.
    whole = [answer(output_tokens=40 + at) for at in range(86)]
    said = max_tokens(of(*whole, *cut_answers(14), share=0.2))
    assert isinstance(said, NoSuggestion)
    assert said.reason.startswith("14 of 100 answers cut at max_tokens; it is not sure that")
    said = max_tokens(of(*whole, *cut_answers(1), share=0.2))
    assert isinstance(said, NoSuggestion)
    assert said.trial is not None
    assert 110 < (said.trial.change.parameters.max_tokens or 0) < 126


def test_the_cap_that_cuts_few_needs_many_answers() -> None:
    said = max_tokens(of(*(answer() for _ in range(20))))
    assert isinstance(said, NoSuggestion)
    assert said.run == "a series of 59 runs"
    many = [answer(output_tokens=40 + at) for at in range(100)]
    said = max_tokens(of(*many))
    assert isinstance(said, NoSuggestion)
    assert not said.warns
    assert said.trial is not None
    assert 134 < (said.trial.change.parameters.max_tokens or 0) <= 141


def test_a_cap_that_may_cut_most_answers_saves_time() -> None:
    many = [answer(writing=99.0 + at, output_tokens=100 + at) for at in range(60)]
    said = max_tokens(of(*many, share=0.9))
    assert isinstance(said, Suggestion)
    assert said.saving.ns > 10 * MS
    assert any("would cut fewer than 90 %" in figure for figure in said.figures)


def test_a_cap_stays_above_the_thinking_budget() -> None:
    asked = {"max_tokens": 2_000, "thinking": "enabled", "thinking_budget": 1_500}
    said = max_tokens(of(*cut_answers(8), share=1.0, **asked))
    assert isinstance(said, NoSuggestion)
    assert "no cap below 100" in said.reason
