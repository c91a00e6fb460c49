"""Report of runs as tables and texts, which Markdown and HTML write alike."""

from collections.abc import Sequence

import msgspec

from tui.advice.suggestion import Basis, Saving
from tui.advice.trial import TrialResult
from tui.core.answer_text import Span
from tui.core.checks import failing_spans, verdict_line
from tui.core.choice import Candidate, Choice
from tui.core.comparison import family_sentence
from tui.core.events import Kind, Status
from tui.core.figures import FITTED, Figure, Unit, Use, figures_for, flat_columns
from tui.core.finished import ending
from tui.core.frontier import frontier_note, frontier_of
from tui.core.goodput import goodput
from tui.core.grouping import Measured, measured_in
from tui.core.host_difference import HOST_COLUMNS, host_differences, host_rows
from tui.core.interleaved import Turns, compare_in_turn, failures_in_turn, measured_in_turn
from tui.core.load_results import HEADING, cells, levels_in, notes, with_hosts
from tui.core.metrics import NS_PER_MS
from tui.core.objectives import Objective, ObjectiveState, judge, judged_together
from tui.core.observation import Observation, summary
from tui.core.pass_rate import pass_rate
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.remarks import remarks, remarks_on, tokens_differ
from tui.core.run import StoredRun
from tui.core.statistics import Interval
from tui.core.wording import ABSENT, SIMULATED, counted, percent, three_digits
from tui.export.document import is_simulated, latest, prices_of, started, utc
from tui.export.portable import Contents

_WHO = ("Target", "Model", "Endpoint", "Measured")
_SPREAD = ("median", "p95", "min", "max")
_DECISIONS = {True: "accepted", False: "rejected", None: "undecided"}
_HELD = {True: "yes", False: "no", None: ABSENT}


