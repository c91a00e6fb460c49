"""The trend shows every counted run once."""

from chart_samples import MS, outcome_of, outcomes, session, source_of
from hypothesis import given

from tui.core.observation import Observation
from tui.ui.charts.trend import MOST_ROWS, trend_numbers, trend_plot


@given(outcomes())
def test_trend_shows_every_run_once(of_lane: list[Observation]) -> None:
    plot = trend_plot(source_of(of_lane))
    shown = {curve.label: [round(x) for x, _ in curve.points] for curve in plot.curves}
    complete = [outcome.run for outcome in of_lane if outcome.total_ns is not None]
    assert shown.get("TTFT", []) == complete
    assert shown.get("total", []) == complete
    assert sorted(shown.get("failed", []) + complete) == [outcome.run for outcome in of_lane]


def test_trend_leaves_warm_up_out_and_bounds_its_table() -> None:
    warm_up = Observation(run=1, status=outcome_of(1, 1).status, counted=False, ttft_ns=1, total_ns=2)
    source = source_of([warm_up, *(outcome_of(run, run * MS) for run in range(2, 800))])
    plot, numbers = trend_plot(source), trend_numbers(source)
    assert plot.curves[0].points[0] == (2.0, 0.002)
    assert len(numbers.rows) == MOST_ROWS
    assert numbers.rows[0][0] == "799"
    assert numbers.note == "and 298 before"


def test_what_is_pinned_is_on_the_axis() -> None:
    plot = trend_plot(session())
    for band in plot.bands:
        panel = plot.panels[band.panel]
        assert panel.low <= band.low <= band.middle <= band.high <= panel.high
    assert len(plot.bands) == 2
