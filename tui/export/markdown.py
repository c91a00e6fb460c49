"""Reports in Markdown (CommonMark with tables), for pull requests and notes: of runs, advice, and two snapshots."""

from collections.abc import Iterator, Sequence

from tui.advice.advise import Advice
from tui.advice.citations import FIRST_NOTE
from tui.advice.rendering import saving_sentence
from tui.advice.suggestion import Suggestion
from tui.advice.trial import TrialResult
from tui.config.schema import SIMULATOR
from tui.core.side_by_side import HEADING, LaneTable, SideBySide, side_by_side
from tui.core.snapshot import Snapshot
from tui.core.wording import SIMULATED, counted
from tui.export.escape import markdown_block, markdown_line
from tui.export.portable import Contents
from tui.export.report import Failing, Table, report_of, tried_table


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
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    return f"**{markdown_line(text)}**" if isinstance(text, Failing) else markdown_line(text)


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
        yield f"From {counted(advice.count, 'answer')}, {markdown_line(advice.where.sentence)}."
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
    if lane.differences:
        yield "\n".join(f"- {markdown_line(one)}" for one in lane.differences)
    yield markdown_table(HEADING, lane.rows)
    for one in lane.said:
        yield f"{markdown_line(one)}."
