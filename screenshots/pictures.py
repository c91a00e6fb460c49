"""A terminal's cells as an SVG, still or moving. The fonts are those of the machine that shows it."""

import html
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from pyte.screens import Char
from rich.cells import cell_len

FONTS = "'DejaVu Sans Mono', Menlo, Consolas, monospace"
GROUND, INK = "#121212", "#e0e0e0"
"""What the program leaves to the terminal."""

_CELL, _ROW, _SIZE, _BASE = 10, 20, 16, 15
"""Width and height of a cell, size of the letters, and their base line, in pixels."""

Screen = Sequence[Sequence[Char]]


class Frame(NamedTuple):
    """What is to be seen from a moment on."""

    at_s: float
    screen: Screen


class _Element(NamedTuple):
    """Something drawn: what covers the ground comes before what is written on it."""

    layer: int
    svg: str


def still(screen: Screen) -> str:
    """One screen."""
    return _document(screen, "".join(element.svg for element in sorted(_elements(screen))))


def moving(frames: Sequence[Frame], duration_s: float) -> str:
    """Screens one after another, again and again. Where nothing moves pictures, the last one shows."""
    seen: dict[_Element, list[int]] = defaultdict(list)
    for number, frame in enumerate(frames):
        for element in _elements(frame.screen):
            seen[element].append(number)
    groups: dict[tuple[int, tuple[int, ...]], list[str]] = defaultdict(list)
    for element, numbers in seen.items():
        groups[element.layer, tuple(numbers)].append(element.svg)
    parts = []
    for (_, numbers), svgs in sorted(groups.items()):
        if len(numbers) == len(frames):
            parts.append("".join(svgs))
            continue
        shown = "" if numbers[-1] == len(frames) - 1 else ' display="none"'
        parts.append(f"<g{shown}>{_animation(numbers, frames, duration_s)}{''.join(svgs)}</g>")
    return _document(frames[-1].screen, "\n".join(parts))


def _animation(numbers: Sequence[int], frames: Sequence[Frame], duration_s: float) -> str:
    """Shows its parent during the frames `numbers`, and hides it during all others."""
    there = [number in set(numbers) for number in range(len(frames))]
    changes = [number for number in range(len(frames)) if number == 0 or there[number] != there[number - 1]]
    values = ";".join("inline" if there[number] else "none" for number in changes)
    times = ";".join(f"{frames[number].at_s / duration_s:.4f}".rstrip("0").rstrip(".") for number in changes)
    return (
        f'<animate attributeName="display" calcMode="discrete" dur="{duration_s:g}s" repeatCount="indefinite" '
        f'values="{values}" keyTimes="{times}"/>'
    )


def _document(screen: Screen, content: str) -> str:
    width, height = len(screen[0]) * _CELL, len(screen) * _ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 -10 {width + 20} {height + 20}">\n'
        f'<rect x="-10" y="-10" width="{width + 20}" height="{height + 20}" rx="8" fill="{GROUND}"/>\n'
        f'<g font-family="{FONTS}" font-size="{_SIZE}" shape-rendering="crispEdges" xml:space="preserve">\n'
        f"{content}\n</g>\n</svg>\n"
    )


def _elements(screen: Screen) -> Iterable[_Element]:
    for y, row in enumerate(screen):
        x = 0
        for (ground, ink, bold, underlined), cells in groupby(row, _style):
            run = list(cells)
            if ground != GROUND:
                place = f'x="{x * _CELL}" y="{y * _ROW}" width="{len(run) * _CELL}" height="{_ROW}"'
                yield _Element(0, f'<rect {place} fill="{ground}"/>')
            look = f' fill="{ink}"' + ' font-weight="bold"' * bold + ' text-decoration="underline"' * underlined
            for start, text in _texts(run):
                yield _Element(1, _text(x + start, y, text, look))
            x += len(run)


def _texts(run: Sequence[Char]) -> Iterable[tuple[int, str]]:
    """Words and where they begin: blanks of two and more part them, and a wide character stands alone."""
    start, text = 0, ""
    for x, cell in enumerate(run):
        if cell.data.isascii() and (cell.data != " " or text[-1:] not in ("", " ")):
            start, text = (start, text) if text else (x, "")
            text += cell.data
            continue
        if text.strip():
            yield start, text.rstrip()
        text = ""
        if cell.data and not cell.data.isspace():
            yield x, cell.data
    if text.strip():
        yield start, text.rstrip()


def _text(x: int, y: int, text: str, look: str) -> str:
    width = f' textLength="{cell_len(text) * _CELL}"' if len(text) > 1 or cell_len(text) > 1 else ""
    return f'<text x="{x * _CELL}" y="{y * _ROW + _BASE}"{width}{look}>{html.escape(text)}</text>'


def _style(cell: Char) -> tuple[str, str, bool, bool]:
    ground, ink = _colour(cell.bg, GROUND), _colour(cell.fg, INK)
    if cell.reverse:
        ground, ink = ink, ground
    return ground, ink, cell.bold, cell.underscore


def _colour(name: str, usual: str) -> str:
    return usual if name == "default" else f"#{name}" if len(name) == 6 else name
