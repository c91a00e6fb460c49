"""Rule on the length of the prompt."""

import msgspec

from advice.made import MS, answer, evidence, measured
from tui.advice.evidence import MeasuredTarget
from tui.advice.rules.prompt_length import prompt_length, repeated, said_once
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.core.prompt import Prompt

RULE = "Always answer in the language of the question."
TWICE = Prompt(system=f"{RULE}\nBe kind.", user=f"{RULE} Why is the sky blue?")
LITTLE_TWICE = Prompt(system=f"{RULE}\nBe kind.", user=f"{RULE} Why is the sky blue? {'It is so very blue. ' * 60}")


def read(tokens: int, prompt: Prompt) -> MeasuredTarget:
    """Six answers to a prompt of so many tokens, at 0.2 ms each."""
    return measured(*(answer(50 + tokens * 0.2 + at / 10, input_tokens=tokens) for at in range(6)), prompt=prompt)


def test_what_is_said_twice_is_found() -> None:
    assert repeated(TWICE) == {RULE: 1}


def test_saying_it_once_saves_its_tokens() -> None:
    said = prompt_length(evidence(read(2_000, TWICE), read(500, Prompt(user="Hi"))))
    assert isinstance(said, Suggestion)
    share = len(RULE) / len(TWICE.system + TWICE.user)
    assert abs(said.saving.ns - 2_000 * share * 0.2 * MS) < MS
    assert said.trial is not None
    assert said.trial.change.prompt_of(TWICE) == Prompt(system=TWICE.system, user=" Why is the sky blue?")


def test_without_repeats_it_says_what_1000_tokens_cost() -> None:
    said = prompt_length(evidence(read(4_000, Prompt(user="Why?")), read(500, Prompt(user="Hi"))))
    assert isinstance(said, Suggestion)
    assert abs(said.saving.ns - 200 * MS) < MS
    assert said.trial is None


def test_prompts_of_one_length_tell_nothing() -> None:
    said = prompt_length(evidence(read(2_000, TWICE), read(2_010, Prompt(user="Hi"))))
    assert isinstance(said, NoSuggestion)
    assert "much longer or shorter" in said.run


def test_what_is_said_twice_and_hardly_matters_is_named_beside_shortening() -> None:
    said = prompt_length(evidence(read(2_000, LITTLE_TWICE), read(500, Prompt(user="Hi"))))
    assert isinstance(said, Suggestion)
    assert said.trial is None
    assert abs(said.saving.ns - 200 * MS) < MS
    assert any("repetitions" in figure for figure in said.figures)


def test_a_length_that_was_not_counted_widens_the_interval() -> None:
    repeated = Prompt(system="Answer in the language of the question that was asked.\n" * 20, user="Why?")
    earlier = tuple(answer(ttft=50 + each, input_tokens=each) for each in range(100, 1_100, 50))
    of_prompt = measured(*[answer(ttft=450, input_tokens=400) for _ in range(8)], prompt=repeated)
    estimated = evidence(of_prompt, earlier=earlier)
    once = said_once(repeated)
    assert once is not None
    counted = msgspec.structs.replace(estimated, counted=((repeated, 400), (once, 40)))
    wide, narrow = (prompt_length(each) for each in (estimated, counted))
    assert isinstance(wide, Suggestion)
    assert isinstance(narrow, Suggestion)
    assert wide.saving.interval is not None
    assert narrow.saving.interval is not None
    spread, sure = (each.high - each.low for each in (wide.saving.interval, narrow.saving.interval))
    assert spread > 3 * sure
    assert wide.saving.interval.low < narrow.saving.ns < wide.saving.interval.high
