"""Stored runs in words: the line that filters them, one row of the list, and everything that is known of one."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from tui.config.schema import HistorySettings
from tui.core.answer_text import Span
from tui.core.checks import failing_spans, verdict_line
from tui.core.events import Kind
from tui.core.host import HostFacts
from tui.core.metrics import NS_PER_S
from tui.core.record import RequestRecord, State
from tui.core.remarks import remarks
from tui.core.run import WORST_FIRST, RunFilter, RunInfo, RunRow, StoredRun
from tui.core.sanitize import clean
from tui.core.wording import cells_of, counted, format_count, format_duration, format_rate
from tui.ui.viewmodel.lane_lines import SHAPES

HINT = "text in the prompt, and: model:haiku endpoint:api tag:x since:2026-11-01 until:2026-11-30 failed simulated"
"""Hint for the line that filters."""
_WIDE_CELLS = 100
"""Width from which a row has room for all of it."""

_MOST_OF_A_TEXT = 4_000
"""Characters of a prompt or an answer in the detail: the replay has the rest."""


def heading(width: int) -> str:
    """Heading above the rows of a list of `width` cells."""
    started, state, fastest = _widths(width)
    named = f"{'fastest':<{fastest}}"
    return f"  {'No.':>6}  {'started':<{started}}  {'state':<{state}} {named} {'TTFT':>8} {'total':>8}  what"


def deletion_question(number: int, row: RunRow | None) -> str:
    """Question before a run, or all runs of a series, are deleted."""
    what = f"the {counted(row.runs, 'run')} of this series" if row is not None and row.runs > 1 else f"run {number}"
    return f"Delete {what} for good, from snapshots too?"


def _widths(width: int) -> tuple[int, int, int]:
    """Cells for start, state and fastest target: in a narrow list without the year, and without how many."""
    return (14, 18, 18) if width >= _WIDE_CELLS else (11, 13, 10)


def row_line(row: RunRow, width: int, *, marked: bool) -> str:
    """One run or series on one line, under `heading`; it may be longer than `width` cells. TTFT and total are those of
    the target with the shortest TTFT, which is named; of a series its medians."""
    start_cells, state_cells, name_cells = _widths(width)
    started = time.strftime("%y-%m-%d %H:%M", time.localtime(row.started_unix_ns // NS_PER_S))
    fastest = row.fastest
    name = _fitted(clean(fastest.target) if fastest is not None and len(row.targets) > 1 else "", name_cells)
    ttft, total = (fastest.ttft_ns, fastest.total_ns) if fastest is not None else (None, None)
    figures = f"{name} {format_duration(ttft):>8} {format_duration(total):>8}"
    state = f"{_state(row)[:state_cells]:<{state_cells}}"
    return f"{'◆' if marked else ' '} {row.number:>6}  {started[-start_cells:]}  {state} {figures}  {_what(row)}"


def _fitted(text: str, cells: int) -> str:
    """The end of a text that is too long: there names differ."""
    while cells_of(text) > cells:
        text = f"…{text[2:]}"
    return text + " " * (cells - cells_of(text))


def _state(row: RunRow) -> str:
    """The worst that became of any request, as shape and word, and of how many if not of all."""
    states = [target.status for target in row.targets]
    worst = State(next((state for state in WORST_FIRST if state in states), "idle"))
    # Stored without a result yet: some program has it in flight.
    shape, word = ("▶", "in flight") if worst is State.IDLE else (SHAPES[worst], worst.value)
    count = states.count(worst.value)
    return f"{shape} {word}" + (f" {count}/{len(states)}" if count < len(states) else "")


def _what(row: RunRow) -> str:
    labels = [target.target for target in row.targets]
    parts = ["SIM"] if row.simulated else []
    if row.series is not None:
        parts.append(f"series of {row.runs}" if row.turn is None else f"conversation, {counted(row.runs, 'turn')}")
    parts += [f"#{tag}" for tag in row.tags]
    parts += ["✎"] if row.note else []
    parts.append(labels[0] if len(labels) == 1 else counted(len(labels), "lane"))
    return clean(" ".join([*parts, row.excerpt])).replace("\n", " ").replace("\t", " ")


MarkedLine = tuple[str, tuple[Span, ...]]
"""A text that is safe to print, and the parts of it that are marked."""


def detail_lines(run: StoredRun) -> list[MarkedLine]:
    """Everything a person may want to know before opening, replaying or deleting it; what fails a check is marked."""
    lines = [_head(run)]
    if run.note:
        lines.append(f"✎ {run.note}")
    for record in run.requests:
        lines += _request_lines(record)
    lines += ["", *_asked_lines(run)]
    found: list[MarkedLine] = [(clean(line), ()) for line in lines]
    for record in run.requests:
        answer = record.text(Kind.TEXT)
        if answer:
            found += [("", ()), (clean(f"{record.spec.target}:"), ()), _marked(answer, failing_spans(record.checks))]
    return found


def _marked(answer: str, failing: Sequence[Span]) -> MarkedLine:
    shown = clean(_cut(answer))
    marks = ((len(clean(answer[:start])), len(clean(answer[:end]))) for start, end in failing)
    last = max(0, len(shown) - 1)
    # What is missing is marked by what stands before it.
    return shown, tuple((min(start, last), max(end, min(start, last) + 1)) for start, end in marks)


def _head(run: StoredRun) -> str:
    info = run.info
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(info.started_unix_ns // NS_PER_S))
    parts = [f"Run {run.number}", started]
    if any(record.spec.endpoint.simulated for record in run.requests):
        parts.append("SIMULATED")
    parts += _series(info)
    parts += [f"#{tag}" for tag in run.tags]
    parts += [f"from {host}" for host in host_words(info.hosts)]
    return " · ".join([*parts, f"version {info.app_version}", f"SDK {info.sdk_version or 'not known'}"])


def host_words(hosts: Sequence[HostFacts]) -> list[str]:
    """A few words on each host: its name, and how well its clock is known where that is another."""
    return [f"{host.name}, clock ± {format_duration(host.error_ns)}" if host.error_ns else host.name for host in hosts]


def _series(info: RunInfo) -> list[str]:
    if info.series is None:
        return []
    if info.turn is not None:
        return [f"turn {info.turn} of a conversation, {info.kind} {info.repeat}"]
    return [f"{info.kind} {info.repeat} of a series"]


def _request_lines(record: RequestRecord) -> list[str]:
    # Without a result it is in flight in some program, or was when it was read.
    state = record.state
    said = f"{SHAPES[state]} {state.value}" if record.status is not None else "▶ in flight"
    figures = f"TTFT {format_duration(record.ttft_ns):<7} total {format_duration(record.total_ns):<7}"
    tokens = format_count(record.output_tokens)
    where = f"{record.spec.target} @{record.spec.endpoint.name}"
    line = f"{said:<13} {figures} {tokens:>6} tok {format_rate(record.otps):>6} tok/s  {where}"
    sentences = remarks(record) if record.failure is None else (record.failure.message,)
    judged = (f"{verdict_line(record.checks, record.overruled)}.",) if record.checks else ()
    return [line, *(f"  {sentence}" for sentence in (*judged, *sentences))]


def _asked_lines(run: StoredRun) -> list[str]:
    """The shared parameters, and every prompt as it was sent."""
    parameters = run.plan.parameters
    named = ((name, getattr(parameters, name)) for name in parameters.__struct_fields__)
    lines = [", ".join(f"{name} {value}" for name, value in named if value not in (None, ())) or "no parameters set"]
    for prompt in dict.fromkeys(record.spec.prompt for record in run.requests):
        variant = f" ({prompt.name})" if prompt.name else ""
        lines += [f"system{variant}: {_cut(prompt.system)}"] if prompt.system else []
        lines += [f"{turn.role}{variant}: {_cut(turn.text)}" for turn in prompt.turns]
        lines.append(f"user{variant}: {_cut(prompt.user)}")
        lines += [f"prefill{variant}: {_cut(prompt.prefill)}"] if prompt.prefill else []
    return lines


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_OF_A_TEXT else f"{text[:_MOST_OF_A_TEXT]}…"


def name_of(runs: Sequence[StoredRun]) -> str:
    """Name of a set of runs: a series by its first and last run."""
    first, last = runs[0].number, runs[-1].number
    return f"run {first}" if first == last else f"runs {first} to {last}"


def retention(settings: HistorySettings) -> str:
    """The time for which runs are kept, in words."""
    limits = [counted(settings.keep_days, "day")] if settings.keep_days else []
    limits += [f"{settings.keep_mb} MB"] if settings.keep_mb else []
    return f"kept for at most {' and '.join(limits)}" if limits else "all is kept"


def tags_of(text: str) -> list[str]:
    """The tags that were typed, separated by blanks, with or without #; each once."""
    return list(dict.fromkeys(tag for word in text.split() if (tag := word.removeprefix("#"))))


