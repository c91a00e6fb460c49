"""Rules on delivery."""

import msgspec

from advice.made import MS, answer, answers, evidence, measured
from tui.advice.advise import advise
from tui.advice.rules.delivery import connection, path, streaming
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.core.figures import Figure
from tui.core.parameters import Parameters

WHOLE = Parameters(max_tokens=500, stream=False)


def test_the_reader_of_a_streamed_answer_begins_sooner() -> None:
    whole = measured(*answers(ttft=600, writing=0), parameters=WHOLE)
    said = streaming(evidence(whole, measured(*answers(ttft=100, writing=500))))
    assert isinstance(said, Suggestion)
    assert said.saving.figure is Figure.TTFT
    assert 490 * MS < said.saving.ns < 510 * MS
    assert said.trial is not None
    assert said.trial.change.parameters.stream is True


def test_what_was_never_streamed_can_be_tried() -> None:
    said = streaming(evidence(measured(*answers(ttft=600, writing=0), parameters=WHOLE)))
    assert isinstance(said, NoSuggestion)
    assert said.trial is not None


def test_what_streams_is_told_what_that_gains() -> None:
    said = streaming(evidence(measured(*answers(ttft=100, writing=500))))
    assert isinstance(said, NoSuggestion)
    assert "500 ms before the end" in said.reason


def test_connections_that_are_set_up_each_time_could_be_kept() -> None:
    said = connection(evidence(measured(*(answer(set_up=150 + at) for at in range(8)))))
    assert isinstance(said, Suggestion)
    assert abs(said.saving.ns - 153.5 * MS) < 1
    assert said.trial is None


def test_a_warm_up_s_connection_is_only_told() -> None:
    said = connection(evidence(measured(*answers(), warm_ups=(answer(set_up=150),))))
    assert isinstance(said, NoSuggestion)
    assert "waits 150 ms more" in said.reason


def test_a_path_that_holds_answers_back_is_looked_at_first() -> None:
    held = [msgspec.structs.replace(one, held_back=True) for one in answers()]
    said = path(evidence(measured(*held)))
    assert said.warns
    assert f"{len(held)} of {len(held)} answers" in said.reason
    assert "buffering" in said.run
    assert said.reason in advise(evidence(measured(*held))).conclusion


def test_a_few_answers_in_bursts_are_no_reason_to_warn() -> None:
    first, *others = answers()
    assert not path(evidence(measured(msgspec.structs.replace(first, held_back=True), *others))).warns
    assert not path(evidence(measured())).warns
