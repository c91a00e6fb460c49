"""The chart of hours shows what the history has of the current lane, and marks what changed."""

import msgspec
from chart_samples import MS, check, check_numbers, source_of
from hypothesis import given
from hypothesis import strategies as st

from tui.core.rounds import HOUR_NS, Past, Round, past_of
from tui.ui.charts.hours import CHART, hours_numbers, hours_plot
from tui.ui.charts.source import ChartSource

ROUNDS = st.lists(
    st.builds(
        Round,
        started_unix_ns=st.integers(0, 400 * HOUR_NS),
        ttft_ns=st.none() | st.integers(1, 10**10),
        total_ns=st.none() | st.integers(1, 10**11),
        failed=st.booleans(),
    ),
    max_size=40,
).map(lambda rounds: sorted(rounds, key=lambda one: one.started_unix_ns))


def source_with(past: Past | None) -> ChartSource:
    return msgspec.structs.replace(source_of([]), past=lambda _lane: past)


def steady(count: int, *, doubled_from: int | None = None, failed: int | None = None) -> Past:
    """Rounds every ten minutes."""
    rounds = []
    for number in range(count):
        ttft_ns = (200 + number % 7) * MS * (2 if doubled_from is not None and number >= doubled_from else 1)
        rounds.append(
            Round(
                started_unix_ns=number * HOUR_NS // 6,
                ttft_ns=ttft_ns,
                total_ns=3 * ttft_ns,
                failed=number == failed,
            )
        )
    return past_of(rounds)


@given(ROUNDS)
def test_any_history_is_drawn_on_its_axes(rounds: list[Round]) -> None:
    source = source_with(past_of(rounds))
    check(hours_plot(source))
    check_numbers(hours_numbers(source))


def test_hours_stand_before_the_latest_with_their_medians() -> None:
    plot = hours_plot(source_with(steady(13)))
    assert [curve.label for curve in plot.curves] == ["TTFT", "total"]
    assert [x for x, _ in plot.curves[0].points] == [-2.0, -1.0, 0.0]
    assert plot.curves[0].points[0][1] == 0.2025
    assert (plot.x.low, plot.x.high) == (-2.0, 0.0)


def test_a_change_is_marked_in_both_panels_and_said_with_its_rate() -> None:
    source = source_with(steady(60, doubled_from=36, failed=40))
    plot = hours_plot(source)
    marks = [curve for curve in plot.curves if curve.label == "change"]
    assert [(curve.panel, curve.points[0][0]) for curve in marks] == [(0, -3.0), (1, -3.0)]
    assert [curve.points for curve in plot.curves if curve.label == "failed"] == [((-3.0, 0.0),)]
    numbers = hours_numbers(source)
    assert numbers.rows[0][0] == "01-01 09:00"
    assert "TTFT rose from 203 ms to 406 ms at 01-01 06:00." in numbers.note
    assert "with a probability of about 1 %" in numbers.note


def test_the_table_is_bounded_so_that_what_changed_is_seen() -> None:
    numbers = hours_numbers(source_with(steady(6 * 30)))
    assert len(numbers.rows) == 24
    assert numbers.note.startswith("And 6 hours before. No change is shown.")


def test_what_is_not_read_yet_is_not_drawn() -> None:
    for past in (None, Past()):
        source = source_with(past)
        assert not hours_plot(source).curves
        assert hours_numbers(source).rows == ()
    assert CHART.version(source_with(None)) != CHART.version(source_with(steady(3)))
