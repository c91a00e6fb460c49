"""Tables of plain text, aligned by the cells that a terminal gives each character."""

import unicodedata
from collections.abc import Sequence


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
