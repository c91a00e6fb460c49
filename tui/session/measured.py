"""Evidence for advice, from the lanes of a session."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from tui.advice.evidence import CUT_SHARE, Evidence, MeasuredTarget
from tui.advice.prompt_parts import questions
from tui.advice.rules.prompt_length import said_once
from tui.core.model import KnownModel
from tui.core.observation import Observation
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import State
from tui.session.live import Lane

NOTHING_COUNTED: Mapping[Prompt, int] = MappingProxyType({})
_SAY_NOTHING = (State.IDLE, State.CANCELLED, State.INTERRUPTED)


def measured_by(lane: Lane) -> MeasuredTarget | None:
    """The lane's latest question with all its answers; None while it is in flight, and where it was cancelled."""
    record, outcomes = lane.record, lane.outcomes
    if record is None or not outcomes or lane.state in _SAY_NOTHING or lane.state.in_flight:
        return None
    if lane.before_sweep is not None:
        return None  # a sweep asks other things
    asked = outcomes[-1].fingerprint
    return MeasuredTarget(
        target=lane.target,
        endpoint=record.spec.endpoint,
        prompt=record.spec.prompt,
        parameters=record.spec.parameters,
        outcomes=tuple(lane.current),
        warm_ups=tuple(one for one in lane.of_turn(outcomes) if not one.counted and one.fingerprint == asked),
        record=record,
        template=None if lane.plan is None else lane.plan.prompt_of(lane.target),
        variants=() if lane.plan is None else lane.plan.variants,
    )


def evidence_for(
    lane: Lane,
    lanes: Sequence[Lane],
    tried: Sequence[MeasuredTarget],
    models: Sequence[KnownModel],
    *,
    counted: Mapping[Prompt, int] = NOTHING_COUNTED,
    cut_share: float = CUT_SHARE,
) -> Evidence | None:
    """The evidence for one lane beside the others, and beside the trials.

    `counted` has tokens of the prompts of `length_questions`; `cut_share` is the share of answers that may be cut.
    """
    subject = measured_by(lane)
    if subject is None:
        return None
    beside = [found for other in lanes if other is not lane and (found := measured_by(other)) is not None]
    others = (*beside, *tried)
    earlier = [
        answer
        for other in others
        if other.target.model == subject.target.model and other.endpoint.name == subject.endpoint.name
        for answer in other.answers
    ]
    return Evidence(
        subject=subject,
        others=others,
        earlier=(*earlier, *_before(lane)),
        models=tuple(models),
        counted=tuple(counted.items()),
        cut_share=cut_share,
    )


def length_questions(lane: Lane) -> tuple[RequestSpec, ...]:
    """Requests to count for the lengths of the parts of a lane's prompt; empty where it has one part."""
    measured, record = measured_by(lane), lane.record
    if measured is None or record is None:
        return ()
    edited = said_once(measured.prompt)
    asked = questions(measured, () if edited is None else (edited,))
    return tuple(msgspec.structs.replace(record.spec, prompt=prompt) for prompt in asked)


def _before(lane: Lane) -> list[Observation]:
    """The lane's counted answers to other questions, and those of other turns."""
    asked, current = lane.outcomes[-1].fingerprint, {id(one) for one in lane.current}
    other = [one for one in lane.outcomes if one.counted and (one.fingerprint != asked or id(one) not in current)]
    return [one for one in (*other, *lane.swept) if one.total_ns is not None]
