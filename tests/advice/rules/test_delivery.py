"""Rules on delivery."""

from typing import Any

import msgspec
import pytest

from advice.made import MS, answer, answers, evidence, measured
from tui.advice.advise import advise
from tui.advice.evidence import MeasuredTarget
from tui.advice.rules.delivery import connection, output_schema, path, streaming
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


FORMAT = {"type": "json_schema", "schema": {"type": "object"}}


def schema_runs(*ttfts: float, extra: dict[str, Any] | None = None, cached: int = 0) -> MeasuredTarget:
    """A warm-up and counted runs, in order, that ask for a schema."""
    runs = [msgspec.structs.replace(answer(ttft), run=at) for at, ttft in enumerate(ttfts, 1)]
    runs[1:] = [msgspec.structs.replace(one, cached_tokens=cached) for one in runs[1:]]
    given = {"output_config": {"format": FORMAT}} if extra is None else extra
    found = measured(*runs[1:], parameters=Parameters(max_tokens=500, extra=given))
    return msgspec.structs.replace(found, warm_ups=tuple(runs[:1]))


@pytest.mark.parametrize(
    "extra", [{"output_config": {"format": FORMAT}}, {"response_format": FORMAT}, {"text": {"format": FORMAT}}]
)
def test_the_first_request_of_a_schema_is_told_from_the_others(extra: dict[str, Any]) -> None:
    said = output_schema(evidence(schema_runs(900, *[100] * 12, extra=extra)))
    assert isinstance(said, Suggestion)
    assert said.saving.ns == 800 * MS
    assert said.figures[0] == "TTFT of the first request was 900 ms, of the others 100 ms"


def test_a_schema_is_not_blamed_for_what_it_did_not_do() -> None:
    for subject, reason in (
        (schema_runs(900, *[100] * 12, extra={"tools": []}), "no answer has to keep a schema"),
        (schema_runs(900, 100), "too few answers"),
        (schema_runs(100, *[100] * 11, 120), "was not the slowest"),
        (schema_runs(900, *[100] * 12, cached=50), "found the prompt cache cold too"),
    ):
        said = output_schema(evidence(subject))
        assert isinstance(said, NoSuggestion)
        assert reason in said.reason
