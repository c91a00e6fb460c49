"""Until sure: looking after every repeat is wrong no more often than it says, and ends."""

import math
from random import Random
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.core.figures import Figure
from tui.core.sequential import Conclusion, Decision, UntilSure

NAMES = "abcdefgh"


def series(
    random: Random,
    middles: list[float],
    looks: int,
    *,
    sigma: float = 0.1,
    within: float = 0.05,
    figure: Figure = Figure.TTFT,
    confidence: float = 0.95,
    drift: float = 0.0,
) -> Decision:
    """A series with log-normal noise until it is sure, or `looks` repeats are spent."""
    rule = UntilSure(figure, NAMES[: len(middles)], budget=looks, within=within, confidence=confidence)
    level = 0.0
    while True:
        level += random.gauss(0, drift)
        decision = rule.look([middle * math.exp(level + random.gauss(0, sigma)) for middle in middles])
        if decision.conclusion is not Conclusion.GO_ON:
            return decision


def most(share: float, rounds: int) -> float:
    """What a share is seldom above when it is `share` in truth."""
    return share + 3 * math.sqrt(share * (1 - share) / rounds)


@pytest.mark.parametrize(("arms", "looks", "rounds", "sigma"), [(2, 200, 200, 0.5), (3, 200, 80, 0.03)])
def test_equal_arms_are_seldom_told_apart_over_200_looks(arms: int, looks: int, rounds: int, sigma: float) -> None:
    random = Random(arms)
    # Alike within so little that no series ends by that.
    ends = [series(random, [500.0] * arms, looks, sigma=sigma, within=1e-6) for _ in range(rounds)]
    assert sum(end.conclusion is Conclusion.BEST for end in ends) / rounds <= most(0.05, rounds)
    assert {end.conclusion for end in ends} <= {Conclusion.BEST, Conclusion.SPENT}


def test_a_looser_confidence_is_kept_too() -> None:
    random = Random(6)
    ends = [series(random, [500.0, 500.0], 100, within=1e-6, confidence=0.8) for _ in range(300)]
    wrong = sum(end.conclusion is Conclusion.BEST for end in ends) / 300
    assert 0.02 <= wrong <= most(0.2, 300)


def test_heavy_tails_and_drift_do_not_inflate_it() -> None:
    random = Random(8)
    wrong = 0
    for _ in range(150):
        rule = UntilSure(Figure.TOTAL, "ab", budget=150, within=1e-6)
        level = 1.0
        for _ in range(150):
            level *= random.lognormvariate(0.02, 0.3)
            decision = rule.look([level * (1 + random.paretovariate(1.1)) for _ in "ab"])
            if decision.conclusion is not Conclusion.GO_ON:
                break
        wrong += decision.conclusion is Conclusion.BEST
    assert wrong / 150 <= most(0.05, 150)


def test_two_arms_15_percent_apart_end_soon() -> None:
    random = Random(1)
    ends = [series(random, [575.0, 500.0], 200) for _ in range(200)]
    assert sum(end.best == ("b",) and end.conclusion is Conclusion.BEST for end in ends) >= 195
    repeats = sorted(end.repeats for end in ends)
    assert median(repeats) <= 15
    assert repeats[180] <= 30


def test_drift_that_all_share_changes_nothing() -> None:
    random = Random(2)
    ends = [series(random, [575.0, 500.0], 200, drift=0.5) for _ in range(60)]
    assert median(end.repeats for end in ends) <= 15


def test_the_best_of_five() -> None:
    random = Random(3)
    ends = [series(random, [600.0, 650.0, 500.0, 575.0, 700.0], 200) for _ in range(30)]
    assert sum(end.best == ("c",) for end in ends) >= 29
    assert median(end.repeats for end in ends) <= 30


def test_more_tokens_per_second_are_better() -> None:
    end = series(Random(4), [60.0, 80.0], 100, figure=Figure.OTPS)
    assert end.best == ("b",)
    assert end.sentence == f"sure: b is best in OTPS (95 %), {end.repeats} repeats"


def test_equal_arms_are_sure_to_be_alike() -> None:
    random = Random(5)
    ends = [series(random, [500.0, 500.0], 300, within=0.1) for _ in range(40)]
    assert sum(end.conclusion is Conclusion.ALIKE for end in ends) >= 37
    alike = next(end for end in ends if end.conclusion is Conclusion.ALIKE)
    assert alike.best == ("a", "b")
    assert alike.sentence.startswith("sure: a and b are alike, no difference of more than 10 % in TTFT (95 %), ")


def test_the_slow_one_is_out_and_the_others_are_alike() -> None:
    end = series(Random(7), [500.0, 900.0, 500.0], 300, within=0.1)
    assert (end.conclusion, end.best) == (Conclusion.ALIKE, ("a", "c"))


def test_arms_apart_by_more_are_seldom_called_alike() -> None:
    random = Random(9)
    # 12 % apart is never within 10 %; noise so great that it takes long to tell.
    ends = [series(random, [500.0, 560.0], 100, sigma=0.4, within=0.1) for _ in range(150)]
    wrong = sum(end.conclusion is Conclusion.ALIKE or end.best == ("b",) for end in ends) / 150
    assert wrong <= most(0.05, 150)


def test_it_ends_with_the_faster_one() -> None:
    rule = UntilSure(Figure.TTFT, "ab", budget=50)
    decision = rule.look([1.0, 1.3])
    while decision.conclusion is Conclusion.GO_ON:
        decision = rule.look([1.0, 1.3])
    assert (decision.conclusion, decision.best) == (Conclusion.BEST, ("a",))
    assert 1 < decision.repeats < 20


def test_a_failed_request_tells_nothing() -> None:
    rule = UntilSure(Figure.TTFT, "ab", budget=40)
    for _ in range(39):
        decision = rule.look([1.0, None])
        assert decision.conclusion is Conclusion.GO_ON
    decision = rule.look([None, 2.0])
    assert decision.conclusion is Conclusion.SPENT
    assert decision.sentence == "budget spent, not sure which is best in TTFT (95 %), 40 repeats"


def test_one_target_has_no_rival() -> None:
    with pytest.raises(ValueError, match="two or more"):
        UntilSure(Figure.TTFT, "a", budget=9)


@settings(max_examples=30)
@given(st.integers(0, 99), st.floats(0.01, 1e6), st.permutations(range(3)))
def test_neither_unit_nor_order_matter(seed: int, factor: float, order: list[int]) -> None:
    random = Random(seed)
    repeats = [[random.lognormvariate(0.1 * arm, 0.1) for arm in range(3)] for _ in range(30)]
    plain, moved = (
        UntilSure(Figure.TTFT, "abc", budget=99),
        UntilSure(Figure.TTFT, ["abc"[at] for at in order], budget=99),
    )
    for repeat in repeats:
        first, second = plain.look(repeat), moved.look([factor * repeat[at] for at in order])
        assert (first.conclusion, set(first.best)) == (second.conclusion, set(second.best))


@settings(max_examples=40)
@given(st.lists(st.floats(-60, 60), min_size=1, max_size=7))
def test_no_strategy_gains_on_average_when_signs_are_fair(leads: list[float]) -> None:
    """The mean wealth over all signs of the same sizes is 1: what Ville's bound rests on."""
    total = 0.0
    for signs in range(2 ** len(leads)):
        rule = UntilSure(Figure.TTFT, "ab", budget=99)
        for at, lead in enumerate(leads):
            rule.look([1.0, math.exp(lead if signs >> at & 1 else -lead)])
        total += math.exp(rule._faster[0, 1].log)
    assert total / 2 ** len(leads) == pytest.approx(1, rel=1e-6)
