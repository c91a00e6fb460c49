"""Engines and simulators that the engine's tests share."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from tui.engine.transport.socket_stream import kernel_stamping
from tui.simulator.process import SimulatorProcess

from .driver import Driver, TruthPipe, fresh


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[Driver]:
    """One engine for all tests of a module that leave it alive: its import of the SDK is what takes time."""
    driver = await fresh()
    yield driver
    await driver.close()


@pytest.fixture(scope="session", autouse=True)
def _kernel_stamping() -> Iterator[None]:
    """As in the engine's process: data that come early have stamps on a busy machine, too."""
    with kernel_stamping():
        yield


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    """One simulator for all tests of a module."""
    with SimulatorProcess.start() as process:
        yield process


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[tuple[str, TruthPipe]]:
    """The base URL of a separate simulator, and its truth log."""
    truth = TruthPipe(tmp_path / "truth")
    with SimulatorProcess.start(log=truth.path) as process:
        yield process.base_url, truth
    truth.close()


@pytest.fixture(scope="module")
def with_fault() -> Iterator[Callable[[str], str]]:
    """The base URL of a simulator with a fault, started once for each fault."""
    with ExitStack() as stack:
        running: dict[str, SimulatorProcess] = {}

        def base_url(fault: str) -> str:
            if fault not in running:
                running[fault] = stack.enter_context(SimulatorProcess.start(fault=fault))
            return running[fault].base_url

        yield base_url
