"""Several engines that act as one: real ones on this machine, some with clocks of their own."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import msgspec
import pytest
from canary import KEY
from waiting import in_time

from tui import child
from tui.core.engine_events import EngineFailed
from tui.core.events import Content, Event, Kind, RequestEnded, RunEnded, RunStarted, Status
from tui.core.host import Host, engine_there
from tui.core.load import LoadEnded, LoadEnding, LoadSettings, RequestBegun
from tui.core.parameters import Parameters
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Target, Timeouts
from tui.engine import pinger
from tui.engine.protocol import StartLoad
from tui.session.engines import Engines
from tui.simulator.process import SimulatorProcess

WITHIN_S = 60
AHEAD_S = 100_000
ENGINE = tuple(child.own_command("engine"))
OTHER_CLOCK = ("unshare", "-T", "--monotonic", str(AHEAD_S), *ENGINE)
"""An engine whose CLOCK_MONOTONIC is far ahead of ours."""
HAS_CLOCKS = (
    sys.platform == "linux"
    and subprocess.run([*OTHER_CLOCK[:4], "true"], capture_output=True, check=False).returncode == 0
)
HERE = Host(name="desk")
TOKYO = Host(name="tokyo", command=OTHER_CLOCK if HAS_CLOCKS else ENGINE)
PARIS = Host(name="paris", command=ENGINE)


class Several:
    """Engines as a session has them, and what they say."""

    def __init__(self, *hosts: Host) -> None:
        self.events: list[Event] = []
        self.problems: list[str] = []
        self.records: dict[int, RequestRecord] = {}
        self._news = asyncio.Event()
        self._ids = 0
        self._run = 0
        self.endpoint = Endpoint(name="test", base_url="", api_key_env="KEY_GOOD")
        self.engines = Engines(None, self._hear, self.problems.append)
        self.engines.expect(hosts, ())

    @property
    def pids(self) -> list[int]:
        """Process ids of all engines, that of this machine first."""
        return [self.engines.here.pid, *(one.pid for name, one in self.engines._clients.items() if name)]

    def _hear(self, events: list[Event]) -> None:
        self.events += events
        for event in events:
            if (record := self.records.get(getattr(event, "request_id", 0))) is not None:
                record.apply(event)
        self._news.set()

    async def until(self, wanted: Callable[[], object], what: str) -> None:
        async with in_time(what, lambda: "\n".join(map(repr, [*self.problems, *self.events[-15:]])), WITHIN_S):
            while not wanted():
                self._news.clear()
                await self._news.wait()

    def start(
        self,
        url: str,
        hosts: Sequence[str | None],
        *,
        at_once: int | None = None,
        tokens: int = 20,
        timeouts: Timeouts | None = None,
        model: str = "sim-steady",
    ) -> list[int]:
        specs = []
        for host in hosts:
            self._ids += 1
            specs.append(
                RequestSpec(
                    request_id=self._ids,
                    target=f"lane {self._ids}",
                    model=model,
                    endpoint=msgspec.structs.replace(self.endpoint, base_url=url),
                    prompt=Prompt(user="How does a gateway limit requests?"),
                    parameters=Parameters(max_tokens=tokens),
                    timeouts=timeouts or Timeouts(),
                    host=host,
                )
            )
        self.events.clear()
        self.records |= {spec.request_id: RequestRecord(spec=spec) for spec in specs}
        self._run += 1
        self.engines.start_run(self._run, tuple(specs), at_once)
        return [spec.request_id for spec in specs]

    async def over(self) -> RunEnded:
        await self.until(lambda: any(isinstance(event, RunEnded) for event in self.events), "the end of the run")
        ends = [event for event in self.events if isinstance(event, RunEnded)]
        assert len(ends) == 1
        assert sum(isinstance(event, RunStarted) for event in self.events) <= 1
        return ends[0]

    def statuses(self, numbers: Sequence[int]) -> list[Status | None]:
        return [self.records[number].status for number in numbers]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with SimulatorProcess.start() as simulator:
        yield simulator.base_url


@contextlib.asynccontextmanager
async def several(*hosts: Host) -> AsyncIterator[Several]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEY_GOOD", KEY)
        running = Several(*hosts)
        await running.engines.connect()
        try:
            yield running
        finally:
            await running.engines.stop()
            await asyncio.sleep(0)


async def test_hosts_with_other_clocks_share_one_start(url: str) -> None:
    async with several(HERE, TOKYO, PARIS) as running:
        numbers = running.start(url, ["desk", "tokyo", "paris", "tokyo"])
        end = await running.over()
        assert running.statuses(numbers) == [Status.TRUNCATED] * 4
        assert end.send_spread_ns is not None
        assert end.spread_error_ns is not None
        assert end.send_spread_ns < AHEAD_S * 1_000_000_000 // 2, "stamps of two clocks were set side by side"
        started = next(event for event in running.events if isinstance(event, RunStarted))
        assert started.request_ids == tuple(numbers)
        ttfts = [running.records[number].ttft_ns for number in numbers]
        assert all(ttft is not None and 0 < ttft < 60_000_000_000 for ttft in ttfts), "each by one clock alone"
        if HAS_CLOCKS:
            clock = running.engines.client("tokyo").clock
            assert clock is not None
            assert abs(clock.offset_ns - AHEAD_S * 1_000_000_000) < 1_000_000_000
            sent = [running.records[number].timeline.sent_ns for number in numbers]
            assert sent[0] is not None
            assert sent[1] is not None
            assert sent[1] > sent[0] + AHEAD_S * 900_000_000

        # One after the other, over all hosts: each request is sent when the one before has ended.
        numbers = running.start(url, ["paris", "tokyo", "desk"], at_once=1, tokens=3)
        end = await running.over()
        assert running.statuses(numbers) == [Status.TRUNCATED] * 3
        assert end.send_spread_ns is None
        order = [getattr(event, "request_id", None) for event in running.events]
        firsts = [order.index(number) for number in numbers]
        lasts = [len(order) - 1 - order[::-1].index(number) for number in numbers]
        assert firsts == sorted(firsts)
        assert all(last < first for last, first in zip(lasts, firsts[1:], strict=False))


async def test_a_lost_link_interrupts_that_hosts_requests_and_nothing_else(url: str) -> None:
    async with several(HERE, TOKYO) as running:
        here, lost = running.start(url, ["desk", "tokyo"], tokens=200)
        streaming = {here, lost}

        def content() -> bool:
            return streaming <= {event.request_id for event in running.events if isinstance(event, Content)}

        await running.until(content, "content of both")
        os.kill(running.engines.client("tokyo").pid, signal.SIGKILL)
        end = await running.over()
        assert running.statuses([here, lost]) == [Status.TRUNCATED, Status.INTERRUPTED]
        assert end.send_spread_ns is None, "of what the lost one sent nothing is known"
        record = running.records[lost]
        assert record.failure is not None
        assert "tokyo" in record.failure.message
        assert record.text() != ""
        assert record.timeline.ended_ns is not None
        assert record.timeline.sent_ns is not None
        assert 0 < record.timeline.ended_ns - record.timeline.sent_ns < 1000 * 1_000_000_000, "by its own clock"
        assert [type(event) for event in running.events if isinstance(event, EngineFailed)] == [EngineFailed]
        assert len(running.problems) == 1
        # It is launched again for the next run; what the dead one had is not there any more.
        numbers = running.start(url, ["desk", "tokyo"])
        await running.over()
        assert running.statuses(numbers) == [Status.TRUNCATED] * 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="stops a process by its number")
async def test_a_frozen_engine_of_this_machine_is_given_up_and_a_program_that_was_stopped_loses_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pinger, "PING_EVERY_S", 0.01)
    loop, ahead = asyncio.get_running_loop(), [0.0]
    usual = loop.time
    monkeypatch.setattr(loop, "time", lambda: usual() + ahead[0])
    async with several(PARIS) as running:

        async def freeze(numbers: Sequence[int]) -> int:
            """Stop this machine's engine in its answer, with a ping on its way."""
            wanted = set(numbers)
            await running.until(
                lambda: wanted <= {event.request_id for event in running.events if isinstance(event, Content)},
                "content of both",
            )
            engine = running.engines.here
            os.kill(engine.pid, signal.SIGSTOP)
            await later()
            assert engine._pinger._sent
            return engine.pid

        async def later(seconds: float = 0.0) -> None:
            """Let a time pass for this program, and the other engine answer a ping."""
            ahead[0] += seconds
            pings = running.engines.client("paris")._pinger
            seen = pings._number
            await running.until(lambda: pings._number > seen + 1, "pongs of the other engine")

        numbers = running.start(url, [None, "paris"], tokens=150)
        stopped = await freeze(numbers)
        await later(3_600)
        os.kill(stopped, signal.SIGCONT)
        await running.over()
        assert running.statuses(numbers) == [Status.TRUNCATED] * 2
        assert not any(isinstance(event, EngineFailed) for event in running.events)

        numbers = running.start(url, [None, "paris"], tokens=100_000)
        await freeze(numbers)
        for _ in range(4):
            await later(6)
        await running.until(lambda: running.records[numbers[0]].status, "the end of the frozen one")
        assert running.statuses(numbers) == [Status.INTERRUPTED, None]
        assert running.problems == [
            "The measuring process has not answered for 20 s, so it is given up. It is being started again."
        ]
        running.engines.cancel(tuple(numbers))
        await running.over()
        (number,) = running.start(url, [None])
        await running.over()
        assert running.statuses([number]) == [Status.TRUNCATED]


