"""Another model: faster as measured here, never as its name says."""

from collections.abc import Sequence
from statistics import median

from tui.advice import sources
from tui.advice.estimate import faster_alternative, measured_saving
from tui.advice.evidence import Evidence, MeasuredTarget
from tui.advice.suggestion import Change, NoSuggestion, Suggestion, Trial
from tui.core.comparison import FEWEST
from tui.core.observation import Figure
from tui.core.parameters import Parameters
from tui.core.refusals import refusals
from tui.core.wording import amount

RULE = "model"
_FASTEST_FIRST = ("haiku", "sonnet", "opus", "fable")
"""The lines in the order in which it is worth trying them; nothing is estimated by it."""


def suggest(evidence: Evidence) -> Suggestion | NoSuggestion:
    """The model that is shown to answer this prompt in less total time at the same endpoint."""
    subject = evidence.subject
    arms = [other for other in evidence.alike if other.target.model != subject.target.model]
    found = faster_alternative(evidence, arms)
    if found is not None:
        arm, comparison = found
        return Suggestion(
            id=f"{RULE}:{arm.target.model}",
            target=subject.label,
            headline=f"Ask {arm.target.model} instead of {subject.target.model}",
            saving=measured_saving(comparison),
            figures=(comparison.sentence,),
            price="its answers may be worse: read both, side by side; " + _price(evidence, arm.target.model),
            source=sources.MODEL,
            trial=Trial(change=_change(subject, arm), figure=Figure.TOTAL),
        )
    if any(len(arm.answers) >= FEWEST for arm in arms):
        return NoSuggestion(rule=RULE, reason="no other model that was measured is shown to be faster")
    other, answered = _worth_trying(evidence), [arm for arm in arms if arm.answers]
    alone = f"add {other or 'another model'} as a target and run a series of {FEWEST} or more"
    return NoSuggestion(
        rule=RULE,
        reason=_too_few(subject, answered) if answered else "no other model was measured on this prompt",
        run=f"a series of {FEWEST} or more of all of them" if answered else alone,
        trial=None
        if other is None
        else Trial(change=Change(label=other, model=other, unset=_refused(evidence, other)), figure=Figure.TOTAL),
    )


def _too_few(subject: MeasuredTarget, arms: Sequence[MeasuredTarget]) -> str:
    """What single answers took, which shows nothing yet."""
    took = [
        f"{each.target.model} {amount(Figure.TOTAL, median([float(one.total_ns or 0) for one in each.answers]))}"
        for each in (subject, *arms)
        if each.answers
    ]
    return f"other models were measured too few times to tell: {', '.join(took)}"


def _change(subject: MeasuredTarget, arm: MeasuredTarget) -> Change:
    mine, others = subject.parameters, arm.parameters
    names = others.__struct_fields__
    differing = {name: getattr(others, name) for name in names if getattr(others, name) != getattr(mine, name)}
    return Change(
        label=arm.target.model,
        model=arm.target.model,
        parameters=Parameters(**{name: value for name, value in differing.items() if value is not None}),
        unset=tuple(name for name, value in differing.items() if value is None),
    )


def _worth_trying(evidence: Evidence) -> str | None:
    """The latest known model of the fastest line before the subject's own; None where there is none."""
    model = evidence.model
    if model is None or model.line not in _FASTEST_FIRST:
        return None
    before = _FASTEST_FIRST[: _FASTEST_FIRST.index(model.line)]
    for line in before:
        for other in evidence.models:
            if other.line == line and other.lifecycle == "active":
                return other.id
    return None


def _refused(evidence: Evidence, model_id: str) -> tuple[str, ...]:
    return tuple(refusals(evidence.subject.parameters, evidence.known(model_id)))


def _price(evidence: Evidence, model_id: str) -> str:
    mine, other = (known.prices if known else None for known in (evidence.model, evidence.known(model_id)))
    if mine is None or other is None or not mine.output:
        return "its price beside this one's is not known here"
    return f"its output costs {other.output / mine.output:.2g} times as much per token (list prices of {other.read})"
