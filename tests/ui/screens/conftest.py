"""Seals the tests of the screen, and shares one real engine and one real simulator among them."""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest
import thrift

from tui.core.target import Target
from tui.history.recorder import Recorder
from tui.simulator.process import SimulatorProcess

from .driving import WIDE, AppDriver, app_driver_of, plan_of
from .engine import SharedEngine


class OpenApp(Protocol):
    """Opens a session with these targets; an async context manager."""

    def __call__(
        self,
        targets: Sequence[Target],
        *,
        size: tuple[int, int] = WIDE,
        prompt: str = "Why is the sky blue?",
        max_tokens: int = 2_000,
        run_at_once: bool = False,
        history: Recorder | None = None,
        remembers_targets: bool = True,
    ) -> AbstractAsyncContextManager[AppDriver]: ...


@pytest.fixture(autouse=True)
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, empty XDG directories and an empty working directory; returns the state directory."""
    for name in list(os.environ):
        if name.startswith(("LATENCY_TUI_", "ANTHROPIC_", "XDG_", "TEXTUAL_THEME")) or name == "NO_COLOR":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for kind in ("CONFIG", "STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    # Prompts stay estimated: an answer of the counter would come into a picture, or not, as it pleases.
    monkeypatch.setattr("tui.session.preview._COUNT_AFTER_S", 1e6)
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    return tmp_path / "state"


@pytest.fixture(autouse=True)
def _thrift(monkeypatch: pytest.MonkeyPatch) -> None:
    thrift.apply(monkeypatch)


@pytest.fixture(scope="session")
def simulator() -> Iterator[SimulatorProcess]:
    """The simulator."""
    with SimulatorProcess.start(seed=1) as process:
        yield process


@pytest.fixture(scope="session")
def shared_engine() -> Iterator[SharedEngine]:
    """The engine, to be lent."""
    engine = SharedEngine()
    yield engine
    engine.close()


@pytest.fixture
def open_app(shared_engine: SharedEngine, simulator: SimulatorProcess) -> OpenApp:
    """Opens sessions on the shared engine and simulator."""

    @asynccontextmanager
    async def open_app(
        targets: Sequence[Target],
        *,
        size: tuple[int, int] = WIDE,
        prompt: str = "Why is the sky blue?",
        max_tokens: int = 2_000,
        run_at_once: bool = False,
        history: Recorder | None = None,
        remembers_targets: bool = True,
    ) -> AsyncIterator[AppDriver]:
        plan = plan_of(targets, simulator.base_url, prompt, max_tokens)
        with shared_engine.lend() as engine:
            async with app_driver_of(
                engine, plan, size=size, run_at_once=run_at_once, history=history, remembers_targets=remembers_targets
            ) as opened:
                yield opened

    return open_app
