"""Child processes of a session: its engine and its simulator."""

import asyncio
import subprocess
from collections.abc import Callable

from tui.config.schema import SIMULATOR
from tui.core.events import Event
from tui.core.target import Endpoint
from tui.engine.client import EngineClient, spawn
from tui.errors import ChildError
from tui.simulator.process import SimulatorProcess

_RESTART_AFTER_S = (0.0, 1.0, 5.0)
"""Pauses before the engine is started again, by how often it failed in a row; the last one repeats."""


class Children:
    """The engine and the simulator, started when they are needed, and started again when they have ended."""

    def __init__(
        self,
        engine: "subprocess.Popen[bytes] | None",
        simulator: SimulatorProcess | None,
        on_events: Callable[[list[Event]], None],
        on_problem: Callable[[str], None],
    ) -> None:
        """Without `engine` one is spawned by `connect`, so that its imports do not hold up the first frame.

        `on_events` gets every batch that an engine reports, `on_problem` a sentence when a child cannot be started.
        """
        self._on_events = on_events
        self._on_problem = on_problem
        self._client = EngineClient(engine, on_events) if engine is not None else None
        self.simulator = simulator
        self._failures = 0
        self._restarting: asyncio.Task[None] | None = None

    @property
    def engine(self) -> EngineClient:
        """The present engine. Raises ChildError if there was none and it cannot be started."""
        if self._client is None:
            self._client = EngineClient(spawn(), self._on_events)
        return self._client

    async def connect(self) -> None:
        """Start engine and simulator, and take up the engine's pipes. Raises ChildError."""
        engine = self.engine
        self.launch_simulator()
        await engine.connect()

    def launch_simulator(self) -> None:
        """Start the simulator, if the session has one and it does not run."""
        if self.simulator is not None:
            try:
                self.simulator.launch()
            except ChildError as error:
                self._on_problem(str(error))

    def add_simulator(self) -> Endpoint:
        """Start the simulator, if the session has none yet, and return its endpoint. Raises ChildError."""
        if self.simulator is None:
            self.simulator = SimulatorProcess.start()
        return Endpoint(name=SIMULATOR, base_url=self.simulator.base_url, simulated=True)

    def engine_works(self) -> None:
        """Note that a run came to its end: a restart after this begins with the shortest pause."""
        self._failures = 0

    def restart_engine(self, problem: str) -> None:
        """Start another engine instead of the one that ended, after a longer pause each time if it keeps failing."""
        if self._restarting is None:
            self._on_problem(f"{problem} It is being started again.")
            self._restarting = asyncio.create_task(self._restart())

    async def stop(self) -> None:
        """End the engine in order."""
        if self._restarting is not None:
            self._restarting.cancel()
        if self._client is not None:
            await self._client.stop()

    def kill_engine(self) -> None:
        """End the engine at once, without an event loop."""
        if self._client is not None:
            self._client.kill()

    def stop_simulator(self) -> None:
        """End the simulator."""
        if self.simulator is not None:
            self.simulator.stop()

    async def _restart(self) -> None:
        process = None
        while process is None:
            await asyncio.sleep(_RESTART_AFTER_S[min(self._failures, len(_RESTART_AFTER_S) - 1)])
            self._failures += 1
            try:
                process = spawn()
            except ChildError as error:
                self._on_problem(f"{error} It is tried again.")
        self._client = EngineClient(process, self._on_events)
        self._restarting = None
        await self._client.connect()
