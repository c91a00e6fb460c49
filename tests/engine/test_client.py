"""Parent's side of the engine: commands and events over its pipes, and every way in which it ends."""

import asyncio
import os
import signal
import sys

import pytest

from tui.core.engine_events import EngineFailed, Hello
from tui.core.events import EngineReady, Event, RequestEnded, Status
from tui.core.host import Host
from tui.engine import client as client_module
from tui.engine import pinger
from tui.engine.client import EngineClient, spawn
from tui.engine.protocol import MAX_REMOTE_FRAME_BYTES, PROTOCOL
from tui.errors import ChildError
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
    os.kill(driver.process.pid, signal.SIGSTOP)  # its imports may be faster than we are
    await driver.client.connect()
    await driver.close()
    assert driver.process.returncode is not None
    assert not any(isinstance(event, EngineReady | EngineFailed) for event in driver.events)


async def test_runs_given_before_it_is_connected_are_sent_then(simulator: SimulatorProcess) -> None:
    driver = Driver()
    driver.start(driver.spec(simulator.base_url))
    await driver.client.connect()
    await driver.over()
    assert [type(event) for event in driver.events[:2]] == [Hello, EngineReady]
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


async def _end_of(code: str) -> EngineFailed:
    """How it ends when another machine runs these lines of Python in place of an engine."""
    ended = asyncio.get_running_loop().create_future()

    def hear(events: list[Event]) -> None:
        found = [event for event in events if isinstance(event, EngineFailed)]
        if found and not ended.done():
            ended.set_result(found[0])

    host = Host(name="tokyo", command=(sys.executable, "-c", f"import os, sys, time\n{code}"))
    process = spawn(host)
    client = EngineClient(process, hear, host)
    await client.connect()
    async with asyncio.timeout(WITHIN_S):
        failed: EngineFailed = await ended
    await client.stop()
    assert failed.host == "tokyo"
    assert failed.message.isprintable()
    return failed


GREETING = f"os.write(1, b'LATENCY-TUI ENGINE {PROTOCOL} 9.9.9\\n')\n"
HELLO = (
    "from tui.core.engine_events import *\n"
    "from tui.engine.protocol import encode_events\n"
    "hello = Hello(app_version='9', sdk_version='9', python='3', platform='x', hostname='h', pid=1,\n"
    "    stamp_source=StampSource.READ, resolution_ns=1, unix_ns=1, mono_ns=1)\n"
    "os.write(1, encode_events([hello]))\n"
)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "os.write(1, b'LATENCY-TUI ENGINE 77 9.9.9\\n'); time.sleep(60)",
            ["tokyo", "9.9.9", "protocol 77", "install"],
        ),
        ("print('Last login: \\x1b[1mMonday'); sys.exit(3)", ["tokyo started no engine", "status 3", "Last login"]),
        ("print('x' * 100_000, flush=True); time.sleep(60)", ["tokyo printed text", "'xxx"]),
        (
            "sys.stderr.write('latency-tui: not found\\n'); sys.exit(127)",
            ["no latency-tui", "not found", "pipx install"],
        ),
        ("os.close(1); time.sleep(0.2); os.write(2, b'late words'); os._exit(3)", ["(status 3) (late words)."]),
        (GREETING + "sys.stderr.write('no such disk'); sys.exit(1)", ["tokyo started no engine", "no such disk"]),
        (GREETING + "os.write(1, b'Traceback (most'); time.sleep(60)", ["out of step"]),
        (GREETING + f"os.write(1, ({MAX_REMOTE_FRAME_BYTES} + 1).to_bytes(4, 'big')); time.sleep(60)", ["out of step"]),
        (
            GREETING + HELLO + "os.write(1, encode_events([EngineFailed(t_ns=1, message='x')])); time.sleep(60)",
            ["tokyo: The engine sent EngineFailed, for which it was not asked"],
        ),
        (GREETING + HELLO + HELLO.splitlines()[-1] + "; time.sleep(60)", ["tokyo: The engine said who it is twice"]),
        (GREETING + HELLO + "sys.exit(255)", ["The link to tokyo ended with status 255"]),
    ],
)
async def test_what_another_machine_may_say_instead_ends_in_a_sentence(code: str, words: list[str]) -> None:
    failed = await _end_of(code)
    for word in words:
        assert word in failed.message


async def test_one_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinger, "PONG_WITHIN_S", 0.2)
    failed = await _end_of(GREETING + HELLO + "time.sleep(60)")
    assert "tokyo has not answered for 0.2 s" in failed.message


async def test_one_that_never_begins_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_READY_WITHIN_S", 0.5)
    failed = await _end_of("print('password:', flush=True); time.sleep(60)")
    assert "tokyo has started no engine within 0.5 s; it printed 'password:'." in failed.message
    driver = Driver()
    os.kill(driver.process.pid, signal.SIGSTOP)
    await driver.client.connect()
    frozen = await driver.until(lambda event: isinstance(event, EngineFailed))
    assert isinstance(frozen, EngineFailed)
    assert frozen.message == "This machine has started no engine within 0.5 s."
    await driver.close()


def test_a_command_that_is_not_there_is_an_error_of_one_sentence() -> None:
    with pytest.raises(ChildError, match="engine on tokyo cannot be started: No such file"):
        spawn(Host(name="tokyo", command=("/nowhere/kubectl", "exec")))