async def test_what_waits_for_a_host_can_be_cancelled_and_one_that_never_comes_holds_nobody_up(url: str) -> None:
    slow = Host(name="slow", command=("sleep", "600"))
    broken = Host(name="broken", command=("sh", "-c", "echo hello; exit 7"))
    missing = Host(name="missing", command=("/nowhere/engine",))
    async with several(HERE, slow, broken, missing) as running:
        first, waits = running.start(url, ["desk", "slow"])
        running.engines.cancel((waits,))
        await running.over()
        assert running.statuses([first, waits]) == [Status.TRUNCATED, Status.CANCELLED]
        numbers = running.start(url, ["broken", "desk", "missing"])
        await running.over()
        assert running.statuses(numbers) == [Status.INTERRUPTED, Status.TRUNCATED, Status.INTERRUPTED]
        failures = [running.records[number].failure for number in numbers]
        assert failures[0] is not None
        assert "broken started no engine (status 7) (hello)" in failures[0].message
        assert failures[2] is not None
        assert "No such file" in failures[2].message

        # No host speaks of what it does not have.
        (number,) = running.start(url, ["desk"], tokens=100_000)
        await running.until(lambda: any(isinstance(event, Content) for event in running.events), "content")
        running.engines._hear(
            "tokyo",
            [Content(request_id=number, kind=Kind.TEXT, t_ns=[1], texts=["forged"]), RunEnded(run_id=3, t_ns=1)],
        )
        assert "forged" not in running.records[number].text()
        assert not any(isinstance(event, RunEnded) for event in running.events)
        running.engines.cancel((number,))
        await running.over()
        assert running.statuses([number]) == [Status.CANCELLED]


