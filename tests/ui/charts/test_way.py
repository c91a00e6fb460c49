"""Connect, upload, network, server and stream: the parts of an answer add up to the whole."""

import msgspec
import pytest
from chart_samples import MS, outcome_of, source_of

from tui.core.observation import Observation
from tui.core.wording import ABSENT
from tui.ui.charts.way import CHART, LOOKS, typical_way, way_numbers, way_rows


def answer(number: int, upload: int, network: int, server: int, stream: int, *, connect: int = 0) -> Observation:
    """Times in ms."""
    ttft = upload + network + server
    outcome = outcome_of(number, ttft * MS, (ttft + stream) * MS, ttft * MS)
    return msgspec.structs.replace(
        outcome,
        set_up_ns=connect * MS or None,
        upload_ns=upload * MS,
        network_ns=network * MS,
        server_ns=server * MS,
    )


def test_the_typical_answer_is_the_mean_of_the_middle_half() -> None:
    answers = [
        answer(1, 5, 80, 300, 900),
        answer(2, 7, 80, 310, 900),
        answer(3, 0, 80, 0, 1),
        answer(4, 0, 80, 9_000, 1),
    ]
    assert typical_way(answers) == pytest.approx([0, 6 * MS, 80 * MS, 305 * MS, 900 * MS])
    rows = way_rows(source_of(answers))
    bars = rows.rows[0].bars
    assert [bar.look.name for bar in bars] == ["upload", "network", "server", "stream"]
    assert bars[-1].high == pytest.approx(1.291)
    numbers = way_numbers(source_of(answers))
    assert numbers.rows[0][1:] == ("0.00 ms", "6.00 ms", "80.0 ms", "305 ms", "900 ms", "1.29 s")


def test_the_connection_comes_first() -> None:
    (bar, *_) = way_rows(source_of([answer(1, 0, 80, 300, 900, connect=160)])).rows[0].bars
    assert bar.look.name == "connect"
    assert bar.high == pytest.approx(0.16)


def test_what_cannot_be_split_is_left_out_and_said() -> None:
    unknown = msgspec.structs.replace(answer(1, 0, 80, 220, 600), upload_ns=None, network_ns=None, server_ns=None)
    assert typical_way([unknown]) == ()
    rows = way_rows(source_of([unknown]))
    assert not rows.rows[0].bars
    assert "cannot be split" in rows.foot
    assert "split" in CHART.placeholder
    assert {*way_numbers(source_of([unknown])).rows[0][1:]} == {ABSENT}
    assert not way_rows(source_of([])).foot
    assert typical_way([unknown, answer(2, 0, 80, 300, 900)]) == pytest.approx([0, 0, 80 * MS, 300 * MS, 900 * MS])


def test_parts_have_glyphs_of_their_own() -> None:
    assert len({look.glyph for look in LOOKS}) == len({look.ascii_glyph for look in LOOKS}) == len(LOOKS)
