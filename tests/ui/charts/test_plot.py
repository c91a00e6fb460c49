"""Charts as data: everything finite and within its axes, at most two points per column, nothing invented."""

import math
from bisect import bisect_right
from itertools import pairwise

import msgspec
import pytest
from chart_samples import MS, lane_with, outcome_of, record_with, session
from hypothesis import given
from hypothesis import strategies as st

from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.snapshot import LaneSnapshot, Snapshot
from tui.ui.charts.boxes import box_rows, five_number_table
from tui.ui.charts.distribution import distribution_plot, ecdf, histogram
from tui.ui.charts.gaps import BUCKETS, gaps_numbers, gaps_plot, stall_from_ns
from tui.ui.charts.parts import LOOKS, Part, part_numbers, part_rows, typical_parts
from tui.ui.charts.plot import (
    MOST_LANES,
    STALL,
    Axis,
    Bar,
    BarRow,
    Plot,
    Unit,
    around,
    from_zero,
    round_ticks,
    thinned,
    tick_labels,
    ticks_on,
    time_axis,
)
from tui.ui.charts.scatter import scatter_numbers, scatter_plot
from tui.ui.charts.source import MOST_ANSWERS, BaselineMedian, ChartSource, baselines_of
from tui.ui.charts.speed import speed_numbers, speed_plot, speeds
from tui.ui.charts.trend import MOST_ROWS, trend_numbers, trend_plot
from tui.ui.viewmodel.numbers import Numbers

NS = st.integers(1, 10**13)
POINTS = st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), max_size=300).map(sorted)


@st.composite
def outcomes(draw: st.DrawFn) -> list[Observation]:
    """Up to 80 runs, some failed."""
    times = draw(st.lists(st.none() | st.tuples(NS, NS), max_size=80))
    return [outcome_of(run, *((None,) if pair is None else (pair[0], sum(pair)))) for run, pair in enumerate(times, 1)]


@st.composite
def stamps(draw: st.DrawFn) -> list[int]:
    """Moments of content, some together."""
    gaps = draw(st.lists(st.integers(0, 10**10), max_size=200))
    moments = [20 * MS]
    for gap in gaps:
        moments.append(moments[-1] + gap)
    return moments


def source_of(*lanes: list[Observation]) -> ChartSource:
    made = [lane_with(f"lane-{number}", of_lane) for number, of_lane in enumerate(lanes)]
    return ChartSource(lanes=made, current=made[0], now_ns=0)


def check(plot: Plot) -> None:
    """Finite and on its axes."""
    for axis in (plot.x, *plot.panels):
        assert math.isfinite(axis.low)
        assert axis.low < axis.high < math.inf
    for curve in plot.curves:
        panel = plot.panels[curve.panel]
        assert list(curve.points) == sorted(curve.points, key=lambda point: point[0])
        for x, y in curve.points:
            assert plot.x.low <= x <= plot.x.high
            assert panel.low <= y <= panel.high


def check_numbers(numbers: Numbers) -> None:
    """A table."""
    for row in numbers.rows:
        assert len(row) == len(numbers.headings)


@given(POINTS, st.integers(1, 40))
def test_at_most_two_points_per_column_and_they_are_its_extremes(
    points: list[tuple[float, float]], columns: int
) -> None:
    low, high = (points[0][0], points[-1][0]) if points else (0.0, 1.0)
    kept = thinned(points, columns, low, high)
    assert set(kept) <= set(points)
    assert [x for x, _ in kept] == sorted(x for x, _ in kept)
    if len(points) > columns:
        assert len(kept) <= 2 * columns
    assert {max((y for _, y in points), default=0)} == {max((y for _, y in kept), default=0)}
    assert {min((y for _, y in points), default=0)} == {min((y for _, y in kept), default=0)}


def test_few_points_are_all_kept() -> None:
    assert thinned([(0, 1), (0, 2), (0, 3)], 3, 0, 1) == [(0, 1), (0, 2), (0, 3)]
    assert thinned([(0, 1), (0, 2), (0, 3), (1, 0)], 3, 0, 1) == [(0, 1), (0, 3), (1, 0)]


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.integers(2, 12))
def test_ticks_are_few_even_and_around_the_values(one: float, other: float, most: int) -> None:
    low, high = sorted((one, other))
    ticks = round_ticks(low, high, most)
    assert 2 <= len(ticks) <= most + 1
    slack = 1e-6 * max(1.0, high)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert ticks == sorted(set(ticks))
    assert len(tick_labels(ticks, Unit.SECONDS)) == len(ticks)


