"""Two answers beside each other, and the words in which they differ."""

import difflib
import re
from collections.abc import Iterator, Sequence

import msgspec

from tui.core.figures import Figure
from tui.core.record import RequestRecord
from tui.core.sanitize import clean
from tui.core.wording import amount, counted, percent

_ALONE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
"""Characters of scripts that put no space between words: each counts as one."""
_WORD = re.compile(rf"\s*(?:[{_ALONE}]|[^\s{_ALONE}]+)\s*")
_SENTENCE = re.compile(r"\s*\S[^.!?\n]*(?:[.!?]+|\n|$)\s*")
_MOST_WORDS = 3_000
"""Longer answers are compared by the sentence: comparing takes time with the square of the length."""


class ComparedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer."""

    label: str
    """The lane's name."""
    text: str
    """Safe to print."""
    note: str
    """Its length and its times."""


class Passage(msgspec.Struct, frozen=True):
    """A part of an answer."""

    text: str
    differs: bool
    """True where the other answer does not have it in this place."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Differences of two answers; the passages of each make up its whole text."""

    first: tuple[Passage, ...]
    second: tuple[Passage, ...]
    summary: str


def answer_of(record: RequestRecord) -> ComparedAnswer:
    """The answer of a request, as far as it has come."""
    text = clean(record.text())
    said = [record.state.value, counted(len(text.split()), "word")]
    if record.output_tokens is not None:
        said.append(counted(record.output_tokens, "token"))
    times = ((Figure.TTFT, record.ttft_ns), (Figure.TOTAL, record.total_ns))
    said += [f"{figure.label} {amount(figure, ns)}" for figure, ns in times if ns is not None]
    return ComparedAnswer(label=clean(record.spec.target), text=text, note=" · ".join(said))


def differ(first: ComparedAnswer, second: ComparedAnswer) -> Difference:
    """Compare word by word, whatever space is between them; very long answers sentence by sentence."""
    if first.text.split() == second.text.split():
        return Difference(
            first=(Passage(first.text, False),),
            second=(Passage(second.text, False),),
            summary="the same, word for word" if first.text.strip() else "neither has any text",
        )
    long = max(len(first.text.split()), len(second.text.split())) > _MOST_WORDS
    pattern = _SENTENCE if long else _WORD
    # A text of nothing but space has no part, and is kept as it is.
    parts = [pattern.findall(text) or [text] for text in (first.text, second.text)]
    keys = [[" ".join(part.split()) for part in side] for side in parts]
    matcher = difflib.SequenceMatcher(a=keys[0], b=keys[1], autojunk=False)
    pieces: tuple[list[Passage], list[Passage]] = ([], [])
    counts, same = [0, 0], 0
    for kind, *ends in matcher.get_opcodes():
        for side, (begin, end) in enumerate((ends[:2], ends[2:])):
            texts = parts[side][begin:end]
            words = sum(len(_WORD.findall(text)) for text in texts)
            counts[side] += 0 if kind == "equal" else words
            same += words if kind == "equal" else 0
            if texts:
                pieces[side].append(Passage("".join(texts), kind != "equal"))
    share = percent(round(same / max(1, same + sum(counts)), 2))
    by = " (by the sentence, for their length)" if long else ""
    only = f"{counts[0]:,} only in the first, {counts[1]:,} only in the second"
    return Difference(
        first=tuple(pieces[0]), second=tuple(pieces[1]), summary=f"{share} of the words are the same{by}; {only}"
    )


def marked(pieces: Sequence[Passage], left: str, right: str) -> Iterator[Passage]:
    """The pieces with marks around those that differ, which keep the space around them outside."""
    for piece in pieces:
        core = piece.text.strip()
        if not piece.differs or not core:
            yield Passage(piece.text, False)
            continue
        begin = piece.text.index(core)
        yield Passage(piece.text[:begin], False)
        yield Passage(f"{left}{core}{right}", True)
        yield Passage(piece.text[begin + len(core) :], False)
