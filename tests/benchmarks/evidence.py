"""Rates of wrong evidence, simulated: how often equal targets are told apart by each verdict that the program shows.

`python tests/benchmarks/evidence.py [--rounds N] [--write]` prints each rate with its Monte-Carlo error (95 %), for six
shapes of noise; `--write` puts the table into docs/accuracy.md. 1,000 rounds take ten minutes of a core.

All verdicts are the product's own functions. One short cut: comparisons are only made where the least p of the plain
rank tests, times their number, is 5 % at most. Holm's correction needs that, and dependence only raises it.
"""

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random
from statistics import median

import msgspec

from tui.core import choice, objectives, regression_limits
from tui.core.choice import ChoiceOutcome
from tui.core.comparison import Question, Verdict, compare_together, look_at
from tui.core.decomposition import fit
from tui.core.distributions import mann_whitney
from tui.core.figures import Figure
from tui.core.grouping import Measured
from tui.core.interleaved import compare_in_turn
from tui.core.linear_fit import Estimate
from tui.core.objectives import ObjectiveState
from tui.core.observation import Observation, per_run
from tui.core.parameters import Parameters
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.regression_limits import LimitState
from tui.core.run import RunInfo
from tui.core.sequential import Conclusion, UntilSure
from tui.core.statistics import dependence, describe
from tui.core.sweep import FEWEST_TO_GROW, RUNS, Sweep
from tui.core.target import Endpoint, Timeouts

_PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"
_BEGIN, _END = '<a id="evidence-rates"></a>\n', '<a id="evidence-end"></a>'
_MIDDLE_NS = 500e6
_LIMIT = regression_limits.parse("ttft.p50 +0%")
_HAIR = 1e-4
"""A difference too small to be found, which decides what is true where values are tied."""
_P95 = regression_limits.parse("ttft.p95 +0%")
_MEAN = regression_limits.parse("ttft.mean +0%")

Noise = Callable[[Random], Iterator[float]]
"""Times of one target, ns, without an end."""
Rate = Callable[[Noise, Random], bool]
"""One round: true where what is said is wrong."""


def log_normal(random: Random) -> Iterator[float]:
    """Spread of 20 %."""
    while True:
        yield _MIDDLE_NS * random.lognormvariate(0, 0.2)


def heavy_tail(random: Random) -> Iterator[float]:
    """One answer in twenty from a Pareto tail of index 1.5."""
    while True:
        tail = random.paretovariate(1.5) if random.random() < 0.05 else 1.0
        yield _MIDDLE_NS * tail * random.lognormvariate(0, 0.2)


def cold_cache(random: Random) -> Iterator[float]:
    """Three answers in ten four times slower."""
    while True:
        yield _MIDDLE_NS * (4 if random.random() < 0.3 else 1) * random.lognormvariate(0, 0.1)


def exponential(random: Random) -> Iterator[float]:
    """A fixed part, and a wait in a queue as long on average."""
    while True:
        yield _MIDDLE_NS * (0.5 + random.expovariate(2))


def coarse(random: Random) -> Iterator[float]:
    """Rounded to 50 ms, so that most values are tied."""
    while True:
        yield 50e6 * round(10 * random.lognormvariate(0, 0.2))


def dependent(random: Random) -> Iterator[float]:
    """Each target by itself AR(1) with 0.5, spread of 20 %."""
    level = random.gauss(0, 1)
    while True:
        yield _MIDDLE_NS * math.exp(0.2 * level)
        level = 0.5 * level + math.sqrt(0.75) * random.gauss(0, 1)


SHAPES: dict[str, Noise] = {
    "log-normal": log_normal,
    "heavy tail": heavy_tail,
    "cold cache": cold_cache,
    "exponential": exponential,
    "rounded": coarse,
    "AR(1) 0.5": dependent,
}


def times(noise: Noise, random: Random, count: int) -> list[float]:
    """The first times of a target."""
    drawn = noise(random)
    return [next(drawn) for _ in range(count)]


def _any_shown(questions: Sequence[Question], shares: int = 1) -> bool:
    least = min(mann_whitney(first[1], second[1]).p for _, first, second in questions)
    if least * len(questions) * shares > 0.05:
        return False
    return any(each.verdict in (Verdict.FASTER, Verdict.SLOWER) for each in compare_together(questions, shares=shares))


