"""Decoding between reads: soon, in short slices, and never at the cost of reading."""

import asyncio
import time

import pytest

from tui.engine import pump as module
from tui.engine.pump import Pump


async def turn(event: asyncio.Event) -> None:
    async with asyncio.timeout(30):
        await event.wait()


async def test_a_job_runs_once_however_often_it_is_added() -> None:
    ran: list[int] = []
    done = asyncio.Event()
    pump = Pump()

    def job() -> None:
        ran.append(1)

    for _ in range(3):
        pump.add(job)
    pump.add(done.set)
    await turn(done)
    assert ran == [1]


async def test_a_dropped_job_never_runs() -> None:
    done = asyncio.Event()
    pump = Pump()
    ran: list[int] = []

    def job() -> None:
        ran.append(1)

    pump.add(job)
    pump.drop(job)
    pump.drop(job)
    pump.add(done.set)
    await turn(done)
    assert ran == []


async def test_a_job_can_add_itself_again_and_others_get_their_turn() -> None:
    pump = Pump()
    done = asyncio.Event()
    order: list[str] = []

    def again() -> None:
        order.append("again")
        if order.count("again") < 5:
            pump.add(again)
        else:
            done.set()

    def other() -> None:
        order.append("other")

    pump.add(again)
    pump.add(other)
    await turn(done)
    assert order[:3] == ["again", "other", "again"]
    assert order.count("again") == 5


async def test_sockets_are_read_between_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """With jobs that use their slice up, the loop still comes round between any two."""
    pump = Pump()
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    order: list[str] = []
    monkeypatch.setattr(module, "SLICE_S", 0.0005)

    def job(name: str) -> None:
        order.append(name)
        loop.call_soon(order.append, "loop")
        until = time.monotonic() + 0.001
        while time.monotonic() < until:
            pass
        if name == "last":
            done.set()

    pump.add(lambda: job("first"))
    pump.add(lambda: job("second"))
    pump.add(lambda: job("last"))
    await turn(done)
    assert order[:5] == ["first", "loop", "second", "loop", "last"]
