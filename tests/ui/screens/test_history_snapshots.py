"""Pictures of the history and of a replay."""

import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from pictures import Album
from syrupy.assertion import SnapshotAssertion

import tui.ui.app
from tui import __version__
from tui.config.schema import HistorySettings, UiSettings
from tui.core.events import EngineReady, Kind, Status
from tui.core.run import StoredRun
from tui.engine.protocol import encode_events, greeting
from tui.history.recorder import Recorder
from tui.history.store import Store
from tui.session.session import Session
from tui.ui.app import LatencyApp
from tui.ui.screens.history import HistoryScreen
from tui.ui.screens.replay import ReplayScreen
from tui.ui.widgets.runs_list import RunsList

from .driving import PICTURED_MODELS, SMALL, WIDE, AppDriver, draft_of, fast, plan_of
from .engine import BorrowedEngine
from .test_history import RUNS, stored

OpenHistory = Callable[[tuple[int, int]], AbstractAsyncContextManager[tuple[AppDriver, Album]]]
SIZES = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])


class _App(LatencyApp):
    CSS_PATH = str(Path(tui.ui.app.__file__).parent / "screens" / "main.tcss")

    engine_end: int

    async def on_unmount(self) -> None:
        os.close(self.engine_end)
        await self.session.close()


def _runs() -> list[StoredRun]:
    again = [
        stored("Read the letter.", "claude-haiku-5-5", minute=10 + repeat, ttft_ms=180, series="s", repeat=repeat)
        for repeat in range(1, 4)
    ]
    again[-1].tags = ("letters",)
    cut = stored("Why is the sky blue?\nIn French.", "claude-opus-5-5", "b", status=Status.INTERRUPTED, minute=20)
    cut.note = "the laptop slept"
    return [*RUNS, *again, cut]


@pytest.fixture
def open_history(snapshot: SnapshotAssertion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenHistory]:
    """Opens a session with stored runs, and an album that is checked when it closes."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()

    @asynccontextmanager
    async def open_history(size: tuple[int, int]) -> AsyncIterator[tuple[AppDriver, Album]]:
        database = tmp_path / "history.db"
        with Store(database) as store:
            for run in _runs():
                store.add(run)
        out, into = os.pipe()
        errors, kept = os.pipe()
        commands, command_in = os.pipe()
        os.write(into, greeting(__version__))
        engine = BorrowedEngine(command_in, out, errors, os.getpid())
        plan = plan_of(fast(2), "http://127.0.0.1:1", "Why?", 512)
        session = Session(engine, history=Recorder(database, HistorySettings()))
        app = _App(session, draft_of(plan), UiSettings(frame_rate=30.0), PICTURED_MODELS)
        app.engine_end = into
        album = Album(snapshot, tmp_path)
        try:
            async with app.run_test(size=size, notifications=True) as pilot:
                driver = AppDriver(app, pilot)
                os.write(into, encode_events([EngineReady(pid=1, sdk_version="1.0")]))
                await driver.until(lambda: driver.live.engine_ready)
                yield driver, album
        finally:
            engine.close()
            for fd in (kept, commands):
                os.close(fd)
        album.check()

    yield open_history
    monkeypatch.undo()
    time.tzset()


@SIZES
async def test_history(open_history: OpenHistory, size: tuple[int, int]) -> None:
    async with open_history(size) as (s, album):
        await s.press("alt+y")
        await s.until(lambda: isinstance(s.app.screen, HistoryScreen))
        runs = s.app.screen.query_one(RunsList)
        await s.until(lambda: runs.current_row is not None)
        runs.mark(4)
        await s.until_shown("Run 7 ·")
        await s.until_shown("7 runs, latest first")
        await s.pilot.pause()
        album.add("screen", s.app)
        if size == WIDE:
            await s.press("slash", *"why since:soon")
            await s.until_shown("give a day such as")
            await s.pilot.pause()
            album.add("mistake", s.app, s.app.screen.query_one(".hint"))


@SIZES
async def test_replay(open_history: OpenHistory, size: tuple[int, int]) -> None:
    async with open_history(size) as (s, album):
        run = stored("Why is the sky blue?", "claude-haiku-5-5", "claude-opus-5-5", ttft_ms=3_600_000)
        run.requests[1].pieces[0] = (Kind.THINKING, "Scattering. ")
        run.requests[1].timeline.thinking_pieces = 1
        run.requests[1].timeline.first_text_ns = run.requests[1].timeline.content_ns[1]
        run.number = 12
        s.app.dispatcher.history.replay(run)
        await s.until(lambda: isinstance(s.app.screen, ReplayScreen))
        # Both requests were sent at its first moment: the next two steps are the beginnings of the answers.
        await s.until_shown("waiting")
        await s.press("space")
        await s.until_shown("paused")
        await s.press("full_stop", "full_stop")
        await s.until_shown("Scattering.")
        if s.app.size == WIDE:
            await s.until_shown("4000 s")
        await s.pilot.pause()
        album.add("screen", s.app)