def two_sets(noise: Noise, random: Random) -> bool:
    """Two equal sets of 20 are told apart."""
    return _any_shown([(Figure.TTFT, ("a", times(noise, random, 20)), ("b", times(noise, random, 20)))])


def sixteen_lanes(noise: Noise, random: Random) -> bool:
    """Any of 16 equal lanes, two figures each, 20 runs before and now, is told apart."""
    return _any_shown(
        [(Figure.TTFT, ("a", times(noise, random, 20)), ("b", times(noise, random, 20))) for _ in range(32)]
    )


def live_lanes(noise: Noise, random: Random) -> bool:
    """Any of three equal lanes is told apart from its pinned 20 at any time within 80 runs, by either figure."""
    for _ in range(3):
        pairs = [(times(noise, random, 80), times(noise, random, 20)) for _ in range(2)]
        for runs in (5, 10, 20, 40, 80):
            count, shares = look_at(runs)
            if _any_shown([(Figure.TTFT, ("a", now[:count]), ("b", before)) for now, before in pairs], 3 * shares):
                return True
    return False


def until_sure(noise: Noise, random: Random) -> bool:
    """Until sure ends with one of two equal targets within 100 repeats."""
    rule = UntilSure(Figure.TTFT, "ab", budget=100, within=1e-6)
    drawn = [noise(random), noise(random)]
    while True:
        found = rule.look([next(each) for each in drawn])
        if found.conclusion is not Conclusion.GO_ON:
            return found.conclusion is Conclusion.BEST


def until_sure_of_four(noise: Noise, random: Random) -> bool:
    """The same, of four equal targets."""
    rule = UntilSure(Figure.TTFT, "abcd", budget=100, within=1e-6)
    drawn = [noise(random) for _ in "abcd"]
    while True:
        found = rule.look([next(each) if at in rule.left else None for at, each in enumerate(drawn)])
        if found.conclusion is not Conclusion.GO_ON:
            return found.conclusion is Conclusion.BEST


_RULE = choice.parse("fastest ttft with passed > 70%")
_TEMPTING = ((1.0, 0.699), (1.8, 0.95), (1.9, 0.95))
"""Factors on the times, and shares that pass: the fastest misses by a hair, the second is the right one."""


def chosen(noise: Noise, random: Random) -> bool:
    """Not the second of `_TEMPTING` is chosen by 60 runs, or none is said to be left."""
    named = []
    for at, (factor, right) in enumerate(_TEMPTING):
        drawn = times(noise, random, 60)
        observed = [
            Observation(run=run, ttft_ns=round(factor * value), passed=random.random() < right)
            for run, value in enumerate(drawn, 1)
        ]
        named.append(_measured(str(at), observed))
    found = choice.choose(_RULE, named)
    is_other = found.outcome is ChoiceOutcome.CHOSEN and found.chosen != "1"
    return is_other or found.outcome is ChoiceOutcome.NONE


def _measured(name: str, observations: Sequence[Observation]) -> Measured:
    """What a choice looks at of a target, without plan and requests."""
    plan = Plan(prompt=Prompt(), parameters=Parameters(), targets=(), endpoints=(), default_endpoint="")
    nobody = Endpoint(name="", base_url="http://127.0.0.1:1")
    asked = {"prompt": Prompt(), "parameters": Parameters(), "timeouts": Timeouts()}
    spec = RequestSpec(request_id=1, target=name, model="", endpoint=nobody, **asked)  # type: ignore[arg-type]
    return Measured(
        name=name,
        target=name,
        model="",
        endpoint="",
        simulated=True,
        fingerprint=name,
        spec=spec,
        latest=RunInfo(uid="", started_unix_ns=0, app_version="", sdk_version=""),
        plan=plan,
        requests=len(observations),
        observations=tuple(observations),
    )


def gate(noise: Noise, random: Random) -> bool:
    """Any of eight equal targets is said to have regressed by a limit without allowance, 20 runs each."""
    sets = [times(noise, random, 20) for _ in range(16)]
    beside = dependence(sets).inflation
    observed = [[Observation(run=at, ttft_ns=round(value)) for at, value in enumerate(each, 1)] for each in sets]
    return any(
        regression_limits.judge(_LIMIT, before, after, family=8, beside=beside).state is LimitState.REGRESSED
        for before, after in zip(observed[::2], observed[1::2], strict=True)
        # What has not become slower at all has not surely done so.
        if median(one.ttft_ns or 0 for one in after) > median(one.ttft_ns or 0 for one in before)
    )


