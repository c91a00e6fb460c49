"""All statistics of what stands in the lanes, with objectives and goodput: a table of texts per figure."""

from collections.abc import Sequence
from statistics import median

from tui.core.decomposition import Fit
from tui.core.figures import SAMPLED, Figure
from tui.core.goodput import goodput
from tui.core.host_difference import host_lines
from tui.core.objectives import Objective, judge, judged_together
from tui.core.observation import MOST_ITL_ANSWERS, Observation, summary
from tui.core.remarks import remarks_on, tokens_differ
from tui.core.sanitize import clean
from tui.core.statistics import CONFIDENCE
from tui.core.wording import ABSENT, aligned, amount, cells_of, counted, span
from tui.session.lane import Lane
from tui.ui.viewmodel.lane_lines import shortened

_WIDE = 90
"""Cells from which columns stand two apart."""
_CACHED = "↺"
"""Marks where cached tokens took part."""
_INTERVAL = f"{CONFIDENCE * 100:g} % interval"
_WIDEST_NAME = 28
_GIVES_WAY = ("sd", "mean", "min", "n", "max")
"""Columns that a narrow terminal does without, in this order."""


def statistics_lines(lanes: Sequence[Lane], objectives: Sequence[Objective], width: int) -> list[str]:
    """Counts of every lane; a table per figure, a lane per row; then the rest. In `width` cells where possible."""
    measured = [lane for lane in lanes if lane.current]
    if not measured:
        return ["No counted run yet."]
    names = shortened([lane.label for lane in measured], min(_WIDEST_NAME, width // 3))
    lines = [f"{name}: {_head(lane.current)}" for name, lane in zip(names, measured, strict=True)]
    for figure in SAMPLED:
        lines += _table(figure, names, [lane.current for lane in measured], width)
    family = len(objectives) * len(measured)
    for name, lane in zip(names, measured, strict=True):
        said = _said_of(lane, objectives, family)
        lines += ["", f"{name}:", *said] if said else []
    if hosts := host_lines([asked for lane in measured if (asked := lane.from_host) is not None]):
        lines += ["", *hosts]
    notes = [clean(line) for line in tokens_differ(lane.target.model for lane in measured)]
    notes += ["A percentile is shown only where enough answers bound it: from 29 on p90, 59 p95, 299 p99."]
    if any(len(lane.current) > MOST_ITL_ANSWERS for lane in lanes):
        notes.append(f"ITL is of the latest {MOST_ITL_ANSWERS} answers of each.")
    if together := judged_together(family):
        notes.append(f"{together}, of those who look once.")
    if not objectives:
        notes.append("No objectives are set, so nothing is judged, and there is no goodput.")
    return [*lines, "", *notes]


def _said_of(lane: Lane, objectives: Sequence[Objective], family: int) -> list[str]:
    """Times per token, remarks and objectives of one lane."""
    fit = lane.fit()
    said = [f"{each[0].upper()}{each[1:]}, fitted." for each in fit.sentences()]
    said += remarks_on(lane.label, lane.current)
    return [clean(line) for line in (*said, *objective_lines(lane.current, objectives, family, fit))]


def objective_lines(
    outcomes: Sequence[Observation], objectives: Sequence[Objective], family: int = 1, fit: Fit | None = None
) -> list[str]:
    """State of each objective, as mark and words, and the goodput; nothing without objectives."""
    if not objectives:
        return []
    fitted = None if fit is None else lambda: fit
    judgements = [judge(objective, outcomes, family=family, fitted=fitted) for objective in objectives]
    lines = [f"{judgement.state.mark} {judgement.sentence}" for judgement in judgements]
    found = goodput(objectives, outcomes)
    if found is not None:
        lines.append(f"goodput {found.sentence}")
    return lines


def _head(outcomes: Sequence[Observation]) -> str:
    failed = sum(outcome.failed for outcome in outcomes)
    answers = sum(outcome.answered for outcome in outcomes)
    parts = [f"{counted(answers, 'answer')}, {failed:,} failed"]
    for name in ("input", "output"):
        counts = [count for one in outcomes if (count := getattr(one, f"{name}_tokens")) is not None]
        parts += [counted(round(median(counts)), f"{name} token")] if counts else []
    cached = sum(outcome.cached_tokens > 0 for outcome in outcomes)
    parts += [f"{_CACHED} cached tokens in {cached}"] if cached else []
    return ", ".join(parts)


def _table(figure: Figure, names: Sequence[str], lanes: Sequence[Sequence[Observation]], width: int) -> list[str]:
    """The statistics of a figure, a lane per row, below an empty line; nothing where no lane has the figure."""
    rows = [_row(figure, name, outcomes) for name, outcomes in zip(names, lanes, strict=True)]
    if all(row["median"] == ABSENT for row in rows):
        return []
    columns = [name for name in rows[0] if name == figure.label or any(row[name] != ABSENT for row in rows)]
    gap = "  " if width >= _WIDE else " "
    while True:
        lines = aligned([columns, *([row[name] for name in columns] for row in rows)], gap=gap)
        spare = next((name for name in _GIVES_WAY if name in columns), None)
        if spare is None or max(map(cells_of, lines)) <= width:
            return ["", *lines]
        columns.remove(spare)


def _row(figure: Figure, name: str, outcomes: Sequence[Observation]) -> dict[str, str]:
    found = summary(outcomes, figure)
    interval = found.median_interval
    return {
        figure.label: name,
        "n": f"{found.count:,}",
        "min": amount(figure, found.min),
        "median": amount(figure, found.median),
        _INTERVAL: ABSENT if interval is None else span(figure, interval.low, interval.high),
        "mean": amount(figure, found.mean),
        "p90": amount(figure, found.p90),
        "p95": amount(figure, found.p95),
        "p99": amount(figure, found.p99),
        "max": amount(figure, found.max),
        "sd": amount(figure, found.deviation),
    }
