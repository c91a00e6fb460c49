"""Gates on a load: what its levels must reach for a job to pass.

`goodput >= 12/s at ttft.p95 < 800ms`: at one level at least, goodput is so high while that objective is met. An
objective alone, such as `errors < 1%`, must be met at every level.
"""

import re
from collections.abc import Sequence

import msgspec

from tui.core import objectives
from tui.core.distributions import share_bounds
from tui.core.load_results import LevelSummary
from tui.core.objectives import Objective, ObjectiveState
from tui.core.statistics import CONFIDENCE
from tui.core.wording import percent, three_digits

_GOODPUT = re.compile(
    r"\s*goodput\s*>=?\s*(?P<number>\d+(?:\.\d+)?)\s*(?:/s|requests/s)\s*(?:\bat\b(?P<conditions>.+))?", re.IGNORECASE
)


class LoadGate(msgspec.Struct, frozen=True, kw_only=True):
    """A gate; made by `parse`."""

    text: str
    """As it was written, blanks aside."""
    goodput: float | None
    """Least goodput, 1/s; None for objectives alone."""
    objectives: tuple[Objective, ...]
    """Those that hold at the level of this goodput, or at every level."""


class GateRuling(msgspec.Struct, frozen=True, kw_only=True):
    """State of a gate at one target."""

    gate: LoadGate
    target: str
    state: ObjectiveState
    basis: str

    @property
    def sentence(self) -> str:
        """The outcome in words, without a full stop."""
        return f"{self.target}: {self.gate.text}, {self.basis}"


def parse(text: str) -> LoadGate:
    """A gate from its text. Raises ValueError with a sentence that says what is wrong and what would be right."""
    written = " ".join(text.split())
    if not written.lower().startswith("goodput"):
        return LoadGate(text=written, goodput=None, objectives=(objectives.parse(written),))
    match = _GOODPUT.fullmatch(written)
    if match is None:
        raise ValueError(f"Gate {written!r}: write it like 'goodput >= 12/s at ttft.p95 < 800ms and errors < 1%'.")
    conditions = re.split(r"\band\b", match["conditions"]) if match["conditions"] else []
    found = tuple(objectives.parse(condition.strip()) for condition in conditions)
    return LoadGate(text=written, goodput=float(match["number"]), objectives=found)


def refuse(texts: Sequence[str]) -> str | None:
    """The complaint about gates in a file, as the end of a sentence, or None."""
    return objectives.complaint_of(parse, texts)


def judge(gate: LoadGate, levels: Sequence[LevelSummary], confidence: float = CONFIDENCE) -> GateRuling:
    """Judge a gate at one target: met or missed only where a bound at `confidence` says so.

    Of several levels any may reach a goodput, so that each has to with a part of the error (Bonferroni), and all have
    to miss it; an objective alone is met at all of them, and missed with such a part at any.
    """
    strict = 1 - (1 - confidence) / max(1, len(levels))
    at_every = gate.goodput is None
    found = _at_every_level(gate, levels, confidence) if at_every else _at_some_level(gate, levels, confidence, strict)
    return GateRuling(gate=gate, target=levels[0].target if levels else "", state=found[0], basis=found[1])


def _at_every_level(gate: LoadGate, levels: Sequence[LevelSummary], confidence: float) -> tuple[ObjectiveState, str]:
    (objective,) = gate.objectives
    found = [objectives.judge(objective, one.observations, confidence, family=len(levels)) for one in levels]
    for state in (ObjectiveState.MISSED, ObjectiveState.UNKNOWN):
        for one, judgement in zip(levels, found, strict=True):
            if judgement.state is state:
                return state, f"at {one.level.label} {judgement.basis}"
    return (ObjectiveState.MET, "at every level") if levels else (ObjectiveState.UNKNOWN, "nothing was measured")


def _at_some_level(
    gate: LoadGate, levels: Sequence[LevelSummary], confidence: float, strict: float
) -> tuple[ObjectiveState, str]:
    assert gate.goodput is not None
    open_to: list[LevelSummary] = []
    for one in levels:
        low, (_, high) = _bounds(one, strict)[0], _bounds(one, confidence)
        surely = [objectives.judge(each, one.observations, strict).state for each in gate.objectives]
        if low >= gate.goodput and all(state is ObjectiveState.MET for state in surely):
            return ObjectiveState.MET, f"at {one.level.label} at least {three_digits(low)}/s ({percent(confidence)})"
        family = len(gate.objectives)
        states = [objectives.judge(each, one.observations, confidence, family=family).state for each in gate.objectives]
        if high >= gate.goodput and ObjectiveState.MISSED not in states:
            open_to.append(one)
    if not levels:
        return ObjectiveState.UNKNOWN, "nothing was measured"
    best = max(open_to or levels, key=lambda one: one.goodput)
    most = f"{three_digits(best.goodput)}/s at {best.level.label}"
    if open_to:
        return ObjectiveState.UNKNOWN, f"{most}, too few requests to be sure"
    return ObjectiveState.MISSED, f"at no level; the most is {most}"


def _bounds(level: LevelSummary, confidence: float) -> tuple[float, float]:
    """Bounds of the goodput; with too few good requests for batch means those of their share, at the rate of all."""
    bounds = level.goodput_bounds(confidence)
    if bounds is not None:
        return bounds
    _, share = share_bounds(level.good, level.requests, confidence)
    return 0.0, share * level.requests / level.seconds
