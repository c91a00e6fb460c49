"""What a lane was refused, or will be as far as is known, and which key helps."""

from collections.abc import Iterator, Mapping

from tui.core.events import FailureKind
from tui.core.model import KnownModel
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.refusals import contradiction, prefill_refusal, refusals, refused_parameter
from tui.session.live import Lane
from tui.ui.bindings import KeyNames
from tui.ui.viewmodel.lane_lines import note


def refused(lane: Lane, sent: Parameters, models: Mapping[str, KnownModel]) -> str | None:
    """The parameter that the lane was refused for, or will be when it is asked with `sent`; None if that is not known.

    One that was refused but is among those `sent` no longer is none.
    """
    failure = lane.record.failure if lane.record is not None else None
    if failure is not None and failure.kind is FailureKind.BAD_REQUEST:
        name = refused_parameter(failure.message, sent)
        if name is not None:
            return name
    return next((name for name, _ in _foreseen(lane, sent, models)), None)


def refusal_note(lane: Lane, plan: Plan, models: Mapping[str, KnownModel], keys: KeyNames) -> str:
    """The sentence of a failure, or of the refusal to come when `plan` is run, and the key that helps."""
    said, sent = note(lane), plan.parameters_of(lane.target)
    if lane.state.in_flight:
        return said
    name = refused(lane, sent, models)
    if name is None:
        reason = _of_prefill(lane, plan, models)
        if reason is None or (said and "prefill" not in said):
            return said
        return f"{said or f'{reason}.'} {keys('variants')} takes it away."
    if not said:
        said = f"{next(reason for _, reason in _foreseen(lane, sent, models))}."
    return f"{said} {keys('drop_parameter')} leaves out {name.replace('_', ' ')}."


def _of_prefill(lane: Lane, plan: Plan, models: Mapping[str, KnownModel]) -> str | None:
    """Why the lane's model would refuse how its prompt begins the answer; None if it would not."""
    variant = (prompt for prompt in plan.variants if prompt.name == lane.target.variant)
    prefill = next(variant, plan.prompt).prefill
    return prefill_refusal(models.get(lane.target.model)) if prefill else None


def _foreseen(lane: Lane, sent: Parameters, models: Mapping[str, KnownModel]) -> Iterator[tuple[str, str]]:
    """What the lane's next request would be refused for: parameter and reason."""
    yield from refusals(sent, models.get(lane.target.model)).items()
    if (reason := contradiction(sent)) is not None:
        yield "thinking", reason
