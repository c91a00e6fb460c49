"""Where a target's time goes: the parts of a typical answer as one stacked bar."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from tui.core.outcome import Outcome
from tui.ui.viewmodel.chart_source import ChartSource, bounded_note, latest_answers
from tui.ui.viewmodel.figures import format_ms
from tui.ui.viewmodel.numbers import Numbers


class Part(StrEnum):
    """What a part of the time went into, in the order in which it passed."""

    CONNECTION = "connection"
    BASELINE = "baseline"
    PROMPT = "prompt"
    THINKING = "thinking"
    OUTPUT = "output"


class Stack(msgspec.Struct, frozen=True):
    """One target's bar."""

    label: str
    parts: tuple[tuple[Part, float], ...]
    """With their lengths, ns; empty without answers."""

    @property
    def total_ns(self) -> float:
        """The bar's length, ns."""
        return sum(length for _, length in self.parts)


class Stacks(msgspec.Struct, frozen=True):
    """The targets in the lanes' order."""

    stacks: tuple[Stack, ...] = ()


def decomposition_stacks(source: ChartSource) -> Stacks:
    """The typical answer of each lane, of those counted since anything asked was last changed.

    Without a fit over prompts of different length, the prompt's part is in the baseline.
    """
    return Stacks(tuple(Stack(lane.label, typical_parts(latest_answers(lane))) for lane in source.lanes))


def decomposition_numbers(source: ChartSource) -> Numbers:
    """The parts of each lane's bar."""
    rows = []
    for stack in decomposition_stacks(source).stacks:
        lengths = dict(stack.parts)
        cells = [lengths.get(part) for part in Part] + [stack.total_ns if stack.parts else None]
        rows.append((stack.label, *(format_ms(None if cell is None else round(cell)) for cell in cells)))
    return Numbers(("typical", *Part, "sum"), tuple(rows), bounded_note(source.lanes))


def typical_parts(outcomes: Sequence[Outcome]) -> tuple[tuple[Part, float], ...]:
    """The means of each part over the middle half of the answers by their sum, ns.

    Medians of parts do not add up to a median; these means add up to the mean of that half.
    """
    ascending = sorted((parts for outcome in outcomes if (parts := _parts(outcome)) is not None), key=sum)
    cut = len(ascending) // 4
    middle = ascending[cut : len(ascending) - cut]
    if not middle:
        return ()
    return tuple(
        (part, sum(column) / len(column)) for part, column in zip(_MEASURED, zip(*middle, strict=True), strict=True)
    )


_MEASURED = (Part.CONNECTION, Part.BASELINE, Part.THINKING, Part.OUTPUT)


def _parts(outcome: Outcome) -> tuple[int, int, int, int] | None:
    if outcome.ttft_ns is None or outcome.total_ns is None:
        return None
    text = outcome.total_ns if outcome.ttfo_ns is None else outcome.ttfo_ns
    return (outcome.set_up_ns or 0, outcome.ttft_ns, text - outcome.ttft_ns, outcome.total_ns - text)
