"""The phases of the latest run, from the stamps of its requests."""

from chart_samples import lane_with

from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.core.timeline import Timeline
from tui.ui.charts.latest import LOOKS, Phase, phase_numbers, phase_rows
from tui.ui.charts.plot import Bar
from tui.ui.charts.source import ChartSource

S = 1_000_000_000


def source_of(now_ns: int, *timelines: Timeline) -> ChartSource:
    """A lane for each timeline, called a, b, ..."""
    lanes = []
    for label, timeline in zip("abc", timelines, strict=False):
        spec = RequestSpec(
            request_id=1,
            target=label,
            model=label,
            endpoint=Endpoint(name="e", base_url="http://localhost"),
            prompt=Prompt(),
            parameters=Parameters(),
            timeouts=Timeouts(),
        )
        lanes.append(lane_with(label, [], RequestRecord(spec=spec, timeline=timeline)))
    return ChartSource(lanes=lanes, current=lanes[0], now_ns=now_ns)


def phase(phase: Phase, low: float, high: float) -> Bar:
    return Bar(low, high, LOOKS[phase])


def test_phases_of_a_finished_request() -> None:
    timeline = Timeline(
        queued_ns=9 * S,
        sent_ns=10 * S,
        thinking_started_ns=11 * S,
        content_ns=[12 * S, 13 * S, 14 * S],
        thinking_pieces=1,
        first_text_ns=13 * S,
        ended_ns=15 * S,
    )
    source = source_of(99 * S, timeline)
    (row,) = phase_rows(source).rows
    assert row.label == "a"
    assert row.bars == (
        phase(Phase.CONNECTING, -1, 0),
        # Up to the first content, as TTFT: the block of thinking began a second before.
        phase(Phase.WAITING, 0, 2),
        phase(Phase.THINKING, 2, 3),
        phase(Phase.STREAMING, 3, 4),
    )
    assert phase_numbers(source).rows == (("a", "1.00 s", "2.00 s", "1.00 s", "1.00 s"),)


def test_time_counts_from_the_first_send_of_the_run() -> None:
    rows = phase_rows(source_of(13 * S, Timeline(sent_ns=12 * S), Timeline(sent_ns=10 * S)))
    assert [row.bars for row in rows.rows] == [(phase(Phase.WAITING, 2, 3),), (phase(Phase.WAITING, 0, 3),)]
    assert (rows.x.low, rows.x.high) == (0, 3)


def test_a_failed_request_ends_where_it_failed() -> None:
    (row,) = phase_rows(source_of(9 * S, Timeline(connect_started_ns=S, ended_ns=2 * S))).rows
    assert row.bars == (phase(Phase.CONNECTING, 0, 1),)


def test_a_request_cut_off_while_thinking_shows_no_streaming() -> None:
    timeline = Timeline(sent_ns=S, content_ns=[2 * S], thinking_pieces=1, ended_ns=3 * S)
    (row,) = phase_rows(source_of(9 * S, timeline)).rows
    assert row.bars == (phase(Phase.WAITING, 0, 1), phase(Phase.THINKING, 1, 2))


def test_nothing_begun() -> None:
    lane = lane_with("idle", [])
    assert phase_rows(ChartSource(lanes=[lane], current=lane, now_ns=S)).rows == ()
    assert not phase_rows(source_of(S, Timeline())).has_data