class QueryError(ValueError):
    """The line cannot be understood; the message is one sentence."""


def parse_query(line: str) -> RunFilter:
    """The filter that a line means. Days are local ones, as the list shows them. Raises QueryError."""
    wanted: dict[str, object] = {}
    text: list[str] = []
    for word in line.split():
        name, colon, value = word.partition(":")
        if word in ("failed", "simulated"):
            wanted[word] = True
        elif not colon or name not in ("model", "endpoint", "tag", "since", "until"):
            text.append(word)
        elif not value:
            raise QueryError(f"{word} lacks what to look for, as in {name}:{_EXAMPLES[name]}.")
        elif name in ("since", "until"):
            wanted[f"{name}_unix_ns"] = _day_ns(word, value, days=int(name == "until"))
        else:
            wanted[name] = value
    if text:
        wanted["text"] = " ".join(text)
    return RunFilter(**wanted)  # type: ignore[arg-type]


_EXAMPLES = {"model": "haiku", "endpoint": "api", "tag": "x", "since": "2026-11-01", "until": "2026-11-30"}


def _day_ns(word: str, value: str, *, days: int) -> int:
    """The first moment of a day, or of the one `days` later, ns since 1970."""
    try:
        day = datetime.strptime(value, "%Y-%m-%d") + timedelta(days=days)
        return int(day.astimezone().timestamp()) * NS_PER_S
    except (ValueError, OverflowError, OSError):
        raise QueryError(f"{word}: give a day such as 2026-11-22.") from None
