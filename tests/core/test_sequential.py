"""Until sure: looking after every repeat is wrong no more often than it says, and ends."""

import math
from collections.abc import Callable
from random import Random
from statistics import mean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.core.figures import Figure
from tui.core.sequential import Conclusion, Decision, UntilSure, log_mixture

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
    assert median(repeats) <= 24
    assert repeats[180] <= 45


def test_drift_that_all_share_changes_nothing() -> None:
    random = Random(2)
    ends = [series(random, [575.0, 500.0], 200, drift=0.5) for _ in range(60)]
    assert median(end.repeats for end in ends) <= 25


def test_the_best_of_five() -> None:
    random = Random(3)
    ends = [series(random, [600.0, 650.0, 500.0, 575.0, 700.0], 200) for _ in range(30)]
    assert sum(end.best == ("c",) for end in ends) >= 29
    assert median(end.repeats for end in ends) <= 40


def test_more_tokens_per_second_are_better() -> None:
    end = series(Random(4), [60.0, 80.0], 100, figure=Figure.OTPS)
    assert end.best == ("b",)
    assert end.sentence == f"sure: b is usually fastest in OTPS (95 %), {end.repeats} repeats"


def test_equal_arms_are_sure_to_be_alike() -> None:
    random = Random(5)
    ends = [series(random, [500.0, 500.0], 300, within=0.1) for _ in range(40)]
    assert sum(end.conclusion is Conclusion.ALIKE for end in ends) >= 37
    alike = next(end for end in ends if end.conclusion is Conclusion.ALIKE)
    assert alike.best == ("a", "b")
    assert alike.sentence.startswith(
        "sure: a and b are alike, usually no difference of more than 10 % in TTFT (95 %), "
    )


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
    assert decision.sentence == "budget spent, not sure which is usually fastest in TTFT (95 %), 40 repeats"


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


@given(st.integers(1, 9))
def test_no_strategy_gains_on_average_when_signs_are_fair(repeats: int) -> None:
    """The mean wealth over all signs is 1: what Ville's bound rests on."""
    total = sum(math.comb(repeats, wins) * math.exp(log_mixture(wins, repeats - wins)) for wins in range(repeats + 1))
    assert total / 2**repeats == pytest.approx(1, rel=1e-6)


def until_over(rule: UntilSure, draw: Callable[[], list[float | None]]) -> Decision:
    """Repeats until it decides; targets that are out are not asked."""
    while True:
        figures = draw()
        decision = rule.look([figure if at in rule.left else None for at, figure in enumerate(figures)])
        if decision.conclusion is not Conclusion.GO_ON:
            return decision


def test_a_cold_cache_makes_no_slower_target_the_usually_fastest() -> None:
    # Two answers in five are cold, four times slower; warm ones are quicker than the rival's. Bets on sizes were sure
    # of the rival, whose median is worse, in 98 % of the series.
    random = Random(11)

    def draw() -> list[float | None]:
        cold = random.random() < 0.4
        return [400.0 * (4 if cold else 1) * random.lognormvariate(0, 0.1), 500.0 * random.lognormvariate(0, 0.1)]

    ends = [until_over(UntilSure(Figure.TTFT, "ab", budget=200), draw) for _ in range(100)]
    assert sum(end.best == ("b",) for end in ends) / 100 <= most(0.05, 100)


def test_two_modes_end_as_soon_as_one() -> None:
    random = Random(12)

    def draw() -> list[float | None]:
        return [
            middle * (4 if random.random() < 0.3 else 1) * random.lognormvariate(0, 0.1) for middle in (500.0, 575.0)
        ]

    ends = [until_over(UntilSure(Figure.TTFT, "ab", budget=400), draw) for _ in range(40)]
    # Bets on sizes took 288 on average.
    assert mean(end.repeats for end in ends) <= 90


def test_beaten_targets_are_not_asked_on() -> None:
    random = Random(13)
    asked = repeats = 0
    for _ in range(20):
        rule = UntilSure(Figure.TTFT, "abcdefgh", budget=200)

        def draw(rule: UntilSure = rule) -> list[float | None]:
            nonlocal asked
            asked += len(rule.left)
            return [500 * (1 + 0.12 * min(at, 1)) ** (1 + at / 4) * random.lognormvariate(0, 0.1) for at in range(8)]

        end = until_over(rule, draw)
        repeats += end.repeats
        assert end.best == ("a",)
    assert asked <= 0.75 * 8 * repeats


def test_a_refused_target_is_left_out_and_named() -> None:
    random = Random(14)
    rule = UntilSure(Figure.TTFT, "abc", budget=200)
    rule.exclude(2)
    end = until_over(rule, lambda: [random.lognormvariate(0, 0.1), 1.5 * random.lognormvariate(0, 0.1), None])
    assert (end.conclusion, end.best) == (Conclusion.BEST, ("a",))
    assert end.sentence.endswith("refused: c")


def test_a_spent_budget_says_how_many_more_repeats_would_tell() -> None:
    random = Random(15)
    needed = []
    for _ in range(40):
        rule = UntilSure(Figure.TTFT, "ab", budget=20)
        end = until_over(rule, lambda: [500 * random.lognormvariate(0, 0.2), 560 * random.lognormvariate(0, 0.2)])
        if end.conclusion is Conclusion.SPENT and end.more is not None:
            assert f"about {end.more:,} more would tell" in end.sentence
            needed.append(end.more)
    # 80 to 120 repeats are needed on average.
    assert 20 <= median(needed) <= 300


def drifting(random: Random, phi: float) -> Callable[[], list[float | None]]:
    """Times of two equal targets, each of which drifts by itself: AR(1), a spread of 20 %."""
    levels = [random.gauss(0, 1) for _ in "ab"]

    def draw() -> list[float | None]:
        levels[:] = [phi * level + math.sqrt(1 - phi * phi) * random.gauss(0, 1) for level in levels]
        return [500 * math.exp(0.2 * level) for level in levels]

    return draw


def test_targets_that_drift_by_themselves_are_seldom_told_apart() -> None:
    # Plain bets are sure in a third of such series, at any time in 100 repeats.
    random, rounds = Random(17), 80
    ends = [
        until_over(UntilSure(Figure.TTFT, "ab", budget=100, within=1e-6), drifting(random, 0.5)) for _ in range(rounds)
    ]
    assert sum(end.conclusion is Conclusion.BEST for end in ends) / rounds <= most(0.06, rounds)


def test_the_end_says_that_repeats_depend_on_each_other() -> None:
    random = Random(16)
    warned = 0
    for _ in range(20):
        draw = drifting(random, 0.8)
        rule = UntilSure(Figure.TTFT, "ab", budget=400)
        end = until_over(rule, lambda draw=draw: [draw()[0], 1.6 * (draw()[1] or 0)])  # type: ignore[misc]
        assert end.best == ("a",)
        warned += "repeats resemble those before them" in end.sentence
    assert warned >= 10
