"""Refusals as forms and lanes show them: who refuses a parameter, and the key that helps."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from tui.core.events import FailureKind
from tui.core.model import KnownModel
from tui.core.parameters import PARAMETERS, REQUIRED, Parameters
from tui.core.plan import Plan
from tui.core.protocol import MESSAGES_KIND
from tui.core.refusals import contradiction, lack, prefill_refusal, refusal, refusals, refused_parameter
from tui.core.target import Target
from tui.session.live import Lane
from tui.ui.bindings import KeyNames
from tui.ui.viewmodel.form_rows import FormRow
from tui.ui.viewmodel.lane_lines import note

# In a form


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """A target whose requests a form decides, and what is known of its model."""

    target: Target
    model: KnownModel | None
    kind: str = MESSAGES_KIND
    """Kind of the endpoint that is asked."""

    def takes_shared(self, name: str) -> bool:
        """True where its requests have the shared parameter `name`."""
        return name not in self.target.drop and getattr(self.target.parameters, name) is None

    def with_shared(self, shared: Parameters) -> Parameters:
        """The parameters of its requests."""
        return shared.without(self.target.drop).overridden_by(self.target.parameters)


def recipients(
    targets: Sequence[Target], models: Mapping[str, KnownModel], plan: Plan | None = None
) -> tuple[Recipient, ...]:
    """The targets with what is known of their models, and of their endpoints in `plan`."""
    return tuple(
        Recipient(
            target=target,
            model=models.get(target.model),
            kind=MESSAGES_KIND if plan is None else kind_at(plan, target.endpoint),
        )
        for target in targets
    )


def kind_at(plan: Plan, name: str | None) -> str:
    """The kind of the endpoint of this name; with None of the default one."""
    kinds: dict[str, str] = {endpoint.name: endpoint.kind for endpoint in plan.endpoints}
    return kinds.get(name or plan.default_endpoint, MESSAGES_KIND)


class RowRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """The refusal of a parameter."""

    by_all: bool
    """True where every target that would be sent it refuses it."""
    reason: str
    """One sentence, with the targets it is about where it isn't all."""


class ParameterContext:
    """Surroundings of the parameters in a form: the targets whose requests they decide, and the shared values below.

    Without `shared` the form edits the shared parameters themselves; with it those in which one target differs, which
    leaves out the parameters in `dropped`.
    """

    def __init__(
        self, of: Callable[[], Sequence[Recipient]], shared: Parameters | None = None, dropped: Sequence[str] = ()
    ) -> None:
        self._of = of
        self.shared = shared
        self.dropped = tuple(dropped)

    def can_be_dropped(self, row: FormRow) -> bool:
        """True where a target can leave the parameter out."""
        return row.name != REQUIRED and (self._of_shared(row) is not None or row.name in self.dropped)

    def unset(self, row: FormRow) -> str:
        """The text of a field while nothing stands in it."""
        value = self._of_shared(row)
        if value is not None:
            return "left out" if row.name in self.dropped else f"shared: {row.write(value)}"
        return row.hint

    def refusal(self, row: FormRow, own: Parameters) -> RowRefusal | None:
        """The refusal of the parameter as it is set, or in any way while it is not set; None where nobody refuses."""
        sent = self._sent(own)
        taking = [one for one in self._of() if one.takes_shared(row.name)]
        refused: dict[str, list[str]] = {}
        for one in taking:
            if (reason := _reason(row, sent, one)) is not None:
                refused.setdefault(reason, []).append(one.target.label)
        if not refused:
            return None
        by_all = sum(map(len, refused.values())) == len(taking)
        reasons = refused if by_all else [f"{reason} ({', '.join(labels)})" for reason, labels in refused.items()]
        return RowRefusal(by_all=by_all, reason=f"{'; '.join(reasons)}.")

    def refused_choices(self, row: FormRow) -> frozenset[str]:
        """The choices that every target would be refused with."""
        taking = [one for one in self._of() if one.takes_shared(row.name)]
        return frozenset(
            choice
            for choice in row.choices
            if taking and all(refusal(row.name, row.read(choice), one.model, one.kind) is not None for one in taking)
        )

    def contradiction(self, own: Parameters) -> str | None:
        """The sentence on parameters that cannot go together; None when all can."""
        for one in self._of():
            if (reason := contradiction(one.with_shared(self._sent(own)), one.kind)) is not None:
                return f"{one.target.label}: {reason}." if self.shared is None else f"{reason}."
        return None

    def _of_shared(self, row: FormRow) -> object:
        value = getattr(self.shared, row.name) if self.shared is not None else None
        return None if value == () else value

    def _sent(self, own: Parameters) -> Parameters:
        return own if self.shared is None else self.shared.without(self.dropped).overridden_by(own)


def _reason(row: FormRow, sent: Parameters, to: Recipient) -> str | None:
    if getattr(sent, row.name) is not None:
        return refusals(to.with_shared(sent), to.model, to.kind).get(row.name)
    if (reason := lack(row.name, to.kind)) is not None:
        return reason
    probes = PARAMETERS[row.name].probes or tuple(row.read(choice) for choice in row.choices)
    reasons = [refusal(row.name, value, to.model, to.kind) for value in probes]
    return reasons[0] if reasons and all(reasons) else None


# In a lane


def refused(lane: Lane, plan: Plan, sent: Parameters, models: Mapping[str, KnownModel]) -> str | None:
    """The parameter that the lane was refused for, or will be with `sent`; None if that is not known.

    A parameter that was refused but is no longer among those `sent` does not count.
    """
    failure = lane.record.failure if lane.record is not None else None
    if failure is not None and failure.kind is FailureKind.BAD_REQUEST:
        name = refused_parameter(failure.message, sent)
        if name is not None:
            return name
    return next((name for name, _ in _foreseen(lane, plan, sent, models)), None)


def refusal_note(lane: Lane, plan: Plan, models: Mapping[str, KnownModel], keys: KeyNames) -> str:
    """The sentence of a failure, or of the refusal to come when `plan` is run, and the key that helps."""
    said, sent = note(lane), plan.parameters_of(lane.target)
    if lane.state.in_flight:
        return said
    name = refused(lane, plan, sent, models)
    if name is None:
        reason = _of_prefill(lane, plan, models)
        if reason is None or (said and "prefill" not in said):
            return said
        return f"{said or f'{reason}.'} {keys('variants')} takes it away."
    if not said:
        said = f"{next(reason for _, reason in _foreseen(lane, plan, sent, models))}."
    return f"{said} {keys('drop_parameter')} leaves out {name.replace('_', ' ')}."


def _of_prefill(lane: Lane, plan: Plan, models: Mapping[str, KnownModel]) -> str | None:
    """The reason why the lane's model would refuse its prompt's prefill; None if it would not."""
    variant = (prompt for prompt in plan.variants if prompt.name == lane.target.variant)
    prefill = next(variant, plan.prompt).prefill
    return prefill_refusal(models.get(lane.target.model)) if prefill else None


def _foreseen(lane: Lane, plan: Plan, sent: Parameters, models: Mapping[str, KnownModel]) -> Iterator[tuple[str, str]]:
    """Parameter and reason of each refusal that the lane's next request would meet."""
    kind = kind_at(plan, lane.target.endpoint)
    yield from refusals(sent, models.get(lane.target.model), kind).items()
    if (reason := contradiction(sent, kind)) is not None:
        yield "thinking", reason
