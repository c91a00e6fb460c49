"""Shares of the time, and the part that bounds it."""

import pytest

from tui.advice.advise import Bound, time_shares_of
from tui.advice.evidence import MeasuredTarget
from tui.core.prompt import Prompt

from .made import FAILED, MS, answer, answers, evidence, measured


@pytest.mark.parametrize(
    ("subject", "bound"),
    [
        (measured(*answers(ttft=500)), Bound.WAITING),
        (measured(*answers(thinking=500)), Bound.THINKING),
        (measured(*answers(writing=500)), Bound.OUTPUT),
        (measured(*(answer(set_up=500) for _ in range(5))), Bound.CONNECTION),
    ],
)
def test_it_is_bound_by_the_longest_part(subject: MeasuredTarget, bound: Bound) -> None:
    found = time_shares_of(evidence(subject))
    assert found is not None
    assert found.bound is bound
    assert found.sentence.startswith(bound.value)


def test_reading_the_prompt_is_told_from_waiting_by_the_fitted_cost() -> None:
    def read(tokens: int, prompt: str) -> MeasuredTarget:
        times = (20 + tokens * 0.2 + at / 10 for at in range(6))
        return measured(*(answer(ttft, input_tokens=tokens) for ttft in times), prompt=Prompt(user=prompt))

    found = time_shares_of(evidence(read(3_000, "Why?"), read(500, "Hi")))
    assert found is not None
    assert found.bound is Bound.PROMPT
    assert found.parts.prompt_ns == pytest.approx(600 * MS, rel=0.01)
    assert found.sentence == "prompt-bound: 83 % reading the prompt, 14 % output, 3 % waiting of 720 ms"


def test_without_an_answer_there_is_nothing_to_tell() -> None:
    assert time_shares_of(evidence(measured(FAILED))) is None


def test_the_parts_add_up_to_the_total() -> None:
    found = time_shares_of(evidence(measured(answer(100, thinking=70, writing=230, set_up=15))))
    assert found is not None
    assert found.parts.sum_ns == pytest.approx(415 * MS)
