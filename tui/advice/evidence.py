"""What rules read: the measurements of one target, those of others, and what is known of models."""

from collections.abc import Sequence

import msgspec

from tui.core.events import Status
from tui.core.model import KnownModel
from tui.core.observation import Observation
from tui.core.outcome import Outcome, outcome_of
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import StoredRun
from tui.core.target import Endpoint, Target

CUT_SHARE = 0.05
"""Fewer answers than this may be cut, where nothing else was chosen."""


class MeasuredTarget(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was asked of one target, and the repeated measurements of it."""

    target: Target
    endpoint: Endpoint
    prompt: Prompt
    """As it was sent, variables filled in."""
    parameters: Parameters
    """As they were sent: shared ones and the target's own together."""
    outcomes: tuple[Outcome, ...]
    """Counted ones, in order, failures included."""
    warm_ups: tuple[Outcome, ...] = ()
    record: RequestRecord | None = None
    """The latest request, with its texts."""
    template: Prompt | None = None
    """The prompt as it was written, with its variables; None where that is not known."""
    variants: tuple[Prompt, ...] = ()
    """The variants that were asked side by side, as they were written."""

    @property
    def label(self) -> str:
        """The target's label."""
        return self.target.label

    @property
    def answers(self) -> tuple[Outcome, ...]:
        """The complete ones: what statistics count."""
        return tuple(outcome for outcome in self.outcomes if outcome.total_ns is not None)

    @property
    def cut_share(self) -> float:
        """The share of answers that were cut at max_tokens."""
        answers = self.answers
        return sum(one.status is Status.TRUNCATED for one in answers) / len(answers) if answers else 0.0


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All that one target's advice rests on."""

    subject: MeasuredTarget
    others: tuple[MeasuredTarget, ...] = ()
    """What else was measured in the same circumstances: other targets, and the same with other parameters."""
    earlier: tuple[Observation, ...] = ()
    """Answers of the same model at the same endpoint to any prompt: lengths that differ tell what a token costs."""
    models: tuple[KnownModel, ...] = ()
    counted: tuple[tuple[Prompt, int], ...] = ()
    """Tokens of prompts as the endpoint counted them: see `tui.advice.parts.questions`."""
    cut_share: float = CUT_SHARE
    """The share of answers that may be cut at max_tokens, as the person chose."""

    @property
    def model(self) -> KnownModel | None:
        """What is known of the subject's model."""
        return self.known(self.subject.target.model)

    def known(self, model_id: str) -> KnownModel | None:
        """What is known of a model; None for one that is not."""
        return next((model for model in self.models if model.id == model_id), None)

    @property
    def alike(self) -> tuple[MeasuredTarget, ...]:
        """The others that were asked the same prompt at the same endpoint."""
        return tuple(
            other
            for other in self.others
            if other.prompt == self.subject.prompt and other.endpoint.name == self.subject.endpoint.name
        )


def from_runs(runs: Sequence[StoredRun], models: Sequence[KnownModel]) -> list[Evidence]:
    """The evidence of runs as they are kept, one for every target of the latest run; older runs first.

    What an earlier run asked differently (of the same target or another) becomes the evidence's others.
    """
    things: dict[bytes, MeasuredTarget] = {}
    latest: list[bytes] = []
    for number, run in enumerate(runs, 1):
        latest = []
        for record in run.requests:
            target = next((one for one in run.plan.targets if one.label == record.spec.target), None)
            if target is None:
                continue
            key = _key(record)
            _add(things, key, target, record, number, counted=run.info.counted)
            things[key] = msgspec.structs.replace(
                things[key], template=run.plan.prompt_of(target), variants=run.plan.variants
            )
            latest.append(key)
    return evidence_of(list(things.values()), [things[key] for key in dict.fromkeys(latest)], models)


def evidence_of(
    measured: Sequence[MeasuredTarget], subjects: Sequence[MeasuredTarget], models: Sequence[KnownModel]
) -> list[Evidence]:
    """The evidence for each of `subjects`, which are among `measured`."""
    return [
        Evidence(
            subject=subject,
            others=tuple(other for other in measured if other is not subject),
            earlier=tuple(
                answer
                for other in measured
                if other is not subject
                and other.target.model == subject.target.model
                and other.endpoint.name == subject.endpoint.name
                for answer in other.answers
            ),
            models=tuple(models),
        )
        for subject in subjects
    ]


def _key(record: RequestRecord) -> bytes:
    spec = record.spec
    return msgspec.msgpack.encode((spec.target, spec.model, spec.endpoint.name, spec.prompt, spec.parameters))


def _add(
    things: dict[bytes, MeasuredTarget],
    key: bytes,
    target: Target,
    record: RequestRecord,
    number: int,
    *,
    counted: bool,
) -> None:
    spec = record.spec
    thing = things.get(key) or MeasuredTarget(
        target=target, endpoint=spec.endpoint, prompt=spec.prompt, parameters=spec.parameters, outcomes=()
    )
    outcome = outcome_of(record, run=number, counted=counted)
    if outcome is not None:
        name = "outcomes" if counted else "warm_ups"
        thing = msgspec.structs.replace(thing, **{name: (*getattr(thing, name), outcome)})
    things[key] = msgspec.structs.replace(thing, record=record)