async def test_a_banner_and_another_version_are_remarked_and_change_nothing(url: str) -> None:
    code = (
        "import tui; tui.__version__ = '9.9.9'; import tui.engine.server; from tui.engine.command import main; main([])"
    )
    shell = f'echo "Welcome to banner"; exec {sys.executable} -P -c "{code}"'
    async with several(Host(name="banner", command=("sh", "-c", shell))) as running:
        numbers = running.start(url, ["banner"])
        await running.over()
        assert running.statuses(numbers) == [Status.TRUNCATED]
        words = "banner printed text before the engine started: 'Welcome to banner'; is its shell clean?"
        assert words in running.problems
        assert any(problem.startswith("banner has latency-tui 9.9.9, and this is ") for problem in running.problems)


def test_the_command_line_of_ssh_leaves_the_persons_configuration_alone_and_takes_no_host_for_an_option() -> None:
    host = Host(name="tokyo", ssh="-oProxyCommand=touch /tmp/x")
    assert host.launch[0] == "ssh"
    assert host.launch[-3:] == ("--", "-oProxyCommand=touch /tmp/x", engine_there())
    assert not any(word in " ".join(host.launch) for word in ("StrictHostKey", "KnownHosts", "ControlMaster", "-F"))
    assert {"BatchMode=yes", "ClearAllForwardings=yes", "ForwardAgent=no"} < set(host.launch)
    assert msgspec.to_builtins(Host(name="desk")) == {"name": "desk"}


async def test_a_load_whose_engine_is_killed_ends_with_what_was_in_flight(url: str) -> None:
    plan = Plan(
        prompt=Prompt(user="How does a gateway limit requests?"),
        parameters=Parameters(max_tokens=5_000),
        targets=(Target(model="sim-steady"),),
        endpoints=(Endpoint(name="test", base_url=url, api_key_env="KEY_GOOD"),),
        default_endpoint="test",
    )
    async with several() as running:
        settings = LoadSettings(levels=(3,), ramp=0)
        running.engines.start_load(StartLoad(run_id=1, plan=plan, settings=settings, seed=1, first_request=1))
        await running.until(lambda: sum(isinstance(one, Content) for one in running.events) >= 3, "content")
        os.kill(running.engines.here.pid, signal.SIGKILL)
        await running.over()
        begun = [one.request_id for one in running.events if isinstance(one, RequestBegun)]
        ended = {one.request_id: one.status for one in running.events if isinstance(one, RequestEnded)}
        assert ended == dict.fromkeys(begun, Status.INTERRUPTED)
        assert [one.ending for one in running.events if isinstance(one, LoadEnded)] == [LoadEnding.ENGINE]
        kinds = [type(one) for one in running.events]
        assert kinds.index(LoadEnded) < kinds.index(RunEnded) < kinds.index(EngineFailed)
