"""The ledger of what was tried as a table: predicted against measured, the verdict, and what was decided."""

from collections.abc import Sequence

from tui.advice.trial import TrialResult
from tui.core.metrics import NS_PER_MS
from tui.core.statistics import Interval
from tui.core.wording import percent
from tui.export.document import utc
from tui.export.tables import ABSENT, SIMULATED, Table, rounded

_DECISIONS = {True: "accepted", False: "rejected", None: "undecided"}
_HELD = {True: "yes", False: "no", None: ABSENT}
_LABELS = (
    "Begun",
    "Target",
    "Model",
    "Endpoint",
    "Measured",
    "Prompt",
    "Change",
    "Verdict",
    "As predicted",
    "Decision",
    "Figure",
)
_NUMBERS = ("Predicted saving, ms", "Predicted interval, ms", "Measured saving, ms", "Measured interval, ms", "Repeats")


def tried_table(tried: Sequence[TrialResult]) -> Table:
    """One row per trial, the latest first. A saving below zero is a loss."""
    return Table(title="Tried", columns=(*_LABELS, *_NUMBERS), labels=len(_LABELS), rows=[_row(one) for one in tried])


def _row(tried: TrialResult) -> tuple[str, ...]:
    predicted = tried.predicted
    return (
        utc(tried.begun_unix_ns),
        tried.target,
        tried.model,
        tried.endpoint,
        SIMULATED if tried.simulated else "",
        tried.prompt,
        tried.headline,
        tried.result.value,
        _HELD[tried.held],
        _DECISIONS[tried.accepted],
        tried.trial.figure.label,
        _ms(predicted.ns if predicted else None),
        _ends(predicted.interval if predicted else None),
        _ms(tried.saved_ns),
        _ends(tried.interval),
        str(tried.repeats),
    )


def _ms(ns: float | None) -> str:
    return rounded(None if ns is None else ns / NS_PER_MS)


def _ends(interval: Interval | None) -> str:
    if interval is None:
        return ABSENT
    return f"{_ms(interval.low)} to {_ms(interval.high)} ({percent(interval.confidence)})"
