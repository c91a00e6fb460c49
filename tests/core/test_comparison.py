"""Comparisons of sets of samples: what is said, and how often it is wrong."""

import itertools
import math
from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.core.comparison import (
    FEWEST,
    Comparison,
    Question,
    Samples,
    Verdict,
    compare,
    compare_together,
    look_at,
    more_runs,
)
from tui.core.distributions import holm, mann_whitney
from tui.core.figures import Figure
from tui.core.metrics import NS_PER_MS
from tui.core.statistics import Interval

SAMPLES = st.lists(st.integers(1, 10**9), min_size=0, max_size=40)
OPPOSITE = {
    Verdict.FASTER: Verdict.SLOWER,
    Verdict.SLOWER: Verdict.FASTER,
    Verdict.NONE_SHOWN: Verdict.NONE_SHOWN,
    Verdict.TOO_FEW: Verdict.TOO_FEW,
}


def arm(random: Random, count: int, middle_ms: float, sigma: float = 0.1) -> list[float]:
    """Log-normal samples, ns."""
    return [middle_ms * NS_PER_MS * random.lognormvariate(0, sigma) for _ in range(count)]


def test_a_difference_in_words() -> None:
    haiku = [float((500 + 10 * number) * NS_PER_MS) for number in Random(1).sample(range(20), 20)]
    opus = [sample + 212 * NS_PER_MS for sample in haiku]
    found = compare(Figure.TTFT, ("haiku", haiku), ("opus", opus))
    assert found.verdict is Verdict.FASTER
    assert found.difference == -212 * NS_PER_MS
    assert found.sentence.startswith("haiku is faster: TTFT −212 ms (−")
    assert found.sentence.endswith(" ms, 95 %), n = 20 and 20")
    mirrored = compare(Figure.TTFT, ("opus", opus), ("haiku", haiku))
    assert mirrored.verdict is Verdict.SLOWER
    assert mirrored.sentence.startswith("haiku is faster: TTFT −212 ms (−")


def test_more_tokens_per_second_is_faster() -> None:
    quick, slow = ([float(least + number) for number in Random(1).sample(range(20), 20)] for least in (80, 50))
    found = compare(Figure.OTPS, ("quick", quick), ("slow", slow))
    assert found.verdict is Verdict.FASTER
    assert found.sentence.startswith("quick is faster: OTPS +30.0 tok/s (+")


def test_no_difference_in_words() -> None:
    random = Random(4)
    found = compare(Figure.TTFT, ("a", arm(random, 20, 1_000)), ("b", arm(random, 20, 1_000)))
    assert found.verdict is Verdict.NONE_SHOWN
    assert found.worth == 50 * NS_PER_MS
    assert found.more_runs
    assert found.sentence.startswith("no difference shown: TTFT of a ")
    assert "more runs of each would tell 50 ms apart" in found.sentence


@pytest.mark.parametrize(("first", "second"), [(0, 0), (FEWEST - 1, 30), (30, 0)])
def test_too_few(first: int, second: int) -> None:
    random = Random(1)
    found = compare(Figure.TTFT, ("a", arm(random, first, 500)), ("b", arm(random, second, 50)))
    assert found.verdict is Verdict.TOO_FEW
    assert found.interval is None
    assert found.sentence == f"too few runs to compare a and b: n = {first} and {second}, {FEWEST} of each are needed"


def test_what_the_correction_makes_impossible_is_too_few() -> None:
    random = Random(1)
    sets = [(str(number), arm(random, FEWEST, 100 * (number + 1), 0.01)) for number in range(8)]
    comparison = compare_together(all_pairs(sets))[0]
    assert comparison.verdict is Verdict.TOO_FEW
    # 28 pairs: 28·2/C(12, 6) is more than 5 %, 28·2/C(14, 7) is less.
    assert "7 of each are needed" in comparison.sentence


@settings(max_examples=50)
@given(SAMPLES, SAMPLES, st.integers(0, 3))
def test_what_always_holds(first: list[int], second: list[int], seed: int) -> None:
    found = compare(Figure.TOTAL, ("a", first), ("b", second), seed=seed)
    assert found == compare(Figure.TOTAL, ("a", first), ("b", second), seed=seed)
    if found.verdict is Verdict.TOO_FEW:
        assert min(len(first), len(second)) < FEWEST
        return
    assert found.interval is not None
    assert found.p is not None
    # It may pass the range of the samples: it is widened by what dependence is likely, be it clear or not.
    assert found.interval.low <= found.interval.high
    if len({*first}) == len({*second}) == 1:
        assert found.interval.low == found.interval.high == first[0] - second[0]
    if found.verdict is Verdict.FASTER:
        assert found.interval.high < 0
        assert found.p <= 0.05
    if found.verdict is Verdict.SLOWER:
        assert found.interval.low > 0


