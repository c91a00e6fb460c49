"""A simulator process for the tests of this directory, and ways to ask it."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from anthropic import AsyncAnthropic

from tui.simulator.process import SimulatorProcess

from .raw import Truth


@pytest.fixture(scope="session")
def simulator() -> Iterator[SimulatorProcess]:
    """A simulator shared by the tests that leave nothing behind in it."""
    with SimulatorProcess.start() as process:
        yield process


@pytest.fixture
async def client(simulator: SimulatorProcess) -> AsyncIterator[AsyncAnthropic]:
    """The SDK as it comes, pointed at the simulator."""
    async with AsyncAnthropic(api_key="any", base_url=simulator.base_url, max_retries=0) as sdk:
        yield sdk


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[tuple[SimulatorProcess, Truth]]:
    """A simulator of its own whose log is a pipe, so that a test can wait for the next line."""
    path = tmp_path / "truth"
    os.mkfifo(path)
    # Opened for writing too: opening must not wait for the simulator, nor reading end before it has begun.
    with Truth(os.open(path, os.O_RDWR)) as truth, SimulatorProcess.start(log=path) as process:
        yield process, truth
