"""The report in Markdown (CommonMark with tables), for pull requests and notes."""

from collections.abc import Sequence

from tui.advice.trial import TrialResult
from tui.core.objectives import Objective
from tui.core.run import StoredRun
from tui.export.escape import markdown_block, markdown_line
from tui.export.report import report_of
from tui.export.tables import SIMULATED, Table


def render_markdown(
    runs: list[StoredRun], tried: Sequence[TrialResult], *, with_texts: bool, objectives: Sequence[Objective] = ()
) -> str:
    """The report; all text from elsewhere is escaped or in fenced blocks."""
    report = report_of(runs, tried, with_texts=with_texts, objectives=objectives)
    parts = ["# latency-tui report"]
    if report.simulated is not None:
        parts.append(f"**{SIMULATED}.** {report.simulated}")
    parts.append(markdown_line(report.facts))
    parts += [f"## {table.title}\n\n{table_lines(table)}" for table in report.tables]
    if report.texts:
        parts.append("## Prompts and answers")
        parts += [f"### {markdown_line(text.title)}\n\n{markdown_block(text.body)}" for text in report.texts]
    return "\n\n".join(parts) + "\n"


def table_lines(table: Table) -> str:
    """A table; all text in it is escaped."""
    rules = ["---"] * table.labels + ["--:"] * (len(table.columns) - table.labels)
    return "\n".join(map(_row, (table.columns, *table.rows))).replace("\n", f"\n| {' | '.join(rules)} |\n", 1)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(markdown_line, cells))} |"
