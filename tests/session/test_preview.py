"""What is known before sending, and warmed caches: a real session, engine and simulator, without a screen."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import msgspec
import pytest
import pytest_asyncio
from waiting import in_time

from tui.core.parameters import Parameters
from tui.core.plan import Budget, Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.series import Ending, SeriesSettings
from tui.core.target import Endpoint, Target
from tui.session.session import Session
from tui.simulator.process import SimulatorProcess
from tui.ui.viewmodel.lane_lines import note, state_line

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = "A gateway counts the requests of each key, and turns away what is above its limit. " * 60
CACHED = Target(model="claude-haiku-5-5", name="cached", parameters=Parameters(cache=True))
PLAIN = Target(model="claude-haiku-5-5", name="plain")


class Watched(Session):
    """A session whose changes can be waited for."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.changed = asyncio.Event()
        self.said: list[str] = []
        self.on_change = self.changed.set
        self.on_problem = self.said.append

    async def until(self, wanted: Callable[[], bool]) -> None:
        async with in_time("a change of the session", lambda: self.seen):
            while not wanted():
                self.changed.clear()
                await self.changed.wait()

    @property
    def seen(self) -> str:
        """The lanes' states and what the session said."""
        return f"lanes {[(lane.target.label, lane.state) for lane in self.live.lanes]}; said {self.said}"

    def asking(self, prompt: Prompt) -> Plan:
        return msgspec.structs.replace(self.plan, prompt=prompt)

    def choose(self, *targets: Target) -> None:
        self.plan = msgspec.structs.replace(self.plan, targets=targets)
        self.show(self.plan)

    async def answered(self, prompt: Prompt) -> None:
        assert self.run(self.asking(prompt))
        await self.until(lambda: not self.live.run_in_flight)


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess.start() as process:
        yield process


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(simulator: SimulatorProcess) -> AsyncIterator[Watched]:
    plan = Plan(
        prompt=Prompt(user="x"),
        parameters=Parameters(max_tokens=30),
        targets=(CACHED, PLAIN),
        endpoints=(
            Endpoint(name="simulator", base_url=simulator.base_url, simulated=True),
            Endpoint(name="bare", base_url=f"{simulator.base_url}/nowhere"),
        ),
        default_endpoint="simulator",
    )
    session = Watched(plan)
    await session.connect()
    await session.until(lambda: session.live.engine_ready)
    yield session
    await session.close()


@pytest_asyncio.fixture(loop_scope="module")
async def session(shared: Watched) -> Watched:
    shared.said.clear()
    shared.plan = msgspec.structs.replace(shared.plan, budget=Budget())
    shared.choose(CACHED, PLAIN)
    shared.live.clear()
    return shared


def spent(session: Session) -> float:
    cost = session.live.spending.session
    return 0.0 if cost is None else cost.usd


async def test_a_cache_is_warmed_apart_from_the_runs(session: Watched) -> None:
    prompt = Prompt(user=LONG, system="warm")
    await session.answered(prompt)
    cached, plain = session.live.lanes
    before, runs, cost = cached.record, session.live.runs, spent(session)
    session.live.clear()
    prompt = Prompt(user=LONG, system="warmed")
    session.warm(session.asking(prompt))
    assert state_line(cached) == "◔ warming the cache"
    await session.until(lambda: not session.live.run_in_flight)
    assert state_line(plain).endswith("not warmed: cache is off here")
    assert cached.warming is not None
    written = cached.warming.usage.cache_creation_input_tokens
    assert written
    assert state_line(cached).endswith(f"cache warmed: {written:,} written")
    session.warm(session.asking(prompt))
    await session.until(lambda: not session.live.run_in_flight)
    assert state_line(cached).endswith(f"already warm: {written:,} read")
    # No run and no outcome, but it costs.
    assert (session.live.runs, cached.outcomes, cached.record) == (runs, [], None)
    assert spent(session) > cost
    await session.answered(prompt)
    assert cached.record is not before
    assert f"+{written:,} read" in state_line(cached)
    assert "read" not in state_line(plain)
    assert cached.cost is not None
    assert plain.cost is not None
    assert cached.cost.usd < plain.cost.usd


