"""Advice as text and as JSON, for the headless command."""

from collections.abc import Iterator, Sequence
from typing import Any

from tui.advice.advise import Advice
from tui.advice.citations import FIRST_NOTE
from tui.advice.suggestion import Basis, NoSuggestion, Saving, Suggestion
from tui.advice.trial import TrialResult
from tui.core.metrics import NS_PER_MS
from tui.core.sanitize import clean
from tui.core.statistics import Interval
from tui.core.wording import change, counted, percent


def as_text(advices: Sequence[Advice], tried: Sequence[TrialResult] = ()) -> str:
    """Return advice and past trials as text for a terminal. Text from files and models is cleaned."""
    lines = [FIRST_NOTE]
    for advice in advices:
        lines += ["", *(clean(line) for line in _lines(advice))]
    if tried:
        lines += ["", "Tried before:", *(f"  - {clean(tried_sentence(entry))}" for entry in tried)]
    return "\n".join(lines) + "\n"


def as_json(advices: Sequence[Advice], tried: Sequence[TrialResult] = ()) -> dict[str, Any]:
    """Return advice and past trials as plain data: times in milliseconds, undefined values absent."""
    return {
        "first_note": FIRST_NOTE,
        "advice": [
            {
                "target": advice.target,
                "simulated": advice.simulated,
                "answers": advice.count,
                **_where(advice),
                "conclusion": advice.conclusion,
                "warnings": [_no_suggestion(one) for one in advice.warnings],
                "suggestions": [_suggestion(one) for one in advice.suggestions],
                "minor": [_suggestion(one) for one in advice.minor],
                "silent": [_no_suggestion(one) for one in advice.no_suggestions],
            }
            for advice in advices
        ],
        "tried": [_tried(entry) for entry in tried],
    }


def tried_sentence(tried: TrialResult) -> str:
    """Describe an entry of the trial log: prediction, measurement and decision."""
    mark = "SIMULATED · " if tried.simulated else ""
    predicted = "nothing" if tried.predicted is None else saving_sentence(tried.predicted)
    return (
        f"{mark}{tried.target}: {tried.headline}; predicted {predicted}; measured {tried.sentence}; {decision(tried)}"
    )


def decision(tried: TrialResult) -> str:
    """Name the person's decision."""
    return {True: "accepted", False: "rejected", None: "undecided"}[tried.accepted]


def saving_sentence(saving: Saving) -> str:
    """Describe an estimate: `total −820 ms (−940 to −700 ms, 95 %), derived from 10 runs`."""
    runs = counted(saving.count, "run")
    if saving.interval is None:
        return f"{saving.figure.label} {change(saving.figure, -saving.ns)}, from {runs}: too few for an interval"
    how = "presumed" if saving.basis is Basis.PRESUMED else percent(saving.interval.confidence)
    # A saving is a change downwards.
    said = change(saving.figure, -saving.ns, -saving.interval.high, -saving.interval.low, how)
    return f"{saving.figure.label} {said}, {_BASES[saving.basis]} {runs}"


_BASES = {
    Basis.MEASURED: "measured in",
    Basis.DERIVED: "derived from",
    Basis.PRESUMED: "a presumed share of what was measured in",
}


def _lines(advice: Advice) -> Iterator[str]:
    mark = " (SIMULATED)" if advice.simulated else ""
    yield f"{advice.target}{mark}: {advice.conclusion}"
    if advice.where is not None:
        yield f"  {advice.where.sentence}"
    for warning in advice.warnings:
        yield f"  ! {warning.rule}: {warning.reason}; what would help: {warning.run}"
    for number, suggestion in enumerate(advice.suggestions, 1):
        source = suggestion.source
        yield f"  {number}. {suggestion.headline}"
        yield f"     {saving_sentence(suggestion.saving)}"
        for figure in suggestion.figures:
            yield f"     {figure}"
        yield f"     price: {suggestion.price}"
        if suggestion.passes:
            yield f"     {suggestion.passes}"
        yield f"     source: {source.name}, {source.section}, {source.url}"
    for suggestion in advice.minor:
        yield f"  - too small to matter: {suggestion.headline} ({saving_sentence(suggestion.saving)})"
    for one in advice.no_suggestions:
        if one.run:
            yield f"  - {one.rule}: {one.reason}; what would tell: {one.run}"


def _where(advice: Advice) -> dict[str, Any]:
    if advice.where is None:
        return {}
    parts = advice.where.parts
    spent = {name: getattr(parts, name) for name in parts.__struct_fields__}
    return {
        "bound": advice.where.bound.value,
        "where_ms": {name.removesuffix("_ns"): _ms(value) for name, value in spent.items() if value is not None},
    }


def _tried(tried: TrialResult) -> dict[str, Any]:
    described: dict[str, Any] = {
        "target": tried.target,
        "model": tried.model,
        "endpoint": tried.endpoint,
        "simulated": tried.simulated,
        "begun_unix_ns": tried.begun_unix_ns,
        "headline": tried.headline,
        "change": tried.trial.change.label,
        "figure": tried.trial.figure.value,
        "verdict": tried.result.value,
        "repeats": tried.repeats,
        "decision": decision(tried),
    }
    if tried.predicted is not None:
        described |= {"predicted_ms": _ms(tried.predicted.ns), **_interval("predicted_", tried.predicted.interval)}
    if tried.saved_ns is not None:
        described |= {"saved_ms": _ms(tried.saved_ns), **_interval("", tried.interval)}
    if tried.held is not None:
        described["as_predicted"] = tried.held
    if tried.passes:
        described["passes"] = tried.passes
    return described


def _interval(name: str, interval: Interval | None) -> dict[str, Any]:
    return {} if interval is None else {f"{name}interval_ms": [_ms(interval.low), _ms(interval.high)]}


def _suggestion(suggestion: Suggestion) -> dict[str, Any]:
    saving = suggestion.saving
    described: dict[str, Any] = {
        "id": suggestion.id,
        "headline": suggestion.headline,
        "figure": saving.figure.value,
        "saves_ms": _ms(saving.ns),
        "basis": saving.basis.value,
        "runs": saving.count,
        "rests_on": list(suggestion.figures),
        "price": suggestion.price,
        "source": {"name": suggestion.source.name, "section": suggestion.source.section, "url": suggestion.source.url},
    }
    if saving.interval is not None:
        described["interval_ms"] = [_ms(saving.interval.low), _ms(saving.interval.high)]
        if saving.basis is not Basis.PRESUMED:
            described["confidence"] = saving.interval.confidence
    if suggestion.trial is not None:
        described["change"] = suggestion.trial.change.label
    if suggestion.passes:
        described["passes"] = suggestion.passes
    return described


def _no_suggestion(one: NoSuggestion) -> dict[str, Any]:
    return {"rule": one.rule, "reason": one.reason, **({"run": one.run} if one.run else {})}


def _ms(ns: float) -> float:
    return ns / NS_PER_MS
