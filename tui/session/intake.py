"""Intake of a session: the way of what the engines report, past the judges and the history, to the live state."""

import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.core.events import Event
from tui.history.record_file import RecordFile
from tui.history.recorder import Recorder
from tui.session.checking import CheckGate
from tui.session.commit_gate import CommitGate
from tui.session.engines import Children
from tui.session.jury import Jury
from tui.simulator.process import SimulatorProcess

if TYPE_CHECKING:
    from tui.session.session import Session

_LAST_WRITES_S = 1.0
"""Longest wait for the history when the program is ended at once, s."""


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
