"""Prose of the simulated models: endless readable text, drawn from a seeded generator.

Its texts stand in `configs/prose.toml`; lists, tables and code are added here, as hard for a terminal as they are.
"""

import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import tomli

from tui.config.paths import builtin_config

_SCANNED_CHARACTERS = 4000
"""Characters at the start and at the end of the prompt to find topics in: a prompt may be megabytes."""

_WORD = re.compile(r"[^\W\d_]{4,24}")

_TEXTS: dict[str, Any] = tomli.loads(builtin_config("prose.toml").read_text("utf-8"))
_COMMON = frozenset(_TEXTS["common"].split())
_OPENINGS = tuple(_TEXTS["openings"])
_SENTENCES = tuple(_TEXTS["sentences"])
_CLOSINGS = tuple(_TEXTS["closings"])
_NOUNS = tuple(_TEXTS["nouns"])
_ADJECTIVES = tuple(_TEXTS["adjectives"])
_TOPICS = tuple(_TEXTS["topics"])
_WIDE = tuple(_TEXTS["wide"])
_EMOJI = tuple(_TEXTS["emoji"])
_LONG_LINES = tuple(_TEXTS["long_lines"])
_THOUGHTS = tuple(_TEXTS["thoughts"])


def topics_of(prompt: str) -> list[str]:
    """Return words of the prompt for an answer to mention, the most frequent first, or stock ones if there are few."""
    scanned = prompt
    if len(prompt) > 2 * _SCANNED_CHARACTERS:
        scanned = f"{prompt[:_SCANNED_CHARACTERS]} {prompt[-_SCANNED_CHARACTERS:]}"
    counts: dict[str, int] = {}
    for word in _WORD.findall(scanned):
        lowered = word.lower()
        if lowered not in _COMMON:
            counts[lowered] = counts.get(lowered, 0) + 1
    found = sorted(counts, key=lambda word: -counts[word])[:12]
    return found if len(found) >= 3 else [*found * 3, *_TOPICS]


def answer(rng: Random, prompt: str) -> Iterator[str]:
    """Yield endless pieces of an answer, each a sentence, list item or line with the white space after it."""
    fill = _filler(rng, topics_of(prompt))
    yield fill(rng.choice(_OPENINGS)) + " "
    yield from _prose(rng, fill)
    paragraphs = (_prose, _prose, _list, _wide, _wide, _emoji, _long, _table, _code)
    while True:
        yield from rng.choice(paragraphs)(rng, fill)


def thinking(rng: Random, prompt: str) -> Iterator[str]:
    """Yield endless sentences of a thought."""
    fill = _filler(rng, topics_of(prompt))
    while True:
        yield fill(rng.choice(_THOUGHTS)) + " "


_Fill = Callable[[str], str]


def _filler(rng: Random, topics: list[str]) -> _Fill:
    """Return a function that fills a template's fields, each time with other words."""

    def fill(template: str) -> str:
        topic = rng.choice(topics)
        other = rng.choice([word for word in topics if word != topic])
        return template.format(
            topic=topic,
            other=other,
            noun=rng.choice(_NOUNS),
            adjective=rng.choice(_ADJECTIVES),
            number=rng.randint(2, 99),
            slug=topic.replace(" ", "-"),
            hex=f"{rng.getrandbits(64):016x}",
        )

    return fill


def _prose(rng: Random, fill: _Fill) -> Iterator[str]:
    for template in rng.sample(_SENTENCES, rng.randint(2, 4)):
        yield fill(template) + " "
    yield fill(rng.choice(_CLOSINGS)) + "\n\n"


def _list(rng: Random, fill: _Fill) -> Iterator[str]:
    yield fill("What to look at with {topic}:") + "\n"
    numbered = rng.random() < 0.5
    for number, template in enumerate(rng.sample(_SENTENCES, rng.randint(2, 4)), start=1):
        yield (f"{number}. " if numbered else "- ") + fill(template) + "\n"
    yield "\n"


def _wide(rng: Random, fill: _Fill) -> Iterator[str]:
    yield fill(rng.choice(_WIDE)) + " "
    yield fill(rng.choice(_SENTENCES)) + "\n\n"


def _emoji(rng: Random, fill: _Fill) -> Iterator[str]:
    yield fill(rng.choice(_EMOJI)) + "\n\n"


def _long(rng: Random, fill: _Fill) -> Iterator[str]:
    yield fill(rng.choice(_LONG_LINES)) + "\n\n"


def _table(rng: Random, fill: _Fill) -> Iterator[str]:
    yield "| part | ms | note |\n|---|---:|---|\n"
    for noun in rng.sample(_NOUNS, 3):
        yield f"| {noun} | {rng.randint(3, 900)} | " + fill("{adjective}") + " |\n"
    yield "\n"


def _code(rng: Random, fill: _Fill) -> Iterator[str]:
    yield "```python\n"
    yield fill("for attempt in range({number}):\n")
    for _ in range(rng.randint(1, 3)):
        yield fill('    print(f"{{attempt:>3}}  {slug}")\n')
    yield "```\n\n"
