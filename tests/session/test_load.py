"""Loads of a session, against schedulers of engines without a process or a network."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import pytest
from waiting import in_time

from tui.core.engine_events import SAME_CLOCK
from tui.core.events import Event, Mark, RequestEnded, Status, Usage, UsageReported
from tui.core.load import LoadEnding, LoadSettings
from tui.core.parameters import Parameters
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Target
from tui.engine.load import LoadScheduler
from tui.engine.protocol import StartLoad
from tui.engine.reporter import RequestReporter
from tui.engine.request import RequestSender
from tui.session.engines import Engines
from tui.session.live import LiveState
from tui.session.load import LoadRun
from tui.session.shared_run import SharedLoad

pytestmark = pytest.mark.unit

PLAN = Plan(
    prompt=Prompt(user="How does a gateway limit requests?"),
    parameters=Parameters(max_tokens=1_000),
    targets=(Target(model="dear"),),
    endpoints=(Endpoint(name="test", base_url="http://127.0.0.1:9", prices=(0.0, 1.0)),),
    default_endpoint="test",
)
"""Answers of 1,000 tokens, for a dollar per million: a tenth of a cent each."""


class Answering(RequestSender):
    """Answers at once, with what it costs."""

    def __init__(self) -> None:
        super().__init__({})
        self.begun = self.now = 0

    async def send(
        self, spec: RequestSpec, slot: int, reporter: RequestReporter, before_send: Callable[[], Awaitable[None]]
    ) -> RequestEnded:
        self.begun += 1
        self.now += 1
        await before_send()
        reporter.mark(Mark.SENT)
        await asyncio.sleep(0.001)
        usage = Usage(input_tokens=9, output_tokens=1_000)
        reporter.report(UsageReported(request_id=reporter.request_id, usage=usage))
        self.now -= 1
        return reporter.ended(Status.DONE)


class InProcess(LoadScheduler):
    """An engine's side of a load, as its client."""

    clock = SAME_CLOCK
    start_load, end_load = LoadScheduler.start, LoadScheduler.end


class Pair:
    """Two such engines with a share of a load each, as `Engines` have them."""

    def __init__(self, run: LoadRun) -> None:
        self.ends: dict[str, Any] = {}
        self.sender = Answering()
        self.over = asyncio.Event()
        self._run = run
        self._clients = {name: InProcess(self.sender, partial(self._said, name)) for name in ("", "second")}
        command = StartLoad(run_id=1, plan=run.plan, settings=run.settings, seed=1, first_request=run.first_request)
        self.load = SharedLoad(cast(Engines, self), command, dict.fromkeys(self._clients))

    def is_ready(self, _: str) -> bool:
        return True

    def client(self, name: str) -> InProcess:
        return self._clients[name]

    def _said(self, name: str, event: Event) -> None:
        asyncio.get_running_loop().call_soon(self._hear, name, event)

    def _hear(self, name: str, event: Event) -> None:
        heard = self.load.hear(name, event) or []
        self._run.fold(heard)
        self._run.settle(heard)
        if self.load.is_over:
            self.over.set()


async def test_a_cap_in_dollars_is_one_for_all_engines_and_what_is_in_flight_then_is_the_last() -> None:
    live = LiveState()
    live.set_targets(PLAN.lanes)
    run = LoadRun(live, None, PLAN, LoadSettings(levels=(4,), seconds=60, ramp=0, warm_up=0, max_usd=0.02), seed=1)
    live.start_load(run)
    pair = Pair(run)
    at_cap: list[tuple[int, int]] = []

    def spent() -> None:
        at_cap.append((pair.sender.begun, pair.sender.now))
        pair.load.end(LoadEnding.COST)

    run.on_spent = spent
    pair.load.go_on()
    async with in_time("the end of the load", lambda: run.progress):
        await pair.over.wait()
    assert run.ending is LoadEnding.COST
    begun, in_flight = at_cap[0]
    assert pair.sender.begun == begun == run.ended, "nothing was begun beyond it, at either engine"
    assert 20 <= begun <= 20 + 2 * 4, "what was in flight, and had ended unheard"
    assert in_flight <= 4
    cost = live.spending.run
    assert cost is not None
    assert cost.usd == pytest.approx(begun * 0.001)
