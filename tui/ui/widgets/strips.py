"""Strips: painted row by row, made from coloured text, put together as a chart's key, written as text and as SVG."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.ui.viewmodel.lane_lines import shortened

_SGR = re.compile("\x1b\\[([0-9;]*)m")
_ATTRIBUTES = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}


class StyleCache:
    """Styles of a widget that paints its rows itself, worked out once per stylesheet and not once per row.

    A style is a walk over all that the widget stands in: a fifth of what a frame of 16 lanes cost.
    """

    def __init__(self, widget: Widget, prefix: str) -> None:
        """`prefix` is that of its component classes."""
        self._widget = widget
        self._prefix = prefix
        self._styles: dict[str, Style] = {}

    def __call__(self, component: str = "") -> Style:
        """Return the style of a component class, given without the prefix; the widget's own without one."""
        style = self._styles.get(component)
        if style is None:
            widget = self._widget
            style = widget.get_component_rich_style(self._prefix + component) if component else widget.rich_style
            self._styles[component] = style
        return style

    def clear(self) -> None:
        """Forget the styles of a stylesheet that is no more."""
        self._styles.clear()


def ansi_strips(text: str, base: Style) -> list[Strip]:
    """One strip per line of `text`, on the style `base`, in a tenth of the time that `Text.from_ansi` takes.

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
    """The style that a sequence other than a reset adds to the one before it."""
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


# A chart's key

_SHORTEST = 4
_AROUND_NAME = 4


def padded(text: str, cells: int) -> str:
    """`text` in exactly `cells` cells."""
    return set_cell_size(shortened([text], cells)[0], cells)


class KeyName(NamedTuple):
    """A name in a chart's key."""

    glyph: str
    style: Style
    name: str
    short: str
    """In its place where not all names fit."""


def key_strip(key: Sequence[KeyName], muted: Style, width: int, more: int = 0) -> Strip:
    """A chart's key in one row: each glyph in its colour with its name; short names share the room there is."""
    rest = f"+{more} more" if more else ""
    # A glyph, a space, and a gap of two per name; the last one's gap may be lost.
    share = (width + 2 - len(rest)) // max(1, len(key)) - _AROUND_NAME
    whole, short = [each.name for each in key], [each.short for each in key]
    for names in (shortened(whole, width), shortened(short, width), shortened(short, max(_SHORTEST, share))):
        if sum(cell_len(name) + _AROUND_NAME for name in names) - 2 + len(rest) <= width:
            break
    segments: list[Segment] = []
    for each, name in zip(key, names, strict=True):
        segments += (Segment(each.glyph, each.style), Segment(f" {name}  ", muted))
    return Strip([*segments, Segment(rest, muted)])


# Files

_CELL, _LINE = 8.4, 18
"""Width and height of a cell, px, of a monospaced font of 14 px."""
_BASELINE = 13
_MARGIN = 12


def text_of(lines: Sequence[Strip]) -> str:
    """The lines without colours and trailing blanks."""
    return "".join(f"{line.text.rstrip()}\n" for line in lines)


def svg_of(lines: Sequence[Strip], style: Style) -> str:
    """The lines as SVG text in cells of equal width, on the background of `style`. It names fonts and loads none."""
    from html import escape

    width = max((line.cell_length for line in lines), default=0) * _CELL + 2 * _MARGIN
    height = len(lines) * _LINE + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height}" width="{width:.1f}" '
        f'height="{height}" font-family="\'DejaVu Sans Mono\', Menlo, Consolas, monospace" font-size="14">\n'
        f'<rect width="100%" height="100%" fill="{_hex(style.bgcolor, foreground=False)}"/>\n'
    ]
    for row, line in enumerate(lines):
        column = 0
        for segment in line:
            cells = segment.cell_length
            if segment.text.strip():
                parts.append(
                    f'<text x="{_MARGIN + column * _CELL:.1f}" y="{_MARGIN + row * _LINE + _BASELINE}" '
                    f'textLength="{cells * _CELL:.1f}" lengthAdjust="spacingAndGlyphs" xml:space="preserve" '
                    f'fill="{_hex((segment.style or style).color)}">{escape(segment.text)}</text>\n'
                )
            column += cells
    return "".join([*parts, "</svg>\n"])


def _hex(colour: Color | None, *, foreground: bool = True) -> str:
    """A colour as SVG has it; the terminal's own as black on white."""
    return (colour or Color.default()).get_truecolor(foreground=foreground).hex
