"""What a report says, as tables and texts; Markdown and HTML write the same."""

from collections.abc import Sequence

import msgspec

from tui.advice.trial import TrialResult
from tui.core.events import Kind, Status
from tui.core.figures import Figures, figures_of
from tui.core.goodput import goodput
from tui.core.metrics import NS_PER_MS
from tui.core.objectives import Objective, State, judge
from tui.core.observation import Figure, Observation, observe, samples
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import StoredRun
from tui.core.statistics import describe
from tui.export.document import ending, is_simulated, latest, started
from tui.export.tables import ABSENT, SIMULATED, Table, rounded
from tui.export.tried_table import tried_table

_MARKS = {State.MET: "✔", State.MISSED: "✖", State.UNKNOWN: "?"}


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt or an answer."""

    title: str
    body: str


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """All requests of one target in the runs of a report, warm-up left out."""

    target: str
    model: str
    endpoint: str
    simulated: bool
    records: list[RequestRecord]

    @property
    def observations(self) -> list[Observation]:
        """What objectives judge: those not cancelled or interrupted."""
        return [found for record in self.records if (found := observe(record)) is not None]

    @property
    def complete(self) -> list[RequestRecord]:
        """The answers that count."""
        return [record for record in self.records if record.complete]

    @property
    def ttft_ns(self) -> list[int]:
        """TTFT of the complete answers, in order of measurement, ns."""
        return [ns for record in self.complete if (ns := record.ttft_ns) is not None]

    @property
    def total_ns(self) -> list[int]:
        """Total times of the complete answers, in order of measurement, ns."""
        return [ns for record in self.complete if (ns := record.total_ns) is not None]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a report says, in order."""

    simulated: str | None
    """One sentence where anything is simulated."""
    facts: str
    """When and with what it was measured."""
    tables: list[Table]
    texts: list[Text]
    lanes: list[Lane]
    latest: StoredRun


def report_of(
    runs: list[StoredRun],
    tried: Sequence[TrialResult] = (),
    *,
    with_texts: bool,
    objectives: Sequence[Objective] = (),
) -> Report:
    """The report of runs, judged by these objectives, and of what was tried; both portable already
    (`tui.export.portable`)."""
    lanes = lanes_of(runs)
    judged = [_per_objective(lanes, objectives), _goodput(lanes, objectives)] if objectives and lanes else []
    return Report(
        simulated=_simulated(runs),
        facts=_facts(runs),
        tables=[
            _per_target(lanes),
            *judged,
            *([tried_table(tried)] if tried else []),
            _per_run(runs),
            _per_request(runs),
        ],
        texts=_texts(runs) if with_texts else [],
        lanes=lanes,
        latest=latest(runs),
    )


def lanes_of(runs: list[StoredRun]) -> list[Lane]:
    """The requests by target, in order of first appearance; warm-up and sweeps are not among them."""
    lanes: dict[tuple[str, str, str, bool], Lane] = {}
    for run in runs:
        for record in run.requests if run.info.counted else ():
            spec = record.spec
            key = (spec.target, spec.model, spec.endpoint.name, spec.endpoint.simulated)
            if key not in lanes:
                lanes[key] = Lane(target=key[0], model=key[1], endpoint=key[2], simulated=key[3], records=[])
            lanes[key].records.append(record)
    return list(lanes.values())


def _simulated(runs: list[StoredRun]) -> str | None:
    flags = {record.spec.endpoint.simulated for run in runs for record in run.requests}
    if True not in flags:
        return None
    part = "Rows marked so were" if False in flags else "All of this was"
    return f"{part} measured on the built-in simulator, not on a model."


def _facts(runs: list[StoredRun]) -> str:
    times = sorted(started(run) for run in runs)
    when = times[0] if times[0] == times[-1] else f"{times[0]} to {times[-1]}"
    apps = ", ".join(sorted({run.info.app_version for run in runs}))
    sdks = ", ".join(sorted({run.info.sdk_version for run in runs}))
    count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    return f"{count}, {when}, measured by latency-tui {apps} with the anthropic SDK {sdks}."


def _per_target(lanes: list[Lane]) -> Table:
    rows = []
    for lane in lanes:
        statuses = [record.status for record in lane.records]
        failed = statuses.count(Status.FAILED)
        observations = lane.observations
        rate = describe(samples(observations, Figure.OTPS)).median
        rows.append(
            (
                *_who(lane.target, lane.model, lane.endpoint, simulated=lane.simulated),
                str(len(lane.complete)),
                str(failed),
                str(len(statuses) - len(lane.complete) - failed),
                *_spread(observations, Figure.TTFT),
                *_spread(observations, Figure.TOTAL),
                ABSENT if rate is None else f"{rate:,.1f}",
            )
        )
    columns = ("Target", "Model", "Endpoint", "Measured", "Answers", "Failed", "Broken off")
    spread = ("median", "p95", "min", "max")
    figures = [f"{name} {part}, ms" for name in ("TTFT", "Total") for part in spread]
    return Table(title="Targets", columns=(*columns, *figures, "Tokens/s median"), labels=4, rows=rows)


