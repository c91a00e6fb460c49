"""Faults tried on the real program: `python tests/benchmarks/faults.py`.

So far: the engine's peak memory before servers that never stop sending.
"""

import asyncio
import sys
import time
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from engine.driver import Driver  # noqa: E402
from engine.hostile import behaviours, serving  # noqa: E402

from tui.core.parameters import Parameters  # noqa: E402
from tui.core.target import Timeouts  # noqa: E402


def peak_mb(pid: int) -> float:
    """Most memory that the process has had, MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


async def main() -> None:
    """Ask each server once, with an engine of its own, and print how it ended."""
    lost = 0
    for name in behaviours():
        engine = Driver()
        await engine.connect()
        before = peak_mb(engine.client.pid)
        async with serving(name) as server:
            spec = engine.spec(server.base_url, timeouts=Timeouts(first_token=12, request=15))
            if "one piece" in name:
                spec = msgspec.structs.replace(spec, parameters=Parameters(max_tokens=5, stream=False))
            began = time.monotonic()
            (record,) = await engine.run(spec)
            took_s = time.monotonic() - began
        peak = peak_mb(engine.client.pid)
        await engine.close()
        lost += peak - before > 100
        words = record.failure.message if record.failure else str(record.status)
        print(f"{name:34} {before:5.0f} -> {peak:5.0f} MB  {took_s:5.1f} s  {words[:90]}", flush=True)
    print(f"{len(behaviours())} servers, {lost} with more than 100 MB beyond the engine's own")


asyncio.run(main())