@pytest.mark.parametrize(
    ("ticks", "unit", "expected"),
    [
        ([0, 0.1, 0.2], Unit.SECONDS, ["0", "100", "200 ms"]),
        ([0, 0.5, 1], Unit.SECONDS, ["0", "0.5", "1 s"]),
        ([0, 0.5, 1], Unit.SHARE, ["0%", "50%", "100%"]),
        ([0, 1000], Unit.COUNT, ["0", "1,000"]),
        ([], Unit.SECONDS, []),
    ],
)
def test_tick_labels(ticks: list[float], unit: Unit, expected: list[str]) -> None:
    assert tick_labels(ticks, unit) == expected


@given(st.lists(NS.map(lambda ns: ns / 1e9), max_size=20), st.integers(0, 10))
def test_axes_have_room_and_marks(values: list[float], most: int) -> None:
    for axis in (from_zero(values), around(values)):
        assert axis.low < axis.high
        assert all(axis.low <= value <= axis.high for value in values)
        assert len(ticks_on(axis, most)) >= 2
        assert all(axis.low <= tick <= axis.high for tick in ticks_on(axis, most))


def test_counts_have_whole_marks() -> None:
    assert ticks_on(Axis(1, 2, Unit.COUNT), 6) == [1, 2]


@given(outcomes(), outcomes())
def test_charts_of_runs_are_finite_and_on_their_axes(first: list[Observation], second: list[Observation]) -> None:
    source = source_of(first, second)
    for build in (distribution_plot, scatter_plot):
        check(build(source))
    for count in (five_number_table, scatter_numbers, part_numbers, trend_numbers):
        check_numbers(count(source))
    if first:
        check(trend_plot(source))
    boxes = box_rows(source)
    for row in boxes.rows:
        if row.bars:
            whisker, box, median = row.bars
            assert boxes.x.low <= whisker.low <= box.low <= median.low == median.high <= box.high <= whisker.high
            assert whisker.high <= boxes.x.high


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


def test_the_baseline_is_on_the_axis() -> None:
    plot = trend_plot(session())
    for band in plot.bands:
        panel = plot.panels[band.panel]
        assert panel.low <= band.low <= band.middle <= band.high <= panel.high
    assert len(plot.bands) == 2


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200).map(sorted))
def test_ecdf_and_histogram_hold_every_sample(ascending: list[float]) -> None:
    points = ecdf(ascending)
    assert points[-1][1] == 1
    assert [y for _, y in points] == sorted(y for _, y in points)
    for x, y in points[1:]:
        assert y <= bisect_right(ascending, x) / len(ascending)
    bars = histogram(ascending)
    assert sum(bars.heights) == len(ascending)
    assert bars.width > 0
    assert bars.low <= ascending[0]
    assert bars.low + bars.width * len(bars.heights) >= ascending[-1] * (1 - 1e-9)


def test_histogram_counts() -> None:
    bars = histogram([0, 0, 1, 2, 3, 3, 3, 4])
    assert (bars.width, bars.heights) == (1, (2, 1, 1, 4))


@given(stamps())
def test_gaps_are_finite_few_and_those_of_the_stream(moments: list[int]) -> None:
    plot = gaps_plot(record_with(moments))
    check(plot)
    if len(moments) < 2:
        assert not plot.curves
        return
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    points = plot.curves[0].points
    assert len(points) <= 2 * BUCKETS
    assert max(y for _, y in points) == pytest.approx(max(gaps) / 1e9)
    assert {round(y * 1e9) for _, y in points} <= set(gaps)
    stalls = [curve for curve in plot.curves if curve.colour == STALL]
    assert bool(stalls) is (max(gaps) >= stall_from_ns(moments))


def test_a_long_stream_is_bounded_and_its_stalls_are_found() -> None:
    moments = [20 * MS]
    for chunk in range(50_000):
        moments.append(moments[-1] + (400 * MS if chunk in (7_000, 30_000) else 10 * MS))
    record = record_with(moments)
    plot = gaps_plot(record)
    assert len(plot.curves[0].points) <= 2 * BUCKETS
    assert [round(y, 3) for _, y in plot.curves[1].points] == [0.4, 0.4]
    assert gaps_numbers(record).note == "50,001 chunks, 2 stalls"


