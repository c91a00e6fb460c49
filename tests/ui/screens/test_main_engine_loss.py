"""The engine's end: the lanes say so, another one is started, and nothing else is lost. Engines of their own."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen

import pytest
from textual.widgets import TextArea

from tui.config.known_models import load_models
from tui.config.schema import UiSettings
from tui.core.record import State
from tui.engine.client import spawn
from tui.errors import ChildError, ExitCode
from tui.session.session import Session
from tui.simulator.process import SimulatorProcess
from tui.ui.app import LatencyApp

from .driving import FAST, STEADY, app_driver_of, draft_of, plan_of


def is_running(pid: int) -> bool:
    """Whether a process is there that is not just waiting to be collected."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def engine() -> Iterator["Popen[bytes]"]:
    process = spawn()
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_the_lanes_say_so_and_the_next_run_works(simulator: SimulatorProcess) -> None:
    with engine() as process:
        async with app_driver_of(process, plan_of((STEADY, FAST), simulator.base_url, "Why?", 2_000)) as s:
            await s.press("f5")
            await s.until(lambda: s.states == [State.STREAMING, State.DONE])
            text = s.views[0].text
            os.kill(s.app.session.children.engines.here.pid, signal.SIGKILL)
            await s.until(lambda: s.states == [State.INTERRUPTED, State.DONE])
            assert s.views[0].text.startswith(text), "the text that had come stays"
            await s.until_shown("was ended by signal 9")
            assert not s.live.run_in_flight
            assert any("being started again" in notice for notice in s.notices)

            await s.focus("#user")
            await s.press(*"Yes, ")
            await s.until(lambda: s.live.engine_ready, "another engine")
            other = s.app.session.children.engines.here.pid
            assert other != process.pid
            assert s.app.main.query_one("#user", TextArea).text == "Yes, Why?"
            await s.press("f5")
            await s.until(lambda: s.states == [State.STREAMING, State.DONE])
            record = s.lanes[0].record
            assert record is not None
            assert record.spec.prompt.user == "Yes, Why?"
            await s.press("f10")
            await s.until(lambda: s.app._exit)
        assert not is_running(process.pid)
        assert not is_running(other)


async def test_an_engine_that_dies_idle_is_replaced(simulator: SimulatorProcess) -> None:
    with engine() as process:
        async with app_driver_of(process, plan_of((FAST,), simulator.base_url, "Why?", 2_000)) as s:
            await s.run()
            os.kill(process.pid, signal.SIGTERM)
            await s.until(lambda: s.app.session.children.engines.here.pid != process.pid, "another engine")
            assert s.states == [State.DONE], "what was answered stays"
            # Without waiting for it: what is asked before it is ready is sent when it is.
            await s.run()
            assert s.live.runs == 2
            assert s.states == [State.DONE]
            other = s.app.session.children.engines.here.pid
        assert not is_running(other)


async def test_a_question_goes_away_with_the_engine_that_ran_what_it_is_about(simulator: SimulatorProcess) -> None:
    with engine() as process:
        async with app_driver_of(process, plan_of((STEADY,), simulator.base_url, "Why?", 2_000)) as s:
            await s.streaming()
            await s.press("f5")
            os.kill(process.pid, signal.SIGKILL)
            await s.until(lambda: s.states == [State.INTERRUPTED])
            await s.until(lambda: s.on_main)
            await s.press("f5")
            await s.until(lambda: s.states == [State.STREAMING])


async def test_a_simulator_that_dies_is_started_again() -> None:
    with engine() as process, SimulatorProcess.start() as own:
        async with app_driver_of(process, plan_of((STEADY, FAST), own.base_url, "Why?", 2_000)) as s:
            s.app.session.children.simulator = own
            await s.press("f5")
            await s.until(lambda: s.states == [State.STREAMING, State.DONE])
            os.kill(own.pid, signal.SIGKILL)
            await s.until(lambda: s.states == [State.FAILED, State.DONE] and not s.live.busy)
            await s.press("f5")
            await s.until(lambda: s.states == [State.STREAMING, State.DONE])


async def test_an_engine_that_cannot_be_started_again_is_tried_again(
    simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[ChildError] = []

    def fails_once() -> "Popen[bytes]":
        if not tries:
            tries.append(ChildError("The engine cannot be started: Cannot allocate memory."))
            raise tries[0]
        return spawn()

    monkeypatch.setattr("tui.session.engines.spawn", fails_once)
    with engine() as process:
        async with app_driver_of(process, plan_of((FAST,), simulator.base_url, "Why?", 2_000)) as s:
            await s.run()
            os.kill(process.pid, signal.SIGKILL)
            await s.until(lambda: s.app.session.children.engines.here.pid != process.pid, "another engine")
            assert any("Cannot allocate memory. It is tried again." in notice for notice in s.notices)
            await s.run()
            assert s.states == [State.DONE]


async def test_without_an_engine_the_program_ends_with_a_sentence(
    simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    plan = plan_of((FAST,), simulator.base_url, "Why?", 2_000)
    app = LatencyApp(Session(), draft_of(plan), UiSettings(), load_models())
    async with app.run_test() as pilot:
        while not app._exit:
            await pilot.pause()
    assert app.return_code == ExitCode.ERROR
    assert capsys.readouterr().err == "latency-tui: The engine cannot be started: No such file or directory.\n"
