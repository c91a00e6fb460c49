"""Figures in sentences."""

import ast
import re
from itertools import pairwise

import pytest
from attached_files import pdf, png
from counts import whole_tree

from tui.core.attachment import attachment_of
from tui.core.figures import Figure
from tui.core.metrics import NS_PER_MS, NS_PER_S
from tui.core.wording import (
    amount,
    attached_words,
    counted,
    file_words,
    format_count,
    format_duration,
    format_rate,
    part_of,
    percent,
    round_amount,
    span,
)


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
    assert part_of(count, count, "run") == f"{count:,} of {said}"


def test_files_are_said_as_what_they_are() -> None:
    image, document = attachment_of(png(100, 100) + b"\0" * 34_000, "a"), attachment_of(pdf(3), "b")
    assert attached_words([image, document]) == "1 image 34 KB, 1 PDF 3 pages"
    assert attached_words([image, image]) == "2 images 68 KB"
    assert attached_words([]) == ""


@pytest.mark.parametrize(
    ("data", "facts"),
    [
        (png(100, 100) + b"\0" * 34_000, "image · 34 KB · 100 × 100 · ~14 tok"),
        (b"\xff\xd8\xff", "image · 1 KB · ~1,600 tok"),
        (pdf(3), "PDF · 1 KB · 3 pages · ~9,000 tok"),
        (b"%PDF-1.4", "PDF · 1 KB · ~3,000 tok"),
    ],
)
def test_a_file_is_said_with_all_that_is_known_of_it(data: bytes, facts: str) -> None:
    assert file_words(attachment_of(data, "a")) == facts


def _called(node: ast.AST) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def test_things_are_counted_by_one_function() -> None:
    """No text writes a plural of what `counted` counts anywhere, but after a limit that is a constant. After a key or
    a name a word such as "runs" is a verb."""
    modules = [module for module in whole_tree().modules if not module.name.startswith("tui.simulator")]
    nodes = [(module.name, node) for module in modules for node in module.nodes]
    said = {
        str(argument.value).split()[-1]
        for _, node in nodes
        if _called(node) in ("counted", "part_of") and isinstance(node, ast.Call)
        for argument in node.args[-1:]
        if isinstance(argument, ast.Constant)
    }
    plural = re.compile(rf" (?:more |other |complete )?({'|'.join(sorted(said))})s\b(?!/)")
    by_hand = []
    for name, node in nodes:
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        for number, after in pairwise(parts):
            if isinstance(number, ast.FormattedValue) and isinstance(after, ast.Constant):
                written = ast.unparse(number.value)
                is_number = not (written.isupper() or "key" in written or written == "name")
                if is_number and (found := plural.match(str(after.value))):
                    by_hand.append(f"{name}: {{{written}}}{found[0]}")
    assert by_hand == []
