"""Streaming."""

from tui.advice.rules.streaming import suggest
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.core.observation import Figure
from tui.core.parameters import Parameters

from .made import MS, answers, evidence, measured

WHOLE = Parameters(max_tokens=500, stream=False)


def test_the_reader_of_a_streamed_answer_begins_sooner() -> None:
    whole = measured(*answers(ttft=600, writing=0), parameters=WHOLE)
    said = suggest(evidence(whole, measured(*answers(ttft=100, writing=500))))
    assert isinstance(said, Suggestion)
    assert said.saving.figure is Figure.TTFT
    assert 490 * MS < said.saving.ns < 510 * MS
    assert said.trial is not None
    assert said.trial.change.parameters.stream is True


def test_what_was_never_streamed_can_be_tried() -> None:
    said = suggest(evidence(measured(*answers(ttft=600, writing=0), parameters=WHOLE)))
    assert isinstance(said, NoSuggestion)
    assert said.trial is not None


def test_what_streams_is_told_what_that_gains() -> None:
    said = suggest(evidence(measured(*answers(ttft=100, writing=500))))
    assert said == NoSuggestion(rule="streaming", reason="it streams already: a reader begins 500 ms before the end")
