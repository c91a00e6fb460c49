"""Grouping of requests into what was measured: one target, one endpoint, one thing asked.

The one answer to which requests are repeats of each other; tables, reports, comparisons and snapshots go by it.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from tui.core.cost import cost_of
from tui.core.decomposition import Fit, fit
from tui.core.host_difference import HostAnswers
from tui.core.model import KnownModel
from tui.core.observation import Observation, observe
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import turn_name
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.core.target import Target


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """The counted requests that asked one thing of one target at one endpoint."""

    name: str
    """The target's label, with what sets it apart from others of that label."""
    target: str
    """The target's label, with the level of a load behind it."""
    model: str
    endpoint: str
    host: str | None = None
    """Name of the host that it was asked from; `None` where the plan named no hosts."""
    simulated: bool
    fingerprint: str
    """A digest of what was asked; see `fingerprint`."""
    spec: RequestSpec
    """The latest request."""
    latest: RunInfo
    """The run that asked it last."""
    plan: Plan
    """That run's."""
    turn: int | None = None
    call: int = 0
    """Its place in a conversation that is played; see `RequestSpec`."""
    requests: int
    """Number of requests; 0 where nothing but warm-up and sweeps asked it."""
    observations: tuple[Observation, ...]
    """Those that say something of the target, in order, with their run's number among the runs, from 1."""
    swept: tuple[Observation, ...] = ()
    """Those of sweeps, which ask the same at other lengths; no statistic counts them."""

    @property
    def variant(self) -> str | None:
        """Name of the prompt's variant, where the plan has several."""
        target = next((each for each in self.plan.targets if each.label == self.target), None)
        return None if target is None else target.variant

    @property
    def from_host(self) -> HostAnswers | None:
        """Its answers as those to one host; None where the plan named no hosts."""
        if self.host is None:
            return None
        target = self.target.removesuffix(f" · {self.host}")
        return HostAnswers(target=target, host=self.host, observations=self.observations)

    def fit(self) -> Fit:
        """The fit of the time per token to all its answers, those of sweeps included."""
        return fit([*self.swept, *self.observations])


class _Group:
    """A group as it grows."""

    def __init__(self) -> None:
        self.spec: RequestSpec
        self.latest: RunInfo
        self.plan: Plan
        self.requests = 0
        self.observations: list[Observation] = []
        self.swept: list[Observation] = []


def fingerprint(plan: Plan, target: Target, values: Mapping[str, str]) -> str:
    """A digest of what a plan asks of a target: prompt, values of its variables, parameters, model, endpoint, and host.

    The target's name is not part of it. A series asks one thing of all rows of values: give it none.
    """
    endpoint = plan.endpoint_of(target).name
    contents: tuple[object, ...] = (plan.prompt_of(target), values, plan.parameters_of(target), target.model, endpoint)
    if target.host is not None:
        contents = (*contents, target.host)
    if plan.prompt_of(target).attach:
        contents = (*contents, sorted((path, file.sha256) for path, file in plan.files.items()))
    return _digest((*contents, plan.conversation) if plan.conversation.play else contents)


def measured_in(runs: Iterable[StoredRun], models: Mapping[str, KnownModel] | None = None) -> list[Measured]:
    """Everything that runs measured, in order of first appearance. Warm-up and sweeps are not among the requests.

    What requests cost is known by the prices of `models`, by id.
    """
    groups: dict[tuple[str, str, str | None, bool, str, int | None, int], _Group] = {}
    for number, run in enumerate(runs, 1):
        for record in run.requests:
            spec = record.spec
            # The simulator has another port in every session, and is the same.
            where = "" if spec.endpoint.simulated else spec.endpoint.base_url
            digest = _fingerprint_of(run, record)
            # The levels of a load are as many things that were measured.
            level = "" if run.info.load is None else f" · {run.info.load.level.label}"
            label = f"{spec.target}{level}"
            key = (label, where, spec.host, spec.endpoint.simulated, digest, spec.turn, spec.call)
            group = groups.setdefault(key, _Group())
            group.spec, group.latest, group.plan = spec, run.info, run.plan
            if not (run.info.counted or run.info.sweep):
                continue
            group.requests += run.info.counted
            # Not the record: with the texts and stamps of thousands of answers it is what fills the memory.
            cost = cost_of(record, models) if models else None
            if (found := observe(record, run=number, counted=run.info.counted, cost=cost)) is not None:
                (group.observations if run.info.counted else group.swept).append(found)
    return _named(
        [
            Measured(
                name=" · ".join(filter(None, (label, turn_name(turn, call)))),
                turn=turn,
                call=call,
                target=label,
                model=group.spec.model,
                endpoint=group.spec.endpoint.name,
                host=group.spec.host,
                simulated=group.spec.endpoint.simulated,
                fingerprint=digest,
                spec=group.spec,
                latest=group.latest,
                plan=group.plan,
                requests=group.requests,
                observations=tuple(group.observations),
                swept=tuple(group.swept),
            )
            for (label, *_, digest, turn, call), group in groups.items()
        ]
    )


def _fingerprint_of(run: StoredRun, record: RequestRecord) -> str:
    spec, plan = record.spec, run.plan
    target = next((target for target in plan.targets if target.label == spec.target), None)
    try:
        if target is not None:
            return fingerprint(plan, target, plan.values() if run.info.series is None else {})
    except KeyError:
        pass  # a plan from a file whose parts do not fit
    contents = (spec.prompt, spec.parameters, spec.model, spec.endpoint.name)
    return _digest((*contents, spec.host) if spec.host is not None else contents)


def _digest(contents: object) -> str:
    return hashlib.blake2b(msgspec.msgpack.encode(contents), digest_size=16).hexdigest()


def _named(groups: list[Measured]) -> list[Measured]:
    """The groups with names that tell them apart: by endpoint, or by a number where the target was asked otherwise."""
    named = [
        msgspec.structs.replace(group, name=f"{group.name} @{group.endpoint}")
        if len({other.endpoint for other in groups if other.target == group.target}) > 1
        else group
        for group in groups
    ]
    counts, seen = Counter(group.name for group in named), Counter[str]()
    for at, group in enumerate(named):
        if counts[group.name] > 1:
            seen[group.name] += 1
            named[at] = msgspec.structs.replace(group, name=f"{group.name} · setup {seen[group.name]}")
    return named
