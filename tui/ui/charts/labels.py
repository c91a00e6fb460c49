"""Names in and above charts."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.core.sanitize import clean

_SHORTEST = 4
_AROUND_NAME = 4


def fitted(label: str, cells: int) -> str:
    """`label` in at most `cells`, cut at its front: names of models differ at their ends."""
    label = clean(label).replace("\n", " ").replace("\t", " ")
    if cell_len(label) <= cells:
        return label
    while label and cell_len(label) >= cells:
        label = label[1:]
    return f"…{label}" if cells > 0 else ""


def padded(text: str, cells: int) -> str:
    """`text` in exactly `cells` cells."""
    return set_cell_size(fitted(text, cells), cells)


class Entry(NamedTuple):
    """A name in a chart's key."""

    glyph: str
    style: Style
    name: str
    short: str
    """In its place where not all names fit."""


def key_strip(entries: Sequence[Entry], muted: Style, width: int, more: int = 0) -> Strip:
    """A chart's key in one row: each glyph in its colour with its name; short names share the room there is."""
    rest = f"+{more} more" if more else ""
    names = [fitted(entry.name, width) for entry in entries]
    # A glyph, a space, and a gap of two per name; the last one's gap may be lost.
    if sum(cell_len(name) + _AROUND_NAME for name in names) - 2 + len(rest) > width:
        room = (width + 2 - len(rest)) // max(1, len(entries)) - _AROUND_NAME
        names = [fitted(entry.short, max(_SHORTEST, room)) for entry in entries]
    segments: list[Segment] = []
    for entry, name in zip(entries, names, strict=True):
        segments += (Segment(entry.glyph, entry.style), Segment(f" {name}  ", muted))
    return Strip([*segments, Segment(rest, muted)])


def distinct(names: Sequence[str]) -> list[str]:
    """The names without the words that all of them begin and end with: what tells them apart. Words end at hyphens."""
    words = [name.split("-") for name in names]
    shortest = min(map(len, words), default=0)
    first = last = 0
    if len(names) > 1:
        while first < shortest - 1 and len({each[first] for each in words}) == 1:
            first += 1
        while last < shortest - 1 - first and len({each[-1 - last] for each in words}) == 1:
            last += 1
    return ["-".join(each[first : len(each) - last]) for each in words]
