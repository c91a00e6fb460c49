"""Simulators that the engine's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.simulator.process import SimulatorProcess

from .driver import TruthPipe


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
