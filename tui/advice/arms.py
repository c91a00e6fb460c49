"""What levers of one parameter have in common: what was measured with other values of it."""

from collections.abc import Callable

import msgspec

from tui.advice.estimate import faster_alternative, measured_saving
from tui.advice.evidence import Evidence, MeasuredTarget
from tui.advice.suggestion import Change, Citation, Suggestion, Trial
from tui.core.observation import Figure
from tui.core.parameters import Parameters


def alternatives_of(evidence: Evidence, parameter: str) -> tuple[MeasuredTarget, ...]:
    """The measurements of the same model that differ from the subject in this one parameter only."""
    subject = evidence.subject
    mine = msgspec.structs.replace(subject.parameters, **{parameter: None})
    return tuple(
        other
        for other in evidence.alike
        if other.target.model == subject.target.model
        and getattr(other.parameters, parameter) != getattr(subject.parameters, parameter)
        and msgspec.structs.replace(other.parameters, **{parameter: None}) == mine
    )


def change_to(parameter: str, value: object) -> Change:
    """Set one parameter, or, with None, no longer send it."""
    word = parameter.replace("_", " ")
    if value is None:
        return Change(label=f"no {word}", unset=(parameter,))
    return Change(label=f"{word} {value}", parameters=Parameters(**{parameter: value}))  # type: ignore[arg-type]


def measured_lever(
    evidence: Evidence,
    rule: str,
    parameter: str,
    price: str,
    source: Citation,
    *,
    figure: Figure = Figure.TOTAL,
    only: Callable[[object], bool] = lambda _value: True,
) -> Suggestion | None:
    """The suggestion of the value of `parameter` that was shown to be faster; None where none was."""
    arms = [arm for arm in alternatives_of(evidence, parameter) if only(getattr(arm.parameters, parameter))]
    found = faster_alternative(evidence, arms, figure)
    if found is None:
        return None
    arm, comparison = found
    change = change_to(parameter, getattr(arm.parameters, parameter))
    return Suggestion(
        id=f"{rule}:{change.label}",
        target=evidence.subject.label,
        headline=f"Ask with {change.label}",
        saving=measured_saving(comparison),
        figures=(comparison.sentence,),
        price=price,
        source=source,
        trial=Trial(change=change, figure=figure),
    )