def gate_of_p95(noise: Noise, random: Random) -> bool:
    """A limit on p95 without allowance says "regressed" of two equal sets of 100 runs."""
    return regression_limits.judge(_P95, *_observed(noise, random, 100)).state is LimitState.REGRESSED


def gate_of_mean(noise: Noise, random: Random) -> bool:
    """A limit on the mean without allowance says "regressed" of two equal sets of 60 runs."""
    return regression_limits.judge(_MEAN, *_observed(noise, random, 60)).state is LimitState.REGRESSED


def gate_of_p95_held(noise: Noise, random: Random) -> bool:
    """The same limit says "held" of a set that is slower by a hair."""
    before, after = _observed(noise, random, 100)
    slower = [msgspec.structs.replace(one, ttft_ns=round((one.ttft_ns or 0) * (1 + _HAIR))) for one in after]
    return regression_limits.judge(_P95, before, slower).state is LimitState.HELD


def _observed(noise: Noise, random: Random, count: int) -> list[list[Observation]]:
    return [
        [Observation(run=at, ttft_ns=round(value)) for at, value in enumerate(times(noise, random, count), 1)]
        for _ in range(2)
    ]


def in_turn(noise: Noise, random: Random) -> bool:
    """Two equal plans asked in turn, 20 repeats, are told apart while the level of both drifts: a walk of 5 %, a rise
    by half."""
    level, levels = 0.0, []
    for at in range(20):
        level += random.gauss(0, 0.05)
        levels.append(math.exp(level + 0.4 * at / 20))
    sides = [
        [
            Observation(run=at, ttft_ns=round(value * level))
            for at, (value, level) in enumerate(zip(times(noise, random, 20), levels, strict=True), 1)
        ]
        for _ in range(2)
    ]
    (found,) = compare_in_turn([(Figure.TTFT, ("a", sides[0]), ("b", sides[1]))])
    return found.verdict in (Verdict.FASTER, Verdict.SLOWER)


def several_at_once(noise: Noise, random: Random) -> bool:
    """Two equal sets of 20 runs, of eight requests each that share a level (15 %), are told apart."""
    sets = []
    for _ in range(2):
        drawn, asked = noise(random), list[Observation]()
        for run in range(1, 21):
            level = random.lognormvariate(0, 0.15)
            asked += [Observation(run=run, ttft_ns=round(level * next(drawn))) for _ in range(8)]
        sets.append(per_run(asked, Figure.TTFT))
    return _any_shown([(Figure.TTFT, ("a", sets[0]), ("b", sets[1]))])


def _objective(count: int, state: ObjectiveState) -> Rate:
    """The rate at which an objective is said to be met, or missed, whose limit is by a hair beyond the true
    median."""
    hair = -_HAIR if state is ObjectiveState.MET else _HAIR

    def happens(noise: Noise, random: Random) -> bool:
        limit = objectives.parse(f"ttft.p50 < {_true_median(noise) * (1 + hair) / 1e6:.9f}ms")
        observed, _ = _observed(noise, random, count)
        return objectives.judge(limit, observed).state is state

    return happens


_PER_TOKEN_NS = 12_000.0
_SEED = 1


def _prompt_fit(noise: Noise, random: Random, per_token_ns: float) -> Estimate | None:
    """The prompt's time per token, ns, that a sweep tells of a target whose wait strays by `noise`."""
    waits, sweep, answers = noise(random), Sweep(60, 400), list[Observation]()
    for number in range(1, RUNS + 1):
        cell = sweep.cell(number, _SEED)
        prompt = 60 + cell.padding_tokens
        wait = next(waits) + per_token_ns * prompt
        total = wait + (cell.max_tokens - 1) * 1e9 / 80 * random.lognormvariate(0, 0.08)
        answers.append(
            Observation(
                run=number,
                input_tokens=prompt,
                output_tokens=cell.max_tokens,
                ttft_ns=round(wait),
                ttfo_ns=round(wait),
                thinking_ns=0,
                total_ns=round(total),
            )
        )
        if number % 3 == 0:
            found = fit(answers, fewest=FEWEST_TO_GROW).per_input
            sweep.look(cell, is_told=found is not None and found.is_shown, is_refused=False)
    return fit(answers).per_input


