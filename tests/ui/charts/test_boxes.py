"""Box plots and their table, of any figure that declares itself an axis."""

import msgspec
import pytest
from chart_samples import MS, lane_with, outcome_of, outcomes, source_of
from hypothesis import given

from tui.core.figures import Figure
from tui.core.observation import Observation
from tui.ui.charts.boxes import box_rows, five_number_table
from tui.ui.charts.distribution import distribution_plot, ecdf
from tui.ui.charts.plot import AxisUnit, Bar
from tui.ui.charts.source import MOST_ANSWERS, ChartSource


@given(outcomes(), outcomes())
def test_the_five_numbers_ascend(first: list[Observation], second: list[Observation]) -> None:
    for row in box_rows(source_of(first, second)).rows:
        if row.bars:
            whisker, box, median = row.bars
            assert whisker.low <= box.low <= median.low == median.high <= box.high <= whisker.high


def test_a_rate_stands_on_an_axis_of_rates() -> None:
    answers = [msgspec.structs.replace(outcome_of(run, MS), otps=10.0 * run) for run in range(1, 10)]
    source = msgspec.structs.replace(source_of(answers), metric=Figure.OTPS)
    rows = box_rows(source)
    assert rows.rows[0].bars[0] == Bar(10, 90, rows.rows[0].bars[0].look)
    assert rows.x.unit is AxisUnit.PLAIN
    assert distribution_plot(source).x.unit is AxisUnit.PLAIN
    numbers = five_number_table(source)
    assert numbers.headings[0] == "OTPS"
    assert numbers.rows[0][3] == "50.0 tok/s"


def test_charts_of_distributions_take_the_latest_answers() -> None:
    source = source_of([outcome_of(run, (10 if run < 500 else 20) * MS) for run in range(1, 2_500)])
    (row,) = box_rows(source).rows
    assert row.bars[0].low == pytest.approx(0.02)
    numbers = five_number_table(source)
    assert numbers.rows[0][-1] == str(MOST_ANSWERS)
    assert numbers.note == "Of the last 1,000 answers of each."
    assert len(ecdf([float(value) for value in range(100_000)])) <= 402


def test_tables_have_the_percentiles_that_some_lane_bounds_and_no_other() -> None:
    few = lane_with("few", [outcome_of(run, run * MS) for run in range(1, 11)])
    numbers = five_number_table(ChartSource(lanes=[few], current=few, now_ns=0))
    assert numbers.headings == ("TTFT", "min", "25%", "median", "75%", "max", "n")
    many = lane_with("many", [outcome_of(run, run * MS) for run in range(1, 60)])
    numbers = five_number_table(ChartSource(lanes=[few, many], current=few, now_ns=0))
    assert numbers.headings == ("TTFT", "min", "25%", "median", "75%", "p90", "p95", "max", "n")
    assert [row[5] for row in numbers.rows] == ["—", "54.0 ms"]
    assert all(len(row) == len(numbers.headings) for row in numbers.rows)
