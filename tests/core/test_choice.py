"""The choice among what was measured: its grammar, what it claims, and how often it is wrong."""

from random import Random

import pytest

from tui.core.choice import CandidateState, Choice, ChoiceOutcome, choose, parse, refuse
from tui.core.events import Status
from tui.core.figures import Figure
from tui.core.grouping import Measured
from tui.core.metrics import NS_PER_MS
from tui.core.objectives import Statistic
from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.run import RunInfo
from tui.core.target import Endpoint, Retries, Target, Timeouts

pytestmark = pytest.mark.unit

HERE = Endpoint(name="here", base_url="http://127.0.0.1:1")


def measured(name: str, observations: list[Observation]) -> Measured:
    plan = Plan(
        prompt=Prompt(),
        parameters=Parameters(),
        targets=(Target(model=name),),
        endpoints=(HERE,),
        default_endpoint="here",
    )
    spec = RequestSpec(
        request_id=1,
        target=name,
        model=name,
        endpoint=HERE,
        prompt=Prompt(),
        parameters=Parameters(),
        timeouts=Timeouts(),
        retries=Retries(),
    )
    info = RunInfo(uid="u", started_unix_ns=1, app_version="1", sdk_version="1")
    return Measured(
        name=name,
        target=name,
        model=name,
        endpoint="here",
        simulated=True,
        fingerprint=name,
        spec=spec,
        latest=info,
        plan=plan,
        requests=len(observations),
        observations=tuple(observations),
    )


def drawn(
    name: str, chance: Random, ms: float, right: float, usd: float = 0.001, runs: int = 40, spread: float = 0.1
) -> Measured:
    """A target whose answers take about `ms`, and are right at a known rate."""
    return measured(
        name,
        [
            Observation(
                run=run,
                total_ns=round(ms * NS_PER_MS * chance.lognormvariate(0, spread)),
                ttft_ns=round(ms * NS_PER_MS / 2),
                passed=chance.random() < right,
                usd=usd * chance.lognormvariate(0, 0.1),
            )
            for run in range(1, runs + 1)
        ],
    )


def states(choice: Choice) -> dict[str, CandidateState]:
    return {one.name: one.state for one in choice.candidates}


