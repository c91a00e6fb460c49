"""The list of targets: 1 to 256 chosen, searched, toggled, added to, copied, moved and removed."""

from functools import partial
from pathlib import Path

import msgspec
import pytest

from tui.config.load import Flags, load
from tui.config.presets import at_named_endpoint, by_name
from tui.core.parameters import Parameters
from tui.core.plan import MAX_TARGETS
from tui.core.target import Target
from tui.session.target_choice import ChoiceError, TargetChoice

KNOWN = (("claude-haiku-5-5", "Claude Haiku 5.5"), ("claude-opus-5", "Claude Opus 5"), ("claude-opus-5-5", "Opus 5.5"))
HAIKU = Target(model="claude-haiku-5-5")


def labels(choice: TargetChoice, indices: list[int]) -> list[str]:
    return [choice.candidates[index].label for index in indices]


def test_chosen_targets_come_first_and_known_models_after_them() -> None:
    choice = TargetChoice((Target(model="mine"), HAIKU), KNOWN)
    assert labels(choice, choice.matching("")) == ["mine", "claude-haiku-5-5", "claude-opus-5", "claude-opus-5-5"]
    assert [choice.is_chosen(index) for index in range(4)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["claude-haiku-5-5", "claude-opus-5", "claude-opus-5-5"]),
        ("OPUS", ["claude-opus-5", "claude-opus-5-5"]),
        ("opus 5.5", ["claude-opus-5-5"]),
        ("5.5 opus", ["claude-opus-5-5"]),
        ("  haiku  ", ["claude-haiku-5-5"]),
        ("gpt", []),
    ],
)
def test_search_takes_every_word_in_id_and_name(query: str, found: list[str]) -> None:
    choice = TargetChoice((HAIKU,), KNOWN)
    assert labels(choice, choice.matching(query)) == found


def test_search_finds_lane_names_and_endpoints() -> None:
    choice = TargetChoice((Target(model="m", name="Fast one", endpoint="local"), HAIKU), KNOWN)
    assert labels(choice, choice.matching("fast")) == ["Fast one"]
    assert labels(choice, choice.matching("local m")) == ["Fast one"]
    assert choice.describe(0) == "Fast one @local"


def test_toggling_twice_changes_nothing() -> None:
    choice = TargetChoice((HAIKU,), KNOWN)
    choice.toggle(1)
    assert [target.model for target in choice.chosen] == ["claude-haiku-5-5", "claude-opus-5"]
    choice.toggle(1)
    assert choice.chosen == (HAIKU,)


def test_the_order_is_that_of_the_list_not_of_the_clicks() -> None:
    choice = TargetChoice((HAIKU,), KNOWN)
    for index in (2, 1, 0, 0):
        choice.toggle(index)
    assert [target.model for target in choice.chosen] == ["claude-haiku-5-5", "claude-opus-5", "claude-opus-5-5"]


def test_the_last_target_stays() -> None:
    choice = TargetChoice((HAIKU,), KNOWN)
    with pytest.raises(ChoiceError, match="At least one target"):
        choice.toggle(0)
    assert choice.chosen == (HAIKU,)


def test_a_target_keeps_its_overrides_when_it_is_chosen_again() -> None:
    mine = Target(model="claude-haiku-5-5", name="mine", endpoint="local")
    choice = TargetChoice((mine, Target(model="other")), KNOWN)
    choice.toggle(0)
    choice.toggle(0)
    assert choice.chosen[0] is mine


def test_an_id_is_added_chosen() -> None:
    choice = TargetChoice((HAIKU,), KNOWN)
    index = choice.add("  my-model@2026  ")
    assert choice.is_chosen(index)
    assert choice.candidates[index] == Target(model="my-model@2026")


def test_an_id_that_is_there_is_chosen_not_doubled() -> None:
    choice = TargetChoice((HAIKU,), KNOWN)
    count = len(choice.candidates)
    assert choice.add("claude-opus-5") == 1
    assert choice.add("claude-opus-5") == 1
    assert len(choice.candidates) == count
    assert choice.is_chosen(1)


@pytest.mark.parametrize("typed", ["", "   ", "two words", "tab\there", "esc\x1b[31m", "nul\0", "zero\u200bwidth"])
def test_what_is_no_id_is_refused(typed: str) -> None:
    choice = TargetChoice((HAIKU,), KNOWN)
    with pytest.raises(ChoiceError, match="no spaces or control characters"):
        choice.add(typed)
    assert choice.chosen == (HAIKU,)


