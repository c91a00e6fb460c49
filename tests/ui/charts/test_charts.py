"""The table of charts: every row leads to a chart, whose drawing is finite and on its axes."""

from chart_samples import check, check_numbers, outcomes, record_with, source_of, stamps
from hypothesis import given

from tui.core.observation import Observation
from tui.ui.charts import CHARTS
from tui.ui.charts.source import Chart


def test_every_row_has_a_chart_and_names_that_no_other_has() -> None:
    charts = [kind.chart for kind in CHARTS]
    assert all(isinstance(chart, Chart) for chart in charts)
    names = ([kind.name for kind in CHARTS], [kind.tab for kind in CHARTS], [chart.title for chart in charts])
    for each in names:
        assert len(set(each)) == len(CHARTS)


def test_they_follow_each_other_around_the_end() -> None:
    first, second = CHARTS[:2]
    assert first.after(1) == second
    assert first.after(-1) == CHARTS[-1]
    assert CHARTS[-1].after(1) == first


@given(outcomes(), outcomes(), stamps())
def test_every_chart_is_finite_and_on_its_axes(
    first: list[Observation], second: list[Observation], moments: list[int]
) -> None:
    source = source_of(first, second)
    source.current.record = record_with(moments)
    for kind in CHARTS:
        check(kind.chart.build(source))
        check_numbers(kind.chart.numbers(source))
