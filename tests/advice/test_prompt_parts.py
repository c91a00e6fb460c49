"""The lengths of a prompt's parts, and what at its start never changes."""

import msgspec
import pytest

from tui.advice.evidence import Evidence
from tui.advice.prompt_parts import by_part, less, questions, static_start, whole_of
from tui.advice.rules.prompt_length import prompt_length, said_once
from tui.advice.suggestion import NoSuggestion
from tui.core.prompt import Prompt, Turn

from .made import answer, evidence, measured

TURNS = (Turn(role="user", text="Is it open?"), Turn(role="assistant", text="Until six."))
WRITTEN = Prompt(system="You answer shortly.", turns=TURNS, user="{{question}} One sentence.")
SENT = WRITTEN.filled({"question": "Why is the sky blue?"})
REPLACE = msgspec.structs.replace


def of(written: Prompt = WRITTEN, sent: Prompt = SENT, variants: tuple[Prompt, ...] = ()) -> Evidence:
    subject = measured(*(answer(input_tokens=100) for _ in range(3)), prompt=sent)
    return evidence(REPLACE(subject, template=written, variants=variants))


def counted(about: Evidence, **lengths: int) -> Evidence:
    """With the endpoint's counts: of the whole, and of what is left without the parts named."""
    left = {
        "whole": SENT,
        "system": REPLACE(SENT, system=""),
        "turns": REPLACE(SENT, turns=()),
        "variables": WRITTEN.filled({"question": ""}),
        "both": REPLACE(SENT, system="", turns=()),
    }
    return REPLACE(about, counted=tuple((left[name], tokens) for name, tokens in lengths.items()))


def test_what_is_not_counted_is_shared_out_by_its_bytes_and_marked() -> None:
    size = sum(len(text) for text in SENT.texts())
    system = round(100 * len(SENT.system) / size)
    assert by_part(of(), 100).startswith(f"~{system} system, ~")
    assert by_part(of(), 100).endswith(" in variables")


def test_a_part_is_what_the_prompt_is_longer_by_than_without_it() -> None:
    found = counted(of(), whole=100, system=80, turns=70, variables=91)
    assert by_part(found, 100) == "20 system, 30 earlier turns, 50 user; of these 9 in variables"
    some = counted(of(), whole=100, system=80)
    assert by_part(some, 100).startswith("20 system, ~")
    assert ", ~" in by_part(some, 100).split(" earlier turns")[1]


def test_everything_that_must_be_known_is_asked() -> None:
    both = REPLACE(SENT, system="", turns=())
    asked = questions(of().subject)
    assert set(asked) == {
        SENT,
        REPLACE(SENT, system=""),
        REPLACE(SENT, turns=()),
        WRITTEN.filled({"question": ""}),
        both,
    }
    assert questions(evidence(measured(answer())).subject) == ()
    only_a_variable = Prompt(user="{{question}}")
    assert questions(of(only_a_variable, only_a_variable.filled({"question": "Why?"})).subject) == ()


def test_what_stands_before_the_first_variable_is_the_same_in_every_request() -> None:
    static = static_start(counted(of(), whole=100, both=40), 100)
    assert not static.is_all
    assert static.length.tokens == 60
    assert static.sentence == (
        "the same in every request: system and 2 earlier turns, 60 of 100 tokens; then {{question}} changes"
    )


def test_a_prompt_without_variables_is_all_the_same() -> None:
    static = static_start(of(SENT), 100)
    assert static.is_all
    assert str(static.length) == "100"


@pytest.mark.parametrize(
    "written",
    [REPLACE(WRITTEN, system="You serve {{customer}}."), Prompt(user="{{question}} One sentence.")],
)
def test_what_changes_at_the_start_leaves_nothing_to_cache(written: Prompt) -> None:
    sent = written.filled({"customer": "Ada", "question": "Why?"})
    static = static_start(of(written, sent), 100)
    assert static.length.tokens == 0
    assert static.sentence.startswith("nothing at its start stays the same, because {{")


def test_what_all_variants_begin_with_is_said_beside_it() -> None:
    other = REPLACE(WRITTEN, turns=(TURNS[0], Turn(role="assistant", text="Until eight.")))
    static = static_start(counted(of(variants=(WRITTEN, other)), whole=100, both=40), 100)
    assert static.length.tokens == 60
    assert "; all 2 variants share at the start: system and 1 earlier turn, ~" in static.sentence
    apart = static_start(of(variants=(WRITTEN, REPLACE(WRITTEN, system="Be long."))), 100)
    assert apart.sentence.endswith("all 2 variants share at the start: nothing")
    assert apart.length.tokens


def test_a_prompt_that_was_read_from_the_cache_has_its_whole_length() -> None:
    assert whole_of(evidence(measured(answer(input_tokens=10, cached_tokens=90)))) == 100
    assert whole_of(evidence(measured())) is None
    assert whole_of(REPLACE(evidence(measured(prompt=SENT)), counted=((SENT, 70),))) == 70


def test_what_is_said_twice_is_counted_where_it_can_be() -> None:
    rule = "Always answer in the language of the question."
    twice = Prompt(system=f"{rule}\nBe kind.", user=f"{rule} Why is the sky blue?")
    edited = said_once(twice)
    assert edited is not None
    about = REPLACE(of(twice, twice), counted=((twice, 100), (edited, 91)))
    assert less(about, edited, 100).tokens == 9
    said = prompt_length(about)
    assert isinstance(said, NoSuggestion)
    assert "9 tokens: “Always answer in the language of…” 2 times" in said.reason