def test_a_stall_is_five_times_the_typical_gap_and_not_short() -> None:
    assert stall_from_ns([0, 20 * MS, 40 * MS, 60 * MS]) == 100 * MS
    assert stall_from_ns([0, MS, 2 * MS]) == 50 * MS


@given(stamps(), st.booleans())
def test_speed_integrates_to_what_came(moments: list[int], in_tokens: bool) -> None:
    record = record_with(moments)
    points = speeds(record, in_tokens=in_tokens)
    if moments[-1] == moments[0]:
        assert points == ()
        return
    stretch_s = (moments[-1] - moments[0]) / len(points) / 1e9
    came = 39 if in_tokens else len(moments) - 1
    assert sum(speed * stretch_s for _, speed in points) == pytest.approx(came)
    lane = lane_with("lane", [], record)
    source = ChartSource(lanes=[lane], current=lane, now_ns=0)
    check(speed_plot(source))
    check_numbers(speed_numbers(source))


def test_speeds_of_all_lanes_have_one_unit() -> None:
    done, streaming = (lane_with(name, [], record_with([20 * MS, 30 * MS, 40 * MS])) for name in ("a", "b"))
    streaming.record = record_with([20 * MS, 30 * MS, 40 * MS], tokens=None)
    for lanes, expected in (([done], 1_950), ([done, streaming], 100)):
        plot = speed_plot(ChartSource(lanes=lanes, current=done, now_ns=0))
        assert plot.curves[0].points[0][1] == pytest.approx(expected)


@given(outcomes())
def test_parts_add_up_to_the_whole(of_lane: list[Observation]) -> None:
    parts = typical_parts(of_lane)
    complete = [outcome for outcome in of_lane if outcome.total_ns is not None]
    assert bool(parts) is bool(complete)
    if complete:
        sums = sorted((outcome.set_up_ns or 0) + (outcome.total_ns or 0) for outcome in complete)
        cut = len(sums) // 4
        middle = sums[cut : len(sums) - cut]
        assert sum(length for _, length in parts) == pytest.approx(sum(middle) / len(middle))
        assert all(length >= 0 for _, length in parts)


def lengths_of(row: BarRow) -> dict[str, float]:
    """The lengths of a row's bars, s; they stand one behind the other."""
    for before, after in pairwise(row.bars):
        assert before.high == after.low
    return {bar.look.name: bar.high - bar.low for bar in row.bars}


def test_parts_have_glyphs_of_their_own() -> None:
    assert (
        len({look.glyph for look in LOOKS.values()}) == len({look.ascii_glyph for look in LOOKS.values()}) == len(Part)
    )


def test_the_part_of_the_prompt_is_told_by_a_fit_and_else_by_a_sweep() -> None:
    of_lane = [
        msgspec.structs.replace(
            outcome_of(1, 200 * MS + 1_000 * tokens, 900 * MS + 1_000 * tokens, 500 * MS), input_tokens=tokens
        )
        for tokens in range(10_000, 30_000, 1_000)
    ]
    of_lane = [msgspec.structs.replace(one, output_tokens=50) for one in of_lane]
    source = msgspec.structs.replace(source_of(of_lane[:5]), sweep_key="Alt+Shift+S")
    rows = part_rows(source)
    assert rows.foot.startswith("Too few runs")
    assert rows.foot.endswith("Alt+Shift+S runs a sweep of prompt lengths and max_tokens.")
    assert Part.PROMPT not in lengths_of(rows.rows[0])
    assert "Too few runs" in part_numbers(source).note
    source = msgspec.structs.replace(source_of(of_lane), sweep_key="Alt+Shift+S")
    rows = part_rows(source)
    assert "vary max_tokens" in rows.foot
    assert "Alt" not in part_rows(msgspec.structs.replace(source, sweep_key="")).foot
    assert lengths_of(rows.rows[0])[Part.PROMPT] == pytest.approx(0.0195)
    numbers = part_numbers(source)
    (row,) = numbers.rows
    assert len(row) == len(numbers.headings)
    assert "  1.00 ms (1.00 to 1.00 ms) per 1,000 prompt tokens" in numbers.note.splitlines()
    assert "per output token" not in numbers.note.replace("the time per output token", "")
    assert "vary max_tokens" in numbers.note


