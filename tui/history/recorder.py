"""The recorder: takes in what is fired and what comes of it, and has it on the disk before anybody says done.

It never waits for the disk itself: a thread of its own does, and says up to where things are safe.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from tui.config.schema import HistorySettings
from tui.core.events import EngineFailed, EngineReady, Event, RequestEnded, RunEnded, RunStarted
from tui.core.plan import Plan, RequestSpec
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, new_uid
from tui.history.interruption import leave_note
from tui.history.writer import Begun, Came, Ended, Item, Known, OpenRun, Writer

JOURNAL_EVERY_S = 0.2
"""What is in flight is written five times a second."""


class Recorder:
    """Records one session. To be used from one thread; its callbacks come on another."""

    def __init__(self, path: Path, settings: HistorySettings, make_writer: Callable[..., Writer] = Writer) -> None:
        """Nothing is opened before `start`."""
        self.on_safe: Callable[[int], None] = lambda _ticket: None
        """Called with the latest ticket whose results are on the disk, or as safe as they can be made."""
        self.on_problem: Callable[[str], None] = lambda _sentence: None
        """Called with a sentence when the history cannot be written, and when it can again."""
        self.on_interrupted: Callable[[int], None] = lambda _requests: None
        """Called at the start with how many requests earlier programs that died or were cut off had in flight."""
        self.path = path
        self.settings = settings
        self._writer = make_writer(path, new_uid(time.time_ns()), settings, lambda sentence: self.on_problem(sentence))
        self._writer.on_interrupted = lambda requests: self.on_interrupted(requests)
        self._thread = threading.Thread(target=self._write, name="history", daemon=True)
        self._changed = threading.Condition()
        self._items: list[Item] = []
        self._urgent = False
        self._closing = False
        self._ticket = 0
        self._open: dict[int, tuple[OpenRun, int, RequestRecord]] = {}
        """Of every request in flight its run, its lane, and what has come of it."""
        self._runs: dict[int, OpenRun] = {}
        self._sdk_version = ""

    @property
    def sdk_version(self) -> str:
        """Of the engine that was ready last; empty before any was."""
        return self._sdk_version

    def start(self) -> None:
        """Begin writing."""
        self._thread.start()

    def begin(self, run_id: int, info: RunInfo, plan: Plan, specs: tuple[RequestSpec, ...]) -> None:
        """A run of `plan` is about to be fired as `specs`, in whatever order they are asked."""
        # Ids are given in the order of the lanes.
        specs = tuple(sorted(specs, key=lambda spec: spec.request_id))
        run = OpenRun(info=info, plan=plan, specs=specs)
        self._runs = {run_id: run}
        for lane, spec in enumerate(specs):
            self._open[spec.request_id] = (run, lane, RequestRecord(spec=spec))
        self._hand_over([Begun(run)], urgent=True)

    def take(self, events: list[Event]) -> int | None:
        """Take in a batch from the engine. If it ends requests: the ticket that `on_safe` names once it is stored."""
        items: list[Item] = [Came(events)] if self._open else []
        ends = False
        for event in events:
            match event:
                case EngineReady(sdk_version=version):
                    self._sdk_version = version
                case RunStarted(run_id=run_id, unix_ns=unix_ns):
                    items += self._learn(run_id, started_unix_ns=unix_ns, sdk_version=self._sdk_version)
                case RunEnded(run_id=run_id, send_spread_ns=spread):
                    items += self._learn(run_id, send_spread_ns=spread)
                    ends = True
                case EngineFailed():
                    for request_id in list(self._open):
                        items += self._apply(request_id, event.end_of(request_id))
                    ends = True
                case _:
                    request_id = getattr(event, "request_id", -1)
                    items += self._apply(request_id, event)
                    ends = ends or isinstance(event, RequestEnded)
        if not items:
            return None
        if ends:
            self._ticket += 1
        self._hand_over(items, urgent=ends)
        return self._ticket if ends else None

    def cut_off(self) -> None:
        """A signal ends the session: have the next one told of what is in flight."""
        if self._open:
            leave_note(self.path.parent, len(self._open))

    def close(self, within_s: float) -> bool:
        """Write what was handed over and end; whether that was done in this time. May be called again."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(within_s)
        return not self._thread.is_alive()

    def _apply(self, request_id: int, event: Event) -> list[Item]:
        going = self._open.get(request_id)
        if going is None:
            return []
        run, lane, record = going
        record.apply(event)
        if not isinstance(event, RequestEnded):
            return []
        del self._open[request_id]
        return [Ended(run, lane, record)]

    def _learn(self, run_id: int, **known: object) -> list[Item]:
        run = self._runs.get(run_id)
        if run is None:
            return []
        run.info = msgspec.structs.replace(run.info, **known)
        return [Known(run)]

    def _hand_over(self, items: list[Item], *, urgent: bool) -> None:
        with self._changed:
            was_idle = not self._items
            self._items += items
            self._urgent = self._urgent or urgent
            if was_idle or urgent:
                self._changed.notify()

    # The writing thread

    def _write(self) -> None:
        self._writer.open()
        due, safe = time.monotonic(), 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._closing)
                self._changed.wait_for(lambda: self._urgent or self._closing, max(0.0, due - time.monotonic()))
                items, self._items = self._items, []
                self._urgent = False
                ticket, closing = self._ticket, self._closing
            if items:
                self._writer.commit(items)
                if ticket != safe:
                    safe = ticket
                    self.on_safe(ticket)
            due = time.monotonic() + JOURNAL_EVERY_S
            if closing and not items:
                self._writer.close()
                return
