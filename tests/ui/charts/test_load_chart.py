"""The chart "load": curves over the levels of one target, their intervals, the knee, and the table."""

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from made_load import curve, saturating

from tui.core.load_results import HEADING, LevelSummary
from tui.core.target import Target
from tui.session.live import Lane
from tui.session.load import LoadRun
from tui.ui.charts.load import CHART
from tui.ui.charts.plot import AxisUnit, Plot
from tui.ui.charts.source import ChartSource


@pytest.fixture(scope="module")
def levels() -> list[LevelSummary]:
    """A server that is full at 8 in flight, and another target."""
    found = curve(saturating(8.0, 1.0, (1, 2, 4, 8, 16)), count=100)
    return [*found, msgspec.structs.replace(found[0], target="other")]


def source_of(levels: list[LevelSummary], lane: str = "t") -> ChartSource:
    load = cast(LoadRun, SimpleNamespace(levels=levels, version=1, progress="load over: complete"))
    current = Lane(Target(model=lane))
    return ChartSource(lanes=[current], current=current, now_ns=0, load=load)


def drawn(source: ChartSource) -> Plot:
    plot = CHART.build(source)
    assert isinstance(plot, Plot)
    return plot


def test_figures_stand_over_their_levels(levels: list[LevelSummary]) -> None:
    plot = drawn(source_of(levels))
    of: dict[str, Any] = {one.label: one for one in plot.curves if one.label}
    assert [x for x, _ in of["goodput"].points] == [1, 2, 4, 8, 16]
    assert [y for _, y in of["goodput"].points] == pytest.approx([1, 2, 4, 8, 8], rel=0.02)
    assert of["knee"].points == ((8.0, of["goodput"].points[3][1]),)
    assert (of["TTFT p50"].panel, of["TTFT p95"].panel, of["goodput"].panel) == (0, 0, 1)
    assert plot.x.unit is AxisUnit.COUNT


def test_intervals_are_upright_and_within_the_axes(levels: list[LevelSummary]) -> None:
    plot = drawn(source_of(levels))
    uprights = [one for one in plot.curves if not one.label]
    assert len(uprights) == 10
    for one in uprights:
        (left, low), (right, high) = one.points
        assert left == right
        assert low <= high <= plot.panels[one.panel].high


def test_the_table_has_a_column_for_each_level_and_says_the_knee(levels: list[LevelSummary]) -> None:
    numbers = CHART.numbers(source_of(levels))
    assert numbers.headings == ("load", *(f"{load} in flight" for load in (1, 2, 4, 8, 16)))
    assert [row[0] for row in numbers.rows] == list(HEADING[1:])
    assert all(len(row) == 6 for row in numbers.rows)
    assert "t: knee at 8 in flight" in numbers.note
    assert "load over: complete." in numbers.note


def test_only_the_current_target_is_shown(levels: list[LevelSummary]) -> None:
    plot = drawn(source_of(levels, "other"))
    assert [len(one.points) for one in plot.curves if one.label == "goodput"] == [1]
    assert not any(one.label == "knee" for one in plot.curves)
    assert not drawn(source_of(levels, "third")).has_data
    assert not drawn(msgspec.structs.replace(source_of(levels), load=None)).has_data


def test_it_is_drawn_again_when_a_request_is_over(levels: list[LevelSummary]) -> None:
    source = source_of(levels)
    before = CHART.version(source)
    cast(Any, source.load).version += 1
    assert CHART.version(source) != before
