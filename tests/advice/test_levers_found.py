"""Real engine, real simulator: on a profile with a known best lever the advice names it, and predicts what it does."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from waiting import in_time

from tui.advice.advise import Advice
from tui.advice.suggestion import Basis, Suggestion
from tui.advice.trial import TrialResult, TrialVerdict
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.session.session import Session
from tui.simulator.process import SimulatorProcess

from .lab import Lab, plan_of
from .slow_door import certificate, slow_door

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = Prompt(system="\n".join(f"Rule {n}: say what rule {n} asks for." for n in range(60)), user="Why?")
SHORT = Prompt(system="Rule 1: be right.", user="Why?")


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess.start(seed=3) as process:
        yield process


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(simulator: SimulatorProcess) -> AsyncIterator[Lab]:
    session = Session()
    ready = asyncio.Event()
    session.on_change = lambda: ready.set() if session.live.engine_ready else None
    await session.connect()
    lab = Lab(session)
    async with in_time("an engine that is ready", lab.seen):
        await ready.wait()
    yield lab
    await session.close()


def first(advice: Advice, rule: str) -> Suggestion:
    """The suggestion that is ranked first, which must be that rule's."""
    ranked = [suggestion.id for suggestion in advice.suggestions]
    assert ranked, advice.conclusion
    assert ranked[0].startswith(rule), ranked
    return advice.suggestions[0]


def assert_as_predicted(tried: TrialResult) -> None:
    assert tried.result is TrialVerdict.FASTER, tried.sentence
    assert tried.held, (tried.sentence, tried.predicted)


async def test_heavy_thinking_is_turned_off(lab: Lab, simulator: SimulatorProcess) -> None:
    plan = plan_of(simulator.base_url, "sim-heavy-thinking")
    suggestion = first(await lab.measured(plan), "thinking")
    assert_as_predicted(await lab.tried(plan, suggestion))


async def test_a_chatty_model_is_asked_to_be_brief(lab: Lab, simulator: SimulatorProcess) -> None:
    plan = plan_of(simulator.base_url, "sim-chatty")
    suggestion = first(await lab.measured(plan), "answer length")
    assert_as_predicted(await lab.tried(plan, suggestion))


async def test_a_cold_cache_is_turned_on(lab: Lab, simulator: SimulatorProcess) -> None:
    short, plan = (plan_of(simulator.base_url, "sim-cold-cache", prompt=prompt) for prompt in (SHORT, LONG))
    advice = await lab.measured(short, plan)
    # The model is not among those that are known: what it caches is presumed, until it is tried.
    (suggestion,) = [one for one in advice.suggestions if one.id.startswith("prompt cache")]
    assert suggestion.saving.basis is Basis.PRESUMED
    assert_as_predicted(await lab.tried(plan, suggestion))


async def test_a_prompt_that_is_slow_to_read_says_nothing_twice(lab: Lab, simulator: SimulatorProcess) -> None:
    twice = Prompt(system="Answer in the language of the question that was asked.\n" * 20, user="Why?")
    short, plan = (plan_of(simulator.base_url, "sim-slow-prefill", prompt=prompt) for prompt in (SHORT, twice))
    suggestion = first(await lab.measured(short, plan), "prompt length")
    assert_as_predicted(await lab.tried(plan, suggestion))


async def test_answers_that_are_all_cut_are_told_first_and_get_no_smaller_cap(
    lab: Lab, simulator: SimulatorProcess
) -> None:
    advice = await lab.measured(plan_of(simulator.base_url, "sim-endless", parameters=Parameters(max_tokens=300)))
    assert advice.conclusion.startswith("First look at this: 8 of 8 answers cut at max_tokens (300)")
    assert [warning.rule for warning in advice.warnings] == ["max_tokens"]
    assert not [one for one in (*advice.suggestions, *advice.minor) if one.id.startswith("max_tokens")]


async def test_answers_of_which_all_may_be_cut_get_a_smaller_cap(lab: Lab, simulator: SimulatorProcess) -> None:
    plan = plan_of(simulator.base_url, "sim-endless", parameters=Parameters(max_tokens=300))
    suggestion = first(await lab.measured(plan, cut_share=1.0), "max_tokens")
    assert_as_predicted(await lab.tried(plan, suggestion))


async def test_connections_that_are_slow_to_open_should_be_kept(
    lab: Lab, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    certified = certificate(tmp_path)
    async with slow_door(simulator.base_url, certified, 0.12) as url:
        plan = plan_of(url, "sim-fast", ca_file=str(certified))
        suggestion = first(await lab.measured(plan), "connection")
    assert suggestion.trial is None
    assert suggestion.saving.interval is not None
    # What it takes beside the delay is the machine's.
    assert suggestion.saving.interval.high > 120e6
    assert suggestion.saving.ns > 120e6


async def test_on_an_optimal_target_nothing_would_help(lab: Lab, simulator: SimulatorProcess) -> None:
    advice = await lab.measured(plan_of(simulator.base_url, "sim-fast"))
    assert advice.suggestions == ()
    assert advice.conclusion.endswith("more than 50 ms.")
