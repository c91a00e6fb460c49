"""All statistics of what stands in the lanes, with objectives and goodput: a table of texts per lane."""

from collections.abc import Sequence
from statistics import median

from tui.core.figures import Figure
from tui.core.objectives import Objective, goodput, judge
from tui.core.observation import MOST_ITL_ANSWERS, Observation, summary
from tui.core.sanitize import clean
from tui.core.statistics import CONFIDENCE
from tui.core.wording import ABSENT, amount, span, three_digits
from tui.session.lane import Lane
from tui.ui.viewmodel.evidence import MARKS

_WIDE = 90
"""Cells from which columns stand two apart."""
_CACHED = "↺"
"""Marks where cached tokens took part."""
_INTERVAL = f"{CONFIDENCE * 100:g} % interval"
_GIVES_WAY = ("sd", "mean", "min", "n", "max")
"""Columns that a narrow terminal does without, in this order."""


def statistics_lines(lanes: Sequence[Lane], objectives: Sequence[Objective], width: int) -> list[str]:
    """A block per lane with a counted answer, in `width` cells where that is possible."""
    lines: list[str] = []
    for lane in lanes:
        current = lane.current
        if current:
            lines += [f"{clean(lane.label)}: {_head(current)}", *_table(current, width)]
            lines += [clean(line) for line in objective_lines(current, objectives)]
            lines.append("")
    if not lines:
        return ["No counted run yet."]
    notes = ["A percentile is shown only where enough answers bound it: from 29 on p90, 59 p95, 299 p99."]
    if any(len(lane.current) > MOST_ITL_ANSWERS for lane in lanes):
        notes.append(f"ITL is of the latest {MOST_ITL_ANSWERS} answers of each.")
    if not objectives:
        notes.append("No objectives are set, so nothing is judged, and there is no goodput.")
    return [*lines, *notes]


def objective_lines(outcomes: Sequence[Observation], objectives: Sequence[Objective]) -> list[str]:
    """How each objective stands, as mark and words, and the goodput; nothing without objectives."""
    if not objectives:
        return []
    judgements = [judge(objective, outcomes) for objective in objectives]
    lines = [f"{MARKS[judgement.state]} {judgement.sentence}" for judgement in judgements]
    found = goodput(objectives, outcomes)
    if found is not None:
        of = f"{found.good} of {found.count} request{'' if found.count == 1 else 's'} within every limit"
        lines.append(f"goodput {three_digits(found.per_second)} requests/s, {of}")
    return lines


def _head(outcomes: Sequence[Observation]) -> str:
    failed = sum(outcome.failed for outcome in outcomes)
    answers = len(outcomes) - failed
    parts = [f"{answers} answer{'' if answers == 1 else 's'}, {failed} failed"]
    for name in ("input", "output"):
        counts = [count for one in outcomes if (count := getattr(one, f"{name}_tokens")) is not None]
        parts += [f"{median(counts):,.0f} {name} tokens"] if counts else []
    cached = sum(outcome.cached_tokens > 0 for outcome in outcomes)
    parts += [f"{_CACHED} cached tokens in {cached}"] if cached else []
    return ", ".join(parts)


def _table(outcomes: Sequence[Observation], width: int) -> list[str]:
    rows = [_row(figure, outcomes) for figure in Figure]
    columns = [name for name in rows[0] if name == "" or any(row[name] != ABSENT for row in rows)]
    gap = "  " if width >= _WIDE else " "
    for name in _GIVES_WAY:
        if sum(_widths(rows, columns)) + len(gap) * (len(columns) - 1) <= width:
            break
        columns = [column for column in columns if column != name]
    widths = _widths(rows, columns)
    heading = {name: name for name in columns}
    return [
        gap.join(
            f"{row[name]:>{cells}}" if name else f"{row[name]:<{cells}}"
            for name, cells in zip(columns, widths, strict=True)
        )
        for row in (heading, *rows)
    ]


def _widths(rows: Sequence[dict[str, str]], columns: Sequence[str]) -> list[int]:
    return [max(len(name), *(len(row[name]) for row in rows)) for name in columns]


def _row(figure: Figure, outcomes: Sequence[Observation]) -> dict[str, str]:
    found = summary(outcomes, figure)
    interval = found.median_interval

    def written(value: float | None) -> str:
        return ABSENT if value is None else amount(figure, value)

    return {
        "": figure.label,
        "n": f"{found.count:,}",
        "min": written(found.min),
        "median": written(found.median),
        _INTERVAL: ABSENT if interval is None else span(figure, interval.low, interval.high),
        "mean": written(found.mean),
        "p90": written(found.p90),
        "p95": written(found.p95),
        "p99": written(found.p99),
        "max": written(found.max),
        "sd": written(found.deviation),
    }
