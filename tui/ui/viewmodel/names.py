"""Names of lanes made short together: what all of them share goes, since what differs tells them apart."""

import re
from collections.abc import Sequence

from tui.core.sanitize import clean
from tui.core.wording import cells_of

_WORD = re.compile(r"\s*·\s*|[-\s]+")


def shortened(labels: Sequence[str], cells: int) -> list[str]:
    """All labels in at most `cells` cells each, by one rule for all: as they are where they fit; else without the words
    that all begin and end with; else with the middle left out, since names differ at both ends."""
    names = [clean(label).replace("\n", " ").replace("\t", " ") for label in labels]
    if all(cells_of(name) <= cells for name in names):
        return names
    shorter = _without_common(names)
    # Two that are the same in short would be one lane too few.
    if len(set(shorter)) == len(set(names)):
        names = shorter
    return [_without_middle(name, cells) for name in names]


def _without_common(names: Sequence[str]) -> list[str]:
    """The names without the words that all of them begin and end with; a word at least stays of each."""
    if len(set(names)) < 2:
        return list(names)
    pieces = [[*_words(name)] for name in names]
    shortest = min(map(len, pieces))
    first = last = 0
    while first < shortest - 1 and len({each[first][0] for each in pieces}) == 1:
        first += 1
    while last < shortest - 1 - first and len({each[-1 - last][0] for each in pieces}) == 1:
        last += 1
    return ["".join(word + gap for word, gap in each[first : len(each) - last]).strip(" ·-") for each in pieces]


def _words(name: str) -> list[tuple[str, str]]:
    """Words with what follows each of them."""
    gaps = [*_WORD.findall(name), ""]
    return list(zip(_WORD.split(name), gaps, strict=True))


def _without_middle(name: str, cells: int) -> str:
    if cells_of(name) <= cells:
        return name
    if cells < 4:
        return _beginning(name, cells)
    front = (cells - 1) // 2
    back = name
    while cells_of(back) > cells - 1 - front:
        back = back[1:]
    return f"{_beginning(name, front).rstrip()}…{back}"


def _beginning(text: str, cells: int) -> str:
    while text and cells_of(text) > cells:
        text = text[:-1]
    return text