class Failing(str):
    """A cell that says that a check or an objective fails, which readers should not have to look for."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table of texts; columns after the first `labels` hold numbers."""

    title: str
    columns: tuple[str, ...]
    labels: int
    rows: Sequence[tuple[str, ...]]
    note: str = ""
    """A sentence below it, without a full stop; empty for none."""


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt or an answer."""

    title: str
    body: str
    failing: tuple[Span, ...] = ()
    """Parts of an answer that fail a check."""


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """Contents of a report, in order."""

    simulated: str | None
    """One sentence where anything is simulated."""
    facts: str
    """Time and instruments of the measurement."""
    remarks: list[str]
    """Sentences without which a reader would misread the first table."""
    tables: list[Table]
    texts: list[Text]
    measured: list[Measured]
    """Results with counted requests."""
    latest: StoredRun


def report_of(contents: Contents) -> RunReport:
    """The report of runs, judged by objectives, and of changes that were tried."""
    runs, objectives = contents.runs, contents.objectives
    known = measured_in(runs, prices_of(runs))
    measured = [one for one in known if one.requests]
    tables = [_per_target(measured), *_fitted(known)]
    if objectives and measured:
        tables += [_per_objective(measured, objectives), _goodput(measured, objectives)]
    tables += [*_levels(runs, objectives), *_frontier(measured), *_hosts(measured)]
    if contents.choice is not None:
        tables.append(_choice(contents.choice))
    if turns := measured_in_turn(measured):
        tables.append(_in_turn(turns))
    if contents.tried:
        tables.append(tried_table(contents.tried))
    return RunReport(
        simulated=_simulated(runs),
        facts=_facts(runs),
        tables=[*tables, _per_run(runs), _per_request(runs)],
        remarks=[
            *(remark for one in measured for remark in remarks_on(one.name, one.observations)),
            *tokens_differ(one.model for one in measured),
        ],
        texts=_texts(runs) if contents.with_texts else [],
        measured=measured,
        latest=latest(runs),
    )


def _simulated(runs: Sequence[StoredRun]) -> str | None:
    flags = {record.spec.endpoint.simulated for run in runs for record in run.requests}
    if True not in flags:
        return None
    part = "Rows marked so were" if False in flags else "All of this was"
    return f"{part} measured on the built-in simulator, not on a model."


def _facts(runs: Sequence[StoredRun]) -> str:
    times = sorted(started(run) for run in runs)
    when = times[0] if times[0] == times[-1] else f"{times[0]} to {times[-1]}"
    apps = ", ".join(sorted({run.info.app_version for run in runs}))
    sdks = ", ".join(sorted({run.info.sdk_version for run in runs}))
    count = counted(len(runs), "run")
    return f"{count}, {when}, measured by latency-tui {apps} with the anthropic SDK {sdks}."


def _per_target(measured: Sequence[Measured]) -> Table:
    headline = figures_for(Use.HEADLINE)
    others = [figure for figure in figures_for(Use.COMPARED) if figure not in headline]
    rows = []
    for one in measured:
        observations = one.observations
        found = {figure: summary(observations, figure) for figure in (*headline, *others)}
        statuses = [observation.status for observation in observations]
        rows.append(
            (
                *_who(one),
                str(sum(observation.answered for observation in observations)),
                str(statuses.count(Status.TRUNCATED)),
                str(statuses.count(Status.REFUSED)),
                str(statuses.count(Status.FAILED)),
                str(one.requests - len(observations)),
                *_passed(observations),
                *(_statistic(figure, getattr(found[figure], part)) for figure in headline for part in _SPREAD),
                *(_statistic(figure, found[figure].median) for figure in others),
            )
        )
    spreads = [_heading(figure, part) for figure in headline for part in _SPREAD]
    counts = ("Answers", "Cut", "Refused", "Failed", "Broken off", "Passed", "Passed, 95 % interval")
    columns = (*_WHO, *counts, *spreads, *(_heading(figure, "median") for figure in others))
    return Table(title="Targets", columns=columns, labels=len(_WHO), rows=rows)


def _passed(observations: Sequence[Observation]) -> tuple[str, str]:
    rate = pass_rate(observations)
    return (ABSENT, ABSENT) if rate is None else (_told(rate.counts, fails=rate.passed < rate.judged), rate.interval)


def _told(text: str, *, fails: bool) -> str:
    return Failing(text) if fails else text


def _fitted(known: Sequence[Measured]) -> list[Table]:
    """The figures that many answers tell together, where they do."""
    rows = []
    for one in known:
        fit = one.fit()
        cells: list[str] = []
        for figure in FITTED:
            found = fit.of(figure)
            cells += [ABSENT] * 2 if found is None else [_statistic(figure, found.value), _ends(found.interval)]
        if set(cells) != {ABSENT}:
            rows.append((*_who(one), str(fit.count), *cells))
    headings = [name for figure in FITTED for name in (_heading(figure), f"{_heading(figure)}: interval")]
    columns = (*_WHO, "Answers", *headings)
    title = "Baseline latency and time per token"
    return [Table(title=title, columns=columns, labels=len(_WHO), rows=rows)] if rows else []


def _per_objective(measured: Sequence[Measured], objectives: Sequence[Objective]) -> Table:
    rows, family = [], len(measured) * len(objectives)
    for one in measured:
        for found in (judge(each, one.observations, family=family, fitted=one.fit) for each in objectives):
            state = _told(f"{found.state.mark} {found.state.value}", fails=found.state is ObjectiveState.MISSED)
            rows.append((*_who(one), found.objective.text, state, found.basis, str(found.count)))
    columns = (*_WHO, "Objective", "State", "Measured value", "Samples")
    return Table(title="Objectives", columns=columns, labels=len(columns) - 1, rows=rows, note=judged_together(family))


def _levels(runs: Sequence[StoredRun], objectives: Sequence[Objective]) -> list[Table]:
    levels = levels_in(runs, objectives)
    rows = [(one.target, *cells(one)) for one in with_hosts(levels)]
    columns, note = ("Target", *HEADING), "; ".join(notes(levels))
    return [Table(title="Load", columns=columns, labels=2, rows=rows, note=note)] if rows else []


def _frontier(measured: Sequence[Measured]) -> list[Table]:
    points, by_ttft = frontier_of(measured), frontier_of(measured, Figure.TTFT)
    rows = [
        (*_what(one), total.state, ttft.state, *total.cells, str(total.requests))
        for one, total, ttft in zip(measured if points else (), points, by_ttft, strict=True)
    ]
    who = ("Target", "Model", "Endpoint", "Variant")
    columns = (*who, "Place", "Place by TTFT", "Total, median", "TTFT, median", "Cost, mean", "Passed", "Requests")
    return [Table(title="Frontier", columns=columns, labels=6, rows=rows, note=frontier_note())] if rows else []


def _choice(choice: Choice) -> Table:
    rows = [
        (*_what(one), one.state.value, one.reason, ABSENT if one.value is None else f"{one.value:.4g}")
        for one in choice.candidates
    ]
    columns = ("Candidate", "Model", "Endpoint", "Variant", "State", "Why", choice.by)
    note = f"{choice.rule}: {choice.sentence}"
    return Table(title="Choice", columns=columns, labels=len(columns) - 1, rows=rows, note=note)


def _in_turn(turns: Sequence[Turns]) -> Table:
    comparisons = compare_in_turn(turns)
    note = "; ".join(filter(None, [*failures_in_turn(turns), family_sentence(comparisons)]))
    rows = [(one.first, one.second, one.figure.label, one.verdict.value, one.sentence) for one in comparisons]
    columns = ("Target", "Against", "Figure", "Verdict", "Measured")
    return Table(title="Asked in turn", columns=columns, labels=5, rows=rows, note=note)


def _hosts(measured: Sequence[Measured]) -> list[Table]:
    """The parts of TTFT by host, with how hosts differ; nothing for fewer than two hosts."""
    asked = [found for one in measured if (found := one.from_host) is not None]
    if len({one.host for one in asked}) < 2:
        return []
    note = "; ".join(each.sentence for each in host_differences(asked))
    columns = tuple(f"{name[0].upper()}{name[1:]}" for name in HOST_COLUMNS)
    return [Table(title="Hosts", columns=columns, labels=2, rows=host_rows(asked), note=note)]


def _goodput(measured: Sequence[Measured], objectives: Sequence[Objective]) -> Table:
    rows = []
    for one in measured:
        found = goodput(objectives, one.observations)
        figures = (ABSENT,) * 4
        if found is not None:
            share = f"{percent(round(found.low, 2))} to {percent(round(found.high, 2))}"
            rate = ABSENT if found.per_second is None else three_digits(found.per_second)
            figures = (rate, str(found.good), str(found.count), share)
        rows.append((*_who(one), *figures))
    columns = (*_WHO, "Goodput, requests/s", "Keep every limit", "Requests", "Share, 95 % interval")
    return Table(title="Goodput", columns=columns, labels=len(_WHO), rows=rows)


def _per_run(runs: Sequence[StoredRun]) -> Table:
    rows = [
        (
            f"{number}",
            started(run),
            f"{run.info.repeat}{'' if run.info.counted else f' ({run.info.kind}, not counted)'}",
            SIMULATED if is_simulated(run) else "",
            run.note,
            ", ".join(run.tags),
            _ms(run.info.send_spread_ns),
        )
        for number, run in enumerate(runs, 1)
    ]
    columns = ("Run", "Started", "Repeat", "Measured", "Note", "Tags", "Spread of sends, ms")
    return Table(title="Runs", columns=columns, labels=6, rows=rows)


def _per_request(runs: Sequence[StoredRun]) -> Table:
    shown = [(figure, part) for figure, part in flat_columns().values() if Use.REQUESTS in figure.declared.uses]
    words = [(figure, part) for figure, part in shown if figure.declared.unit is Unit.WORD]
    numbers = [(figure, part) for figure, part in shown if figure.declared.unit is not Unit.WORD]
    labels = ("Run", *_WHO, "Status", "Stop reason", "Passed", "Remarks", "Error")
    columns = (*labels, *(_heading(figure) for figure, _ in words), *(_heading(*each) for each in numbers), "Attempts")
    rows = [
        (
            str(number),
            *_asked_of(record),
            ending(record),
            record.stop_reason or "",
            _told(verdict_line(record.checks, record.overruled), fails=record.passed is False),
            " ".join(remarks(record)),
            f"{record.failure.kind.value}: {record.failure.message}" if record.failure else "",
            *(figure.in_file(record) or "" for figure, _ in words),
            *(_of_request(figure, part, record) for figure, part in numbers),
            str(record.attempt),
        )
        for number, run in enumerate(runs, 1)
        for record in run.requests
    ]
    return Table(title="Requests", columns=columns, labels=len(labels) + len(words), rows=rows)


def _texts(runs: Sequence[StoredRun]) -> list[Text]:
    texts = []
    for number, run in enumerate(runs, 1):
        shown = None
        for record in run.requests:
            name, prompt = f"Run {number}, {record.spec.target}", record.spec.prompt
            parts = [] if prompt == shown else [(f"{name}: {part}", body) for part, body in _conversation(prompt)]
            parts += [(f"{name}: thinking", record.text(Kind.THINKING)), (f"{name}: answer", record.text())]
            parts.append((f"{name}: tools and other content", record.text(Kind.OTHER)))
            failing = {f"{name}: answer": failing_spans(record.checks)}
            texts += [Text(title=title, body=body, failing=failing.get(title, ())) for title, body in parts if body]
            shown = prompt
    return texts


def _conversation(prompt: Prompt) -> list[tuple[str, str]]:
    turns = [(f"earlier turn of the {turn.role}", turn.text) for turn in prompt.turns]
    return [("system", prompt.system), *turns, ("prompt", prompt.user), ("prefill", prompt.prefill)]


def _who(one: Measured) -> tuple[str, str, str, str]:
    return one.name, one.model, one.endpoint, SIMULATED if one.simulated else ""


def _what(one: Measured | Candidate) -> tuple[str, str, str, str]:
    return one.name, one.model, one.endpoint, one.variant or ""


def _asked_of(record: RequestRecord) -> tuple[str, str, str, str]:
    spec = record.spec
    return spec.target, spec.model, spec.endpoint.name, SIMULATED if spec.endpoint.simulated else ""


def _heading(figure: Figure, part: str = "") -> str:
    """`TTFT, ms`, `ITL p95, ms`, `Input tokens`."""
    label, unit = figure.label, figure.declared.unit
    name = f"{label[0].upper()}{label[1:]} {part}".rstrip()
    return f"{name}, {unit}" if unit in (Unit.TIME, Unit.RATE) else name


def _statistic(figure: Figure, value: float | None) -> str:
    return ABSENT if value is None else three_digits(figure.converted(value))


def _of_request(figure: Figure, part: str, record: RequestRecord) -> str:
    found = figure.in_file(record)
    value = getattr(found, part, None) if part else found
    if value is None:
        return ABSENT
    return f"{value:,}" if figure.declared.unit is Unit.COUNT else three_digits(value)


def tried_table(tried: Sequence[TrialResult]) -> Table:
    """One row per trial, the latest first: predicted against measured, and the decision. A saving below 0 is a loss."""
    labels = (*("Begun", *_WHO, "Prompt", "Change", "Verdict", "As predicted", "Decision", "Figure"),)
    numbers = [f"{which} {what}, ms" for which in ("Predicted", "Measured") for what in ("saving", "interval")]
    return Table(
        title="Tried", columns=(*labels, *numbers, "Repeats"), labels=len(labels), rows=[_trial(one) for one in tried]
    )


def _trial(tried: TrialResult) -> tuple[str, ...]:
    predicted = tried.predicted
    return (
        utc(tried.begun_unix_ns),
        tried.target,
        tried.model,
        tried.endpoint,
        SIMULATED if tried.simulated else "",
        tried.prompt,
        tried.headline,
        tried.result.value,
        _HELD[tried.held],
        _DECISIONS[tried.accepted],
        tried.trial.figure.label,
        _ms(predicted.ns if predicted else None),
        _predicted_ends(predicted),
        _ms(tried.saved_ns),
        _ends(tried.interval),
        str(tried.repeats),
    )


def _ms(ns: float | None) -> str:
    return ABSENT if ns is None else three_digits(ns / NS_PER_MS)


def _predicted_ends(predicted: Saving | None) -> str:
    """Ends of a prediction; of a presumed range no probability is known."""
    if predicted is None or predicted.interval is None or predicted.basis is not Basis.PRESUMED:
        return _ends(predicted.interval if predicted else None)
    return f"{_ms(predicted.interval.low)} to {_ms(predicted.interval.high)} (presumed)"


def _ends(interval: Interval | None) -> str:
    if interval is None:
        return ABSENT
    return f"{_ms(interval.low)} to {_ms(interval.high)} ({percent(interval.confidence)})"
