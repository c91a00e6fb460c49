"""Snapshots: results with what was asked, kept to compare with; one of them is pinned."""

from collections.abc import Callable, Sequence
from statistics import median

import msgspec

from tui.core.comparison import Comparison, Question, compare_together, look_at
from tui.core.failures import failures_sentence
from tui.core.figures import Figure, Use, figures_for
from tui.core.grouping import Measured, measured_in
from tui.core.observation import Observation, judged_anew, per_run
from tui.core.parameters import Parameters
from tui.core.pass_rate import Judged, compared_pairs
from tui.core.prompt import Prompt, turn_name
from tui.core.record import RequestRecord
from tui.core.run import StoredRun


class LaneSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One target of a snapshot."""

    name: str
    """The lane's name, in a conversation with the turn."""
    target: str = ""
    """The lane's name alone, in a conversation."""
    model: str
    endpoint: str
    host: str | None = None
    prompt: Prompt
    parameters: Parameters
    observations: tuple[Observation, ...]
    """Repeated measurements of this one thing, in order."""
    runs: tuple[int, ...] = ()
    """Numbers of the session's runs that they are from."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Named results."""

    name: str
    taken_unix_ns: int
    lanes: tuple[LaneSnapshot, ...]

    def lane(self, name: str) -> LaneSnapshot | None:
        """The lane of that name."""
        return next((lane for lane in self.lanes if lane.name == name), None)

    def judged_anew(self, record: RequestRecord) -> "Snapshot":
        """The same with the verdict that a request has now; itself where that is none of its own."""
        replace = msgspec.structs.replace
        its = [lane for lane in self.lanes if lane.model == record.spec.model]
        its = [lane for lane in its if any(one.is_of(record) for one in lane.observations)]
        lanes = (
            replace(lane, observations=tuple(judged_anew(lane.observations, record))) if lane in its else lane
            for lane in self.lanes
        )
        return replace(self, lanes=tuple(lanes)) if its else self


def of_runs(name: str, taken_unix_ns: int, runs: Sequence[StoredRun]) -> Snapshot:
    """The snapshot of stored runs: per lane what the latest of them asked, with all counted answers to just that."""
    in_time = sorted(measured_in(runs), key=lambda one: one.latest.started_unix_ns)
    latest = {(one.target, one.turn): one for one in in_time if one.observations and not one.call}
    return Snapshot(
        name=name,
        taken_unix_ns=taken_unix_ns,
        lanes=tuple(
            LaneSnapshot(
                name=" · ".join(filter(None, (one.target, turn_name(one.turn)))),
                target=one.target,
                model=one.model,
                endpoint=one.endpoint,
                host=one.host,
                prompt=_asked(one),
                parameters=one.spec.parameters,
                observations=one.observations,
            )
            for one in latest.values()
        ),
    )


def _asked(one: Measured) -> Prompt:
    """The prompt as it was written, without what a series put in front of it."""
    plan = one.plan
    target = next((target for target in plan.targets if target.label == one.target), None)
    return one.spec.prompt if target is None else plan.prompt_of(target)


class LaneChange(msgspec.Struct, frozen=True, kw_only=True):
    """One lane now against the same lane before."""

    name: str
    comparisons: tuple[Comparison, ...]
    """Now first, before second, one per figure."""
    causes: tuple[str, ...]
    """Differences in what is asked besides the prompt, a line each."""
    failures: str
    """The shares of requests that failed; empty where none did."""
    passes: str
    """The pass rates, and whether they differ; empty where a side was not judged."""
    tokens: tuple[tuple[str, float, float], ...]
    """Medians before and now of what is known of the lengths of prompt and answer."""


Pair = tuple[LaneSnapshot, LaneSnapshot]
"""A lane before and now."""


