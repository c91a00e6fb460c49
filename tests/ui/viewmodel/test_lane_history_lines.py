"""The table of the session: exact widths, and one scale for all lanes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len, set_cell_size

from tui.core.events import Status
from tui.core.observation import Observation
from tui.core.target import Target
from tui.session.live import Lane
from tui.ui.viewmodel.lane_history import BLOCKS, HistoryTable, LaneHistory, history_table

MS = 1_000_000
FAILED = Observation(status=Status.FAILED)


def lane_of(name: str, *outcomes: Observation) -> Lane:
    lane = Lane(Target(model=name))
    lane.outcomes.extend(outcomes)
    return lane


def took(ttft_ms: float, total_ms: float) -> Observation:
    return Observation(status=Status.DONE, ttft_ns=round(ttft_ms * MS), total_ns=round(total_ms * MS))


def table(lanes: list[Lane], width: int = 100) -> HistoryTable:
    return history_table([LaneHistory(lane) for lane in lanes], width, set_cell_size)


def cells_of(line: str) -> list[str]:
    return line.split()


LANES = [
    lane_of("claude-haiku-5-5", *(took(200 + n, 900 + 7 * n) for n in range(60))),
    lane_of("日本語のモデル名がとても長いとき", took(0.42, 12_700), FAILED),
    lane_of("x"),
    lane_of("day", took(86_400_000, 86_400_000), *[FAILED] * 99),
]


@pytest.mark.parametrize("width", range(40, 201))
def test_every_line_is_exactly_as_wide_as_asked(width: int) -> None:
    shown = table(LANES, width)
    assert {cell_len(line) for line in (shown.heading, *shown.lines)} == {width}


@given(st.integers(0, 39))
def test_no_width_is_too_small_to_be_drawn(width: int) -> None:
    assert len(table(LANES, width).lines) == 2 * len(LANES)


def test_two_lines_per_lane_and_the_name_on_the_first() -> None:
    shown = table([lane_of("a", took(10, 20)), lane_of("b")])
    assert [cells_of(line)[:2] for line in shown.lines[::2]] == [["a", "TTFT"], ["b", "TTFT"]]
    assert [cells_of(line)[0] for line in shown.lines[1::2]] == ["total", "total"]


def test_last_best_median_and_count() -> None:
    shown = table([lane_of("a", took(30, 300), took(10, 100), took(20, 200))])
    assert cells_of(shown.heading) == ["last", "best", "median", "n"]
    assert cells_of(shown.lines[0])[-7:] == ["20.0", "ms", "10.0", "ms", "20.0", "ms", "3"]
    assert cells_of(shown.lines[1])[-7:] == ["200", "ms", "100", "ms", "200", "ms", "3"]


def test_a_failed_run_is_counted_apart_and_is_the_last() -> None:
    shown = table([lane_of("a", took(30, 300), FAILED)])
    assert cells_of(shown.lines[0])[-6:] == ["—", "30.0", "ms", "30.0", "ms", "1+1×"]
    assert cells_of(shown.lines[0])[2].endswith("×")


def test_a_lane_without_runs_has_no_figures() -> None:
    assert cells_of(table([lane_of("a")]).lines[0]) == ["a", "TTFT", "—", "—", "—", "0"]


def test_all_lanes_share_a_scale_from_zero() -> None:
    slow, half = table([lane_of("slow", took(800, 1)), lane_of("half", took(399, 1))]).lines[::2]
    assert cells_of(slow)[2] == BLOCKS[-1]
    assert cells_of(half)[2] == BLOCKS[3]


def test_each_metric_has_a_scale_of_its_own() -> None:
    lines = table([lane_of("a", took(100, 10_000)), lane_of("b", took(100, 5_000))]).lines
    assert [cells_of(line)[2] for line in lines[::2]] == [BLOCKS[-1]] * 2
    assert cells_of(lines[3])[1] == BLOCKS[4]


def test_the_newest_run_is_at_the_right() -> None:
    line = table([lane_of("a", took(800, 1), took(1, 1))]).lines[0]
    assert cells_of(line)[2] == BLOCKS[-1] + BLOCKS[0]
