"""Text of an answer as checks cut it: words, sentences and paragraphs, and the places where a part of it fails.

Places are offsets of characters (code points) in the answer's text.
"""

import json
import re
import string
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Literal

Normalisation = Literal["exact", "spaces", "words"]
Span = tuple[int, int]
"""A part: offset of its first character, and that behind its last. Empty where something is missing."""

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = frozenset({"a", "an", "the"})
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|\Z)|[。！？]+[」』”’]*")
_PARAGRAPH_END = re.compile(r"\n[ \t\r]*\n")
_NO_SPACE = re.compile(r"\S+")
_JSON_SPACE = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(r"\w+|.", re.DOTALL)


@cache
def _word() -> re.Pattern[str]:
    # Made when it is first needed: that takes 2 ms, and no start does.
    return re.compile(
        r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
    )


def words_of(text: str) -> list[str]:
    """The words as SQuAD's metric takes them (Rajpurkar et al., EMNLP 2016): without case, punctuation and English
    articles. Of scripts without spaces each character is a word."""
    return [word for word in _word().findall(_plain(text)) if word not in _ARTICLES]


def _plain(text: str) -> str:
    return text.casefold().translate(_PUNCTUATION)


def normalised(text: str, how: Normalisation) -> str:
    """A text as `equals` compares it."""
    if how == "exact":
        return text
    return " ".join(text.split() if how == "spaces" else words_of(text))


def _tokens(text: str, how: Normalisation) -> tuple[list[str], list[Span]]:
    """The parts that `normalised` joins, and where they stand."""
    if how == "spaces":
        found = list(_NO_SPACE.finditer(text))
        return [match[0] for match in found], [match.span() for match in found]
    kept = [_plain(char) for char in text]
    places = [at for at, plain in enumerate(kept) for _ in plain]
    words = [match for match in _word().finditer("".join(kept)) if match[0] not in _ARTICLES]
    return [match[0] for match in words], [(places[match.start()], places[match.end() - 1] + 1) for match in words]


def difference(text: str, wanted: str, how: Normalisation) -> Span:
    """The part of a text from its first difference to its last; empty where only something is missing."""
    if how == "exact":
        first, last = _differing(text, wanted)
        return first, last
    tokens, places = _tokens(text, how)
    first, last = _differing(tokens, _tokens(wanted, how)[0])
    if first < last:
        return places[first][0], places[last - 1][1]
    at = places[first - 1][1] if first else 0
    return at, at


def _differing(found: Sequence[str], wanted: Sequence[str]) -> Span:
    """First and last place of what differs, without what both begin and end with."""
    start = _alike(found, wanted)
    return start, len(found) - _alike(found[start:][::-1], wanted[start:][::-1])


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of what both begin with."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (mine, theirs) in enumerate(pairs) if mine != theirs), min(len(one), len(other)))


def words_in(text: str) -> list[Span]:
    """The words as a person counts them: parts between white space with a letter or a digit in them."""
    return [match.span() for match in _NO_SPACE.finditer(text) if _word().search(match[0])]


def sentences_in(text: str) -> list[Span]:
    """The sentences: parts with a word, up to `.`, `!`, `?` or `…` before white space, or a full-width mark."""
    return _between(text, _SENTENCE_END, lambda part: _word().search(part) is not None)


def paragraphs_in(text: str) -> list[Span]:
    """The paragraphs: parts with anything in them between empty lines."""
    return _between(text, _PARAGRAPH_END, lambda part: bool(part.strip()))


def _between(text: str, end: re.Pattern[str], counts: Callable[[str], bool]) -> list[Span]:
    """The parts that count, from their first character on that is no space."""
    found, start = [], 0
    for stop, after in (*(match.span() for match in end.finditer(text)), (len(text), len(text))):
        if counts(part := text[start:stop]):
            found.append((start + len(part) - len(part.lstrip()), stop))
        start = after
    return found


def too_much(text: str, parts: Sequence[Span], most: int) -> Span | None:
    """The part behind the last that may be there; None where there are no more."""
    return (parts[most][0], len(text.rstrip())) if len(parts) > most else None


def token_at(text: str, at: int) -> Span:
    """The word or the character at an offset; empty at the end of the text."""
    match = _TOKEN.match(text, at)
    return (at, at) if match is None else match.span()


def json_part(text: str, path: Iterable[str | int]) -> Span:
    """The value at a path through names and numbers in a text that is JSON."""
    decode, at = json.JSONDecoder().raw_decode, _after_space(text, 0)
    for step in path:
        at = _member(text, at, step)
    return at, decode(text, at)[1]


def _member(text: str, at: int, step: str | int) -> int:
    """Offset of the member `step` of the object or the list that begins at `at`; of several of one name the last."""
    decode, found, number = json.JSONDecoder().raw_decode, at, 0
    at = _after_space(text, at + 1)
    while text[at] not in "]}":
        name: object = number
        if isinstance(step, str):
            name, at = decode(text, at)
            at = _after_space(text, _after_space(text, at) + 1)
        if name == step:
            found = at
        at = _after_space(text, decode(text, at)[1])
        at = _after_space(text, at + 1) if text[at] == "," else at
        number += 1
    return found


def _after_space(text: str, at: int) -> int:
    match = _JSON_SPACE.match(text, at)
    return at if match is None else match.end()


def place(text: str, at: int) -> str:
    """An offset in words: `character 5`, in a text of several lines `line 2, character 5`."""
    before = text[:at]
    character = f"character {at - before.rfind(chr(10)):,}"
    return f"line {before.count(chr(10)) + 1:,}, {character}" if "\n" in text.strip() else character
