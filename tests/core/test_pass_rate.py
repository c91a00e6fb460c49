"""Pass rates: the interval, and exact tests of two of them, held against SciPy."""

import random

import msgspec
import pytest
import scipy

from tui.core.goodput import goodput
from tui.core.objectives import ObjectiveState, judge, parse
from tui.core.observation import Observation
from tui.core.pass_rate import compared_pairs, differing, fisher, mcnemar, pass_rate

pytestmark = pytest.mark.unit


def judged(*verdicts: bool | None, runs: bool = False) -> list[Observation]:
    return [Observation(passed=passed, run=at if runs else 0) for at, passed in enumerate(verdicts, 1)]


def test_the_interval_is_clopper_pearsons() -> None:
    rate = pass_rate(judged(*[True] * 18, False, False, None))
    assert rate is not None
    wanted = scipy.stats.binomtest(18, 20).proportion_ci(0.95)
    assert (rate.low, rate.high) == pytest.approx((wanted.low, wanted.high), abs=1e-6)
    assert rate.sentence == "passed 18 of 20, 68.3 % to 98.8 % (95 %); 1 could not be judged"
    assert pass_rate(judged(None, None)) is None


@pytest.mark.parametrize("table", [(9, 10, 1, 10), (5, 5, 0, 7), (0, 3, 0, 4), (18, 20, 11, 20), (40, 90, 70, 95)])
def test_fishers_exact_test(table: tuple[int, int, int, int]) -> None:
    hits, of, other, of_other = table
    wanted = scipy.stats.fisher_exact([[hits, of - hits], [other, of_other - other]]).pvalue
    assert fisher(*table) == pytest.approx(wanted)


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (8, 1), (5, 5), (30, 12)])
def test_mcnemars_exact_test(wins: int, losses: int) -> None:
    assert mcnemar(wins, losses) == pytest.approx(
        scipy.stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    )


def test_pairs_of_one_run_are_compared_as_pairs() -> None:
    first = judged(*[True] * 10, *[False] * 10, runs=True)
    second = judged(*[False] * 4, *[True] * 6, *[False] * 10, runs=True)
    assert "p = 0.12" in differing([("a", first), ("b", second)])[0]
    third = judged(*[False] * 10, *[False] * 10, runs=True)
    (said,) = differing([("a", first), ("b", third)])
    assert said.startswith("passed: a passes more often: a 10 of 20, b 0 of 20")


def test_all_comparisons_are_one_family() -> None:
    good, bad = judged(*[True] * 9, False), judged(*[True] * 3, *[False] * 7)
    assert "passes more often" in compared_pairs([(("a", good), ("b", bad))])[0]
    same = ("c", good), ("d", good)
    found = compared_pairs([(("a", good), ("b", bad)), same, same, (("e", judged(None)), ("f", good))])
    assert [said[:26] for said in found] == ["passed: no difference show"] * 3 + [""]


def test_equal_targets_are_told_apart_no_more_often_than_stated() -> None:
    chance, wrong = random.Random(5), 0
    for _ in range(400):
        sets = [(name, judged(*[chance.random() < 0.8 for _ in range(30)], runs=True)) for name in "abc"]
        wrong += any("more often" in said for said in differing(sets))
    assert wrong <= 400 * 0.05 + 3 * (400 * 0.05 * 0.95) ** 0.5


@pytest.mark.parametrize(
    ("passed", "of", "state"),
    [(100, 100, "met"), (19, 20, "not yet known"), (10, 20, "missed"), (0, 0, "not yet known")],
)
def test_an_objective_on_the_pass_rate(passed: int, of: int, state: str) -> None:
    objective = parse("passed  > 95%")
    found = judge(objective, judged(*[True] * passed, *[False] * (of - passed), None))
    assert found.state is ObjectiveState(state)
    assert found.count == of


@pytest.mark.parametrize("text", ["passed < 95%", "passed > 100%", "passed.p50 > 3%", "passed > 3"])
def test_other_limits_on_it_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="share of all answers"):
        parse(text)


def test_goodput_counts_no_answer_that_did_not_pass() -> None:
    found = goodput([parse("passed > 50%")], judged(True, False, None))
    assert found is not None
    assert found.good == 2


def test_what_a_person_overruled_is_counted_wherever_the_rate_is_said() -> None:
    requests = judged(*[True] * 18, None, False)
    requests[-1] = msgspec.structs.replace(requests[-1], passed=True, overruled=True)
    rate = pass_rate(requests)
    assert rate is not None
    assert rate.counts == "19 of 19, 1 overruled"
    assert rate.sentence.startswith("passed 19 of 19, 1 overruled, ")
    assert "100 % in 19 requests (1 overruled)" in judge(parse("passed > 50%"), requests).sentence
    other = judged(*[False] * 19)
    assert "a 19 of 19, 1 overruled, b 0 of 19" in differing([("a", requests), ("b", other)])[0]
