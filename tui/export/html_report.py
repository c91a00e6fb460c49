"""Report as one HTML page that needs nothing else: no script, no font, no picture from anywhere.

Its charts are SVG elements, whose colours are classes of the style sheet. Lengths are pixels of the drawing.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

import msgspec

from tui.config.paths import builtin_config
from tui.core.figures import Use, figures_for
from tui.core.finished import ending
from tui.core.observation import present
from tui.core.record import RequestRecord
from tui.core.sanitize import clean
from tui.core.wording import SIMULATED, format_duration
from tui.export.escape import html_text
from tui.export.portable import Contents
from tui.export.report import Failing, RunReport, Table, Text, report_of

_WIDTH = 900
_LABELS = 220
_RIGHT = 30
_ROW = 26
_TOP = 34
_LONGEST_LABEL = 30
_PLOT = _WIDTH - _LABELS - _RIGHT
_HEAD_FILE = "report.html"
"""Beginning of the page. Its policy holds even if something slipped through the escaping: nothing is loaded or runs."""


def render_html(contents: Contents) -> Iterator[str]:
    """The report with charts; all text from elsewhere is escaped."""
    report = report_of(contents)
    parts = []
    if report.simulated is not None:
        parts.append(f'<p class="simulated"><strong>{SIMULATED}.</strong> {html_text(report.simulated)}</p>')
    parts.append(f"<p>{html_text(report.facts)}</p>")
    targets, *rest = report.tables
    remarks = [f"<p>{html_text(remark)}</p>" for remark in report.remarks]
    parts += [_table(targets), *remarks, *_charts(report), *map(_table, rest)]
    if report.texts:
        parts.append("<h2>Prompts and answers</h2>")
        parts += map(_text, report.texts)
    yield builtin_config(_HEAD_FILE).read_text("utf-8") + "\n".join(parts) + "\n</body>\n</html>\n"


def _charts(report: RunReport) -> list[str]:
    mark = f" ({SIMULATED})" if report.simulated is not None else ""
    charts = []
    for figure in figures_for(Use.HEADLINE):
        rows = [
            DotRow(
                label=f"{one.name} {SIMULATED}" if one.simulated else one.name,
                samples_ns=present(one.observations, figure),
            )
            for one in report.measured
        ]
        charts.append(dots(f"{figure.label[0].upper()}{figure.label[1:]}, every answer and the median{mark}", rows))
    charts.append(timeline(f"The latest run{mark}", report.latest.on_one_clock()))
    return [chart for chart in charts if chart]


def _table(table: Table) -> str:
    head = "".join(f"<th>{html_text(column)}</th>" for column in table.columns)
    rows = "\n".join(
        "<tr>" + "".join(_cell(cell, number=at >= table.labels) for at, cell in enumerate(row)) + "</tr>"
        for row in table.rows
    )
    note = f"\n<p>{html_text(table.note)}.</p>" if table.note else ""
    return (
        f'<h2>{html_text(table.title)}</h2>\n<div class="table"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>{note}"
    )


def _cell(text: str, *, number: bool) -> str:
    shown = f"<mark>{html_text(text)}</mark>" if isinstance(text, Failing) else html_text(text)
    return f'<td class="number">{shown}</td>' if number else f"<td>{shown}</td>"


def _text(text: Text) -> str:
    # A line break right after <pre> is dropped by readers, so the text's own first one needs one before it.
    return f"<details><summary>{html_text(text.title)}</summary>\n<pre>\n{_marked(text)}</pre></details>"


def _marked(text: Text) -> str:
    """The body with what fails a check marked. What is missing has no place to mark."""
    cuts = sorted({0, len(text.body), *(min(at, len(text.body)) for span in text.failing for at in span)})
    parts = []
    for start, end in pairwise(cuts):
        shown = html_text(text.body[start:end])
        fails = any(first <= start < last for first, last in text.failing)
        parts.append(f"<mark>{shown}</mark>" if fails else shown)
    return "".join(parts)


class DotRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a dot chart."""

    label: str
    samples_ns: Sequence[float]


