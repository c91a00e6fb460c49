"""What the chart of the latest run shows, from the stamps of its requests."""

from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.core.timeline import Timeline
from tui.ui.viewmodel.lanes_timeline import LanesTimeline, Phase, Span, lanes_timeline

S = 1_000_000_000


def record(label: str, timeline: Timeline) -> RequestRecord:
    spec = RequestSpec(
        request_id=1,
        target=label,
        model=label,
        endpoint=Endpoint(name="e", base_url="http://localhost"),
        prompt=Prompt(),
        parameters=Parameters(),
        timeouts=Timeouts(),
    )
    return RequestRecord(spec=spec, timeline=timeline)


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
    (lane,) = lanes_timeline([record("a", timeline)], now_ns=99 * S).lanes
    assert lane.label == "a"
    assert lane.spans == (
        Span(Phase.CONNECTING, -1, 0),
        Span(Phase.WAITING, 0, 1),
        Span(Phase.THINKING, 1, 3),
        Span(Phase.STREAMING, 3, 4),
    )


def test_time_counts_from_the_first_send_of_the_run() -> None:
    shown = lanes_timeline(
        [record("late", Timeline(sent_ns=12 * S)), record("early", Timeline(sent_ns=10 * S))], now_ns=13 * S
    )
    assert [lane.spans for lane in shown.lanes] == [(Span(Phase.WAITING, 2, 3),), (Span(Phase.WAITING, 0, 3),)]
    assert (shown.start_s, shown.end_s) == (0, 3)


def test_a_failed_request_ends_where_it_failed() -> None:
    shown = lanes_timeline([record("a", Timeline(connect_started_ns=S, ended_ns=2 * S))], now_ns=9 * S)
    assert shown.lanes[0].spans == (Span(Phase.CONNECTING, 0, 1),)


def test_a_request_cut_off_while_thinking_shows_no_streaming() -> None:
    timeline = Timeline(sent_ns=S, content_ns=[2 * S], thinking_pieces=1, ended_ns=3 * S)
    shown = lanes_timeline([record("a", timeline)], now_ns=9 * S)
    assert shown.lanes[0].spans == (Span(Phase.WAITING, 0, 1), Span(Phase.THINKING, 1, 2))


def test_nothing_begun() -> None:
    assert lanes_timeline([], now_ns=S) == LanesTimeline()
    assert lanes_timeline([record("a", Timeline())], now_ns=S).end_s == 0
