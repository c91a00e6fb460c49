"""The choice after every repeat: who is left out, when it ends, and how often it is wrong."""

from random import Random

import pytest

from tui.core.choice import Choice, ChoiceOutcome, parse
from tui.core.metrics import NS_PER_MS
from tui.core.observation import Observation
from tui.core.sequential import Conclusion
from tui.core.sequential_choice import SequentialChoice, refusal, rule_of, sure_by
from tui.core.series import SeriesSettings

pytestmark = pytest.mark.unit

Kind = tuple[float, float, float]
"""Milliseconds, share that passes, US dollars."""


def driven(text: str, seed: int, budget: int = 150, **kinds: Kind) -> tuple[Choice, int]:
    """The choice of a series that asks such targets, and the repeats it took."""
    chance = Random(seed)
    chooser = SequentialChoice(parse(text), list(kinds), budget=budget, confidence=0.95)
    seen: list[list[Observation]] = [[] for _ in kinds]
    repeats = 0
    while True:
        repeats += 1
        values: list[float | None] = [None] * len(kinds)
        asked: list[list[Observation]] = [[] for _ in kinds]
        for at in chooser.race.left:
            ms, right, usd = list(kinds.values())[at]
            total = round(ms * NS_PER_MS * chance.lognormvariate(0, 0.1))
            one = Observation(run=repeats, total_ns=total, passed=chance.random() < right, usd=usd)
            values[at], asked[at] = total, [one]
            seen[at].append(one)
        decision = chooser.look(values, asked)
        is_sure = decision.conclusion in (Conclusion.BEST, Conclusion.ALIKE) and not chooser.is_open(decision)
        if is_sure or repeats == budget or not chooser.race.left:
            return chooser.choice(decision, [("m", "e", None, of) for of in seen]), repeats


def test_a_fast_and_wrong_target_is_left_out_and_the_beaten_ones_are_asked_again() -> None:
    found, repeats = driven("fastest with passed > 90%", 1, hasty=(100, 0.5, 0), good=(200, 1, 0), slow=(300, 1, 0))
    assert (found.outcome, found.chosen) == (ChoiceOutcome.CHOSEN, "good")
    assert repeats < 100
    assert "left out: hasty: it misses passed > 90%" in found.sentence
    assert "is not shown to miss passed > 90%" in found.sentence
    assert [one.state.value for one in found.candidates] == ["misses an objective", "chosen", "no better"]


def test_what_costs_too_much_is_left_out_too() -> None:
    found, _ = driven("fastest with cost < $0.002", 2, dear=(100, 1, 0.005), cheap=(200, 1, 0.001))
    assert (found.outcome, found.chosen) == (ChoiceOutcome.CHOSEN, "cheap")


def test_none_is_left_where_all_miss() -> None:
    found, _ = driven("fastest with passed > 95%", 3, a=(100, 0.4, 0), b=(200, 0.4, 0))
    assert (found.outcome, found.chosen) == (ChoiceOutcome.NONE, "")


def test_a_winner_that_does_not_keep_its_objectives_so_far_is_not_chosen() -> None:
    found, repeats = driven("fastest with passed > 90%", 4, budget=12, hasty=(100, 0.7, 0), good=(200, 1, 0))
    assert (found.outcome, repeats) == (ChoiceOutcome.OPEN, 12)
    assert "does not keep passed > 90% so far" in found.sentence


def test_without_objectives_it_is_until_sure() -> None:
    found, _ = driven("fastest", 5, a=(100, 0, 0), b=(200, 0, 0))
    assert (found.outcome, found.chosen) == (ChoiceOutcome.CHOSEN, "a")


def test_a_target_that_keeps_a_limit_by_a_hair_is_seldom_left_out() -> None:
    wrong = sum(
        driven("fastest with passed > 80%", seed, budget=80, right=(100, 0.801, 0), slow=(200, 1, 0))[0].chosen
        == "slow"
        for seed in range(200)
    )
    assert wrong <= 0.05 * 200


def test_the_figure_is_the_rules_and_else_that_of_until_sure() -> None:
    plain = SeriesSettings(until_sure="ttft", choose="fastest with passed > 90%")
    rule = rule_of(plain)
    assert rule is not None
    assert (rule.label, sure_by(plain)) == ("ttft.p50", "ttft")
    named = SeriesSettings(until_sure="ttft", choose="fastest total")
    assert (sure_by(named), refusal(named)) == ("total", None)
    assert sure_by(SeriesSettings(choose="fastest")) is None
    assert rule_of(SeriesSettings()) is None
    for text in ("cheapest", "fastest otps", "fastest total.p95"):
        assert "leave until_sure out" in (refusal(SeriesSettings(until_sure="ttft", choose=text)) or "")
        assert refusal(SeriesSettings(choose=text)) is None
