"""The JSON export as types: what its schema (`configs/export.schema.json`) is made from.

Run as a script, it writes that file anew.

Figures are derived and there for scripts; everything they follow from is there too, so that an import computes the
same ones. A field that is undefined is absent. Times are CLOCK_MONOTONIC nanoseconds of the measuring machine where
the name ends in `_ns`, milliseconds where it ends in `_ms`, and wall-clock nanoseconds since 1970 in `_unix_ns`.
"""

import inspect
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec

from tui.advice.trial import TrialResult
from tui.config import paths
from tui.config.known_models import known_models
from tui.core.choice import Choice
from tui.core.events import Instrument, Kind, NetworkSeen
from tui.core.figures import FITTED, Figure
from tui.core.finished import FinishedRequest, finished_fields
from tui.core.frontier import FrontierPoint
from tui.core.grouping import Measured
from tui.core.host_difference import HostDifference
from tui.core.linear_fit import Estimate
from tui.core.load import Level
from tui.core.load_results import Knee, LevelSummary, knees, levels_in
from tui.core.metrics import NS_PER_MS
from tui.core.model import KnownModel
from tui.core.objectives import Objective
from tui.core.parameters import Parameters
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.core.statistics import Description, Interval
from tui.core.target import Endpoint, Retries, Timeouts
from tui.export.portable import Contents

SCHEMA_FILE: Final = "export.schema.json"
FORMAT: Final = "latency-tui export"
VERSION: Final = 1
"""Raised when a reader of the version before would read it wrong; new optional fields do not raise it."""


def _means(description: str) -> msgspec.Meta:
    return msgspec.Meta(description=description)


class ExportedRequest(FinishedRequest, frozen=True, kw_only=True, omit_defaults=True):
    """One request with its figures, its stamps and its content. Figures that are undefined are absent."""

    run: Annotated[str, _means("The uid of the run it belongs to.")]
    instrument: Annotated[Instrument | None, _means("The instrument's delay, nanoseconds.")] = None
    network: Annotated[NetworkSeen | None, _means("What the kernel saw of the network, nanoseconds.")] = None
    parameters: Annotated[Parameters, _means("What it was asked with.")]
    timeouts: Timeouts
    retries: Retries
    prompt: Annotated[Prompt | None, _means("Absent where it is the plan's.")] = None
    endpoint_settings: Annotated[Endpoint | None, _means("Absent where they are the plan's.")] = None
    pieces: Annotated[
        list[tuple[Kind, str]], _means("The content in order of arrival; absent when texts were left out.")
    ] = msgspec.field(default_factory=list)


class ExportedRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run: what was asked of whom, when, and with what it was measured."""

    info: RunInfo
    started: Annotated[str, _means("The start in UTC, ISO 8601; info.started_unix_ns is exact.")]
    simulated: Annotated[bool, _means("True when any of its requests was measured on the simulator.")]
    plan: Plan
    note: str = ""
    tags: tuple[str, ...] = ()


class FittedValue(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate and its interval, ms."""

    value: float
    low: float
    high: float
    confidence: float