@settings(max_examples=40)
@given(st.integers(0, 30), st.integers(0, 200))
def test_an_order_of_the_sets_is_none_of_the_verdict(seed: int, shift: int) -> None:
    random = Random(seed)
    first, second = arm(random, 15, 500), arm(random, 15, 500 + shift)
    there = compare(Figure.TTFT, ("a", first), ("b", second), seed=1)
    back = compare(Figure.TTFT, ("b", second), ("a", first), seed=1)
    # Another draw moves the ends of an interval a little; the test is the same.
    assert back.p == pytest.approx(there.p)
    if OPPOSITE[there.verdict] is not back.verdict:
        assert Verdict.NONE_SHOWN in (there.verdict, back.verdict)


@settings(max_examples=40)
@given(st.integers(0, 50), st.floats(0.1, 1_000))
def test_the_unit_changes_nothing(seed: int, factor: float) -> None:
    random = Random(seed)
    first, second = arm(random, 12, 500), arm(random, 12, 560)
    plain = compare(Figure.TTFT, ("a", first), ("b", second))
    scaled = compare(Figure.TTFT, ("a", [factor * x for x in first]), ("b", [factor * x for x in second]))
    assert (scaled.verdict, scaled.p) == (plain.verdict, plain.p)
    assert scaled.ratio == pytest.approx(plain.ratio)
    assert scaled.interval is not None
    assert plain.interval is not None
    assert scaled.interval.low == pytest.approx(factor * plain.interval.low)


def test_the_number_of_runs_more() -> None:
    # Standard error 10 of n = 20; d = 14 = (1.96 + 0.84)·σ/√n' needs n' = 20·(2.8·10/14)² = 80.
    interval = Interval(low=-19.6, high=19.6, confidence=0.95)
    assert more_runs(interval, 20, 14) == pytest.approx(60, abs=1)
    assert more_runs(interval, 20, 28.1) == 0


def all_pairs(sets: Sequence[Samples]) -> list[Question]:
    """Each set with each."""
    return [(Figure.TTFT, *pair) for pair in itertools.combinations(sets, 2)]


DRAWS = 8
"""Seeds of the bootstrap in use, in turn: samples differ in each round, and its draws are kept by seed."""


def rate(said: Callable[[Comparison], bool], rounds: int, count: int, ratio: float) -> float:
    """How often something is said of two arms whose medians are `ratio` apart."""
    random = Random(11)
    return (
        sum(
            said(
                compare(
                    Figure.TTFT,
                    ("a", arm(random, count, 500)),
                    ("b", arm(random, count, 500 * ratio)),
                    seed=round_ % DRAWS,
                )
            )
            for round_ in range(rounds)
        )
        / rounds
    )


@pytest.mark.parametrize("count", [5, 30])
def test_equal_arms_are_seldom_told_apart(count: int) -> None:
    # A rule that is wrong in 20 % of such comparisons would be found in 99 of 100 tests (binomial).
    rounds = 100
    wrong = rate(lambda found: found.verdict in (Verdict.FASTER, Verdict.SLOWER), rounds, count, 1.0)
    assert wrong <= 0.05 + 3 * (0.05 * 0.95 / rounds) ** 0.5


def test_arms_15_percent_apart_are_told_apart() -> None:
    assert rate(lambda found: found.verdict is Verdict.FASTER, 60, 20, 1.15) >= 0.85


def test_the_runs_it_asks_for_do_tell_apart() -> None:
    # Ten runs of each say how many more tell 40 ms apart; with as many as they say in the middle, eight of ten do.
    random = Random(12)
    asked = []
    for round_ in range(41):
        first, second = arm(random, 10, 500), arm(random, 10, 500)
        interval = compare(Figure.TTFT, ("a", first), ("b", second), seed=round_ % DRAWS).interval
        assert interval is not None
        asked.append(more_runs(interval, 10, 40 * NS_PER_MS))
    middle = sorted(asked)[20]
    assert 10 < middle < 60
    assert 0.68 <= rate(lambda found: found.verdict is Verdict.FASTER, 100, 10 + middle, 1.08) <= 0.95


def test_several_equal_arms_together_are_seldom_told_apart() -> None:
    # Without a correction 28 % of the rounds show a difference, which would be found in 96 of 100 tests (binomial).
    random = Random(13)
    rounds = 40
    wrong = 0
    for round_ in range(rounds):
        sets = [(str(number), arm(random, 12, 500)) for number in range(5)]
        found = compare_together(all_pairs(sets), seed=round_ % DRAWS)
        wrong += any(each.verdict is not Verdict.NONE_SHOWN for each in found)
    assert wrong / rounds <= 0.05 + 3 * (0.05 * 0.95 / rounds) ** 0.5


