"""Prose of the simulated models."""

import unicodedata
from itertools import islice
from random import Random

from tui.simulator import prose


def test_the_text_is_varied_and_holds_what_terminals_find_hard() -> None:
    spoken = "".join(islice(prose.answer(Random(0), "How do gateways limit requests per tenant?"), 400))
    assert any(unicodedata.east_asian_width(character) == "W" for character in spoken)
    assert "\u200d" in spoken  # emoji with joiners
    assert any(unicodedata.combining(character) for character in spoken)
    assert any(len(word) > 100 for word in spoken.split())
    assert "gateways" in spoken
    assert not any((character < " " and character != "\n") or "\x7f" <= character <= "\x9f" for character in spoken)
    sentences = [line for line in spoken.split(". ") if line]
    assert len(set(sentences)) > len(sentences) * 0.8


def test_a_prompt_without_words_still_gets_an_answer() -> None:
    assert "".join(islice(prose.answer(Random(0), "?! {0} {topic}"), 5))
