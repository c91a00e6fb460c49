"""Figures in sentences."""

import pytest

from tui.core.figures import Figure
from tui.core.metrics import NS_PER_MS, NS_PER_S
from tui.core.wording import amount, percent, round_amount, span


@pytest.mark.parametrize(
    ("figure", "value", "written"),
    [
        (Figure.TTFT, 212.4 * NS_PER_MS, "212 ms"),
        (Figure.TPOT, 8.314 * NS_PER_MS, "8.31 ms"),
        (Figure.TOTAL, 1_340 * NS_PER_MS, "1.34 s"),
        (Figure.TOTAL, 999.6 * NS_PER_MS, "1.00 s"),
        (Figure.TTFT, -12.3 * NS_PER_MS, "-12.3 ms"),
        (Figure.OTPS, 64.21, "64.2 tok/s"),
    ],
)
def test_amount(figure: Figure, value: float, written: str) -> None:
    assert amount(figure, value) == written


def test_a_span_has_one_unit() -> None:
    assert span(Figure.TTFT, 180 * NS_PER_MS, 251 * NS_PER_MS) == "180 to 251 ms"
    assert span(Figure.TTFT, 800 * NS_PER_MS, 1.2 * NS_PER_S) == "0.80 to 1.20 s"


def test_round_numbers_stay_round() -> None:
    assert round_amount(Figure.TTFT, 50 * NS_PER_MS) == "50 ms"
    assert round_amount(Figure.TTFT, 1.5 * NS_PER_S) == "1.5 s"
    assert round_amount(Figure.OTPS, 5.0) == "5 tok/s"
    assert percent(0.95) == "95 %"
    assert percent(0.012345) == "1.23 %"