def _per_objective(lanes: list[Lane], objectives: Sequence[Objective]) -> Table:
    rows = []
    for lane in lanes:
        for objective in objectives:
            found = judge(objective, lane.observations)
            said = found.sentence.removeprefix(f"{objective.text}: {found.state.value}, ")
            who = _who(lane.target, lane.model, lane.endpoint, simulated=lane.simulated)
            rows.append((*who, objective.text, f"{_MARKS[found.state]} {found.state.value}", said, str(found.count)))
    columns = ("Target", "Model", "Endpoint", "Measured", "Objective", "State", "Measured value", "Samples")
    return Table(title="Objectives", columns=columns, labels=7, rows=rows)


def _goodput(lanes: list[Lane], objectives: Sequence[Objective]) -> Table:
    rows = []
    for lane in lanes:
        found = goodput(objectives, lane.observations)
        figures = (ABSENT,) * 3
        if found is not None:
            figures = (f"{found.per_second:,.3g}", str(found.good), str(found.count))
        rows.append((*_who(lane.target, lane.model, lane.endpoint, simulated=lane.simulated), *figures))
    columns = ("Target", "Model", "Endpoint", "Measured", "Goodput, requests/s", "Keep every limit", "Requests")
    return Table(title="Goodput", columns=columns, labels=4, rows=rows)


def _per_run(runs: list[StoredRun]) -> Table:
    rows = [
        (
            f"{number}",
            started(run),
            f"{run.info.repeat}{'' if run.info.counted else f' ({run.info.kind}, not counted)'}",
            SIMULATED if is_simulated(run) else "",
            run.note,
            ", ".join(run.tags),
            rounded(None if run.info.send_spread_ns is None else run.info.send_spread_ns / NS_PER_MS),
        )
        for number, run in enumerate(runs, 1)
    ]
    columns = ("Run", "Started", "Repeat", "Measured", "Note", "Tags", "Spread of sends, ms")
    return Table(title="Runs", columns=columns, labels=6, rows=rows)


def _per_request(runs: list[StoredRun]) -> Table:
    rows = [_request(number, record, figures_of(record)) for number, record in _numbered(runs)]
    labels = ("Run", "Target", "Model", "Endpoint", "Measured", "Status", "Stop reason", "Error", "Stamps")
    times = ("TTFT", "TTFO", "Total", "TPOT", "ITL p50", "ITL p95", "ITL p99", "ITL max", "Connect", "± p99")
    counts = ("Tokens/s", "Input tokens", "Output tokens", "Attempts")
    columns = (*labels, *(f"{name}, ms" for name in times), *counts)
    return Table(title="Requests", columns=columns, labels=len(labels), rows=rows)


def _request(number: int, record: RequestRecord, figures: Figures) -> tuple[str, ...]:
    gaps, delay = figures.gaps_ms, figures.instrument_delay_ms
    spec = record.spec
    return (
        str(number),
        *_who(spec.target, spec.model, spec.endpoint.name, simulated=spec.endpoint.simulated),
        ending(record),
        record.stop_reason or "",
        f"{record.failure.kind.value}: {record.failure.message}" if record.failure else "",
        figures.stamp_source or "",
        *map(rounded, (figures.ttft_ms, figures.ttfo_ms, figures.ttlt_ms, figures.tpot_ms)),
        *map(rounded, (gaps.p50, gaps.p95, gaps.p99, gaps.max) if gaps else (None,) * 4),
        rounded(figures.connect_ms),
        rounded(delay.p99 if delay else None),
        rounded(figures.otps),
        *(ABSENT if count is None else f"{count:,}" for count in (figures.input_tokens, figures.output_tokens)),
        str(record.attempt),
    )


def _texts(runs: list[StoredRun]) -> list[Text]:
    texts = []
    for number, run in enumerate(runs, 1):
        shown = None
        for record in run.requests:
            name, prompt = f"Run {number}, {record.spec.target}", record.spec.prompt
            parts = [] if prompt == shown else [(f"{name}: {part}", body) for part, body in _conversation(prompt)]
            parts += [(f"{name}: thinking", record.text(Kind.THINKING)), (f"{name}: answer", record.text())]
            texts += [Text(title=title, body=body) for title, body in parts if body]
            shown = prompt
    return texts


def _conversation(prompt: Prompt) -> list[tuple[str, str]]:
    turns = [(f"earlier turn of the {turn.role}", turn.text) for turn in prompt.turns]
    return [("system", prompt.system), *turns, ("prompt", prompt.user), ("prefill", prompt.prefill)]


def _numbered(runs: list[StoredRun]) -> list[tuple[int, RequestRecord]]:
    return [(number, record) for number, run in enumerate(runs, 1) for record in run.requests]


def _who(target: str, model: str, endpoint: str, *, simulated: bool) -> tuple[str, str, str, str]:
    return target, model, endpoint, SIMULATED if simulated else ""


def _spread(observations: Sequence[Observation], figure: Figure) -> tuple[str, str, str, str]:
    """Median, p95, smallest and largest, ms."""
    found = describe(samples(observations, figure))
    shown = (found.median, found.p95, found.min, found.max)
    median, p95, least, most = (rounded(None if ns is None else ns / NS_PER_MS) for ns in shown)
    return median, p95, least, most