def sweep_missed(noise: Noise, random: Random) -> bool:
    """The interval of the prompt's time per token does not cover the true one."""
    found = _prompt_fit(noise, random, _PER_TOKEN_NS)
    return found is not None and not found.interval.low <= _PER_TOKEN_NS <= found.interval.high


def sweep_sees_ghosts(noise: Noise, random: Random) -> bool:
    """A time per token is shown of a prompt that takes none."""
    found = _prompt_fit(noise, random, 0.0)
    return found is not None and found.is_shown


def median_missed(noise: Noise, random: Random) -> bool:
    """The interval of a median of 30 runs does not cover the true one."""
    found = describe(times(noise, random, 30)).median_interval
    assert found is not None
    return not found.low <= _true_median(noise) <= found.high


_medians: dict[str, float] = {}


def _true_median(noise: Noise) -> float:
    if noise.__name__ not in _medians:
        _medians[noise.__name__] = sorted(times(noise, Random(1), 200_001))[100_000]
    return _medians[noise.__name__]


_SIXTEEN = "any of 16 equal lanes × 2 figures told apart"
_GATE = "any of 8 equal targets regressed by `ttft.p50 +0%`, n = 20"
_DEAR = (_SIXTEEN, _GATE)
"""Rates of which a round takes a tenth of a second; they get half of the rounds."""
RATES: dict[str, Rate] = {
    "two equal sets told apart, n = 20": two_sets,
    _SIXTEEN: sixteen_lanes,
    "any of 3 equal lanes × 2 figures told apart from what is pinned, at any time in 80 runs": live_lanes,
    "`until_sure` ends with one of 2 equal targets, at any time in 100 repeats": until_sure,
    "`until_sure` ends with one of 4 equal targets": until_sure_of_four,
    "`choose` takes another than the right one of 3, where the fastest misses its pass rate by a hair, n = 60": chosen,
    _GATE: gate,
    "`ttft.p95 +0%`, nothing changed, n = 100: regressed": gate_of_p95,
    "`ttft.p95 +0%`, slower by a hair, n = 100: held": gate_of_p95_held,
    "`ttft.mean +0%`, nothing changed, n = 60: regressed": gate_of_mean,
    "two equal plans asked in turn told apart, under a drift that both share, 20 repeats": in_turn,
    "two equal sets told apart, 20 runs of 8 requests at once that share a level (15 %)": several_at_once,
    "median not in its 95 % interval, n = 30": median_missed,
    "the prompt's time per token not in its 95 % interval, after a sweep": sweep_missed,
    "the prompt's time per token shown after a sweep, where there is none": sweep_sees_ghosts,
    "objective on `p50` missed by a hair: met, n = 30": _objective(30, ObjectiveState.MET),
    "objective on `p50` met by a hair: missed, n = 30": _objective(30, ObjectiveState.MISSED),
}


def _cell(name: str, shape: str, rounds: int) -> str:
    """One rate in %, ± its Monte-Carlo error, of one shape."""
    count = max(1, rounds // 2) if name in _DEAR else rounds
    random = Random(f"{name} {shape}")
    share = sum(RATES[name](SHAPES[shape], random) for _ in range(count)) / count
    # At least as with one case, so that no rate looks exact.
    error = 1.96 * math.sqrt(max(share, 1 / count) * (1 - share) / count)
    return f"{100 * share:.1f} ± {100 * error:.1f} %"


def table(rounds: int, workers: int) -> str:
    """Each rate by shape."""
    lines = [f"| wrong, at most 5 % stated | {' | '.join(SHAPES)} |", f"| --- |{' --- |' * len(SHAPES)}"]
    with ProcessPoolExecutor(workers) as pool:
        cells = {name: [pool.submit(_cell, name, shape, rounds) for shape in SHAPES] for name in RATES}
        for name, of_shapes in cells.items():
            lines.append(f"| {name} | {' | '.join(cell.result() for cell in of_shapes)} |")
            print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> None:
    """Print the table, and write it where that is asked for."""
    parser = argparse.ArgumentParser(description="Rates of wrong evidence.")
    parser.add_argument("--rounds", type=int, default=1_000)
    parser.add_argument("--write", action="store_true", help="put the table into docs/accuracy.md")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    made = table(options.rounds, options.workers)
    if options.write:
        page = _PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(_BEGIN)
        _, _, after = rest.partition(_END)
        _PAGE.write_text(f"{before}{_BEGIN}\n{made}\n\n{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
