"""A figure looks the same wherever it is shown."""

import pytest

from tui.core.wording import format_count, format_duration, format_rate


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
