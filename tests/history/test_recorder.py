"""The recorder: results are stored before they are shown, and whatever fails, none is lost."""

import asyncio
import contextlib
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from tui.core.events import EngineFailed, Event, RequestEnded, Status
from tui.history.recorder import Recorder
from tui.history.writer import Item, Writer
from tui.session import keeper
from tui.session.keeper import Keeper

from .making import SETTINGS, beginning, ending, info, over, plan, read, started, stored


def record(path: Path, *batches: list[Event], requests: int = 2, close: bool = True) -> Recorder:
    """A recorder that was given a run of so many requests, and these batches."""
    recorder = Recorder(path, SETTINGS)
    recorder.start()
    asked = plan()
    recorder.begin(1, info(uid="the-run"), asked, asked.requests(1)[:requests])
    for events in batches:
        recorder.take(events)
    if close:
        assert recorder.close(30)
    return recorder


def test_a_run_is_stored_whole(path: Path) -> None:
    record(path, started(1, (1, 2)), beginning(1), [*beginning(2), *ending(1)], ending(2), over(1))
    run, expected = read(path), stored()
    assert run.requests == expected.requests
    assert run.plan == plan()
    assert run.info.started_unix_ns == 5_000, "the engine's time"
    assert run.info.sdk_version == "2.12"
    assert run.info.send_spread_ns == 77
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM journal").fetchone() == (0,)
    assert not list((path.parent / "writers").iterdir())


def test_requests_stand_in_the_order_of_the_lanes_however_they_are_asked(path: Path) -> None:
    recorder = Recorder(path, SETTINGS)
    recorder.start()
    recorder.begin(1, info(uid="the-run"), plan(), plan().requests(1)[::-1])
    recorder.take([*beginning(2), *ending(2), *beginning(1), *ending(1)])
    recorder.close(30)
    assert [request.spec.target for request in read(path).requests] == ["fast", "slow"]


def test_the_engines_end_interrupts_what_was_in_flight(path: Path) -> None:
    gone = EngineFailed(t_ns=9, message="The measuring process was ended by signal 9.")
    record(path, beginning(1), [*beginning(2), *ending(2)], [gone])
    first, second = read(path).requests
    assert (first.status, second.status) == (Status.INTERRUPTED, Status.DONE)
    assert first.failure is not None
    assert "signal 9" in first.failure.message
    assert len(first.pieces) == 3


def test_the_next_session_is_told_once_of_what_was_cut_off(path: Path) -> None:
    safe = threading.Event()
    recorder = record(path, close=False)
    recorder.on_safe = lambda _ticket: safe.set()
    recorder.take([*beginning(1), *beginning(2), *ending(1)])
    assert safe.wait(30)
    recorder.cut_off()
    recorder.take(ending(2))
    assert recorder.close(30)
    told: list[int] = []
    for _ in range(2):
        recorder = Recorder(path, SETTINGS)
        recorder.on_interrupted = told.append
        recorder.start()
        recorder.cut_off()  # nothing is in flight
        assert recorder.close(30)
    assert told == [1]


# The keeper: order, and the bound on waiting


class StalledWriter(Writer):
    """A disk that takes nothing until it is released."""

    released: threading.Event

    def commit(self, items: list[Item]) -> None:
        self.released.wait(30)
        super().commit(items)


class Shown:
    """What was delivered, and what was said."""

    def __init__(self, path: Path) -> None:
        self.events: list[Event] = []
        self.said: list[str] = []
        self.released = threading.Event()
        self._changed = asyncio.Event()

        def make(*arguments: Any) -> Writer:
            writer = StalledWriter(*arguments)
            writer.released = self.released
            return writer

        self.keeper = Keeper(Recorder(path, SETTINGS, make), self._deliver, self.said.append)
        self.keeper.start()
        self.keeper.begin(1, info(uid="the-run"), plan(), plan().requests(1))

    async def until_shown(self, wanted: Event) -> None:
        async with asyncio.timeout(30):
            while wanted not in self.events:
                self._changed.clear()
                await self._changed.wait()

    def _deliver(self, events: list[Event]) -> None:
        self.events += events
        self._changed.set()


async def test_what_ends_a_request_is_shown_once_it_is_stored_and_nothing_overtakes_it(path: Path) -> None:
    shown = Shown(path)
    shown.keeper.take(beginning(1))
    assert shown.events == beginning(1), "what ends nothing does not wait"
    shown.keeper.take(ending(1))
    shown.keeper.take(beginning(2))
    await asyncio.sleep(0)
    assert shown.events == beginning(1)
    shown.released.set()
    await shown.until_shown(beginning(2)[-1])
    assert shown.events == [*beginning(1), *ending(1), *beginning(2)]
    assert read(path).requests[0] == stored().requests[0]
    await shown.keeper.close()
    assert shown.said == []


async def test_a_disk_that_stalls_is_waited_for_only_so_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "WAIT_FOR_DISK_S", 0.05)
    shown = Shown(path)
    shown.keeper.take([*beginning(1), *ending(1)])
    await shown.until_shown(ending(1)[-1])
    assert len(shown.said) == 1
    assert "disk is slow" in shown.said[0]
    # While it stalls nothing waits again.
    shown.keeper.take([*beginning(2), *ending(2)])
    assert shown.events[-1] == ending(2)[-1]
    shown.released.set()
    await shown.keeper.close(30)
    assert len(shown.said) == 1
    assert read(path).requests == stored().requests


async def test_closing_shows_what_was_held(path: Path) -> None:
    shown = Shown(path)
    shown.keeper.take([*beginning(1), *ending(1)])
    assert not [event for event in shown.events if isinstance(event, RequestEnded)]
    shown.released.set()
    await shown.keeper.close(30)
    assert shown.events[-1] == ending(1)[-1]
