"""The table of all statistics: what is in it, and how it fits."""

import msgspec
import pytest
from chart_samples import MS, lane_with, outcome_of
from hypothesis import given
from hypothesis import strategies as st

from tui.core.figures import Figure
from tui.core.objectives import parse
from tui.core.observation import Observation, summary
from tui.core.target import Target
from tui.session.live import Lane
from tui.ui.viewmodel.statistics_lines import objective_lines, statistics_lines

SECOND = 1_000 * MS


def lane(count: int, cached: int = 0) -> Lane:
    """A lane with answers of 1 to `count` ms to the first token, one a second."""
    outcomes = [
        msgspec.structs.replace(
            outcome_of(run, run * MS),
            sent_ns=run * SECOND,
            ended_ns=run * SECOND + MS,
            gaps_ns=(MS, 2 * MS),
            cached_tokens=100 if run <= cached else 0,
        )
        for run in range(1, count + 1)
    ]
    return lane_with("haiku", outcomes)


def test_there_is_nothing_before_a_counted_run() -> None:
    assert statistics_lines([lane(0)], (), 100) == ["No counted run yet."]


@pytest.mark.parametrize(("count", "shown", "hidden"), [(28, (), ("p90", "p95")), (59, ("p90", "p95"), ("p99",))])
def test_a_percentile_is_a_column_once_it_is_bounded(
    count: int, shown: tuple[str, ...], hidden: tuple[str, ...]
) -> None:
    heading = next(line for line in statistics_lines([lane(count)], (), 200) if line.startswith("TTFT")).split()
    assert set(shown) <= set(heading)
    assert not set(hidden) & set(heading)


def test_cached_tokens_are_marked() -> None:
    assert "↺ cached tokens in 3" in statistics_lines([lane(9, cached=3)], (), 100)[0]
    assert "↺" not in statistics_lines([lane(9)], (), 100)[0]


def test_objectives_have_a_mark_a_word_and_their_bounds() -> None:
    objectives = [parse(text) for text in ("ttft.max < 1s", "ttft.max < 5ms", "errors < 1%")]
    met, missed, unknown, goodput = objective_lines(lane(10).outcomes, objectives)
    assert met.startswith("✔ ttft.max < 1s: met, 10.0 ms")
    assert missed.startswith("✖ ttft.max < 5ms: missed")
    assert unknown.startswith("? errors < 1%: not yet known")
    assert goodput.startswith("goodput 4 of 10 requests within every limit, 12 % to 74 %")
    assert objective_lines(lane(10).outcomes, []) == []


def test_a_figure_is_a_table_with_a_lane_per_row() -> None:
    slow = lane_with("claude-opus", [outcome_of(run, (100 + run) * MS) for run in range(1, 8)])
    lines = statistics_lines([lane(7), slow], (), 120)
    at = next(number for number, line in enumerate(lines) if line.startswith("TTFT"))
    assert lines[at].split()[:4] == ["TTFT", "n", "min", "median"]
    assert [line.split()[:6] for line in lines[at + 1 : at + 3]] == [
        ["haiku", "7", "1.00", "ms", "4.00", "ms"],
        ["claude-opus", "7", "101", "ms", "104", "ms"],
    ]
    assert lines[at - 1] == lines[at + 3] == ""
    assert sum(line.startswith("ITL") for line in lines) == 1, "a figure that one lane alone has"


@given(count=st.integers(1, 70), width=st.integers(70, 200))
def test_no_line_of_a_table_is_wider_than_the_room(count: int, width: int) -> None:
    long = lane_with("claude-with-a-very-long-name · and a long variant", lane(count).current)
    lines = statistics_lines([lane(count), long], (), width)
    first = next(number for number, line in enumerate(lines) if line.startswith("TTFT"))
    last = next(number for number, line in enumerate(lines) if line.startswith("Tokens of different"))
    assert all(len(line) <= width for line in lines[first:last])


def test_gaps_of_few_answers_bound_nothing() -> None:
    outcomes: list[Observation] = lane(9).outcomes
    found = summary(outcomes, Figure.ITL)
    assert (found.count, found.median, found.median_interval, found.p90) == (18, 1.5 * MS, None, None)
    many = [msgspec.structs.replace(one, gaps_ns=tuple(range(1, 101))) for one in lane(40).outcomes]
    found = summary(many, Figure.ITL)
    assert found.median_interval is not None
    assert found.p90 == pytest.approx(90, abs=1)


def test_tokens_of_different_families_are_said_to_differ() -> None:
    other = lane_with("llama-3.3-70b", lane(3).current)
    assert not any("not alike" in line for line in statistics_lines([lane(3)], [], 120))
    assert any("(haiku, llama)" in line for line in statistics_lines([lane(3), other], [], 120))


def test_what_a_sweep_tells_stands_under_the_table() -> None:
    one = lane(10)
    assert not any("Baseline latency" in line for line in statistics_lines([one], [], 80))
    for at, (prompt, tokens) in enumerate([(100, 16), (4_000, 100), (16_000, 200)] * 6):
        wait = 300 + prompt // 50 + at % 3
        one.swept.append(
            Observation(
                run=20 + at,
                input_tokens=prompt,
                output_tokens=tokens,
                ttft_ns=wait * MS,
                ttfo_ns=wait * MS,
                total_ns=(wait + 5 * tokens) * MS,
            )
        )
    lines = statistics_lines([one], [parse("baseline < 400ms")], 80)
    assert any(line.startswith("Baseline latency 30") and "95 % interval" in line for line in lines)
    assert any(line.startswith("✔ baseline < 400ms: met") for line in lines)


def test_hosts_stand_side_by_side_with_the_parts_of_ttft() -> None:
    lanes = []
    for host, extra in (("tokyo", 200 * MS), ("desk", 0)):
        found = lane(12)
        found.target = Target(name=f"haiku · {host}", model="haiku", host=host)
        found.outcomes[:] = [
            msgspec.structs.replace(one, host=host, ttft_ns=SECOND + extra, network_ns=extra, server_ns=SECOND)
            for one in found.outcomes
        ]
        lanes.append(found)
    lines = statistics_lines(lanes, (), 100)
    at = next(at for at, line in enumerate(lines) if line.startswith("target "))
    assert [line.split()[:4] for line in lines[at + 1 : at + 3]] == [
        ["haiku", "tokyo", "12", "1.20"],
        ["haiku", "desk", "12", "1.00"],
    ]
    assert lines[at + 3].startswith("haiku: tokyo is 200 ms slower than desk: 200 network, 0 server (95 %: ")
    assert not any(line.startswith("target ") for line in statistics_lines([lane(12)], (), 100))
