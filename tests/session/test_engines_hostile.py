"""Engines of other machines that are hostile, frozen or of no use, in a race with one that does its work."""

import asyncio
import os
import select
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui import child
from tui.core.engine_events import EngineFailed, Hello
from tui.core.events import Content, EngineReady, Status
from tui.core.host import Host
from tui.core.target import Timeouts
from tui.engine import pinger, remote_events
from tui.engine.limits import Limits
from tui.simulator.process import SimulatorProcess

from .test_engines import HERE, several

pytestmark = pytest.mark.process

SCRIPT = str(Path(__file__).parents[1] / "engine" / "hostile_engine.py")
HOSTILE = {
    "future": "future: The engine sent a stamp in Content of a moment that is still to come.",
    "endless": "endless: The engine sent more than what it was asked for can take.",
    "torn": "torn: The engine sent something that is not understood here: 'utf-8' codec",
    "stranger": "stranger: The engine sent Content, for which it was not asked.",
    "unarmed": "unarmed has not connected its requests, for which the other hosts wait, so the link to it is given up.",
    "idle": "idle has not ended its requests although cancelled, so the link to it is given up.",
}


GIVEN_UP = "frozen has not answered for 0.5 s, so the link to it is given up."
FROZEN = Host(name="frozen", command=("sh", "-c", f"{shlex.join(child.own_command('engine'))}; exit $?"))
"""A real engine behind a shell that holds its pipes, as a wrapper or a cloud's own command does."""


def hostile(behaviour: str) -> Host:
    return Host(name=behaviour, command=(sys.executable, "-P", SCRIPT, behaviour))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with SimulatorProcess.start() as simulator:
        yield simulator.base_url


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="stops a process by its number")
async def test_hostile_and_frozen_engines_lose_their_own_requests_in_a_sentence_each_and_nothing_else(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_events, "LIMITS", Limits(answer=100_000))
    monkeypatch.setattr(remote_events, "ARMED_WITHIN_S", 0.5)
    monkeypatch.setattr(remote_events, "CANCELLED_WITHIN_S", 0.5)
    monkeypatch.setattr(pinger, "PING_EVERY_S", 0.1)
    async with several(HERE, FROZEN, *map(hostile, (*HOSTILE, "polite"))) as running:
        names = ["desk", "frozen", *HOSTILE, "polite"]
        numbers = dict(zip(names, running.start(url, names, tokens=150, timeouts=Timeouts(connect=1)), strict=True))
        both = {numbers["desk"], numbers["frozen"]}
        await running.until(
            lambda: both <= {event.request_id for event in running.events if isinstance(event, Content)},
            "content of both",
        )
        hello = running.engines.client("frozen").hello
        assert hello is not None
        assert hello.pid != running.engines.client("frozen").pid, "the shell stays between us and the engine"
        frozen = os.pidfd_open(hello.pid)
        monkeypatch.setattr(pinger, "PONG_WITHIN_S", 0.5)
        os.kill(hello.pid, signal.SIGSTOP)
        others = {numbers[name] for name in names if name != "idle"}
        await running.until(lambda: all(running.records[each].status for each in others), "the ends of all but one")
        running.engines.cancel((numbers["idle"],))
        await running.over()
        ends = {name: running.records[number] for name, number in numbers.items()}
        assert ends["desk"].status is Status.TRUNCATED
        assert "owned" not in ends["desk"].text()
        assert ends["frozen"].text() != "", "what had arrived is kept"
        for name, words in {"frozen": GIVEN_UP, **HOSTILE}.items():
            failure = ends[name].failure
            assert failure is not None, name
            assert ends[name].status is Status.INTERRUPTED, name
            assert words in failure.message
            assert failure.message.isprintable()
            timeline = ends[name].timeline
            assert timeline.ended_ns is not None
            stamps = [*timeline.content_ns, timeline.ended_ns]
            assert max(stamps) - min(stamps) < 60_000_000_000
        polite = ends["polite"]
        assert polite.status is Status.FAILED
        assert polite.failure is not None
        assert polite.failure.message.isprintable()
        failed = [event.host for event in running.events if isinstance(event, EngineFailed)]
        assert sorted(failed) == sorted(["frozen", *HOSTILE]), "each once"
        assert GIVEN_UP in running.problems
        said = [event for event in running.events if isinstance(event, Hello | EngineReady)]
        assert {each.host for each in said} <= {"", *names} - {"desk"}, "none is taken for another"
        assert not any(isinstance(each, Hello) and not each.platform.isprintable() for each in said)
        # The engine that was frozen is gone here too, though it could not hear that it should end.
        assert (await asyncio.to_thread(select.select, [frozen], [], [], 60))[0]
        os.close(frozen)
        # A race after it finds nothing of theirs left.
        (number,) = running.start(url, ["desk"])
        await running.over()
        assert running.statuses([number]) == [Status.TRUNCATED]
