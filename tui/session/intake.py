"""Intake of a session: the way of what the engines report, past the judges and the history, to the live state."""

import asyncio
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.config.schema import SIMULATOR
from tui.core.events import Event
from tui.core.target import Endpoint
from tui.errors import ChildError
from tui.history.record_file import RecordFile
from tui.history.recorder import Recorder
from tui.session.checking import CheckGate
from tui.session.engines import Engines
from tui.session.jury import Jury
from tui.simulator.process import SimulatorProcess

if TYPE_CHECKING:
    from tui.session.session import Session

_LAST_WRITES_S = 1.0
"""Longest wait for the history when the program is ended at once, s."""
WAIT_FOR_DISK_S = 2.0
"""Longest time that a result waits for the disk before it is shown all the same."""

_SLOW = "The disk is slow: results are shown before they are stored in the history."


class CommitGate:
    """Gives every batch of events to the recorder, then, in their order, to `deliver`.

    Batches wait only behind one that ends a request, and that one for its commit.
    """

    def __init__(self, recorder: Recorder, deliver: Callable[[list[Event]], None], say: Callable[[str], None]) -> None:
        self.on_interrupted: Callable[[int], None] = lambda _requests: None
        """Called with how many requests were in flight when earlier programs died."""
        self._recorder = recorder
        self._deliver = deliver
        self._say = say
        self._held: list[tuple[int, list[Event]]] = []
        """Batches in order, each with the ticket that must be safe before it is delivered."""
        self._last = self._safe = 0
        self._slow = False
        """True from the first wait in vain until the disk has caught up."""
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin recording; what the recorder says comes on the running loop."""
        loop = asyncio.get_running_loop()

        def on_loop(call: Callable[..., None], argument: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(call, argument)

        self._recorder.on_safe = lambda ticket: on_loop(self._is_safe, ticket)
        self._recorder.on_problem = lambda sentence: on_loop(self._say, sentence)
        self._recorder.on_interrupted = lambda requests: on_loop(self.on_interrupted, requests)
        self._recorder.start()

    def add(self, events: list[Event]) -> None:
        """Record a batch from the engine, and deliver it when it may be shown."""
        ticket = self._recorder.add(events)
        if ticket is not None:
            self._last = ticket
        if self._slow or (ticket is None and not self._held):
            self._deliver(events)
            return
        self._held.append((self._last, events))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WAIT_FOR_DISK_S, self._waited_in_vain)

    async def close(self, within_s: float = WAIT_FOR_DISK_S) -> None:
        """Store all batches, and deliver those that were held."""
        await asyncio.to_thread(self._recorder.close, within_s)
        self._release()

    def _is_safe(self, ticket: int) -> None:
        self._safe = max(self._safe, ticket)
        if self._safe == self._last:
            self._slow = False
        ready = [events for needed, events in self._held if needed <= self._safe]
        del self._held[: len(ready)]
        self._stop_timer()
        if self._held:
            self._timer = asyncio.get_running_loop().call_later(WAIT_FOR_DISK_S, self._waited_in_vain)
        for events in ready:
            self._deliver(events)

    def _waited_in_vain(self) -> None:
        self._slow = True
        self._say(_SLOW)
        self._release()

    def _release(self) -> None:
        self._stop_timer()
        held, self._held = self._held, []
        for _, events in held:
            self._deliver(events)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


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


class Intake:
    """Holder of the children, the judges, the history and the record file. A batch goes through them in this order."""

    def __init__(
        self,
        session: "Session",
        engine: "subprocess.Popen[bytes] | None",
        simulator: SimulatorProcess | None,
        record: RecordFile | None,
        deliver: Callable[[list[Event]], None],
        on_change: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        """For `engine` and `simulator` see `Children`. `deliver` gets every batch once it is stored; `on_change` is
        called after what of it is shown before.
        """
        self._session = session
        self._live = session.live
        self._recorder: Recorder | None = session.recorder
        self._record = record
        self._deliver = deliver
        self._on_change = on_change
        self._gate = CommitGate(self._recorder, deliver, say) if self._recorder is not None else None
        self._checks = CheckGate(lambda: session.live.records, self._feed, Jury(session))
        self.children = Children(engine, simulator, self._take, say)

    async def connect(self, on_interrupted: Callable[[int], None]) -> None:
        """Start engine and simulator, and open the history. Raises ChildError."""
        if self._gate is not None:
            self._gate.on_interrupted = on_interrupted
            self._gate.start()
        await self.children.connect()

    def cancel(self, request_ids: tuple[int, ...]) -> None:
        """Cancel these requests, and what is asked about their answers."""
        if request_ids:
            self._checks.cancel(request_ids)
            self.children.engines.cancel(request_ids)

    async def close(self) -> None:
        """End engines and judges in order, and deliver the rest."""
        await self.children.engines.stop()
        await self._checks.close()
        if self._gate is not None:
            await self._gate.close()

    def kill(self) -> None:
        """End the children at once, and store what was held back, without an event loop."""
        self.children.engines.kill()
        held = self._checks.kill()
        self._live.fold(held)
        if self._recorder is not None:
            self._recorder.add(held)
        if self._record is not None:
            self._record.write(held, self._live.settle(held))
        if self._recorder is not None:
            self._recorder.close(_LAST_WRITES_S)

    def close_rest(self) -> None:
        """End the simulator, and close the record file."""
        self.children.stop_simulator()
        if self._record is not None:
            self._record.close()

    def _take(self, events: list[Event]) -> None:
        self._checks.add(self._session.preview.answer(events))

    def _feed(self, events: list[Event]) -> None:
        """Show at once what has arrived; how requests ended is shown when the history has it."""
        self._live.fold(events)
        if self._gate is None:
            self._deliver(events)
            return
        self._gate.add(events)
        self._on_change()
