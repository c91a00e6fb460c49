"""What the history and a replay look like: SVG snapshots. Look at the pictures before accepting new ones."""

import os
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

import tui.ui.app
from tui.config.known_models import load_models
from tui.config.schema import HistorySettings, UiSettings
from tui.core.events import EngineReady, Kind, Status
from tui.core.run import StoredRun
from tui.engine.protocol import encode_events
from tui.history.recorder import Recorder
from tui.history.store import Store
from tui.session.session import Session
from tui.ui.app import LatencyApp
from tui.ui.screens.history import HistoryScreen
from tui.ui.screens.replay import ReplayScreen
from tui.ui.widgets.runs_list import RunsList

from .driving import SMALL, WIDE, AppDriver, draft_of, fast, plan_of
from .engine import BorrowedEngine
from .test_history import RUNS, stored

SnapCompare = Callable[..., bool]
Steps = Callable[[AppDriver], Awaitable[None]]


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
def shows(snap_compare: SnapCompare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., bool]]:
    """Compares the screen after some steps with the accepted picture."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()

    def compare(steps: Steps, size: tuple[int, int]) -> bool:
        database = tmp_path / "history.db"
        with Store(database) as store:
            for run in _runs():
                store.add(run)
        out, into = os.pipe()
        errors, kept = os.pipe()
        commands, command_in = os.pipe()
        engine = BorrowedEngine(command_in, out, errors, os.getpid())
        plan = plan_of(fast(2), "http://127.0.0.1:1", "Why?", 512)
        session = Session(engine, history=Recorder(database, HistorySettings()))
        app = _App(session, draft_of(plan), UiSettings(frame_rate=30.0), load_models())
        app.engine_end = into

        async def run_before(pilot: Pilot[None]) -> None:
            session = AppDriver(app, pilot)
            os.write(into, encode_events([EngineReady(pid=1, sdk_version="1.0")]))
            await session.until(lambda: session.live.engine_ready)
            await steps(session)

        try:
            return snap_compare(app, terminal_size=size, run_before=run_before)
        finally:
            engine.close()
            for fd in (kept, commands):
                os.close(fd)

    yield compare
    monkeypatch.undo()
    time.tzset()


async def _history(s: AppDriver) -> None:
    await s.press("alt+y")
    await s.until(lambda: isinstance(s.app.screen, HistoryScreen))
    runs = s.app.screen.query_one(RunsList)
    await s.until(lambda: runs.current_row is not None)
    runs.mark(4)
    await s.until_shown("Run 7 ·")
    await s.until_shown("7 runs, latest first")
    await s.pilot.pause()


async def _mistake(s: AppDriver) -> None:
    await _history(s)
    await s.press("slash", *"why since:soon")
    await s.until_shown("give a day such as")


async def _replay(s: AppDriver) -> None:
    run = stored("Why is the sky blue?", "claude-haiku-5-5", "claude-opus-5-5", ttft_ms=3_600_000)
    run.requests[1].pieces[0] = (Kind.THINKING, "Scattering. ")
    run.requests[1].timeline.thinking_pieces = 1
    run.requests[1].timeline.first_text_ns = run.requests[1].timeline.content_ns[1]
    run.number = 12
    s.app.replay(run)
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


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
@pytest.mark.parametrize("steps", [_history, _mistake, _replay], ids=lambda steps: steps.__name__.strip("_"))
def test_history(shows: Callable[..., bool], steps: Steps, size: tuple[int, int]) -> None:
    assert shows(steps, size)