def changes(pairs: Sequence[Pair]) -> list[LaneChange]:
    """The changes of lanes that are shown together; their verdicts are corrected as one family.

    Where nothing was asked differently, `now` holds the runs of `before` too: only those since are compared.
    """
    fresh = [(before, _since(before, now)) for before, now in pairs]
    figures = figures_for(Use.HEADLINE)
    found = compare_together([_question(figure, *pair) for pair in fresh for figure in figures])
    each = len(figures)
    passes = compared_pairs([_judged(*pair) for pair in fresh])
    return [_change(*pair, found[at * each : (at + 1) * each], passes[at]) for at, pair in enumerate(fresh)]


def change_so_far(before: LaneSnapshot, now: LaneSnapshot, lanes: int) -> tuple[Comparison, ...]:
    """The change of a lane whose runs go on, of as many `lanes`: verdicts that hold whenever one looks.

    They rest on the runs of the latest look, see `comparison.look_at`.
    """
    now = _since(before, now)
    figures = figures_for(Use.HEADLINE)
    count, shares = look_at(max(len(per_run(now.observations, figure)) for figure in figures))
    questions = [_question(figure, before, now) for figure in figures]
    looked = [(figure, (name, values[:count]), earlier) for figure, (name, values), earlier in questions]
    return compare_together(looked, shares=shares * lanes)


def apart_ns(before: LaneSnapshot, now: LaneSnapshot) -> int | None:
    """Time from the last answer before to the first request since; None where it is not known, or they overlap.

    Stamps of one session: those of two have no clock in common.
    """
    ended = [one.ended_ns for one in before.observations if one.ended_ns is not None]
    sent = [one.sent_ns for one in _since(before, now).observations if one.sent_ns is not None]
    return min(sent) - max(ended) if ended and sent and min(sent) > max(ended) else None


def _question(figure: Figure, before: LaneSnapshot, now: LaneSnapshot) -> Question:
    return (
        figure,
        (now.name, per_run(now.observations, figure)),
        (f"{now.name} before", per_run(before.observations, figure)),
    )


def _judged(before: LaneSnapshot, now: LaneSnapshot) -> tuple[Judged, Judged]:
    return (now.name, now.observations), (f"{now.name} before", before.observations)


def _change(before: LaneSnapshot, now: LaneSnapshot, comparisons: Sequence[Comparison], passes: str) -> LaneChange:
    known = [(name, of(before), of(now)) for name, of in _LENGTHS.items()]
    return LaneChange(
        name=now.name,
        comparisons=tuple(comparisons),
        causes=tuple(causes(before, now)),
        failures=failures_sentence(*_judged(before, now)),
        passes=passes,
        tokens=tuple((name, median(old), median(new)) for name, old, new in known if old and new),
    )


def _since(before: LaneSnapshot, now: LaneSnapshot) -> LaneSnapshot:
    """`now` without the runs of `before`; as it is if there are no others."""
    shared = set(before.runs)
    later = tuple(one for one in now.observations if one.run not in shared)
    if not later or len(later) == len(now.observations):
        return now
    return msgspec.structs.replace(now, observations=later, runs=tuple(run for run in now.runs if run not in shared))


def causes(before: LaneSnapshot, now: LaneSnapshot) -> list[str]:
    """Differences in what is asked besides the prompt: model, endpoint, parameters as `effort: low → high`."""
    found = [
        f"{name}: {old} → {new}"
        for name, old, new in (("model", before.model, now.model), ("endpoint", before.endpoint, now.endpoint))
        if old != new
    ]
    for name in now.parameters.__struct_fields__:
        old, new = getattr(before.parameters, name), getattr(now.parameters, name)
        if old != new:
            found.append(f"{name}: {_value(old)} → {_value(new)}")
    return found


def _value(value: object) -> str:
    return "not set" if value is None else msgspec.json.encode(value).decode()


_LENGTHS: dict[str, Callable[[LaneSnapshot], list[int]]] = {
    "input tokens": lambda lane: [
        one.input_tokens + one.cached_tokens for one in lane.observations if one.input_tokens is not None
    ],
    "output tokens": lambda lane: [one.output_tokens for one in lane.observations if one.output_tokens is not None],
}
