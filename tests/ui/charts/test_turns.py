"""The chart of turns: medians per turn over the transcript's tokens, which never mix turns."""

import msgspec
from chart_samples import MS, lane_with, outcome_of

from tui.core.observation import Observation
from tui.ui.charts.source import ChartSource
from tui.ui.charts.trend import trend_plot
from tui.ui.charts.turns import CHART, turns_numbers, turns_plot
from tui.ui.viewmodel.lane_history import LaneHistory


def turn_of(run: int, turn: int, ms: int, tokens: int, call: int = 0) -> Observation:
    plain = outcome_of(run, ms * MS)
    return msgspec.structs.replace(plain, turn=turn, call=call, input_tokens=tokens - 20, cached_tokens=20)


TWICE = [
    turn_of(1, 1, 100, 50),
    turn_of(2, 2, 200, 150),
    turn_of(3, 2, 260, 170, call=1),
    turn_of(4, 1, 140, 50),
    turn_of(5, 2, 220, 150),
]


def played() -> ChartSource:
    lane = lane_with("lane", TWICE)
    lane.turn = 2
    return ChartSource(lanes=[lane], current=lane, now_ns=0)


def test_a_point_per_turn_over_the_length_of_its_transcript() -> None:
    (curve,) = turns_plot(played()).curves
    assert curve.points == ((50.0, 0.12), (150.0, 0.21), (170.0, 0.26))


def test_its_table_names_the_turns_and_what_the_cache_had() -> None:
    assert turns_numbers(played()).rows == (
        ("lane", "turn 1", "50", "20", "120 ms", "2"),
        ("lane", "turn 2", "150", "20", "210 ms", "2"),
        ("lane", "turn 2, tool result 1", "170", "20", "260 ms", "1"),
    )


def test_without_a_conversation_it_says_so() -> None:
    lane = lane_with("lane", [outcome_of(1, 10 * MS)])
    assert turns_plot(ChartSource(lanes=[lane], current=lane, now_ns=0)).curves == ()
    assert CHART.placeholder == "No turn of a conversation yet."


def test_the_other_charts_and_the_table_of_the_session_show_one_turn() -> None:
    source = played()
    assert [len(curve.points) for curve in trend_plot(source).curves] == [2, 2]
    history = LaneHistory(source.current)
    ttft = history.samples[source.metric]
    assert (ttft.count, ttft.median) == (2, 210 * MS)
    source.current.turn = 1
    assert history.catch_up()
    assert history.samples[source.metric].median == 120 * MS
