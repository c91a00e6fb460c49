"""An engine and a simulator with a known schedule, for all tests here."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from engine.driver import Driver, TruthPipe, fresh

from tui.simulator.process import SimulatorProcess


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def measuring() -> AsyncIterator[Driver]:
    """One engine, without proxies in its environment."""
    driver = await fresh()
    yield driver
    await driver.close()


class Origin:
    """The simulator, which logs when it sent what."""

    def __init__(self, process: SimulatorProcess, truth: TruthPipe) -> None:
        self.truth = truth
        self.base_url = process.base_url
        self.port = urlsplit(process.base_url).port or 0


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    """One simulator, with its truth log."""
    truth = TruthPipe(tmp_path_factory.mktemp("truth") / "log")
    with SimulatorProcess.start(log=truth.path) as process:
        yield Origin(process, truth)
    truth.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory for a server's files."""
    made = tmp_path / "server"
    made.mkdir()
    return made