@pytest.mark.parametrize(("sets", "shown"), [(2, True), (12, True), (13, False)])
def test_all_pairs_count_however_many_sets_there_are(sets: int, shown: bool) -> None:
    """A difference that is shown among 66 pairs may be chance among 78."""
    random = Random(2)
    question: Question = (Figure.TTFT, ("a", arm(random, 20, 500)), ("b", arm(random, 20, 600)))
    found = compare_together([question] * (sets * (sets - 1) // 2))
    assert {each.verdict for each in found} == {Verdict.FASTER if shown else Verdict.NONE_SHOWN}


def test_a_verdict_beside_a_growing_set_is_seldom_wrong_at_any_time() -> None:
    # Judged plainly after every run, three lanes and two figures show something in half of all sessions.
    random = Random(16)
    rounds, wrong = 12, 0
    for _ in range(rounds):
        before = [arm(random, 20, 500, 0.2) for _ in range(6)]
        now = [arm(random, 40, 500, 0.2) for _ in range(6)]
        is_shown = False
        for runs in (5, 10, 20, 40):
            count, shares = look_at(runs)
            for lane in range(0, 6, 2):
                questions: list[Question] = [
                    (Figure.TTFT, ("now", now[at][:count]), ("before", before[at])) for at in (lane, lane + 1)
                ]
                found = compare_together(questions, shares=3 * shares)
                is_shown |= any(each.verdict in (Verdict.FASTER, Verdict.SLOWER) for each in found)
        wrong += is_shown
    assert wrong / rounds <= 0.05 + 3 * (0.05 * 0.95 / rounds) ** 0.5


def test_a_clear_difference_is_shown_beside_a_growing_set() -> None:
    random = Random(17)
    count, shares = look_at(27)
    question: Question = (Figure.TTFT, ("now", arm(random, count, 300)), ("before", arm(random, 20, 500)))
    (found,) = compare_together([question], shares=3 * shares)
    assert found.verdict is Verdict.FASTER


def test_looks_are_at_doublings_and_share_all_of_the_error() -> None:
    looks = [look_at(count) for count in (1, 5, 9, 10, 39, 40, 10_000)]
    assert [count for count, _ in looks] == [1, 5, 5, 10, 20, 40, 5 * 2**10]
    assert sum(1 / shares for _, shares in {look_at(5 * 2**power) for power in range(200)}) <= 1


def test_runs_that_resemble_their_neighbours_widen_and_are_named() -> None:
    random = Random(18)

    def walking(count: int) -> list[float]:
        level, found = 0.0, []
        for _ in range(count):
            level = 0.8 * level + random.gauss(0, 0.6)
            found.append(500e6 * math.exp(0.2 * level))
        return found

    found = [compare(Figure.TTFT, ("a", walking(20)), ("b", walking(20)), seed=seed) for seed in range(60)]
    # Taken as independent, two in five are told apart.
    assert sum(each.verdict is not Verdict.NONE_SHOWN for each in found) <= 14
    warned = [each for each in found if each.correlation is not None]
    assert len(warned) >= 40
    assert all("resemble those before" in each.sentence for each in warned)


def drifting(random: Random, count: int) -> list[float]:
    """AR(1) of 0.5, a spread of 20 %."""
    level, found = random.gauss(0, 1), []
    for _ in range(count):
        found.append(500e6 * math.exp(0.2 * level))
        level = 0.5 * level + math.sqrt(0.75) * random.gauss(0, 1)
    return found


def test_equal_lanes_that_drift_are_seldom_told_apart_together() -> None:
    # Each widened by its own correlation alone, where that is clear, 16 of them show something in two rounds of five.
    random = Random(21)
    rounds, wrong = 20, 0
    for _ in range(rounds):
        questions: list[Question] = [
            (Figure.TTFT, ("now", drifting(random, 20)), ("before", drifting(random, 20))) for _ in range(16)
        ]
        wrong += any(each.verdict is not Verdict.NONE_SHOWN for each in compare_together(questions))
    assert wrong / rounds <= 0.05 + 3 * (0.05 * 0.95 / rounds) ** 0.5


def test_p_is_corrected_for_all_comparisons() -> None:
    # Neighbours do not resemble each other, so that nothing is widened.
    random = Random(14)
    sets = [(str(number), _alternating(arm(random, 12, 500 + 20 * number))) for number in range(4)]
    found = compare_together(all_pairs(sets))
    plain = [mann_whitney(first, second).p for (_, first), (_, second) in itertools.combinations(sets, 2)]
    assert [each.p for each in found] == pytest.approx(holm(plain))


def _alternating(samples: list[float]) -> list[float]:
    ascending = sorted(samples)
    return [value for pair in zip(ascending, reversed(ascending), strict=True) for value in pair][: len(samples)]


def test_what_is_no_number_is_left_out_and_many_samples_are_no_burden() -> None:
    random = Random(19)
    plain, other = arm(random, 20, 500), arm(random, 20, 500)
    odd = [*plain[:10], math.nan, math.inf, *plain[10:]]
    assert compare(Figure.TTFT, ("a", odd), ("b", other)) == compare(Figure.TTFT, ("a", plain), ("b", other))
    many = [500.0 + at * 7919 % 1009 for at in range(100_000)]
    assert compare(Figure.TTFT, ("a", many), ("b", many)).verdict is Verdict.NONE_SHOWN


def test_no_difference_is_stated_below_what_the_instrument_can_tell() -> None:
    noise = Random(1)
    first = [noise.gauss(10_000, 1_000) for _ in range(40)]
    second = [noise.gauss(30_000, 1_000) for _ in range(40)]
    assert compare(Figure.NETWORK, ("a", first), ("b", second)).verdict is Verdict.NONE_SHOWN
    apart = [value + 200_000 for value in second]
    assert compare(Figure.NETWORK, ("a", first), ("b", apart)).verdict is Verdict.FASTER