def dots(title: str, rows: Sequence[DotRow]) -> str:
    """One dot per sample and a bar at each row's median, on a scale from zero. Empty without samples."""
    longest = max((sample for row in rows for sample in row.samples_ns), default=0)
    if longest <= 0:
        return ""
    body = []
    for index, row in enumerate(rows):
        y = _TOP + _ROW * index + _ROW // 2
        body.append(_label(row.label, y))
        body += [f'<circle class="dot" cx="{_x(ns, longest)}" cy="{y}" r="4"/>' for ns in row.samples_ns]
        if row.samples_ns:
            middle = median(row.samples_ns)
            x = _x(middle, longest)
            body.append(
                f'<line class="median" x1="{x}" x2="{x}" y1="{y - 10}" y2="{y + 10}">'
                f"<title>median {format_duration(middle)}</title></line>"
            )
    return _chart(title, len(rows), longest, body)


def timeline(title: str, records: Sequence[RequestRecord]) -> str:
    """One bar per request from the first send on: waiting, thinking, text. Empty when nothing was sent."""
    sent = [record.timeline.sent_ns for record in records if record.timeline.sent_ns is not None]
    if not sent:
        return ""
    start = min(sent)
    ends = [_end(record) - start for record in records if record.timeline.sent_ns is not None]
    longest = max(*ends, 1)
    body = [
        f'<rect class="{kind}" x="{_WIDTH - 290 + 95 * at}" y="8" width="12" height="12"/>'
        f'<text class="key" x="{_WIDTH - 273 + 95 * at}" y="18">{kind}</text>'
        for at, kind in enumerate(("waiting", "thinking", "text"))
    ]
    for index, record in enumerate(records):
        y = _TOP + _ROW * index + _ROW // 2
        body.append(_label(f"{record.spec.target} ({ending(record)})", y))
        for kind, begin, end in _phases(record):
            x, width = _x(begin - start, longest), max(0.0, (end - begin) / longest * _PLOT)
            body.append(
                f'<rect class="{kind}" x="{x}" y="{y - 7}" width="{width:.1f}" height="14">'
                f"<title>{kind} {format_duration(end - begin)}</title></rect>"
            )
    return _chart(title, len(records), longest, body)


def _phases(record: RequestRecord) -> list[tuple[str, int, int]]:
    """Phases of a request with their ends; ascending."""
    stamps = record.timeline
    if stamps.sent_ns is None:
        return []
    if not stamps.content_ns:
        return [("waiting", stamps.sent_ns, _end(record))]
    first, last = stamps.content_ns[0], stamps.content_ns[-1]
    text = last if stamps.first_answer_ns is None else stamps.first_answer_ns
    phases = [("waiting", stamps.sent_ns, first), ("thinking", first, text), ("text", text, last)]
    return [(kind, begin, end) for kind, begin, end in phases if end > begin]


def _end(record: RequestRecord) -> int:
    stamps = record.timeline
    known = [ns for ns in (stamps.sent_ns, stamps.headers_ns, stamps.ended_ns) if ns is not None]
    return max([*known, *stamps.content_ns[-1:]])


def _chart(title: str, rows: int, longest: float, body: list[str]) -> str:
    height = _TOP + _ROW * rows + 30
    bottom = height - 24
    grid = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = _x(longest * share, longest)
        grid.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>')
        grid.append(f'<text class="tick" x="{x}" y="{height - 8}">{format_duration(longest * share)}</text>')
    name = html_text(title)
    return "\n".join(
        [
            f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{name}">',
            f'<text class="title" x="0" y="18">{name}</text>',
            *grid,
            *body,
            "</svg>",
        ]
    )


def _label(text: str, y: int) -> str:
    line = " ".join(clean(text).split())
    shown = line if len(line) <= _LONGEST_LABEL else f"{line[: _LONGEST_LABEL - 1]}…"
    return f'<text class="label" x="{_LABELS - 10}" y="{y + 4}">{html_text(shown)}</text>'


def _x(ns: float, longest: float) -> str:
    return f"{_LABELS + ns / longest * _PLOT:.1f}"
