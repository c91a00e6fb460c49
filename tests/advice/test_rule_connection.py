"""Connections, and caches that are found cold."""

from tui.advice.rules import cold_start, connection
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.core.parameters import Parameters

from .made import MS, answer, answers, evidence, measured


def test_connections_that_are_set_up_each_time_could_be_kept() -> None:
    said = connection.suggest(evidence(measured(*(answer(set_up=150 + at) for at in range(8)))))
    assert isinstance(said, Suggestion)
    assert abs(said.saving.ns - 153.5 * MS) < 1
    assert said.trial is None


def test_a_warm_up_s_connection_is_only_told() -> None:
    said = connection.suggest(evidence(measured(*answers(), warm_ups=(answer(set_up=150),))))
    assert isinstance(said, NoSuggestion)
    assert "waits 150 ms more" in said.reason


def test_a_cold_cache_shows_in_the_requests_that_wrote_to_it() -> None:
    cold = [answer(300 + at) for at in range(6)]
    warm = [answer(100 + at, cached_tokens=90, input_tokens=10) for at in range(6)]
    said = cold_start.suggest(evidence(measured(*warm, warm_ups=tuple(cold), parameters=Parameters(cache=True))))
    assert isinstance(said, Suggestion)
    assert abs(said.saving.ns - 200 * MS) < 1


def test_one_cold_request_is_no_evidence() -> None:
    warm = [answer(100 + at, cached_tokens=90) for at in range(6)]
    subject = measured(*warm, warm_ups=(answer(300),), parameters=Parameters(cache=True))
    said = cold_start.suggest(evidence(subject))
    assert isinstance(said, NoSuggestion)
    assert "TTFT 300 ms and 102 ms" in said.reason
    assert said.run


def test_without_a_cache_nothing_is_cold() -> None:
    assert isinstance(cold_start.suggest(evidence(measured(*answers()))), NoSuggestion)
