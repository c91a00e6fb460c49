"""The ranked table of the session: exact widths, medians of what is asked now, and one scale for all lanes."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len, set_cell_size

from tui.core.events import Status
from tui.core.figures import Figure
from tui.core.observation import Observation
from tui.core.target import Target
from tui.session.live import Lane
from tui.ui.viewmodel.lane_history import BLOCKS, CHANGED, RANKED, HistoryTable, LaneHistory, history_table
from tui.ui.viewmodel.lane_lines import shortened

MS = 1_000_000
FAILED = Observation(status=Status.FAILED)


def lane_of(name: str, *outcomes: Observation) -> Lane:
    lane = Lane(Target(model=name))
    lane.outcomes.extend(outcomes)
    return lane


def took(ttft_ms: float, total_ms: float, asked: str = "") -> Observation:
    ttft, total = round(ttft_ms * MS), round(total_ms * MS)
    return Observation(status=Status.DONE, ttft_ns=ttft, total_ns=total, fingerprint=asked)


def table(lanes: list[Lane], width: int = 100, by: str | None = None, verdicts: tuple[str, ...] = ()) -> HistoryTable:
    return history_table([LaneHistory(lane) for lane in lanes], width, set_cell_size, shortened, by, verdicts)


def judged(*passed: bool, usd: float | None = None, asked: str = "") -> list[Observation]:
    return [replace(took(10, 100, asked), passed=each, usd=usd) for each in passed]


def cells_of(line: str) -> list[str]:
    return line.split()


LANES = [
    lane_of("claude-haiku-5-5", *(took(200 + n, 900 + 7 * n) for n in range(60))),
    lane_of("日本語のモデル名がとても長いとき", took(0.42, 12_700), FAILED),
    lane_of("x"),
    lane_of("day", took(86_400_000, 86_400_000), *[FAILED] * 99),
]


@pytest.mark.parametrize("by", [None, *RANKED])
def test_every_line_is_exactly_as_wide_as_asked(by: Figure | None) -> None:
    for width in range(40, 201):
        shown = table(LANES, width, by)
        assert {cell_len(line) for line in (shown.heading, *shown.lines)} == {width}


@given(st.integers(0, 39))
def test_no_width_is_too_small_to_be_drawn(width: int) -> None:
    assert len(table(LANES, width).lines) == len(LANES)


@given(
    st.lists(st.lists(st.floats(0.001, 100_000_000), min_size=1, max_size=8), min_size=1, max_size=4),
    st.integers(60, 140),
)
@example([[64.2, 64.3], [1_234.5]], 80)
def test_a_gap_stands_before_every_figure(times_ms: list[list[float]], width: int) -> None:
    shown = table([lane_of("x", *(took(ms, ms) for ms in times)) for times in times_ms], width)
    for line in shown.lines:
        for _, end in shown.sparks:
            assert line[end] == " "


def test_a_line_per_lane_the_best_first_and_those_without_figures_last() -> None:
    lanes = [lane_of("none"), lane_of("slow", took(10, 900)), lane_of("quick", took(20, 300))]
    assert [cells_of(line)[0] for line in table(lanes, by=Figure.TOTAL).lines] == ["quick", "slow", "none"]
    assert [cells_of(line)[0] for line in table(lanes, by=Figure.TTFT).lines] == ["slow", "quick", "none"]
    assert [cells_of(line)[0] for line in table(lanes, by=None).lines] == ["none", "slow", "quick"]
    assert "▾total" in table(lanes, by=Figure.TOTAL).heading
    faster = lane_of("faster", Observation(status=Status.DONE, otps=90.0))
    assert cells_of(table([*lanes, faster], by=Figure.OTPS).lines[0])[0] == "faster"


def test_medians_and_count_are_of_what_is_asked_now() -> None:
    old = [took(900, 9_000, "old")] * 5
    (line,) = table([lane_of("a", *old, took(30, 300, "new"), took(10, 100, "new"), took(20, 200, "new"))]).lines
    assert "20.0 ms" in line
    assert "200 ms" in line
    assert cells_of(line)[-1] == "3"
    assert line.count(CHANGED) == 2, "a tick in each sparkline"


def test_a_tick_stands_before_what_is_asked_now_however_many_runs_there_were() -> None:
    lane = lane_of("a", *[took(900, 900, "old")] * 300, *[took(100, 100, "new")] * 100)
    (line,) = table([lane], width=80).lines
    start, end = table([lane], width=80).sparks[0]
    before, after = line[start:end].split(CHANGED)
    assert set(before) == {BLOCKS[-1]}
    assert set(after) == {BLOCKS[0]}
    assert len(before) > 2 * len(after)


@pytest.mark.parametrize("before", [1, 2, 20])
def test_a_tick_has_room_beside_all_columns_about_the_default_size(before: int) -> None:
    answers = [replace(took(200, 900, asked), usd=0.000024, otps=90.1) for asked in ["old"] * before + ["new"]]
    lanes = [lane_of(f"claude-{model}-5-5", *answers) for model in ("haiku", "sonnet", "opus")]
    for width in (65, 70, 72, 74):
        shown = table(lanes, width, verdicts=("? few",) * 3)
        assert [line.count(CHANGED) for line in shown.lines] == [2] * 3, width
        assert "verdict" in shown.heading
        assert "opus" in shown.lines[2]


def test_sparklines_fill_the_width_with_a_gap_between() -> None:
    lanes = [lane_of("a", *[took(800, 800)] * 500)]
    for width in (80, 120, 200):
        shown = table(lanes, width)
        (first, end), (second, last) = shown.sparks
        assert shown.lines[0][first:end] == BLOCKS[-1] * (end - first)
        assert shown.lines[0][end] == " "
        assert (end - first) + (last - second) > width - 60


def test_a_failed_run_is_counted_apart() -> None:
    (line,) = table([lane_of("a", took(30, 300), FAILED)]).lines
    assert cells_of(line)[-1] == "1+1×"
    assert "×" in line[slice(*table([lane_of("a", took(30, 300), FAILED)]).sparks[0])]


def test_all_lanes_share_a_scale_from_zero() -> None:
    shown = table([lane_of("slow", took(800, 1)), lane_of("half", took(399, 1))])
    sparks = [line[slice(*shown.sparks[0])].strip() for line in shown.lines]
    assert sparks == [BLOCKS[-1], BLOCKS[3]]


def test_names_are_shortened_together() -> None:
    lanes = [lane_of(f"claude-sonnet-5-5 · {variant} and a very long ending") for variant in ("plain", "one sentence")]
    lines = table(lanes, 60).lines
    assert lines[0].startswith("plain ")
    assert lines[1].startswith("one sentence")


def test_cost_checks_and_verdict_have_columns_where_any_lane_has_them() -> None:
    lanes = [lane_of("a", *judged(*[True] * 18, False, False, usd=0.0012)), lane_of("b", *judged(*[False] * 20))]
    shown = table(lanes, 120, verdicts=("✔ met", "✖ missed"))
    assert cells_of(shown.heading)[-4:] == ["cost", "checks", "n", "verdict"]
    assert shown.lines[0].endswith("$0.0012  18 of 20 68–99%    20     ✔ met")
    assert shown.lines[1].endswith("         0 of 20 0–17%    20  ✖ missed")
    plain = table([lane_of("a", took(1, 2))], 120).heading
    assert not {"cost", "checks", "verdict"} & set(cells_of(plain))


@pytest.mark.parametrize(("width", "wanted"), [(40, ["n"]), (58, ["checks", "n"]), (72, ["cost", "checks", "n"])])
def test_what_matters_most_stays_in_a_narrow_table(width: int, wanted: list[str]) -> None:
    lanes = [lane_of("a-long-name", *judged(*[True] * 20, usd=0.0012))]
    shown = table(lanes, width, verdicts=("✔ met",))
    assert cells_of(shown.heading)[2:] == wanted
    assert cell_len(shown.heading) == width
    assert shown.lines[0].endswith(" ✔"), "the mark of the verdict has room before its word"


def test_the_cheapest_and_the_one_that_passes_most_can_be_first() -> None:
    lanes = [
        lane_of("none", took(1, 1)),
        lane_of("dear", *judged(True, True, usd=0.2)),
        lane_of("cheap", *judged(True, False, usd=0.1)),
    ]
    assert [cells_of(line)[0] for line in table(lanes, by="cost").lines] == ["cheap", "dear", "none"]
    assert [cells_of(line)[0] for line in table(lanes, by="passed").lines] == ["dear", "cheap", "none"]
    assert "▾cost" in table(lanes, by="cost").heading
    assert "▾checks" in table(lanes, by="passed").heading


def test_a_question_that_has_begun_and_not_ended_leaves_nothing_of_the_one_before() -> None:
    lane = lane_of("a", *judged(True, True, True, usd=0.1, asked="old"))
    lane.fingerprint = "old"
    history = LaneHistory(lane)
    (line,) = history_table([history], 100, set_cell_size, shortened).lines
    assert "3 of 3" in line
    lane.fingerprint = "new"
    assert history.catch_up()
    (line,) = history_table([history], 100, set_cell_size, shortened).lines
    assert cells_of(line)[-1] == "0"
    assert "3 of 3" not in line
    assert line.count(CHANGED) == 2
    assert not history.catch_up()
    lane.outcomes.append(took(10, 100, "new"))
    assert history.catch_up()
    (line,) = history_table([history], 100, set_cell_size, shortened).lines
    assert cells_of(line)[-1] == "1"
    assert line.count(CHANGED) == 2, "one tick each, however the question began"


def test_hosts_have_their_parts_of_ttft_where_there_is_room_and_a_sentence_below() -> None:
    lanes = []
    for host, network in (("tokyo", 200), ("desk", 10)):
        lane = Lane(Target(name=f"haiku · {host}", model="haiku", host=host))
        answer = replace(took(500 + network, 900), host=host, network_ns=network * MS, upload_ns=0, server_ns=500 * MS)
        lane.outcomes.extend(replace(answer, run=run) for run in range(1, 9))
        lanes.append(lane)
    shown = table(lanes, 110)
    assert shown.heading.split()[2:] == ["round", "trip", "upload", "server", "n"]
    assert "200 ms" in next(line for line in shown.lines if "tokyo" in line)
    (remark,) = shown.remarks
    assert remark.startswith("haiku: tokyo is 190 ms slower than desk: 190 network, 0 server (95 %")
    assert "round" not in table(lanes, 50).heading, "names and sparklines come first"
    assert table(lanes, 50).remarks == shown.remarks
    assert table(lanes[:1]).remarks == table(LANES).remarks == ()
    assert "round" not in table(LANES, 200).heading


def test_names_take_the_room_that_sparklines_do_not_need_yet() -> None:
    names = [f"claude-haiku-5-5 · {variant}" for variant in ("plain", "one sentence", "with an example")]
    for runs in (1, 20):
        shown = table([lane_of(name, *[took(200, 900)] * runs) for name in names], 44)
        assert ("with an example" in shown.lines[2]) is (runs == 1)
