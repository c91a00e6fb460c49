"""Parent's side of the engine: commands and events over its pipes, and every way in which it ends."""

import asyncio
import os
import signal
import sys

import pytest

from tui.core.events import (
    EngineFailed,
    EngineReady,
    RequestEnded,
    Status,
)
from tui.engine.client import EngineClient, spawn
from tui.simulator.process import SimulatorProcess

from .driver import WITHIN_S, Driver, TruthPipe, started


async def test_an_engine_that_is_killed_is_reported_once_and_refuses_further_runs(
    simulator: SimulatorProcess,
) -> None:
    driver = Driver()
    ready = await driver.connect()
    assert ready.pid == driver.client.pid == driver.process.pid
    spec = driver.spec(simulator.base_url, "sim-steady", max_tokens=100_000)
    driver.start(spec)
    await driver.streaming(spec.request_id)
    os.kill(driver.client.pid, signal.SIGKILL)
    failed = await driver.until(lambda event: isinstance(event, EngineFailed))
    assert isinstance(failed, EngineFailed)
    assert "signal 9" in failed.message
    assert failed.t_ns > driver.records[spec.request_id].timeline.content_ns[-1]
    driver.start(driver.spec(simulator.base_url))
    assert [type(event) for event in driver.events] == [EngineFailed]
    driver.client.cancel((spec.request_id,))
    await driver.close()


async def test_stopping_cancels_what_is_in_flight_and_says_so(logged: tuple[str, TruthPipe]) -> None:
    url, truth = logged
    driver = Driver()
    await driver.connect()
    spec = driver.spec(url, "sim-steady", max_tokens=100_000)
    driver.start(spec)
    await driver.streaming(spec.request_id)
    await driver.close()
    assert driver.process.returncode == 0
    ends = [event for event in driver.events if isinstance(event, RequestEnded)]
    assert [end.status for end in ends] == [Status.CANCELLED]
    assert not any(isinstance(event, EngineFailed) for event in driver.events)
    assert (await truth.line())["end"] == "cancelled"


async def test_nonsense_on_its_input_ends_the_engine_with_a_word() -> None:
    driver = Driver()
    await driver.connect()
    assert driver.client._stdin is not None
    driver.client._stdin.write(b"GET / HTTP/1.1\r\n")
    failed = await driver.until(lambda event: isinstance(event, EngineFailed))
    assert isinstance(failed, EngineFailed)
    assert "out of step" in failed.message
    await driver.close()


async def test_nonsense_on_its_output_is_reported() -> None:
    driver = Driver()
    await driver.connect()
    driver.client._receive(b"Traceback (most recent call last)")
    failed = await driver.until(lambda event: isinstance(event, EngineFailed))
    assert isinstance(failed, EngineFailed)
    assert "out of step" in failed.message
    await driver.close()


async def test_one_that_is_stopped_before_it_is_ready_leaves_nothing() -> None:
    driver = Driver()
    await driver.client.connect()
    await driver.close()
    assert driver.process.returncode is not None
    assert driver.events == []


async def test_runs_given_before_it_is_connected_are_sent_then(simulator: SimulatorProcess) -> None:
    driver = Driver()
    driver.start(driver.spec(simulator.base_url))
    await driver.client.connect()
    await driver.over()
    assert isinstance(driver.events[0], EngineReady)
    assert [record.status for record in driver.records.values()] == [Status.DONE]
    await driver.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs pidfd")
async def test_engine_and_simulator_end_with_a_parent_that_is_killed() -> None:
    code = (
        "from tui.engine.client import spawn\n"
        "from tui.simulator.process import SimulatorProcess\n"
        "engine, simulator = spawn(), SimulatorProcess.start()\n"
        "engine.stdout.read(4)\n"  # it is past its imports
        "print(engine.pid, simulator.pid, flush=True)\n"
        "input()\n"
    )
    with started("-c", code) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in (await asyncio.to_thread(parent.stdout.readline)).split()]
        ended = [os.pidfd_open(pid) for pid in pids]
        parent.kill()
        loop = asyncio.get_running_loop()
        for fd in ended:
            gone = loop.create_future()
            loop.add_reader(fd, gone.set_result, None)
            async with asyncio.timeout(WITHIN_S):
                await gone
            loop.remove_reader(fd)
            os.close(fd)


async def test_an_engine_that_is_stopped_while_its_pipes_are_opened_ends() -> None:
    process = spawn()
    client = EngineClient(process, lambda _events: None)
    connecting = asyncio.create_task(client.connect())
    await asyncio.sleep(0)  # a turn of the loop: the first pipe is being opened
    await client.stop()
    await connecting
    assert process.returncode is not None
