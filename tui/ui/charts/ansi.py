"""Turns text with colour sequences into strips: what plotext writes, and no more.

Textual's own way over `Text.from_ansi` takes ten times as long, and a chart is drawn again and again.
"""

import re
from functools import lru_cache

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

_SGR = re.compile("\x1b\\[([0-9;]*)m")
_ATTRIBUTES = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}


def ansi_strips(text: str, base: Style) -> list[Strip]:
    """One strip per line of `text`, on the style `base`.

    Foreground colours and attributes are kept; backgrounds are not, the widget's stays; any other control character
    is dropped with whatever sequence it begins left as text.
    """
    return [_strip(line, base) for line in text.removesuffix("\n").split("\n")]


def _strip(line: str, base: Style) -> Strip:
    style = base
    segments: list[Segment] = []
    # Text and the codes of the sequence after it, in turns.
    parts = _SGR.split(line)
    for index, part in enumerate(parts):
        if index % 2:
            style = base if part in ("", "0") else style + _style(part)
        elif part:
            printable = part if part.isprintable() else "".join(filter(str.isprintable, part))
            if segments and segments[-1].style == style:
                segments[-1] = Segment(segments[-1].text + printable, style)
            else:
                segments.append(Segment(printable, style))
    return Strip(segments)


@lru_cache(maxsize=256)
def _style(codes: str) -> Style:
    """What a sequence that is more than a reset adds to the style before it."""
    numbers = [int(code or 0) for code in codes.split(";")]
    colour: Color | None = None
    attributes: dict[str, bool] = {}
    while numbers:
        number = numbers.pop(0)
        if number in (38, 48) and numbers:
            arguments = 3 if numbers.pop(0) == 2 else 1
            values, numbers = numbers[:arguments], numbers[arguments:]
            if number == 38 and len(values) == arguments:
                colour = Color.from_ansi(values[0] % 256) if arguments == 1 else Color.from_rgb(*values)
        elif 30 <= number <= 37:
            colour = Color.from_ansi(number - 30)
        elif 90 <= number <= 97:
            colour = Color.from_ansi(number - 82)
        elif number == 39:
            colour = Color.default()
        elif number in _ATTRIBUTES:
            attributes[_ATTRIBUTES[number]] = True
    return Style(color=colour, **attributes)  # type: ignore[arg-type]  # the names are those of Style