@pytest.mark.parametrize(
    ("text", "label", "limits"),
    [
        ("fastest", "total.p50", []),
        ("cheapest", "cost", []),
        ("fastest ttft", "ttft.p50", []),
        ("Fastest  total.p90 with passed > 95% AND cost < $0.002", "total.p90", ["passed > 95%", "cost < $0.002"]),
        ("fastest otps with errors < 1%", "otps.p50", ["errors < 1%"]),
        ("cheapest with total.p95<4s and passed > 90%", "cost", ["total.p95<4s", "passed > 90%"]),
        ("fastest with cost < 0.002usd", "total.p50", ["cost < 0.002usd"]),
    ],
)
def test_the_grammar(text: str, label: str, limits: list[str]) -> None:
    rule = parse(text)
    assert (rule.label, [each.text for each in rule.objectives]) == (label, limits)
    assert refuse(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "write it like"),
        ("quickest", "write it like"),
        ("fastest with", "write it like"),
        ("fastest with passed > 95", "write 'passed > 95%'"),
        ("fastest with passed > 95% or cost < $1", "write it like"),
        ("fastest with cost < 5", "write 'cost < $0.002'"),
        ("fastest with cost > $5", "write 'cost < $0.002'"),
        ("fastest with ttft.p50 < $1", "only 'cost' is"),
        ("cheapest ttft", "goes by cost alone"),
        ("fastest total.max", "of these answers alone"),
        ("fastest total.p42", "not computed"),
        ("fastest with baseline < 40ms", "a sweep fits"),
        ("fastest total.p50 total", "write it like"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(ValueError, match="Choice") as error:
        parse(text)
    assert words in str(error.value)
    assert words in (refuse(text) or "")


def test_the_fastest_that_is_right_is_chosen_and_the_wrong_one_is_not() -> None:
    chance = Random(1)
    found = choose(
        parse("fastest with passed > 80% and cost < $0.002"),
        [
            drawn("hasty", chance, 100, 0.5),
            drawn("good", chance, 200, 1.0),
            drawn("slow", chance, 400, 1.0),
            drawn("dear", chance, 100, 1.0, usd=0.01),
        ],
    )
    assert (found.outcome, found.chosen) == (ChoiceOutcome.CHOSEN, "good")
    misses, no_better = CandidateState.MISSES, CandidateState.NO_BETTER
    assert states(found) == {"hasty": misses, "good": CandidateState.CHOSEN, "slow": no_better, "dear": misses}
    assert "cost < $0.002: missed" in found.candidates[3].reason
    assert found.sentence.startswith("good is chosen: total.p50 ")
    assert found.candidates[1].value == pytest.approx(200, rel=0.1)


def test_who_is_not_excluded_is_named() -> None:
    chance = Random(2)
    alike = [drawn(name, chance, 200, 1.0, runs=20, spread=0.4) for name in "ab"]
    found = choose(parse("fastest with passed > 50%"), alike)
    assert found.outcome is ChoiceOutcome.OPEN
    assert set(states(found).values()) == {CandidateState.OPEN}
    assert f"{found.chosen} leads" in found.sentence
    few = choose(parse("fastest with passed > 90%"), [drawn("a", chance, 200, 1.0, runs=10)])
    assert (few.outcome, few.chosen) == (ChoiceOutcome.OPEN, "")
    assert "not excluded: a" in few.sentence


def test_none_is_chosen_where_all_miss_and_where_nothing_answers() -> None:
    chance = Random(3)
    found = choose(parse("cheapest with passed > 90%"), [drawn(name, chance, 99, 0.3) for name in "ab"])
    assert (found.outcome, found.chosen) == (ChoiceOutcome.NONE, "")
    silent = measured("silent", [Observation(status=Status.FAILED)] * 3)
    assert choose(parse("fastest"), [silent]).outcome is ChoiceOutcome.NONE
    assert choose(parse("fastest"), [silent, drawn("a", chance, 99, 1.0)]).chosen == "a"
    assert choose(parse("fastest"), []).outcome is ChoiceOutcome.OPEN


def test_alike_ones_are_no_obstacle_once_that_is_shown() -> None:
    chance = Random(4)
    found = choose(parse("fastest"), [drawn(name, chance, 200, 1.0, runs=200, spread=0.03) for name in "ab"])
    assert found.outcome is ChoiceOutcome.CHOSEN
    assert "not faster by more than 5 %" in [one.reason for one in found.candidates]


def test_an_unknown_price_is_no_low_price() -> None:
    chance = Random(5)
    one = drawn("a", chance, 99, 1.0)
    free = measured("a", [Observation(run=each.run, total_ns=each.total_ns) for each in one.observations])
    found = choose(parse("fastest with cost < $1"), [free])
    assert found.outcome is ChoiceOutcome.OPEN
    assert "no price is known" in found.candidates[0].reason
    assert choose(parse("cheapest"), [free, one]).outcome is ChoiceOutcome.OPEN


def test_other_statistics_and_costs_are_compared_by_their_bounds() -> None:
    chance = Random(6)
    three = [drawn("a", chance, 100, 1.0, usd=0.003, runs=90), drawn("b", chance, 200, 1.0, runs=90)]
    assert choose(parse("fastest total.p90"), three).chosen == "a"
    cheap = choose(parse("cheapest"), three)
    assert (cheap.outcome, cheap.chosen, cheap.candidates[0].reason) == (ChoiceOutcome.CHOSEN, "b", "dearer")
    assert cheap.by == "cost, US dollars"


def test_rates_are_better_where_they_are_higher() -> None:
    pace = [
        measured(name, [Observation(run=run, total_ns=1, otps=rate + run % 3) for run in range(1, 30)])
        for name, rate in (("slow", 50.0), ("quick", 90.0))
    ]
    assert choose(parse("fastest otps"), pace).chosen == "quick"
    rule = parse("fastest otps.mean")
    assert (rule.by.figure, rule.by.statistic) == (Figure.OTPS, Statistic.MEAN)


@pytest.mark.parametrize("spread", [0.05, 0.3])
def test_a_wrong_choice_is_as_rare_as_stated(spread: float) -> None:
    """The worst of cases: the fast one misses by a hair, and the best of the others differs little from the next."""
    chance, wrong, rounds = Random(f"{spread}"), 0, 200
    rule = parse("fastest with passed > 70%")
    for _ in range(rounds):
        found = choose(
            rule,
            [
                drawn("tempting", chance, 100, 0.699, runs=60, spread=spread),
                drawn("right", chance, 180, 0.95, runs=60, spread=spread),
                drawn("near", chance, 190, 0.95, runs=60, spread=spread),
            ],
        )
        wrong += found.outcome is ChoiceOutcome.NONE
        wrong += found.outcome is ChoiceOutcome.CHOSEN and found.chosen != "right"
    assert wrong <= 0.05 * rounds


def test_the_right_one_is_mostly_found() -> None:
    chance, right, rounds = Random(8), 0, 40
    for _ in range(rounds):
        three = [drawn("a", chance, 100, 0.4), drawn("b", chance, 150, 0.98), drawn("c", chance, 300, 1.0)]
        found = choose(parse("fastest with passed > 75%"), three)
        right += found.outcome is ChoiceOutcome.CHOSEN and found.chosen == "b"
    assert right >= 0.8 * rounds
