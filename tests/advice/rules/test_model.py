"""Rule on the model."""

from advice.made import MS, answers, evidence, known, measured
from tui.advice.rules.model import model
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt

QUICK = known("quick", line="haiku")


def test_the_model_measured_to_be_fastest_is_suggested() -> None:
    slower = measured(*answers(ttft=80), model="middling")
    quick = measured(*answers(ttft=20, writing=20), model="quick")
    said = model(evidence(measured(*answers()), slower, quick, models=(known(), QUICK)))
    assert isinstance(said, Suggestion)
    assert said.id == "model:quick"
    assert 155 * MS < said.saving.ns < 165 * MS
    assert "output costs 1 times" in said.price


def test_what_the_other_was_asked_with_is_what_is_tried() -> None:
    subject = measured(*answers(), parameters=Parameters(max_tokens=500, effort="high"))
    quick = measured(*answers(ttft=10), model="quick", parameters=Parameters(max_tokens=300))
    said = model(evidence(subject, quick))
    assert isinstance(said, Suggestion)
    assert said.trial is not None
    change = said.trial.change
    assert (change.model, change.parameters, change.unset) == ("quick", Parameters(max_tokens=300), ("effort",))


def test_a_model_of_a_faster_line_is_no_reason_by_itself() -> None:
    said = model(evidence(measured(*answers()), models=(known(), QUICK)))
    assert isinstance(said, NoSuggestion)
    assert "add quick as a target" in said.run
    assert said.trial is not None
    assert said.trial.change.model == "quick"


def test_a_model_that_was_not_faster_is_not_suggested() -> None:
    said = model(evidence(measured(*answers()), measured(*answers(), model="quick")))
    assert isinstance(said, NoSuggestion)
    assert "shown to be faster" in said.reason
    assert said.trial is None


def test_another_prompt_does_not_count() -> None:
    other = measured(*answers(ttft=10), model="quick", prompt=Prompt(user="Hi"))
    assert isinstance(model(evidence(measured(*answers()), other)), NoSuggestion)


def test_single_answers_show_nothing_but_are_named() -> None:
    said = model(evidence(measured(*answers(1, ttft=300)), measured(*answers(1), model="quick")))
    assert isinstance(said, NoSuggestion)
    assert said.reason.startswith("other models were measured too few times to tell: known 3")
    assert said.run.startswith("a series of 5 or more")
