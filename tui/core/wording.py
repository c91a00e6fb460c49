"""Figures in words: three significant digits and a unit, the same on the screen, in sentences and in files."""

import unicodedata
from collections import Counter
from collections.abc import Sequence

from tui.core.attachment import Attachment
from tui.core.cost import Cost
from tui.core.figures import Figure
from tui.core.metrics import NS_PER_MS, NS_PER_S

ABSENT = "—"
"""Stands for a figure that is undefined or not known yet; never zero."""
SIMULATED = "SIMULATED"
"""Marks everything that was measured on the built-in simulator."""
SIMULATED_NOTE = f"{SIMULATED}: measured on the built-in simulator."
_MS_END = 999.5 * NS_PER_MS
"""Milliseconds end where they would need four digits."""


def three_digits(value: float) -> str:
    """`value` to two decimals under 10, one under 100, none from there on; the limits are those of the rounded one."""
    size = abs(value)
    if size < 0.005:
        return "0.00"
    if size < 9.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if size < 99.95 else f"{value:,.0f}"


def format_duration(ns: float | None) -> str:
    """A duration of `ns` nanoseconds: three significant digits, so that 1 % is seen, in the unit that suits.

    `0.42 ms`, `8.31 ms`, `64.2 ms`, `212 ms`, `1.34 s`, `12.7 s`, `102 s`, `17:05` (minutes and seconds, from 1,000 s).
    """
    if ns is None:
        return ABSENT
    if abs(ns) < 999.5 * NS_PER_S:
        number, unit = _in_unit(ns, ns)
        return f"{number} {unit}"
    minutes, seconds = divmod(round(abs(ns) / NS_PER_S), 60)
    return f"{'-' if ns < 0 else ''}{minutes}:{seconds:02}"


def roughly(ns: float) -> str:
    """A long time in one unit: `40 s`, `12 min`, `5 h`, `3 days`."""
    for unit, seconds, below in (("s", 1, 120), ("min", 60, 120), ("h", 3_600, 48)):
        if (number := round(abs(ns) / NS_PER_S / seconds)) < below:
            return f"{number} {unit}"
    return counted(round(abs(ns) / NS_PER_S / 86_400), "day")


def format_rate(per_second: float | None) -> str:
    """A rate in 1/s: three significant digits, no unit: `8.31`, `64.2`, `212`, `1,240`."""
    return ABSENT if per_second is None else three_digits(per_second)


def format_count(count: int | None) -> str:
    """A whole number with thousands set apart: `1,024`; from a million on in millions: `1.02M`."""
    if count is None:
        return ABSENT
    return f"{count:,}" if abs(count) < 999_950 else f"{three_digits(count / 1_000_000)}M"


def format_cost(cost: Cost | None) -> str:
    """An estimate in US dollars; `≥` where it may be more."""
    return ABSENT if cost is None else f"{'≥' if cost.is_lower_bound else ''}{dollars(cost.usd)}"


def bar(done: int, total: int, cells: int) -> str:
    """A bar of progress, in characters that every terminal has."""
    filled = round(cells * done / total) if total else 0
    return f"[{'#' * filled}{'.' * (cells - filled)}]"


def dollars(usd: float) -> str:
    """An amount with two significant digits at least: `$0.00042`, `$0.013`, `$1.20`, `$104`."""
    if usd >= 99.5:
        return f"${usd:,.0f}"
    if usd >= 1 or usd == 0:
        return f"${usd:.2f}"
    digits = 2
    while usd < 10 ** (1 - digits) and digits < 7:
        digits += 1
    return f"${usd:.{digits}f}"


def amount(figure: Figure, value: float | None) -> str:
    """A figure with its unit: `212 ms`, `1.34 s`, `64.2 tok/s`. Times are given in nanoseconds."""
    if value is None:
        return ABSENT
    return format_duration(value) if figure.less_is_better else f"{three_digits(value)} {_rate_unit(figure)}"


def _rate_unit(figure: Figure) -> str:
    """The unit of a rate: tokens, or what else it counts."""
    return "tok/s" if figure is Figure.OTPS else figure.label


