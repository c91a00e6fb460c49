"""Summaries of repeated measurements, and whether their intervals cover what they say."""

from random import Random

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.core.statistics import (
    clustered_bounds,
    describe,
    mean_bounds,
    percentile_bounds,
    percentile_interval,
    samples_needed,
)

SAMPLES = st.lists(st.integers(1, 10**12), min_size=1, max_size=400)
PERCENTS = st.sampled_from([50, 90, 95, 99])


def test_nothing() -> None:
    nothing = describe([None, None])
    assert (nothing.count, nothing.failures) == (0, 2)
    assert nothing.median is nothing.mean is nothing.deviation is None
    assert nothing.median_interval is None


@settings(deadline=None, max_examples=60)
@given(SAMPLES)
def test_a_description_is_numpys(samples: list[int]) -> None:
    found = describe([*samples, None])
    assert (found.count, found.failures) == (len(samples), 1)
    assert found.mean == pytest.approx(np.mean(samples))
    assert found.median == pytest.approx(np.median(samples))
    assert (found.min, found.max) == (min(samples), max(samples))
    if len(samples) > 1:
        assert found.deviation == pytest.approx(np.std(samples, ddof=1), rel=1e-6, abs=1e-6)
    for percent, value in ((90, found.p90), (95, found.p95), (99, found.p99)):
        assert (value is None) == (len(samples) < samples_needed(percent))
        if value is not None:
            assert value == np.percentile(samples, percent, method="inverted_cdf")


@given(SAMPLES)
def test_a_description_is_in_order(samples: list[int]) -> None:
    found = describe(samples)
    in_order = [found.min, found.median, found.p90, found.p95, found.p99, found.max]
    shown = [value for value in in_order if value is not None]
    assert shown == sorted(shown)
    interval = found.median_interval
    if interval is not None and found.median is not None:
        assert interval.low <= found.median <= interval.high


@given(SAMPLES, PERCENTS, st.integers(1, 1_000), st.integers(0, 10**9))
def test_intervals_move_with_the_samples(samples: list[int], percent: int, factor: int, shift: int) -> None:
    ascending = sorted(samples)
    plain = percentile_interval(ascending, percent)
    moved = percentile_interval([factor * sample + shift for sample in ascending], percent)
    if plain is None or moved is None:
        assert plain is moved
        return
    assert (moved.low, moved.high) == (factor * plain.low + shift, factor * plain.high + shift)


@given(st.integers(1, 2_000), PERCENTS)
def test_a_surer_interval_is_wider_and_more_samples_make_it_narrower(count: int, percent: int) -> None:
    samples = list(range(count))
    usual, surer = percentile_interval(samples, percent, 0.95), percentile_interval(samples, percent, 0.99)
    if surer is not None:
        assert usual is not None
        assert surer.low <= usual.low <= usual.high <= surer.high
    more = percentile_interval([sample / 10 for sample in range(10 * count)], percent)
    if usual is not None:
        assert more is not None
        assert more.high - more.low <= usual.high - usual.low


def test_how_many_samples_a_percentile_needs() -> None:
    # Wilks (1941): 59 samples bound the 95th, 299 the 99th percentile;
    assert [samples_needed(percent) for percent in (50, 90, 95, 99)] == [6, 29, 59, 299]
    assert samples_needed(50, 0.99) == 8
    assert samples_needed(5) == samples_needed(95)


