"""Which targets a session asks: changed at once, or when what is under way is over."""

from typing import Protocol

import msgspec

from tui.config.schema import SIMULATOR
from tui.core.plan import Plan
from tui.core.target import Endpoint, Target
from tui.session.live import LiveState
from tui.session.preview import Preview
from tui.simulator.process import SimulatorProcess


class Simulator(Protocol):
    """The simulator's process."""

    def launch(self) -> None:
        """Start it if it does not run: not yet, or not any more. Raises ChildError."""

    def stop(self) -> None:
        """End it."""


class Choosing:
    """Holds the targets of the plan; a part of the session."""

    plan: Plan
    live: LiveState
    preview: Preview
    simulator: Simulator | None
    _chosen: tuple[Target, ...] | None = None
    """The targets to ask from the next run or series on, when they were chosen while one was under way."""

    def choose(self, targets: tuple[Target, ...]) -> None:
        """Ask these targets from the next run on. A choice during a run is shown when the next one begins."""
        if self.live.busy:
            # The order of a series counts the targets it began with.
            self._chosen = targets
            return
        self._chosen = None
        self.plan = msgspec.structs.replace(self.plan, targets=targets)
        self.live.set_targets(self.plan.asked)
        self.preview.count_soon()

    def take_choice(self) -> None:
        """Ask the targets that were chosen meanwhile."""
        if self._chosen is not None:
            self.plan = msgspec.structs.replace(self.plan, targets=self._chosen)
            self._chosen = None

    def add_simulator(self) -> None:
        """Make the simulator one of the endpoints; start it, if there is none yet. Raises ChildError."""
        if all(endpoint.name != SIMULATOR for endpoint in self.plan.endpoints):
            simulator = SimulatorProcess.start()
            self.simulator = simulator
            endpoint = Endpoint(name=SIMULATOR, base_url=simulator.base_url, simulated=True)
            self.plan = msgspec.structs.replace(self.plan, endpoints=(*self.plan.endpoints, endpoint))
