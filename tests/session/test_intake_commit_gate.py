"""The gate between engine and live state: the order of batches, and the bound on waiting for the disk."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from history.making import SETTINGS, Recorded, beginning, ending, read, stored
from waiting import in_time

from tui.core.events import Event, RequestEnded
from tui.history.recorder import Recorder
from tui.history.writer import Item, Writer
from tui.session import intake
from tui.session.intake import CommitGate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


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

        recorder = Recorder(path, SETTINGS, make)
        self.gate = CommitGate(recorder, self._deliver, self.said.append)
        self.gate.start()
        self.run = Recorded(recorder)

    def add(self, events: list[Event]) -> None:
        self.run.fold(events)
        self.gate.add(events)

    async def until_shown(self, wanted: Event) -> None:
        async with in_time(repr(wanted), lambda: self.events):
            while wanted not in self.events:
                self._changed.clear()
                await self._changed.wait()

    def _deliver(self, events: list[Event]) -> None:
        self.events += events
        self._changed.set()


async def test_what_ends_a_request_is_shown_once_it_is_stored_and_nothing_overtakes_it(path: Path) -> None:
    shown = Shown(path)
    shown.add(beginning(1))
    assert shown.events == beginning(1), "what ends nothing does not wait"
    shown.add(ending(1))
    shown.add(beginning(2))
    await asyncio.sleep(0)
    assert shown.events == beginning(1)
    shown.released.set()
    await shown.until_shown(beginning(2)[-1])
    assert shown.events == [*beginning(1), *ending(1), *beginning(2)]
    assert read(path).requests[0] == stored().requests[0]
    await shown.gate.close()
    assert shown.said == []


async def test_a_disk_that_stalls_is_waited_for_only_so_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "WAIT_FOR_DISK_S", 0.05)
    shown = Shown(path)
    shown.add([*beginning(1), *ending(1)])
    await shown.until_shown(ending(1)[-1])
    assert len(shown.said) == 1
    assert "disk is slow" in shown.said[0]
    # While it stalls nothing waits again.
    shown.add([*beginning(2), *ending(2)])
    assert shown.events[-1] == ending(2)[-1]
    shown.released.set()
    await shown.gate.close(30)
    assert len(shown.said) == 1
    assert read(path).requests == stored().requests


async def test_closing_shows_what_was_held(path: Path) -> None:
    shown = Shown(path)
    shown.add([*beginning(1), *ending(1)])
    assert not [event for event in shown.events if isinstance(event, RequestEnded)]
    shown.released.set()
    await shown.gate.close(30)
    assert shown.events[-1] == ending(1)[-1]
