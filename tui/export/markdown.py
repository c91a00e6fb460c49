"""Reports in Markdown (CommonMark with tables), for pull requests and notes: of runs, advice, and two snapshots."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from tui.advice.advise import Advice
from tui.advice.citations import FIRST_NOTE
from tui.advice.rendering import saving_sentence
from tui.advice.suggestion import Suggestion
from tui.advice.trial import TrialResult
from tui.config.schema import SIMULATOR
from tui.core.parameters import Parameters
from tui.core.series import SeriesSettings
from tui.core.side_by_side import HEADING, LaneTable, SideBySide, side_by_side
from tui.core.snapshot import LaneSnapshot, Snapshot
from tui.core.target import Target
from tui.core.wording import SIMULATED
from tui.export.escape import markdown_block, markdown_line
from tui.export.plan_file import Asked
from tui.export.portable import Contents, portable_prompt
from tui.export.report import Table, report_of, tried_table

_T = TypeVar("_T")


def render_markdown(contents: Contents) -> Iterator[str]:
    """The report; all text from elsewhere is escaped or in fenced blocks."""
    report = report_of(contents)
    parts = ["# latency-tui report"]
    if report.simulated is not None:
        parts.append(f"**{SIMULATED}.** {report.simulated}")
    parts.append(markdown_line(report.facts))
    targets, *rest = [f"## {table.title}\n\n{_table(table)}" for table in report.tables]
    parts += [targets, *(markdown_line(remark) for remark in report.remarks), *rest]
    if report.texts:
        parts.append("## Prompts and answers")
        parts += [f"### {markdown_line(text.title)}\n\n{markdown_block(text.body)}" for text in report.texts]
    yield "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    """A table; all text in it is escaped."""
    made = markdown_table(table.columns, table.rows, table.labels)
    return f"{made}\n\n{markdown_line(table.note)}." if table.note else made


def markdown_table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], labels: int = 1) -> str:
    """Rows below their columns' names, all escaped; the first `labels` columns to the left."""
    rules = ["---"] * labels + ["--:"] * (len(columns) - labels)
    return "\n".join(map(_row, (columns, *rows))).replace("\n", f"\n| {' | '.join(rules)} |\n", 1)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(markdown_line, cells))} |"


def advice_markdown(advices: Sequence[Advice], tried: Sequence[TrialResult]) -> str:
    """The report; all text from elsewhere is escaped."""
    parts = ["# latency-tui advice", FIRST_NOTE]
    for advice in advices:
        parts += [f"## {markdown_line(advice.target)}", *_head(advice)]
        parts += ["\n".join(_suggestion(one, number)) for number, one in enumerate(advice.suggestions, 1)]
        if rest := "\n".join(_rest(advice)):
            parts.append(rest)
    if tried:
        table = tried_table(tried)
        parts.append(f"## {table.title}\n\n{_table(table)}")
    return "\n\n".join(parts) + "\n"


def _head(advice: Advice) -> Iterator[str]:
    if advice.simulated:
        yield f"**{SIMULATED}.** Measured on the built-in simulator, not on a model."
    yield f"**{markdown_line(advice.conclusion)}**"
    if advice.where is not None:
        yield f"From {advice.count} answers, {markdown_line(advice.where.sentence)}."
    for warning in advice.warnings:
        yield f"{markdown_line(f'{warning.rule}: {warning.reason}; what would help: {warning.run}')}."


def _suggestion(suggestion: Suggestion, number: int) -> Iterator[str]:
    yield f"{number}. **{markdown_line(suggestion.headline)}**: {markdown_line(saving_sentence(suggestion.saving))}"
    for figure in suggestion.figures:
        yield f"   - {markdown_line(figure)}"
    yield f"   - price: {markdown_line(suggestion.price)}"
    if suggestion.passes:
        yield f"   - {markdown_line(suggestion.passes)}"
    source = suggestion.source
    yield f"   - source: {markdown_line(f'{source.name}, {source.section}')}, <{source.url}>"


def _rest(advice: Advice) -> Iterator[str]:
    for suggestion in advice.minor:
        yield f"- too small to matter: {markdown_line(suggestion.headline)}"
    for silence in advice.no_suggestions:
        if silence.run:
            yield f"- {markdown_line(f'{silence.rule}: {silence.reason}; what would tell: {silence.run}')}"


def comparison_markdown(before: Snapshot, now: Snapshot) -> str:
    """The comparison as it is on the screen; all text from elsewhere is escaped or in fenced blocks."""
    both = side_by_side(before, now)
    simulated = any(lane.endpoint == SIMULATOR for lane in (*before.lanes, *now.lanes))
    parts = [f"# {markdown_line(before.name)} → {markdown_line(now.name)}"]
    parts += [f"**{SIMULATED}.** Measured on the built-in simulator, not on a model."] if simulated else []
    for lane in both.lanes:
        parts += _lane(lane, both)
    parts += ["\n".join(f"- {markdown_line(note)}" for note in both.notes)] if both.notes else []
    for part, difference in both.prompts:
        parts += [f"## Prompt, {part}", markdown_block(difference)]
    return "\n\n".join(parts) + "\n"


def _lane(lane: LaneTable, both: SideBySide) -> Iterator[str]:
    yield f"## {markdown_line(lane.name)}"
    if not lane.rows:
        yield f"not in {markdown_line(both.before)}"
        return
    if lane.asked:
        yield "\n".join(f"- {markdown_line(one)}" for one in lane.asked)
    yield markdown_table(HEADING, lane.rows)
    if lane.failures:
        yield f"{markdown_line(lane.failures)}."


def asked_by(snapshot: Snapshot) -> tuple[Asked, str]:
    """The plan that asks again, as often, what a snapshot asked, and the endpoint of its targets that name none."""
    lanes = snapshot.lanes
    default = lanes[0].endpoint
    shared = _shared([lane.parameters for lane in lanes])
    prompts = _each_once([portable_prompt(lane.prompt) for lane in lanes])
    if len(prompts) == 1:
        prompts = (msgspec.structs.replace(prompts[0], name=""),)
    targets = _each_once([_target(lane, default, shared, variants=len(prompts) > 1) for lane in lanes])
    repeats = max(1, *(len({one.run for one in lane.observations}) for lane in lanes))
    series = msgspec.structs.replace(SeriesSettings(), repeats=repeats)
    return Asked(prompts=prompts, parameters=shared, targets=targets, series=series), default


def _each_once(found: Sequence[_T]) -> tuple[_T, ...]:
    # Some of their fields cannot be hashed.
    return tuple(one for at, one in enumerate(found) if one not in found[:at])


def _shared(all_of_them: Sequence[Parameters]) -> Parameters:
    """The parameters in which all agree."""
    first, *others = all_of_them
    names = first.__struct_fields__
    return Parameters(
        **{
            name: getattr(first, name)
            for name in names
            if all(getattr(other, name) == getattr(first, name) for other in others)
        }
    )


def _target(lane: LaneSnapshot, default: str, shared: Parameters, *, variants: bool) -> Target:
    own = {
        name: value
        for name in shared.__struct_fields__
        if (value := getattr(lane.parameters, name)) != getattr(shared, name)
    }
    # The lane of a variant is called by both.
    label = lane.name.removesuffix(f" · {lane.prompt.name}") if variants else lane.name
    return Target(
        model=lane.model,
        endpoint=None if lane.endpoint == default else lane.endpoint,
        name=None if label == lane.model else label,
        parameters=Parameters(**own),
    )