def test_256_targets_and_not_one_more() -> None:
    choice = TargetChoice((HAIKU,), KNOWN)
    for number in range(1, MAX_TARGETS):
        choice.add(f"model-{number}")
    assert len(choice.chosen) == MAX_TARGETS == 256
    with pytest.raises(ChoiceError, match="At most 256"):
        choice.toggle(1)
    count = len(choice.candidates)
    with pytest.raises(ChoiceError, match="At most 256"):
        choice.add("one-more")
    assert len(choice.chosen) == MAX_TARGETS
    assert len(choice.candidates) == count, "what was refused is not left in the list"
    choice.toggle(0)
    choice.add("one-more")
    assert len(choice.chosen) == MAX_TARGETS


def test_one_model_may_be_asked_twice() -> None:
    choice = TargetChoice((HAIKU,), KNOWN)
    index = choice.insert(1, msgspec.structs.replace(choice.copy_of(0), parameters=Parameters(effort="low")))
    assert choice.is_chosen(index)
    assert [target.label for target in choice.labelled] == ["claude-haiku-5-5", "claude-haiku-5-5, effort low"]
    assert [target.name for target in choice.chosen] == [None, None], "what it is called by is no name"
    assert choice.describe(1) == "claude-haiku-5-5, effort low"
    assert choice.index_of("claude-haiku-5-5, effort low") == 1
    assert choice.index_of("gone") is None
    choice.toggle(0)
    assert choice.index_of("claude-haiku-5-5") == 1, "alone it is called by its model"


def test_the_copy_of_a_named_one_says_so() -> None:
    choice = TargetChoice((Target(model="m", name="mine"),), ())
    assert choice.copy_of(0).name == "mine copy"


def test_replacing_leaves_place_and_choice() -> None:
    choice = TargetChoice((HAIKU, Target(model="b")), KNOWN, disabled={0})
    choice.replace(0, Target(model="c"))
    assert choice.candidates[0].model == "c"
    assert choice.chosen == (Target(model="b"),)


def test_moving_changes_the_order_of_the_lanes() -> None:
    choice = TargetChoice((HAIKU, Target(model="b"), Target(model="c")), ())
    choice.move(2, 0)
    assert [target.model for target in choice.chosen] == ["c", "claude-haiku-5-5", "b"]


def test_removing_is_for_all_but_the_last_chosen_one() -> None:
    choice = TargetChoice((HAIKU, Target(model="b")), ())
    choice.remove(0)
    assert choice.candidates == [Target(model="b")]
    with pytest.raises(ChoiceError, match="removing"):
        choice.remove(0)


def test_what_was_chosen_once_or_made_here_is_remembered_and_nothing_else() -> None:
    choice = TargetChoice((HAIKU, Target(model="b")), KNOWN, disabled={1})
    assert choice.remembered == ([HAIKU, Target(model="b")], [1])
    choice.toggle(2)
    choice.toggle(2)
    assert choice.remembered == ([HAIKU, Target(model="b"), Target(model="claude-opus-5")], [1, 2])
    again = TargetChoice(tuple(choice.remembered[0]), KNOWN, choice.remembered[1])
    assert again.remembered == choice.remembered
    assert again.candidates == choice.candidates


def test_no_more_than_256_by_duplicating() -> None:
    choice = TargetChoice(tuple(Target(model=f"m{number}") for number in range(MAX_TARGETS)), ())
    with pytest.raises(ChoiceError, match="At most 256"):
        choice.insert(1, choice.copy_of(0))


def test_a_model_may_be_typed_with_its_endpoint() -> None:
    choice = TargetChoice((HAIKU,), KNOWN, at=partial(at_named_endpoint, known=("mine",)))
    choice.add("groq/openai/gpt-oss-20b")
    choice.add("mine/m")
    choice.add("unknown/m")
    assert choice.chosen[1:] == (
        Target(model="openai/gpt-oss-20b", endpoint="groq"),
        Target(model="m", endpoint="mine"),
        Target(model="unknown/m"),
    )
    # The same one again is no other, and the same model elsewhere is.
    choice.add("mine/m")
    choice.add("ollama/m")
    assert [target.endpoint for target in choice.chosen] == [None, "groq", "mine", None, "ollama"]
    choice.replace(0, Target(model="groq/x"))
    assert choice.chosen[0] == Target(model="x", endpoint="groq")


@pytest.mark.parametrize(("flags", "split"), [(Flags(), True), (Flags(base_url="http://127.0.0.1:1"), False)])
def test_a_prefix_counts_while_no_endpoint_was_chosen(flags: Flags, split: bool, tmp_path: Path) -> None:
    at = by_name(load(flags, {}, tmp_path).settings)
    assert (at(Target(model="openai/gpt-oss-20b")).endpoint == "openai") is split
