"""Figures in sentences."""

import pytest

from tui.core.figures import Figure
from tui.core.metrics import NS_PER_MS, NS_PER_S
from tui.core.wording import amount, counted, format_count, format_duration, format_rate, percent, round_amount, span


@pytest.mark.parametrize(
    ("figure", "value", "written"),
    [
        (Figure.TTFT, 212.4 * NS_PER_MS, "212 ms"),
        (Figure.TPOT, 8.314 * NS_PER_MS, "8.31 ms"),
        (Figure.TOTAL, 1_340 * NS_PER_MS, "1.34 s"),
        (Figure.TOTAL, 999.6 * NS_PER_MS, "1.00 s"),
        (Figure.TTFT, -12.3 * NS_PER_MS, "-12.3 ms"),
        (Figure.OTPS, 64.21, "64.2 tok/s"),
        (Figure.CHARACTERS_PER_S, 158.3, "158 characters/s"),
    ],
)
def test_amount(figure: Figure, value: float, written: str) -> None:
    assert amount(figure, value) == written


def test_a_span_has_one_unit() -> None:
    assert span(Figure.TTFT, 180 * NS_PER_MS, 251 * NS_PER_MS) == "180 to 251 ms"
    assert span(Figure.TTFT, 800 * NS_PER_MS, 1.2 * NS_PER_S) == "0.80 to 1.20 s"
    assert span(Figure.CHARACTERS_PER_S, 150, 160) == "150 to 160 characters/s"


def test_round_numbers_stay_round() -> None:
    assert round_amount(Figure.TTFT, 50 * NS_PER_MS) == "50 ms"
    assert round_amount(Figure.TTFT, 1.5 * NS_PER_S) == "1.5 s"
    assert round_amount(Figure.OTPS, 5.0) == "5 tok/s"
    assert round_amount(Figure.CHARACTERS_PER_S, 5.0) == "5 characters/s"
    assert percent(0.95) == "95 %"
    assert percent(0.012345) == "1.23 %"


@pytest.mark.parametrize(
    ("ns", "expected"),
    [
        (None, "—"),
        (0, "0.00 ms"),
        (423_000, "0.42 ms"),
        (8_314_000, "8.31 ms"),
        (9_995_000, "10.0 ms"),
        (64_240_000, "64.2 ms"),
        (99_960_000, "100 ms"),
        (212_400_000, "212 ms"),
        (999_400_000, "999 ms"),
        (999_500_000, "1.00 s"),
        (1_340_000_000, "1.34 s"),
        (12_700_000_000, "12.7 s"),
        (102_000_000_000, "102 s"),
        (1_025_000_000_000, "17:05"),
        (-3_000_000, "-3.00 ms"),
    ],
)
def test_format_duration(ns: int | None, expected: str) -> None:
    assert format_duration(ns) == expected


@pytest.mark.parametrize(
    ("rate", "expected"), [(None, "—"), (8.314, "8.31"), (64.23, "64.2"), (212.4, "212"), (1240.0, "1,240")]
)
def test_format_rate(rate: float | None, expected: str) -> None:
    assert format_rate(rate) == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(None, "—"), (0, "0"), (1024, "1,024"), (999_949, "999,949"), (1_020_000, "1.02M")]
)
def test_format_count(count: int | None, expected: str) -> None:
    assert format_count(count) == expected


@pytest.mark.parametrize(("count", "said"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (1_200, "1,200 runs")])
def test_one_is_not_several(count: int, said: str) -> None:
    assert counted(count, "run") == said