class _FitOf(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Figures that answers of different lengths tell of a target together; derived, like all."""

    target: str
    model: str
    endpoint: str
    simulated: bool
    answers: Annotated[int, _means("Answers that it is fitted to, those of sweeps included.")]


if TYPE_CHECKING:
    ExportedFit = _FitOf
else:
    ExportedFit = msgspec.defstruct(
        "ExportedFit",
        [(figure.column, Annotated[FittedValue | None, _means(figure.declared.help)], None) for figure in FITTED],
        bases=(_FitOf,),
        frozen=True,
        kw_only=True,
        omit_defaults=True,
        module=__name__,
    )


class ExportedLevel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One level of load of one target, summed up; derived, like all. Its requests name it in their run's info."""

    target: str
    model: str
    endpoint: str
    simulated: bool
    number: Annotated[int, _means("Number of the level at this target, from 1.")]
    concurrency: Annotated[int | None, _means("Requests that were kept in flight; absent at a rate.")] = None
    rate: Annotated[float | None, _means("Requests per second that were due; absent for a trace's own pace.")] = None
    arrivals: Annotated[str | None, _means("Gaps between arrivals; absent for a level of concurrency.")] = None
    seconds: Annotated[float, _means("Counted time, without ramp and warm-up.")]
    requests: Annotated[int, _means("Counted requests, whatever became of them.")]
    answers: int
    errors: Annotated[dict[str, int], _means("Requests without an answer, by kind.")]
    unsent: Annotated[int, _means("Requests that were due and not sent: too many were in flight.")]
    interrupted: Annotated[int, _means("Requests whose engine was lost; not counted, nor is its share since.")] = 0
    in_flight: Annotated[float, _means("Mean number of requests in flight in the counted time.")]
    most_in_flight: int
    ttft_ms: Annotated[Description, _means("TTFT from the send, ms.")]
    ttlt_ms: Annotated[Description, _means("Total time from the send, ms.")]
    ttft_from_due_ms: Annotated[Description, _means("TTFT from the moment at which the request was to be sent, ms.")]
    ttlt_from_due_ms: Annotated[Description, _means("Total time from that moment, ms.")]
    send_lag_ms: Annotated[Description, _means("From that moment to the send, ms.")]
    good: Annotated[int, _means("Requests within every objective; answers where there are none.")]
    throughput: Annotated[float, _means("Answers per second.")]
    goodput: Annotated[float, _means("Requests within every objective, per second.")]
    goodput_interval: Annotated[Interval | None, _means("Absent with too few good requests.")] = None
    host: Annotated[str | None, _means("The host that this part of a level was sent from.")] = None
    hosts: Annotated[list["ExportedLevel"], _means("The level by host, where the load was sent from several.")] = []


class ExportedKnee(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The level of load beyond which more costs more than it brings, of one target, and its doubt; derived."""

    target: str
    concurrency: int | None = None
    rate: float | None = None
    perhaps: Annotated[tuple[float, ...], _means("Other levels that may be it.")] = ()
    confidence: float
    sentence: str


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """Runs of latency-tui with every figure, stamp and setting. Keys are never in it."""

    format: Literal["latency-tui export"]
    version: Annotated[Literal[1], _means("Version of this schema.")]
    app_version: Annotated[str, _means("latency-tui that measured the latest run.")]
    sdk_version: Annotated[str, _means("anthropic SDK that measured the latest run; every run names its own.")]
    simulated: Annotated[bool, _means("True when anything in it was measured on the built-in simulator.")]
    with_texts: Annotated[bool, _means("False when prompts and answers were left out.")]
    runs: list[ExportedRun]
    requests: Annotated[list[ExportedRequest], _means("Of all runs, in the runs' order.")]
    host_differences: Annotated[list[HostDifference], _means("Of hosts to the quickest, in runs.")] = []
    fits: Annotated[list[ExportedFit], _means("Of each target whose answers' lengths tell any of it.")] = []
    frontier: Annotated[
        list[FrontierPoint], _means("Which targets are as fast, as cheap and as right as any; derived, like all.")
    ] = []
    frontier_by_ttft: Annotated[list[FrontierPoint], _means("The same with TTFT in place of the total.")] = []
    choice: Annotated[Choice | None, _means("Which target was chosen, where a rule said how.")] = None
    levels: Annotated[list[ExportedLevel], _means("Of every load, in order.")] = []
    knees: Annotated[list[ExportedKnee], _means("Of every target of a load.")] = []
    tried: Annotated[
        list[TrialResult], _means("The ledger: changes tried on what the runs ask, the latest first; savings in ns.")
    ] = []


def latest(runs: Sequence[StoredRun]) -> StoredRun:
    """The run that was started last. Raises ValueError without runs."""
    return max(runs, key=lambda run: run.info.started_unix_ns)


def is_simulated(run: StoredRun) -> bool:
    """True when any of the run's requests was measured on the simulator."""
    return any(record.spec.endpoint.simulated for record in run.requests)


def started(run: StoredRun) -> str:
    """Start of the run, UTC, ISO 8601 with milliseconds."""
    return utc(run.info.started_unix_ns)


def utc(unix_ns: int) -> str:
    """A moment of wall-clock time, UTC, ISO 8601 with milliseconds."""
    seconds, ns = divmod(unix_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ns // 1_000_000:03}Z"


def head_of(contents: Contents) -> Export:
    """The document without its runs and requests, which may be too many for the memory: see `run_of`, `request_of`."""
    last = latest(contents.runs).info
    return Export(
        format=FORMAT,
        version=VERSION,
        app_version=last.app_version,
        sdk_version=last.sdk_version,
        simulated=any(map(is_simulated, contents.runs)),
        with_texts=contents.with_texts,
        runs=[],
        requests=[],
        choice=contents.choice,
        tried=list(contents.tried),
    )


def prices_of(runs: Sequence[StoredRun]) -> dict[str, KnownModel]:
    """The models with their prices, those that the endpoints of the latest run listed among them, by id."""
    return {model.id: model for model in known_models(latest(runs).plan.endpoints)}


def run_of(run: StoredRun) -> ExportedRun:
    """One run as the document has it."""
    return ExportedRun(
        info=run.info, started=started(run), simulated=is_simulated(run), plan=run.plan, note=run.note, tags=run.tags
    )


def fits_of(measured: Iterable[Measured]) -> list[ExportedFit]:
    """The fits of all targets of which anything is known."""
    found = []
    for one in measured:
        fit = one.fit()
        estimates = {figure: each for figure in FITTED if (each := fit.of(figure)) is not None}
        if estimates:
            fields: dict[str, Any] = {figure.column: _in_file(figure, each) for figure, each in estimates.items()}
            fields |= {"target": one.name, "model": one.model, "endpoint": one.endpoint, "simulated": one.simulated}
            found.append(ExportedFit(answers=fit.count, **fields))
    return found


def loads_of(
    runs: Iterable[StoredRun], objectives: Sequence[Objective]
) -> tuple[list[ExportedLevel], list[ExportedKnee]]:
    """The levels of the loads among the runs, and their knees."""
    found = levels_in(runs, objectives)
    return list(map(_level_of, found)), list(map(_knee_of, knees(found)))


def _level_of(one: LevelSummary) -> ExportedLevel:
    same = {name: getattr(one, name) for name in ExportedLevel.__struct_fields__ if hasattr(one, name)}
    level = {name: getattr(one.level, name) for name in one.level.__struct_fields__}
    times = {
        "ttft": one.ttft,
        "ttlt": one.total,
        "ttft_from_due": one.ttft_from_due,
        "ttlt_from_due": one.total_from_due,
    }
    in_ms = {f"{name}_ms": _in_ms(described) for name, described in (times | {"send_lag": one.lag}).items()}
    fields: dict[str, Any] = same | level | in_ms | {"hosts": list(map(_level_of, one.hosts))}
    return ExportedLevel(**fields)


def _in_ms(described: Description) -> Description:
    """Statistics of times, ms."""
    fields = {name: getattr(described, name) for name in described.__struct_fields__}
    for name, value in fields.items():
        if isinstance(value, Interval):
            ends = {"low": value.low / NS_PER_MS, "high": value.high / NS_PER_MS}
            fields[name] = msgspec.structs.replace(value, **ends)
        elif value is not None and name not in ("count", "failures"):
            fields[name] = value / NS_PER_MS
    return Description(**fields)


def _knee_of(found: Knee) -> ExportedKnee:
    at = Level() if found.at is None else found.at
    return ExportedKnee(
        target=found.target,
        concurrency=at.concurrency,
        rate=at.rate,
        perhaps=tuple(level.load for level in found.perhaps),
        confidence=found.confidence,
        sentence=found.sentence,
    )


def _in_file(figure: Figure, estimate: Estimate) -> FittedValue:
    value, low, high = map(figure.converted, (estimate.value, estimate.interval.low, estimate.interval.high))
    return FittedValue(value=value, low=low, high=high, confidence=estimate.interval.confidence)


def request_of(run: StoredRun, record: RequestRecord) -> ExportedRequest:
    """One request of a run as the document has it."""
    spec = record.spec
    return ExportedRequest(
        **finished_fields(record),
        run=run.info.uid,
        instrument=record.instrument,
        network=record.network,
        parameters=spec.parameters,
        timeouts=spec.timeouts,
        retries=spec.retries,
        prompt=None if spec.prompt == run.plan.prompt else spec.prompt,
        endpoint_settings=None if spec.endpoint == _planned(run.plan, spec.endpoint.name) else spec.endpoint,
        pieces=record.pieces,
    )


def runs_of(export: Export) -> list[StoredRun]:
    """The runs of a document. Raises ValueError, with a reason in words, when its parts do not fit together."""
    runs: dict[str, StoredRun] = {}
    for run in export.runs:
        if run.info.uid in runs:
            raise ValueError("two runs have the same uid")
        runs[run.info.uid] = StoredRun(info=run.info, plan=run.plan, requests=[], note=run.note, tags=run.tags)
    for request in export.requests:
        if (stored := runs.get(request.run)) is None:
            raise ValueError("a request names a run that is not there")
        stored.requests.append(_record(request, stored.plan))
    return list(runs.values())


def _record(request: ExportedRequest, plan: Plan) -> RequestRecord:
    endpoint = request.endpoint_settings or _planned(plan, request.endpoint)
    if endpoint is None:
        raise ValueError("a request names an endpoint that is not in its plan")
    return RequestRecord(
        spec=RequestSpec(
            request_id=request.request_id,
            target=request.target,
            model=request.model,
            endpoint=endpoint,
            host=request.host,
            prompt=plan.prompt if request.prompt is None else request.prompt,
            parameters=request.parameters,
            timeouts=request.timeouts,
            retries=request.retries,
            turn=request.turn,
            call=request.call,
        ),
        timeline=request.stamps,
        pieces=request.pieces,
        usage=request.usage,
        status=request.status,
        stop_reason=request.stop_reason,
        stop_details=request.stop_details,
        answered_by=request.answered_by,
        checks=request.checks,
        overruled=request.overruled,
        failure=request.error,
        instrument=request.instrument,
        network=request.network,
        earlier=request.earlier,
        http_status=request.http_status,
        api_request_id=request.api_request_id,
        response=request.response,
    )


def _planned(plan: Plan, name: str) -> Endpoint | None:
    return next((endpoint for endpoint in plan.endpoints if endpoint.name == name), None)


def schema() -> bytes:
    """JSON Schema (draft 2020-12) of `tui.export.document.Export`."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:latency-tui:export:{VERSION}",
        "title": "latency-tui export",
    }
    return msgspec.json.format(msgspec.json.encode(head | _dedented(msgspec.json.schema(Export)))) + b"\n"


def _dedented(part: dict[str, Any]) -> dict[str, Any]:
    """The schema with its descriptions as Python 3.13 has docstrings: older versions leave their indentation."""
    for name, value in part.items():
        if name == "description" and isinstance(value, str):
            part[name] = inspect.cleandoc(value)
        elif isinstance(value, dict):
            _dedented(value)
    return part


if __name__ == "__main__":
    paths.builtin_config(SCHEMA_FILE).write_bytes(schema())
    sys.exit()
