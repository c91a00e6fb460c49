"""Recorder of a session: every run and result is on the disk before the screen says that it is done.

The recorder never waits for the disk. A thread of its own does, and says up to where things are safe.
"""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tui.config.schema import HistorySettings
from tui.core.events import EngineReady, Event, RequestEnded, RunEnded, RunStarted
from tui.core.plan import Plan
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, known_at_end, new_uid
from tui.history.interruption import leave_note
from tui.history.writer import Begun, Came, Ended, Item, Known, OpenRun, Writer

JOURNAL_EVERY_S = 0.2
"""Pause between two writes of what is in flight, s."""


class Recorder:
    """Writer of one session's history. It is used from one thread; its callbacks come on another."""

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
        """The run, the lane and the record of every request in flight."""
        self._runs: dict[int, OpenRun] = {}
        self._sdk_version = ""

    @property
    def sdk_version(self) -> str:
        """SDK version of the engine that was ready last; empty before any was."""
        return self._sdk_version

    def start(self) -> None:
        """Begin writing."""
        self._thread.start()

    def begin(self, run_id: int, info: RunInfo, plan: Plan, records: Sequence[RequestRecord]) -> OpenRun:
        """Record a run of `plan` that is about to be fired. `records` are its requests, in the order of the lanes.

        The caller folds the events into them. Returns what `learn` takes.
        """
        run = OpenRun(info=info, plan=plan, specs=tuple(record.spec for record in records))
        self._runs = {run_id: run}
        for lane, record in enumerate(records):
            self._open[record.spec.request_id] = (run, lane, record)
        self._hand_over([Begun(run)], urgent=True)
        return run

    def learn(self, run: OpenRun, info: RunInfo) -> None:
        """Record what else is known of a run."""
        run.info = info
        self._hand_over([Known(run)], urgent=False)

    def add(self, events: list[Event]) -> int | None:
        """Record a batch from the engine, whose content is in the records already, but not how they ended.

        Returns the ticket that `on_safe` names once the batch is stored, if it ends requests.
        """
        items: list[Item] = [Came(events)] if self._open else []
        ends = False
        for event in events:
            match event:
                case EngineReady(sdk_version=version, host=""):
                    self._sdk_version = version
                case RunStarted(run_id=run_id, unix_ns=unix_ns):
                    items += self._learn(run_id, started_unix_ns=unix_ns, sdk_version=self._sdk_version)
                case RunEnded(run_id=run_id):
                    items += self._learn(run_id, **known_at_end(event))
                    ends = True
                case RequestEnded():
                    items += self._end(event)
                    ends = True
                case _:
                    pass
        if not items:
            return None
        if ends:
            self._ticket += 1
        self._hand_over(items, urgent=ends)
        return self._ticket if ends else None

    def cut_off(self) -> None:
        """Leave a note for the next session of what is in flight: a signal ends this one."""
        if self._open:
            leave_note(self.path.parent, len(self._open))

    def close(self, within_s: float) -> bool:
        """Write what was handed over, and end. Returns True if that took at most `within_s`. May be called again."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(within_s)
        return not self._thread.is_alive()

    def left_out(self) -> str | None:
        """A sentence on results that are not in the history after `close`; None if all are."""
        if self._thread.is_alive():
            return f"The history {self.path} did not take the last results in time."
        return self._writer.left_out

    @property
    def is_behind(self) -> bool:
        """True while results that are safe elsewhere at best are missing in the history."""
        return self._writer.is_behind

    @property
    def lost(self) -> bool:
        """True if results are, after `close`, nowhere on a disk as far as is known."""
        return self._thread.is_alive() or self._writer.lost > 0

    def _end(self, end: RequestEnded) -> list[Item]:
        going = self._open.pop(end.request_id, None)
        if going is None:
            return []
        run, lane, record = going
        return [Ended(run, lane, record.ended(end))]

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
