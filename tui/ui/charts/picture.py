"""A chart and its numbers as text and as SVG, the way they stand on the screen."""

from collections.abc import Sequence
from html import escape

from rich.color import Color
from rich.style import Style
from textual.strip import Strip

_CELL, _LINE = 8.4, 18
"""Width and height of a cell, px, of a monospaced font of 14 px."""
_BASELINE = 13
_MARGIN = 12


def text_of(lines: Sequence[Strip]) -> str:
    """The lines without colours and trailing blanks."""
    return "".join(f"{line.text.rstrip()}\n" for line in lines)


def svg_of(lines: Sequence[Strip], style: Style) -> str:
    """The lines as SVG text in cells of equal width, on the background of `style`. It names fonts and loads none."""
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
