"""Results in words and tables, for people: plain text, no control characters."""

import unicodedata
from collections.abc import Sequence

from tui.core.figures import Figure
from tui.core.objectives import Judgement, Objective, ObjectiveState, goodput
from tui.core.observation import samples
from tui.core.sanitize import clean
from tui.core.statistics import Description, describe
from tui.core.wording import amount, span, three_digits
from tui.headless.results import TargetResult

_ABSENT = "-"
_SHOWN = (Figure.TTFT, Figure.TOTAL)
_ALL = (Figure.TTFT, Figure.TTFO, Figure.TOTAL, Figure.TPOT, Figure.OTPS)
_MARKS = {ObjectiveState.MET: "met", ObjectiveState.MISSED: "MISSED", ObjectiveState.UNKNOWN: "not yet known"}


def table(results: Sequence[TargetResult]) -> str:
    """One row per target and figure: count, failures, median with its interval, p95, best and worst."""
    heading = ("target", "figure", "n", "failed", "median", "95 % interval", "p95", "min", "max")
    rows: list[tuple[str, ...]] = [heading]
    for result in results:
        for figure in _SHOWN:
            found = describe(samples(result.observations, figure))
            rows.append((clean(result.name), figure.label, *_cells(figure, found)))
    return _aligned(rows)


def sentences(results: Sequence[TargetResult]) -> list[str]:
    """The same for a screen reader or a log: one sentence per target and figure, without a table."""
    lines = []
    for result in results:
        name = clean(result.name)
        failed = sum(observation.failed for observation in result.observations)
        lines.append(f"{name}: {len(result.observations) - failed} complete answers, {failed} failed.")
        for figure in _ALL:
            found = describe(samples(result.observations, figure))
            if found.median is None:
                continue
            interval = found.median_interval
            within = f", 95 % interval {span(figure, interval.low, interval.high)}" if interval else ""
            p95 = f", p95 {amount(figure, found.p95)}" if found.p95 is not None else ""
            lines.append(f"{name}: {figure.label} median {amount(figure, found.median)}{within}{p95}.")
    return lines


def verdicts(results: Sequence[TargetResult]) -> list[str]:
    """One line per target and objective."""
    return [
        f"{_MARKS[judgement.state]}: {clean(result.name)}: {_details(judgement)}"
        for result in results
        for judgement in result.judgements
    ]


def goodput_lines(results: Sequence[TargetResult], objectives: Sequence[Objective]) -> list[str]:
    """Per target, how many requests a second meet every objective; nothing without objectives."""
    lines = []
    for result in results:
        found = goodput(objectives, result.observations) if objectives else None
        if found is not None:
            of = f"{found.good} of {found.count} requests meet every objective"
            lines.append(f"goodput: {clean(result.name)}: {three_digits(found.per_second)} requests/s, {of}")
    return lines


def _details(judgement: Judgement) -> str:
    text = judgement.objective.text
    return text + judgement.sentence.removeprefix(f"{text}: {judgement.state.value}")


def _cells(figure: Figure, found: Description) -> tuple[str, ...]:
    interval = found.median_interval
    return (
        str(found.count),
        str(found.failures) if found.failures else _ABSENT,
        _amount(figure, found.median),
        span(figure, interval.low, interval.high) if interval else _ABSENT,
        _amount(figure, found.p95),
        _amount(figure, found.min),
        _amount(figure, found.max),
    )


def _amount(figure: Figure, value: float | None) -> str:
    return _ABSENT if value is None else amount(figure, value)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(_cells_of, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        # Names to the left, figures to the right.
        cells = [
            text + " " * (width - _cells_of(text)) if position < 2 else " " * (width - _cells_of(text)) + text
            for position, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _cells_of(text: str) -> int:
    """Terminal cells of `text`: two for a wide character, none for one that combines."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
