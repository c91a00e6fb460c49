"""The report as one HTML page that needs nothing else: no script, no font, no picture from anywhere."""

from collections.abc import Sequence

from tui.advice.trial import TrialResult
from tui.core.objectives import Objective
from tui.core.run import StoredRun
from tui.export import svg
from tui.export.escape import html_text
from tui.export.report import Report, Text, report_of
from tui.export.tables import SIMULATED, Table

# The policy holds even if something slipped through the escaping: nothing is loaded, nothing runs.
_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>latency-tui report</title>
<style>
:root { color-scheme: light dark; --page: #fff; --ink: #1c2430; --faint: #667080; --rule: #d4dae2;
  --dot: #2a6fdb; --median: #b3401a; --waiting: #b4bcc8; --thinking: #b07a1e; --text: #2a6fdb; --warn: #8a2f00; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14181f; --ink: #e2e8f0; --faint: #97a3b4; --rule: #333c4a;
    --dot: #6aa6ff; --median: #ff9b73; --waiting: #566173; --thinking: #e0b050; --text: #6aa6ff; --warn: #ffb08a; }
}
body { background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 90rem; padding: 0 1rem; }
.simulated { border: 2px solid var(--warn); color: var(--warn); padding: .5rem 1rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; }
th, td { border-bottom: 1px solid var(--rule); padding: .25rem .6rem; text-align: left; vertical-align: top; }
td { max-width: 26rem; min-width: 8.5rem; overflow-wrap: anywhere; unicode-bidi: isolate; }
td.number { font-variant-numeric: tabular-nums; min-width: 0; text-align: right; white-space: nowrap; }
pre { border-left: 3px solid var(--rule); overflow-wrap: anywhere; padding-left: 1rem; white-space: pre-wrap; }
svg { display: block; height: auto; margin: 1rem 0; max-width: 100%; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; }
svg .title { font-weight: 600; }
svg .label { text-anchor: end; }
svg .tick, svg .key { fill: var(--faint); font-size: 11px; }
svg .tick { text-anchor: middle; }
.grid { stroke: var(--rule); }
.dot { fill: var(--dot); fill-opacity: .55; }
.median { stroke: var(--median); stroke-width: 3; }
.waiting { fill: var(--waiting); }
.thinking { fill: var(--thinking); }
.text { fill: var(--text); }
</style>
</head>
<body>
<h1>latency-tui report</h1>
"""


def render_html(
    runs: list[StoredRun], tried: Sequence[TrialResult], *, with_texts: bool, objectives: Sequence[Objective] = ()
) -> str:
    """The report with charts; all text from elsewhere is escaped."""
    report = report_of(runs, tried, with_texts=with_texts, objectives=objectives)
    parts = []
    if report.simulated is not None:
        parts.append(f'<p class="simulated"><strong>{SIMULATED}.</strong> {html_text(report.simulated)}</p>')
    parts.append(f"<p>{html_text(report.facts)}</p>")
    targets, *rest = report.tables
    parts += [_table(targets), *_charts(report), *map(_table, rest)]
    if report.texts:
        parts.append("<h2>Prompts and answers</h2>")
        parts += map(_text, report.texts)
    return _HEAD + "\n".join(parts) + "\n</body>\n</html>\n"


def _charts(report: Report) -> list[str]:
    mark = f" ({SIMULATED})" if report.simulated is not None else ""
    labels = [f"{lane.target} {SIMULATED}" if lane.simulated else lane.target for lane in report.lanes]
    ttft = [svg.Row(label=label, samples_ns=lane.ttft_ns) for label, lane in zip(labels, report.lanes, strict=True)]
    total = [svg.Row(label=label, samples_ns=lane.total_ns) for label, lane in zip(labels, report.lanes, strict=True)]
    charts = [
        svg.dots(f"TTFT, every answer and the median{mark}", ttft),
        svg.dots(f"Total time, every answer and the median{mark}", total),
        svg.timeline(f"The latest run{mark}", report.latest.requests),
    ]
    return [chart for chart in charts if chart]


def _table(table: Table) -> str:
    head = "".join(f"<th>{html_text(column)}</th>" for column in table.columns)
    rows = "\n".join(
        "<tr>" + "".join(_cell(cell, number=at >= table.labels) for at, cell in enumerate(row)) + "</tr>"
        for row in table.rows
    )
    return (
        f'<h2>{html_text(table.title)}</h2>\n<div class="table"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _cell(text: str, *, number: bool) -> str:
    return f'<td class="number">{html_text(text)}</td>' if number else f"<td>{html_text(text)}</td>"


def _text(text: Text) -> str:
    # A line break right after <pre> is dropped by readers, so the text's own first one needs one before it.
    return f"<details><summary>{html_text(text.title)}</summary>\n<pre>\n{html_text(text.body)}</pre></details>"