def round_amount(figure: Figure, value: float) -> str:
    """A figure that is a round number, a limit for one, with no more digits than it has: `50 ms`, `1.5 s`."""
    if not figure.less_is_better:
        return f"{value:g} {_rate_unit(figure)}"
    return f"{value / NS_PER_MS:g} ms" if abs(value) < NS_PER_S else f"{value / NS_PER_S:g} s"


def span(figure: Figure, low: float, high: float) -> str:
    """Two figures in one unit: `180 to 251 ms`."""
    if not figure.less_is_better:
        return f"{three_digits(low)} to {three_digits(high)} {_rate_unit(figure)}"
    largest = max(abs(low), abs(high))
    first, _ = _in_unit(low, largest)
    second, unit = _in_unit(high, largest)
    return f"{first} to {second} {unit}"


def change(
    figure: Figure, difference: float, low: float | None = None, high: float | None = None, note: str = ""
) -> str:
    """A difference and its interval, each end with its sign, and a note: `+25.0 ms (−18.0 to +113 ms, 95 %)`."""
    said = f"{'−' if difference < 0 else '+'}{amount(figure, abs(difference))}"
    if low is None or high is None:
        return said
    ends = [
        f"+{end}" if not end.startswith("-") else end.replace("-", "−") for end in span(figure, low, high).split(" to ")
    ]
    return f"{said} ({' to '.join(ends)}{f', {note}' if note else ''})"


def counted(count: int, noun: str) -> str:
    """A count of things: "1 run", "1,200 runs"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def part_of(part: int, count: int, noun: str) -> str:
    """A part of things: "1 of 20 runs", "0 of 1 run"."""
    return f"{part:,} of {counted(count, noun)}"


def file_words(file: Attachment) -> str:
    """A file that goes with a prompt, in short: `image · 34 KB · 640 × 480 · ~410 tok`."""
    extent = f"{file.width} × {file.height}" if file.width and file.height else ""
    if file.is_pdf and file.pages:
        extent = counted(file.pages, "page")
    kind = "PDF" if file.is_pdf else "image"
    return " · ".join(filter(None, (kind, _file_size(file.size), extent, f"~{file.tokens:,} tok")))


def attached_words(files: Sequence[Attachment]) -> str:
    """The files in short: `1 image 34 KB, 1 PDF 3 pages`; empty without any."""
    parts = []
    for kind, count in Counter("PDF" if file.is_pdf else "image" for file in files).items():
        own = [file for file in files if file.is_pdf == (kind == "PDF")]
        pages = [file.pages for file in own if file.pages is not None]
        is_told = kind == "PDF" and len(pages) == count
        extent = counted(sum(pages), "page") if is_told else _file_size(sum(file.size for file in own))
        parts.append(f"{counted(count, kind)} {extent}")
    return ", ".join(parts)


def _file_size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 999_500 else f"{max(1, round(count / 1000))} KB"


def percent(share: float) -> str:
    """A proportion: `95 %`, `2.5 %`."""
    return f"{round(share * 100, 2):g} %"


def _in_unit(ns: float, largest: float) -> tuple[str, str]:
    """A time as a number and its unit, which is that of the largest one shown beside it."""
    if abs(largest) < _MS_END:
        return three_digits(ns / NS_PER_MS), "ms"
    return three_digits(ns / NS_PER_S), "s"


def cells_of(text: str) -> int:
    """Terminal cells of `text`: two for a wide character, none for one that combines."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def aligned(rows: Sequence[Sequence[str]], *, labels: int = 1, gap: str = "  ") -> list[str]:
    """One line per row: the first `labels` columns to the left, the others, which hold figures, to the right."""
    widths = [max(map(cells_of, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        blanks = [" " * (width - cells_of(text)) for text, width in zip(row, widths, strict=True)]
        cells = [
            text + blank if at < labels else blank + text
            for at, (text, blank) in enumerate(zip(row, blanks, strict=True))
        ]
        lines.append(gap.join(cells).rstrip())
    return lines
