"""Loads against what the server saw: requests in flight, arrivals and rates by the simulator's own log.

    python tests/benchmarks/load.py [--seconds 8] [--by one|engines|hosts]

A load is sent by one engine, by two of this machine, or by two hosts, of which a command reaches the second. Prints for
each level how many requests the server had in flight (mean and most), goodput by its log beside what each engine says
that it began, and how late requests reached it after they were due. A second line for several engines says how far
apart they began: their counting, each by its own clock, and the first request of each at the server.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from truth_file import Span, most_at_once

from tui import child
from tui.core import load_shares
from tui.core.events import EngineReady, Event, Responded, RunEnded
from tui.core.host import Host
from tui.core.load import LevelEnded, LoadSettings, RequestBegun, steps_of
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Target
from tui.engine.protocol import StartLoad
from tui.session import engines
from tui.session.engines import Engines
from tui.simulator.process import SimulatorProcess

NS_PER_S = 1e9
WITHIN_S = 120.0
HOSTS = {
    "one": (),
    "engines": (),
    "hosts": (Host(name="desk"), Host(name="far", command=tuple(child.own_command("engine")))),
}


def plan_at(url: str) -> Plan:
    """A plan of one quick target, whose answers take 60 ms."""
    return Plan(
        prompt=Prompt(user="How does a gateway limit requests?"),
        parameters=Parameters(max_tokens=50),
        targets=(Target(model="sim-fast"),),
        endpoints=(Endpoint(name="test", base_url=url),),
        default_endpoint="test",
    )


def mean_and_most(spans: list[Span], since: int, until: int) -> tuple[float, int]:
    """Requests in flight at the server between two moments."""
    within = [(max(begun, since), min(ended, until)) for begun, ended in spans]
    within = [span for span in within if span[0] < span[1]]
    return sum(ended - begun for begun, ended in within) / (until - since), most_at_once(within)


class Sent:
    """One load, as its engines tell of it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = asyncio.Event()
        self._engines = Engines(None, self._hear, print)

    def _hear(self, events: list[Event]) -> None:
        self.events += events
        self._changed.set()

    async def _until(self, kind: type[Event]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not any(isinstance(event, kind) for event in self.events):
                self._changed.clear()
                await self._changed.wait()

    async def run(self, command: StartLoad, hosts: tuple[Host, ...]) -> None:
        """Send it from beginning to end."""
        self._engines.expect(hosts, command.plan.endpoints)
        await self._engines.connect()
        await self._until(EngineReady)
        self._engines.start_load(command, hosts)
        await self._until(RunEnded)
        await self._engines.stop()


async def measure(settings: LoadSettings, by: str) -> None:
    """Run one load, and print what became of each of its levels."""
    engines.most_here = lambda: 2
    load_shares.STREAMS_PER_ENGINE = 1 if by == "engines" else 1_000
    with tempfile.TemporaryDirectory() as place:
        log, sent = Path(place) / "truth", Sent()
        with SimulatorProcess.start(log=log) as simulator:
            plan = plan_at(simulator.base_url)
            await sent.run(StartLoad(run_id=1, plan=plan, settings=settings, seed=1, first_request=100), HOSTS[by])
        lines = {line["request_id"]: line for line in map(json.loads, log.read_text().splitlines())}
    served = {
        event.request_id: (lines[event.api_request_id]["received_ns"], lines[event.api_request_id]["end_ns"])
        for event in sent.events
        if isinstance(event, Responded)
    }
    begun = [event for event in sent.events if isinstance(event, RequestBegun)]
    steps = steps_of(settings, 1)
    for at, step in enumerate(steps):
        levels = [one for one in sent.events if isinstance(one, LevelEnded) and one.step == at]
        if levels:
            own = [one for one in begun if one.step == at]
            show(step.level.label, levels, own, served, is_drawn=settings.is_open)


def show(
    label: str, levels: list[LevelEnded], begun: list[RequestBegun], served: dict[int, Span], *, is_drawn: bool
) -> None:
    """Print one level."""
    since, until = min(one.since_ns for one in levels), max(one.until_ns for one in levels)
    seconds = (until - since) / NS_PER_S
    mean, most = mean_and_most([*served.values()], since, until)
    done = sum(since <= ended < until for _, ended in served.values())
    counted, first = defaultdict[int, int](int), dict[int, int]()
    for one in begun:
        counted[one.part] += one.since_ns is not None
        first[one.part] = min(first.get(one.part, 1 << 62), served[one.request_id][0])
    rates = " + ".join(f"{counted[part] / seconds:.2f}" for part in sorted(counted))
    lags = sorted(served[one.request_id][0] - one.due_ns for one in begun)
    print(
        f"{label:>16}: server {mean:6.2f} in flight, {most} at most; {done / seconds:7.2f}/s by its log, "
        f"{rates}/s by ours; arrival after due p50 {lags[len(lags) // 2] / 1e6:.2f} ms, "
        f"p99 {lags[len(lags) * 99 // 100] / 1e6:.2f} ms"
    )
    if len(levels) > 1:
        apart = f"counted from {(max(one.since_ns for one in levels) - since) / 1e6:.2f} ms apart"
        if not is_drawn:
            apart += f"; first requests at the server {(max(first.values()) - min(first.values())) / 1e6:.2f} ms apart"
        print(f"{'':>18}{apart}")


def main() -> None:
    """Run a closed and an open load."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--by", choices=tuple(HOSTS), default="one")
    options = parser.parse_args()
    ramp = 0.5 if options.by == "one" else 0.0
    closed = LoadSettings(levels=(1, 4, 16), seconds=options.seconds, ramp=ramp, warm_up=0.5)
    asyncio.run(measure(closed, options.by))
    asyncio.run(measure(LoadSettings(rate=(20.0, 80.0), seconds=options.seconds, ramp=0.5, warm_up=0.5), options.by))


if __name__ == "__main__":
    main()