@settings(max_examples=12)
@given(PERCENTS, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_an_interval_exists_from_that_many_on(percent: int, confidence: float) -> None:
    needed = samples_needed(percent, confidence)
    assert percentile_interval(range(needed - 1), percent, confidence) is None
    for count in (needed, needed + 1, 2 * needed):
        assert percentile_interval(range(count), percent, confidence) is not None


@settings(max_examples=100)
@given(st.integers(1, 1_500), PERCENTS, st.sampled_from([0.8, 0.95, 0.99]))
def test_exact_coverage_is_what_is_said_or_more(count: int, percent: int, confidence: float) -> None:
    interval = percentile_interval(range(1, count + 1), percent, confidence)
    if interval is not None:
        # Samples l to u − 1 of the binomial, by scipy.
        covered = scipy.stats.binom.cdf(interval.high - 1, count, percent / 100) - scipy.stats.binom.cdf(
            interval.low - 1, count, percent / 100
        )
        assert covered >= confidence - 1e-9


@given(st.integers(6, 500))
def test_the_medians_interval_is_scipys(count: int) -> None:
    samples = [float(number) for number in range(count)]
    interval = percentile_interval(samples, 50)
    golden = scipy.stats.quantile_test(samples, p=0.5).confidence_interval(0.95)
    assert interval is not None
    assert (interval.low, interval.high) == (golden.low, golden.high)


def test_published_ranks() -> None:
    # Conover (1999), table A3 with n = 20 and p = 1/2: from the 6th to the 15th, 95.86 %.
    interval = percentile_interval(range(1, 21), 50)
    assert interval is not None
    assert (interval.low, interval.high) == (6, 15)
    # Hahn and Meeker (1991), 5.2.2: of n = 100, the 90th percentile lies between samples 85 and 97 at 95 %, to a rank.
    interval = percentile_interval(range(1, 101), 90)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((85, 97), abs=1)


@given(SAMPLES, PERCENTS)
def test_one_sided_bounds_are_within_the_two_sided(samples: list[int], percent: int) -> None:
    ascending = sorted(samples)
    low, high = percentile_bounds(ascending, percent)
    if low is not None and high is not None:
        assert low <= high
    if len(samples) >= 59 and percent == 95:
        assert high is not None
    if len(samples) < 59 and percent == 95:
        assert high is None


@pytest.mark.parametrize(("percent", "count"), [(50, 6), (50, 25), (90, 29), (90, 60), (95, 59), (95, 120), (99, 299)])
def test_coverage_by_simulation(percent: int, count: int) -> None:
    rng = np.random.default_rng(5)
    truth = scipy.stats.lognorm.ppf(percent / 100, 0.5)
    hits = 0
    rounds = 1_500
    for samples in np.sort(rng.lognormal(0, 0.5, (rounds, count)), axis=1).tolist():
        interval = percentile_interval(samples, percent)
        assert interval is not None
        hits += interval.low <= truth <= interval.high
    assert hits / rounds >= 0.95 - 3 * (0.95 * 0.05 / rounds) ** 0.5


def test_the_interval_of_a_median_widens_for_runs_that_resemble_those_before_them() -> None:
    # Taken as independent, it misses in 18 % (AR(1) 0.5).
    random, rounds, missed = Random(4), 400, 0
    for _ in range(rounds):
        level, samples = random.gauss(0, 1), []
        for _ in range(30):
            samples.append(level)
            level = 0.5 * level + 0.75**0.5 * random.gauss(0, 1)
        interval = describe(samples).median_interval
        assert interval is not None
        missed += not interval.low <= 0 <= interval.high
    assert missed / rounds <= 0.05 + 3 * (0.05 * 0.95 / rounds) ** 0.5


@given(st.lists(st.integers(1, 9), min_size=6, max_size=200), st.floats(1, 19))
def test_a_widened_interval_holds_the_plain_one(samples: list[int], inflation: float) -> None:
    ascending = sorted(samples)
    plain, wider = percentile_interval(ascending, 50), percentile_interval(ascending, 50, inflation=inflation)
    assert plain is not None
    assert wider is not None
    assert wider.low <= plain.low <= plain.high <= wider.high


@given(st.lists(st.floats(1, 1e6), min_size=50, max_size=90))
def test_the_means_bounds_are_students(samples: list[float]) -> None:
    low, high = mean_bounds(samples)
    golden_low, golden_high = scipy.stats.t.interval(
        0.9, len(samples) - 1, loc=np.mean(samples), scale=max(float(scipy.stats.sem(samples)), 1e-300)
    )
    assert low == pytest.approx(golden_low, rel=1e-3, abs=1e-3 * max(samples))
    assert high == pytest.approx(golden_high, rel=1e-3, abs=1e-3 * max(samples))
    assert mean_bounds(samples[:49]) == (None, None)


def test_gaps_of_one_answer_do_not_count_as_independent() -> None:
    # Every answer has a pace of its own: the plain bounds of all gaps are far too sure, the clustered ones are not.
    random = Random(3)
    truth = 50.0
    rounds, plain_wrong, wrong = 400, 0, 0
    for _ in range(rounds):
        groups = [[pace + random.gauss(0, 1) for _ in range(20)] for pace in (random.gauss(50, 10) for _ in range(25))]
        low, high = clustered_bounds(groups, 50)
        assert low is not None
        assert high is not None
        wrong += not low <= truth <= high
        low, high = percentile_bounds(sorted(gap for group in groups for gap in group), 50)
        assert low is not None
        assert high is not None
        plain_wrong += not low <= truth <= high
    assert wrong / rounds <= 0.1 + 3 * (0.1 * 0.9 / rounds) ** 0.5
    assert plain_wrong / rounds > 0.4


def test_clusters_need_to_be_many_and_the_tail_within_reach() -> None:
    groups = [[float(gap) for gap in range(50)]] * 9
    assert clustered_bounds(groups, 50) == (None, None)
    low, high = clustered_bounds([*groups, [1.0], []], 99)
    assert low is not None
    assert low <= 49
    assert high is None or high == 49
