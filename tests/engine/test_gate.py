"""The gate before the sends of one run."""

import asyncio

import pytest

from tui.engine import gate
from tui.engine.gate import Gate


async def waiting(task: "asyncio.Task[None]") -> bool:
    """Whether `task` still waits after everything that is ready has run."""
    for _ in range(5):
        await asyncio.sleep(0)
    return not task.done()


async def test_it_opens_when_all_have_arrived() -> None:
    held = Gate(2)
    first = asyncio.create_task(held.arrive())
    assert await waiting(first)
    await held.arrive()
    await first


async def test_one_that_leaves_is_not_waited_for() -> None:
    held = Gate(3)
    first = asyncio.create_task(held.arrive())
    held.leave()
    assert await waiting(first)
    held.leave()
    await first


async def test_it_opens_for_good_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "OPEN_AFTER_S", 0.01)
    held = Gate(3)
    await held.arrive()
    monkeypatch.setattr(gate, "OPEN_AFTER_S", 1e6)
    await held.arrive()


async def test_one_that_is_cancelled_at_the_gate_has_been_counted() -> None:
    held = Gate(2)
    first = asyncio.create_task(held.arrive())
    assert await waiting(first)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await held.arrive()


async def test_alone_it_does_not_wait() -> None:
    await Gate(1).arrive()
