"""The runs of a sweep, what they make of a request, and what they tell."""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.decomposition import Fit, fit
from tui.core.metrics import NS_PER_MS, NS_PER_S
from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.sweep import FEWEST_TO_GROW, LONGEST_PADDING, RUNS, Cell, Sweep, requests_of, swept
from tui.core.target import Endpoint, Timeouts

lengths = st.integers(0, 100_000)


def spec_of(max_tokens: int | None) -> RequestSpec:
    return RequestSpec(
        request_id=1,
        target="a",
        model="m",
        endpoint=Endpoint(name="e", base_url="http://127.0.0.1:1"),
        prompt=Prompt(system="Be brief.", user="Why?"),
        parameters=Parameters(max_tokens=max_tokens, effort="low"),
        timeouts=Timeouts(),
    )


def cells_of(
    sweep: Sweep,
    seed: int,
    told: Callable[[Cell], bool] = lambda _cell: False,
    refused: Callable[[Cell], bool] = lambda _cell: False,
) -> list[Cell]:
    cells = []
    for number in range(1, RUNS + 1):
        cells.append(sweep.cell(number, seed))
        sweep.look(cells[-1], is_told=told(cells[-1]), is_refused=refused(cells[-1]))
    return cells


@given(lengths, lengths, st.sampled_from([0, 1024, 50_000]), st.integers(0, 99))
def test_prompts_grow_until_told_and_never_beyond(prompt: int, answer: int, budget: int, seed: int) -> None:
    cells = cells_of(Sweep(prompt, answer, thinking_budget=budget), seed)
    caps = {cell.max_tokens for cell in cells}
    paddings = [cell.padding_tokens for cell in cells]
    assert max(paddings) == max(LONGEST_PADDING, prompt)
    assert paddings.count(0) == RUNS / 3
    assert min(caps) > budget
    assert max(caps) <= max(answer, budget + 16)
    # The lengths of prompt and answer are told apart: each cap is met as often by short prompts as by long ones.
    met = Counter((cell.max_tokens, cell.padding_tokens == 0) for cell in cells)
    assert {met[cap, True] for cap in caps} == {RUNS / 3 / 3 * (3 // len(caps))} or len(caps) < 3
    dearest = Sweep(prompt, answer, thinking_budget=budget).at_most()
    assert sorted(paddings) == sorted(cell.padding_tokens for cell in dearest)


def test_a_prompt_that_is_read_slowly_is_not_made_longer_than_it_needs() -> None:
    seen: list[int] = []

    def is_told(cell: Cell) -> bool:
        seen.append(cell.padding_tokens)
        return max(seen) >= 500

    told = cells_of(Sweep(50, 400), 1, told=is_told)
    assert max(cell.padding_tokens for cell in told) == 2_000


@given(st.integers(1, 40_000), st.integers(0, 99))
def test_prompts_that_a_server_refuses_get_shorter(context: int, seed: int) -> None:
    cells = cells_of(Sweep(50, 400), seed, refused=lambda cell: cell.padding_tokens > context)
    refused = [cell.padding_tokens for cell in cells if cell.padding_tokens > context]
    assert len(refused) <= 8
    assert all(cell.padding_tokens <= context for cell in cells[-3:])


@given(st.integers(0, 40_000))
def test_no_prompt_is_longer_than_budgets_and_models_allow(most: int) -> None:
    assert max(cell.padding_tokens for cell in cells_of(Sweep(50, 400, most_padding=most), 3)) == min(32_000, most)


@given(st.none() | st.integers(1, 1_000), st.integers(0, 20_000), st.integers(1, 1_000))
def test_a_swept_request_is_longer_and_never_asks_for_more(own: int | None, padding: int, cap: int) -> None:
    spec = spec_of(own)
    changed = swept(spec, Cell(padding_tokens=padding, max_tokens=cap))
    assert changed.parameters == Parameters(max_tokens=min(cap, own or cap), effort="low")
    assert changed.prompt.user == spec.prompt.user
    assert changed.prompt.system.endswith(spec.prompt.system)
    added = len(changed.prompt.system) - len(spec.prompt.system)
    assert abs(added / 4 - padding) <= max(10, padding * 0.2)


def test_the_requests_that_are_paid_for_are_the_longest() -> None:
    asked = requests_of([spec_of(500), spec_of(16)], Sweep(200, 400).at_most())
    assert len(asked) == 2 * RUNS
    assert max(spec.parameters.max_tokens or 0 for spec in asked) == 400
    assert max(len(spec.prompt.system) for spec in asked) >= 31_000 * 4


class Server:
    """A target whose times are drawn: its wait strays, and so does its pace."""

    def __init__(self, wait_ms: float, per_1k_ms: float, per_second: float, spread: float) -> None:
        self.wait_ms, self.per_1k_ms, self.per_second, self.spread = wait_ms, per_1k_ms, per_second, spread

    def answer(self, random: Random, prompt: int, tokens: int) -> Observation:
        wait_ms = self.wait_ms * random.lognormvariate(0, self.spread) + self.per_1k_ms * prompt / 1_000
        pace = self.per_second * random.lognormvariate(0, 0.08)
        total_ms = wait_ms + (tokens - 1) * 1_000 / pace
        return Observation(
            input_tokens=prompt,
            output_tokens=tokens,
            ttft_ns=round(wait_ms * NS_PER_MS),
            ttfo_ns=round(wait_ms * NS_PER_MS),
            thinking_ns=0,
            total_ns=round(total_ms * NS_PER_MS),
        )

    def swept(self, seed: int) -> Fit:
        random, sweep, answers = Random(seed), Sweep(60, 400), []
        for number in range(1, RUNS + 1):
            cell = sweep.cell(number, seed)
            answers.append(self.answer(random, 60 + cell.padding_tokens, cell.max_tokens))
            if number % 3 == 0:  # what is told between has no effect
                found = fit(answers, fewest=FEWEST_TO_GROW).per_input
                sweep.look(cell, is_told=found is not None and found.is_shown, is_refused=False)
        return fit(answers)


SERVERS = {
    "sonnet": Server(550, 12, 80, 0.18),
    "haiku": Server(250, 6, 180, 0.18),
    "opus": Server(900, 20, 60, 0.22),
    "a small machine": Server(50, 1_000, 30, 0.1),
}
SWEEPS = 40


@pytest.mark.parametrize("name", SERVERS)
def test_a_sweep_sees_the_time_of_the_prompt_and_the_baseline_latency(name: str) -> None:
    server = SERVERS[name]
    fits = [server.swept(seed) for seed in range(SWEEPS)]
    prompts = [found.per_input for found in fits if found.per_input is not None]
    baselines = [found.baseline for found in fits if found.baseline is not None]
    assert len(prompts) == len(baselines) == SWEEPS
    assert sum(each.is_shown for each in prompts) >= 0.9 * SWEEPS
    truths = [(prompts, server.per_1k_ms * NS_PER_MS / 1_000)]
    truths.append((baselines, server.wait_ms * NS_PER_MS - NS_PER_S / server.per_second))
    for estimates, truth in truths:
        covered = sum(each.interval.low <= truth <= each.interval.high for each in estimates)
        assert covered >= 0.88 * SWEEPS
        middle = sorted(each.value for each in estimates)[SWEEPS // 2]
        assert middle == pytest.approx(truth, rel=0.15)


def test_a_sweep_sees_no_time_of_the_prompt_where_there_is_none() -> None:
    found = [Server(550, 0, 80, 0.18).swept(seed).per_input for seed in range(SWEEPS)]
    assert sum(each is not None and each.is_shown for each in found) <= 0.1 * SWEEPS
