"""The chart "parts", where the time goes: the parts of a lane's typical answer as one stacked bar."""

import textwrap
from collections.abc import Sequence
from enum import StrEnum

from tui.core.decomposition import Fit, parts_of, typical
from tui.core.figures import FITTED
from tui.core.observation import Observation
from tui.core.wording import amount, counted, format_duration, span
from tui.session.live import Lane
from tui.ui.charts.plot import BarRow, BarRows, Look, Numbers, stacked, time_axis
from tui.ui.charts.source import Chart, ChartSource, bounded_note, by_answer, latest_answers

_NOTE_CELLS = 56
"""Width of the sentences below the table."""


class Part(StrEnum):
    """A part of the time of an answer, in the order in which they pass."""

    CONNECTION = "connection"
    WAITING = "waiting"
    PROMPT = "prompt"
    THINKING = "thinking"
    OUTPUT = "output"


LOOKS = {
    Part.CONNECTION: Look(Part.CONNECTION, "connect", "·", ".", "setup"),
    Part.WAITING: Look(Part.WAITING, "wait", "░", "-", "waiting"),
    Part.PROMPT: Look(Part.PROMPT, "prompt", "╱", "/", "prompt"),
    Part.THINKING: Look(Part.THINKING, "think", "▒", "~", "thinking"),
    Part.OUTPUT: Look(Part.OUTPUT, "output", "█", "#", "output"),
}


def part_rows(source: ChartSource) -> BarRows:
    """The typical answer of each lane, of those counted since anything asked was last changed.

    Without a fit over prompts of different length, the prompt's part is in waiting. The foot says which run would
    tell what is not told yet.
    """
    fitted = _fitted(source)
    typical_of = [(lane, typical_parts(latest_answers(lane), fit)) for lane, fit in fitted]
    rows = tuple(
        BarRow(lane.label, stacked((LOOKS[part], length) for part, length in parts)) for lane, parts in typical_of
    )
    present = {part for _, parts in typical_of for part, _ in parts}
    return BarRows(
        rows=rows,
        x=time_axis(rows),
        key=tuple(look for part, look in LOOKS.items() if part in present),
        foot=advice(source, [fit for lane, fit in fitted if lane.outcomes or lane.swept]),
    )


def advice(source: ChartSource, fits: Sequence[Fit]) -> str:
    """Sentences that say which runs would make these fits whole, and the key that starts them."""
    said = [f"{each[0].upper()}{each[1:]}." for each in dict.fromkeys(fit.sentence for fit in fits) if each]
    if said and source.sweep_key:
        said.append(f"{source.sweep_key} runs a sweep of prompt lengths and max_tokens.")
    return " ".join(said)


def part_numbers(source: ChartSource) -> Numbers:
    """The parts of each lane's bar, and what its fit says of the time per token."""
    rows: list[tuple[str, ...]] = []
    pairs = _fitted(source)
    for lane, fit in pairs:
        lengths = dict(typical_parts(latest_answers(lane), fit))
        cells = [lengths.get(part) for part in Part] + [sum(lengths.values()) if lengths else None]
        rows.append((lane.label, *(format_duration(None if cell is None else round(cell)) for cell in cells)))
    fits = [line for lane, fit in pairs for line in fit_lines(lane.label, fit)]
    if fits:
        fits = ["Fitted to all lengths, with 95 % intervals:", *fits]
    advised = textwrap.wrap(advice(source, [fit for _, fit in pairs]), _NOTE_CELLS)
    note = "\n".join(filter(None, (*fits, *advised, bounded_note(source.lanes))))
    return Numbers(("typical", *Part, "sum"), tuple(rows), note)


def fit_lines(label: str, fit: Fit) -> list[str]:
    """A target's baseline latency and its times per token; empty without a fit. A time that may be nothing says so."""
    lines = [
        f"  {amount(figure, each.value)} ({span(figure, each.interval.low, each.interval.high)}) {figure.label}"
        f"{'' if each.is_shown else ', none shown'}"
        for figure in FITTED
        if (each := fit.of(figure)) is not None
    ]
    return [f"{label}, {counted(fit.count, 'answer')}", *lines] if lines else []


def typical_parts(outcomes: Sequence[Observation], fit: Fit | None = None) -> tuple[tuple[Part, float], ...]:
    """The parts of `decomposition.typical`, ns; the prompt's only where the fit tells it."""
    per_token = per_prompt_token(fit)
    found = typical([parts for outcome in outcomes if (parts := parts_of(outcome, per_token)) is not None])
    if found is None:
        return ()
    lengths = {
        Part.CONNECTION: found.connection_ns,
        Part.WAITING: found.waiting_ns,
        Part.PROMPT: found.prompt_ns,
        Part.THINKING: found.thinking_ns,
        Part.OUTPUT: found.output_ns,
    }
    return tuple((part, length) for part, length in lengths.items() if length is not None)


def per_prompt_token(fit: Fit | None) -> float | None:
    """The time per token of the prompt, ns; None where it may be nothing."""
    found = fit.per_input if fit is not None else None
    return found.value if found is not None and found.interval.low > 0 else None


def _fitted(source: ChartSource) -> list[tuple[Lane, Fit]]:
    return [(lane, lane.fit()) for lane in source.lanes]


CHART = Chart(title="Where the time goes", build=part_rows, version=by_answer, numbers=part_numbers)
