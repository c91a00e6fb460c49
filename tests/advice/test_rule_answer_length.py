"""Answer length."""

from tui.advice.rules.answer_length import suggest
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.core.events import Status

from .made import MS, PROMPT, answer, answers, evidence, measured


def test_a_third_of_the_sentences_is_asked_for() -> None:
    said = suggest(evidence(measured(*answers(writing=600))))
    assert isinstance(said, Suggestion)
    assert said.saving.interval is not None
    assert said.saving.interval.low < 360 * MS < said.saving.interval.high
    assert said.trial is not None
    assert said.trial.change.prompt_of(PROMPT).user.endswith("Be brief: answer in at most 2 sentences.")


def test_a_short_answer_is_left_alone() -> None:
    said = suggest(evidence(measured(*answers(), text="It scatters. So it is blue.")))
    assert said == NoSuggestion(rule="answer length", reason="the answer is as short as a sentence or two")


def test_of_cut_answers_the_length_is_not_known() -> None:
    cut = [answer(status=Status.TRUNCATED) for _ in range(8)]
    said = suggest(evidence(measured(*cut)))
    assert isinstance(said, NoSuggestion)
    assert said.run == "a series with a larger max_tokens"