async def test_a_missed_cache_is_said_in_words(session: Watched) -> None:
    await session.answered(Prompt(user=LONG, system="before"))
    await session.answered(Prompt(user=LONG, system="after"))
    cached, plain = session.live.lanes
    assert note(cached).startswith("Cache missed: the system prompt differs from this lane's request before; about ")
    assert note(plain) == ""


async def test_nothing_to_warm(session: Watched) -> None:
    session.choose(PLAIN)
    session.warm(session.asking(Prompt(user=LONG)))
    assert session.said == ["No target caches its prompt: set the parameter cache and try again."]
    assert not session.live.run_in_flight


async def test_prompts_are_counted_once_they_stand_still(session: Watched) -> None:
    prompt = Prompt(user="How long is this, and how long was it before it was counted?")
    session.preview.expect(session.asking(prompt))
    lane = session.live.lanes[1]
    assert lane.next_input is not None
    assert lane.next_input.is_estimate
    await session.until(lambda: lane.next_input is not None and not lane.next_input.is_estimate)
    counted = lane.next_input
    assert state_line(lane) == "○ idle"
    await session.answered(prompt)
    assert lane.record is not None
    assert lane.record.usage.input_tokens == counted.tokens


async def test_without_a_counter_an_estimate_stands_and_learns(session: Watched) -> None:
    bare = Target(model="claude-haiku-5-5", endpoint="bare", name="bare")
    session.choose(PLAIN, bare)
    await session.answered(Prompt(user=LONG))
    plain, other = session.live.lanes
    session.preview.expect(session.asking(Prompt(user=LONG * 2)))
    await session.until(lambda: plain.next_input is not None and not plain.next_input.is_estimate)
    assert plain.next_input is not None
    assert other.next_input is not None
    assert other.next_input.is_estimate
    # The model has answered elsewhere: how many bytes its tokens have is known.
    assert other.next_input.tokens == pytest.approx(plain.next_input.tokens, rel=0.03)


@pytest.mark.parametrize("cap", ["session_usd", "plan_usd"])
async def test_a_cap_stops_before_sending(session: Watched, cap: str) -> None:
    await session.answered(Prompt(user="What does a gateway do?"))
    runs, cost = session.live.runs, spent(session)
    left = 1e-9 + (cost if cap == "session_usd" else 0)
    session.plan = msgspec.structs.replace(session.plan, budget=Budget(**{cap: left}))
    assert not session.run(session.asking(Prompt(user="What does a gateway do?")))
    session.warm(session.asking(Prompt(user=LONG)))
    session.start_series(session.asking(Prompt(user="x")), SeriesSettings(repeats=2))
    assert session.series is not None
    await session.series.over()
    assert [sentence.partition(":")[0] for sentence in session.said] == ["Nothing was sent"] * 3
    assert all(f"(budget.{cap})" in sentence for sentence in session.said)
    assert (session.live.runs, session.live.busy, spent(session)) == (runs, False, cost)


