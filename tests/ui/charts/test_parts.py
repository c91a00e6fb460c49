"""The parts of an answer add up to the whole."""

from itertools import pairwise

import msgspec
import pytest
from chart_samples import MS, outcome_of, outcomes, source_of
from hypothesis import given

from tui.core.observation import Observation
from tui.ui.charts.parts import LOOKS, Part, part_numbers, part_rows, typical_parts
from tui.ui.charts.plot import BarRow


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
    # The round trip of these samples grows with their wait, which would be no time of the prompt.
    of_lane = [msgspec.structs.replace(one, output_tokens=50, network_ns=30 * MS) for one in of_lane]
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
    assert "  1.00 ms (1.00 to 1.00 ms) per 1,000 input tokens" in numbers.note.splitlines()
    assert "per output token" not in numbers.note.replace("the time per output token", "")
    assert "vary max_tokens" in numbers.note


def test_parts_of_one_answer() -> None:
    of_lane = [outcome_of(1, 200 * MS, 900 * MS, 500 * MS)]
    rows = part_rows(source_of(of_lane))
    assert lengths_of(rows.rows[0]) == pytest.approx(
        {Part.CONNECTION: 0.03, Part.WAITING: 0.2, Part.THINKING: 0.3, Part.OUTPUT: 0.4}
    )
    assert [look.name for look in rows.key] == [part for part in Part if part is not Part.PROMPT]
