"""The usual way to time a stream, for comparison: the SDK, and the clock read when the text event comes out of it.

    python fidelity_usual.py BASE_URL STREAMS ROUNDS RESULT

One process, one client, all streams of a round at once, no screen; every round begins when the one before is over. The
request counts as sent when it is handed to the SDK: nothing else is known there. Writes a `Usual` to RESULT.
"""

import asyncio
import resource
import sys
import time
from pathlib import Path

import msgspec
from anthropic import AsyncAnthropic


class Timed(msgspec.Struct, kw_only=True):
    """One answer as it was timed, CLOCK_MONOTONIC ns."""

    model: str
    sent_ns: int
    content_ns: list[int]


class Usual(msgspec.Struct, kw_only=True):
    """All answers in the order of their rounds, and what they cost."""

    timed: list[Timed]
    cpu_percent: float
    """CPU during the rounds, of one core."""
    cpu_s: float
    """The same in s."""
    peak_mb: float


async def _ask(client: AsyncAnthropic, model: str) -> Timed:
    timed = Timed(model=model, sent_ns=time.monotonic_ns(), content_ns=[])
    async with client.messages.stream(
        model=model, max_tokens=100_000, messages=[{"role": "user", "content": "Go on."}]
    ) as stream:
        async for event in stream:
            if event.type == "text":
                timed.content_ns.append(time.monotonic_ns())
    return timed


async def _run(base_url: str, streams: int, rounds: int) -> Usual:
    timed: list[Timed] = []
    async with AsyncAnthropic(base_url=base_url, max_retries=0) as client:
        began, cpu = time.monotonic(), time.process_time()
        for _ in range(rounds):
            timed += await asyncio.gather(*(_ask(client, f"lane-{number:03}") for number in range(streams)))
        cpu_s, wall_s = time.process_time() - cpu, time.monotonic() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Usual(timed=timed, cpu_percent=100 * cpu_s / wall_s, cpu_s=cpu_s, peak_mb=peak_mb)


if __name__ == "__main__":
    usual = asyncio.run(_run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    Path(sys.argv[4]).write_bytes(msgspec.json.encode(usual))
