"""Child processes of a session: its engines and its simulator."""

import subprocess
from collections.abc import Callable

from tui.config.schema import SIMULATOR
from tui.core.events import Event
from tui.core.target import Endpoint
from tui.errors import ChildError
from tui.session.engines import Engines
from tui.simulator.process import SimulatorProcess


class Children:
    """The engines and the simulator, started when they are needed, and started again when they have ended."""

    def __init__(
        self,
        engine: "subprocess.Popen[bytes] | None",
        simulator: SimulatorProcess | None,
        on_events: Callable[[list[Event]], None],
        on_problem: Callable[[str], None],
    ) -> None:
        """For `engine` see `Engines`.

        `on_events` gets every batch that engines report, `on_problem` a sentence when a child cannot be started.
        """
        self._on_problem = on_problem
        self.engines = Engines(engine, on_events, on_problem)
        self.simulator = simulator

    async def connect(self) -> None:
        """Start engines and simulator, and take up the engines' pipes. Raises ChildError."""
        _ = self.engines.here
        self.launch_simulator()
        await self.engines.connect()

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

    def stop_simulator(self) -> None:
        """End the simulator."""
        if self.simulator is not None:
            self.simulator.stop()