def test_parts_of_one_answer() -> None:
    of_lane = [outcome_of(1, 200 * MS, 900 * MS, 500 * MS)]
    rows = part_rows(source_of(of_lane))
    assert lengths_of(rows.rows[0]) == pytest.approx(
        {Part.CONNECTION: 0.03, Part.BASELINE: 0.2, Part.THINKING: 0.3, Part.OUTPUT: 0.4}
    )
    assert [look.name for look in rows.key] == [part for part in Part if part is not Part.PROMPT]


def test_the_current_lane_is_among_those_shown() -> None:
    lanes = [lane_with(f"lane-{number}", [outcome_of(1, MS)]) for number in range(12)]
    source = ChartSource(lanes=lanes, current=lanes[10], now_ns=0)
    shown = source.shown
    assert len(shown) == MOST_LANES
    assert shown[-1] == (MOST_LANES - 1, lanes[10])
    assert source.more == 4
    assert len({curve.symbol for curve in scatter_plot(source).curves}) == MOST_LANES


def test_charts_of_distributions_take_the_latest_answers() -> None:
    source = source_of([outcome_of(run, (10 if run < 500 else 20) * MS) for run in range(1, 2_500)])
    (row,) = box_rows(source).rows
    assert row.bars[0].low == pytest.approx(0.02)
    numbers = five_number_table(source)
    assert numbers.rows[0][-1] == str(MOST_ANSWERS)
    assert numbers.note == "Of the last 1,000 answers of each."
    assert len(ecdf([float(value) for value in range(100_000)])) <= 402


def test_a_snapshot_makes_bands_by_lane() -> None:
    lanes = {"many": tuple(outcome_of(run, (100 + run) * MS) for run in range(1, 22)), "one": (outcome_of(1, MS),)}
    snapshot = Snapshot(
        name="before",
        taken_unix_ns=0,
        lanes=tuple(
            LaneSnapshot(
                name=name,
                model="m",
                endpoint="e",
                prompt=Prompt(user="u"),
                parameters=Parameters(max_tokens=1),
                observations=observations,
            )
            for name, observations in lanes.items()
        ),
    )
    bands = baselines_of(snapshot)
    many = bands["many"].ttft
    assert many is not None
    assert (many.low, many.median, many.high) == (106 * MS, 111 * MS, 116 * MS)
    assert bands["one"].total == BaselineMedian(2 * MS, 2 * MS, 2 * MS)
    assert baselines_of(None) == {}


def test_tables_have_the_percentiles_that_some_lane_bounds_and_no_other() -> None:
    few = lane_with("few", [outcome_of(run, run * MS) for run in range(1, 11)])
    numbers = five_number_table(ChartSource(lanes=[few], current=few, now_ns=0))
    assert numbers.headings == ("TTFT", "min", "25%", "median", "75%", "max", "n")
    many = lane_with("many", [outcome_of(run, run * MS) for run in range(1, 60)])
    numbers = five_number_table(ChartSource(lanes=[few, many], current=few, now_ns=0))
    assert numbers.headings == ("TTFT", "min", "25%", "median", "75%", "p90", "p95", "max", "n")
    assert [row[5] for row in numbers.rows] == ["—", "54.0 ms"]
    assert all(len(row) == len(numbers.headings) for row in numbers.rows)


@pytest.mark.parametrize(
    ("end_s", "most", "expected"),
    [
        (0, 4, [0, 0.05, 0.1]),
        (1.9, 5, [0, 0.5, 1, 1.5, 2]),
        (2.0, 4, [0, 0.5, 1, 1.5, 2]),
        (61, 4, [0, 20, 40, 60, 80]),
    ],
)
def test_marks_of_an_axis_of_time_go_beyond_its_end(end_s: float, most: int, expected: list[float]) -> None:
    look = LOOKS[Part.OUTPUT]
    axis = time_axis([BarRow("lane", (Bar(0, end_s, look),))])
    assert axis.low == 0
    assert round_ticks(axis.low, axis.high, most) == expected
