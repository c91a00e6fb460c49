"""Rule on the model: suggest one that was measured to be faster here, never one for its name."""

from collections.abc import Sequence
from statistics import median

from tui.advice import citations
from tui.advice.estimate import enough_measured, faster_alternative, measured_saving
from tui.advice.evidence import Evidence, MeasuredTarget
from tui.advice.suggestion import Change, NoSuggestion, Suggestion, Trial
from tui.core.comparison import FEWEST
from tui.core.figures import Figure
from tui.core.parameters import Parameters
from tui.core.refusals import refusals
from tui.core.wording import amount

_RULE = "model"
_FASTEST_FIRST = ("haiku", "sonnet", "opus", "fable")
"""Lines of models in the order in which to try them. No estimate uses it."""


def model(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest the model that was shown to answer this prompt in less total time at the same endpoint."""
    subject = evidence.subject
    alternatives = [other for other in evidence.alike if other.target.model != subject.target.model]
    found = faster_alternative(evidence, alternatives)
    if found is not None:
        faster, comparison = found
        return Suggestion(
            id=f"{_RULE}:{faster.target.model}",
            target=subject.label,
            headline=f"Ask {faster.target.model} instead of {subject.target.model}",
            saving=measured_saving(comparison),
            figures=(comparison.sentence,),
            price="its answers may be worse: read both, side by side; " + _price(evidence, faster.target.model),
            source=citations.MODEL,
            trial=Trial(change=_change(subject, faster), figure=Figure.TOTAL),
        )
    if enough_measured(alternatives):
        return NoSuggestion(_RULE, "no other measured model is shown to be faster")
    other, answered = _worth_trying(evidence), [each for each in alternatives if each.answers]
    alone = f"add {other or 'another model'} as a target and run a series of {FEWEST} or more"
    return NoSuggestion(
        _RULE,
        _too_few(subject, answered) if answered else "no other model was measured on this prompt",
        run=f"a series of {FEWEST} or more runs with all of them" if answered else alone,
        trial=None
        if other is None
        else Trial(change=Change(label=other, model=other, unset=_refused(evidence, other)), figure=Figure.TOTAL),
    )


def _too_few(subject: MeasuredTarget, others: Sequence[MeasuredTarget]) -> str:
    """Name the times of single answers, which show nothing yet."""
    took = [
        f"{each.target.model} {amount(Figure.TOTAL, median([float(one.total_ns or 0) for one in each.answers]))}"
        for each in (subject, *others)
        if each.answers
    ]
    return f"other models were measured too few times to tell: {', '.join(took)}"


def _change(subject: MeasuredTarget, faster: MeasuredTarget) -> Change:
    mine, others = subject.parameters, faster.parameters
    names = others.__struct_fields__
    differing = {name: getattr(others, name) for name in names if getattr(others, name) != getattr(mine, name)}
    return Change(
        label=faster.target.model,
        model=faster.target.model,
        parameters=Parameters(**{name: value for name, value in differing.items() if value is not None}),
        unset=tuple(name for name, value in differing.items() if value is None),
    )


def _worth_trying(evidence: Evidence) -> str | None:
    """Return the latest known model of the fastest line before the subject's own; None where there is none."""
    own = evidence.model
    if own is None or own.line not in _FASTEST_FIRST:
        return None
    for line in _FASTEST_FIRST[: _FASTEST_FIRST.index(own.line)]:
        for other in evidence.models:
            if other.line == line and other.lifecycle == "active":
                return other.id
    return None


def _refused(evidence: Evidence, model_id: str) -> tuple[str, ...]:
    subject = evidence.subject
    return tuple(refusals(subject.parameters, evidence.known(model_id), subject.endpoint.kind))


def _price(evidence: Evidence, model_id: str) -> str:
    mine, other = (known.prices if known else None for known in (evidence.model, evidence.known(model_id)))
    if mine is None or other is None or not mine.output:
        return "its price relative to this model's is not known here"
    return f"its output costs {other.output / mine.output:.2g} times as much per token (list prices of {other.read})"
