"""Loads against what the server saw: requests in flight, arrivals and rates by the simulator's own log.

    python tests/benchmarks/load.py [--seconds 8]

Prints for each level how many requests the server had in flight (mean and most), how often a slot of ours was empty,
how late arrivals reached it after they were due, and goodput by its log beside what the load says.
"""

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.driver import fresh

from tui.core.events import Event
from tui.core.load import LevelEnded, LoadSettings, RequestBegun, steps_of
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Target
from tui.engine.protocol import StartLoad
from tui.simulator.process import SimulatorProcess

NS_PER_S = 1e9
Span = tuple[int, int]


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
    turns = sorted([(begun, 1) for begun, _ in within] + [(ended, -1) for _, ended in within])
    most = max(itertools.accumulate(change for _, change in turns), default=0)
    return sum(ended - begun for begun, ended in within) / (until - since), most


async def measure(settings: LoadSettings) -> None:
    """Run one load, and print a line for each of its levels."""
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "truth"
        with SimulatorProcess.start(log=log) as simulator:
            engine = await fresh()
            await engine.run(engine.spec(simulator.base_url))  # both are warm
            engine.events.clear()
            engine._run_id += 1
            command = StartLoad(
                run_id=engine._run_id, plan=plan_at(simulator.base_url), settings=settings, seed=1, first_request=100
            )
            engine.client.start_load(command)
            await engine.over()
            events: list[Event] = list(engine.events)
            await engine.close()
        lines = [json.loads(line) for line in log.read_text().splitlines()][1:]
    spans = sorted((line["received_ns"], line["end_ns"]) for line in lines)
    begun = sorted((one.due_ns, one) for one in events if isinstance(one, RequestBegun))
    late = [came - due for (due, _), (came, _) in zip(begun, spans, strict=True)]
    steps = steps_of(settings, 1)
    for level in (one for one in events if isinstance(one, LevelEnded)):
        mean, most = mean_and_most(spans, level.since_ns, level.until_ns)
        seconds = (level.until_ns - level.since_ns) / NS_PER_S
        done = sum(level.since_ns <= ended < level.until_ns for _, ended in spans)
        counted = sum(one.step == level.step and one.since_ns is not None for _, one in begun)
        lags = sorted(lag for lag, (_, one) in zip(late, begun, strict=True) if one.step == level.step)
        print(
            f"{steps[level.step].level.label:>16}: server {mean:6.2f} in flight, {most} at most; "
            f"{done / seconds:7.2f}/s by its log, {counted / seconds:7.2f}/s by ours; "
            f"arrival after due p50 {lags[len(lags) // 2] / 1e6:.2f} ms, p99 {lags[len(lags) * 99 // 100] / 1e6:.2f} ms"
        )


def main() -> None:
    """Run a closed and an open load."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0)
    seconds = parser.parse_args().seconds
    asyncio.run(measure(LoadSettings(levels=(1, 4, 16), seconds=seconds, ramp=0.5, warm_up=0.5)))
    asyncio.run(measure(LoadSettings(rate=(20.0, 80.0), seconds=seconds, ramp=0.5, warm_up=0.5)))


if __name__ == "__main__":
    main()