@pytest.mark.parametrize(
    ("parameters", "model", "named"),
    [
        (Parameters(cache=True), "my-model", "my-model"),
        (Parameters(cache=True, speed="fast"), "claude-sonnet-5-5", "claude-sonnet-5-5 in fast mode"),
    ],
)
async def test_a_cap_lets_no_model_be_asked_whose_price_is_not_known(
    session: Watched, parameters: Parameters, model: str, named: str
) -> None:
    runs = session.live.runs
    session.choose(PLAIN, Target(model=model, endpoint="bare", parameters=parameters))
    session.plan = msgspec.structs.replace(session.plan, budget=Budget(session_usd=100, plan_usd=100))
    asked = session.asking(Prompt(user="What does a gateway do?"))
    assert not session.run(asked)
    session.warm(asked)
    session.start_series(asked, SeriesSettings(repeats=2))
    assert session.series is not None
    await session.series.over()
    assert session.series.series.ending is Ending.COST
    assert all(f"the price of {named} is not known" in sentence for sentence in session.said)
    assert len(session.said) == 3
    assert all("budget.plan_usd and budget.session_usd cannot be kept" in sentence for sentence in session.said)
    # The cap of the series alone does the same.
    session.plan = msgspec.structs.replace(session.plan, budget=Budget())
    session.start_series(session.asking(Prompt(user="x")), SeriesSettings(repeats=2, max_usd=1))
    await session.series.over()
    assert "series.max_usd cannot be kept" in session.said[-1]
    assert (session.series.series.ending, session.live.runs) == (Ending.COST, runs)


async def test_a_server_of_ones_own_is_asked_under_a_cap(session: Watched) -> None:
    spending, (spec,) = session.live.spending, session.plan.requests(0)[:1]
    unheard = msgspec.structs.replace(
        spec, model="unheard-of", endpoint=msgspec.structs.replace(spec.endpoint, simulated=False)
    )
    free, dear = (
        msgspec.structs.replace(unheard, endpoint=msgspec.structs.replace(unheard.endpoint, prices=(price, price)))
        for price in (0.0, 5_000.0)
    )
    tight = Budget(session_usd=0.01)
    assert spending.refusal(tight, [unheard], lambda _: 100)
    assert spending.refusal(tight, [free], lambda _: 100) is None
    refused = spending.refusal(tight, [dear], lambda _: 100)
    assert refused is not None
    assert "not known" not in refused


async def test_a_cap_takes_a_model_by_its_date_and_what_the_simulator_answers(session: Watched) -> None:
    spending, specs = session.live.spending, session.plan.requests(0)
    there = msgspec.structs.replace(specs[0].endpoint, simulated=False)

    def asking(model: str, *, simulated: bool) -> RequestSpec:
        endpoint = specs[0].endpoint if simulated else there
        return msgspec.structs.replace(specs[0], model=model, endpoint=endpoint)

    dated = asking("claude-haiku-4-5-20251001", simulated=False)
    known = asking("claude-haiku-4-5", simulated=False)
    assert spending.bound([dated], lambda _: 100) == spending.bound([known], lambda _: 100) is not None
    assert spending.unpriced([dated, known, asking("sim-fast", simulated=True)]) == []
    assert spending.unpriced([asking("sim-fast", simulated=False)]) == ["sim-fast"]


async def test_a_cap_counts_every_run_of_a_series(session: Watched) -> None:
    prompt = Prompt(user="What does a gateway do?")
    one = session.live.spending.bound(session.plan.requests(0), lambda _: 100)
    assert one is not None
    session.plan = msgspec.structs.replace(session.plan, budget=Budget(plan_usd=one.usd * 3))
    session.start_series(session.asking(prompt), SeriesSettings(repeats=5, warm_ups=0))
    assert len(session.said) == 1
    assert session.series is not None
    await session.series.over()
    assert (session.series.series.ending, session.series.series.done) == (Ending.COST, 0)


async def test_models_are_listed_over_those_known(session: Watched) -> None:
    changed = asyncio.Event()
    session.preview.on_models = changed.set
    before = {model.id: model for model in session.preview.models}
    session.preview.refresh_models(session.plan)
    async with in_time("the models", lambda: session.seen):
        await changed.wait()
    models = {model.id: model for model in session.preview.models}
    assert before.keys() <= models.keys()
    haiku = models["claude-haiku-5-5"]
    assert haiku.prices == before["claude-haiku-5-5"].prices is not None
    assert haiku.facts_read >= before["claude-haiku-5-5"].facts_read
