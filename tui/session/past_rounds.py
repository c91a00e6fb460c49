"""Past rounds of what a lane asks, from the history: read by a thread of its own, when they are first asked for."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from tui.core.plan import Plan
from tui.core.rounds import Past, past_of, rounds_of
from tui.core.run import RunFilter, TargetRow
from tui.core.target import Target
from tui.errors import HistoryError
from tui.history.rows import excerpt
from tui.history.store import Store

MOST = 1_000
"""Rounds that are read, the latest."""
_FRESH_S = 60.0
"""Time for which what was read is taken to be all there is, s."""


class _LaneKey(msgspec.Struct, frozen=True):
    """The marks of rounds that are of one lane."""

    target: str
    model: str
    endpoint: str
    excerpt: str
    """The beginning of the user's turn, which is all that a list of the history has of it."""


class PastRounds:
    """The rounds of each lane that was asked for."""

    def __init__(self, path: Path | None) -> None:
        """`path` is the history; None is one that is off, with nothing in it."""
        self._path = path
        self._thread: ThreadPoolExecutor | None = None
        self._known: dict[_LaneKey, tuple[Past, float]] = {}
        self._reading: set[_LaneKey] = set()
        self.on_read: Callable[[], object] = lambda: None
        """Called on the event loop when something was read that was not known."""

    def of(self, target: Target, plan: Plan) -> Past | None:
        """The rounds of a target of `plan`, as far as they are known; they are read when that is long ago."""
        if plan.missing_endpoint() is not None:
            return None
        key = _LaneKey(target.label, target.model, plan.endpoint_of(target).name, excerpt(plan.prompt))
        known, read_s = self._known.get(key, (None, 0.0))
        if self._path is not None and key not in self._reading and (known is None or time.monotonic() > read_s):
            self._reading.add(key)
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="past rounds")
            reading = asyncio.get_running_loop().run_in_executor(self._thread, _read, self._path, key)
            reading.add_done_callback(lambda done: self._take(key, done))
        return known

    def _take(self, key: _LaneKey, done: "asyncio.Future[Past]") -> None:
        self._reading.discard(key)
        if done.cancelled():
            return
        before, found = self._known.get(key), done.result()
        is_news = before is None or before[0] != found
        # What is equal stays what it was: it is not drawn again.
        self._known[key] = (found if before is None or is_news else before[0], time.monotonic() + _FRESH_S)
        if is_news:
            self.on_read()


def _read(path: Path, key: _LaneKey) -> Past:
    if not path.exists():
        return Past()
    try:
        with Store(path) as store:
            rows = store.runs(RunFilter(model=key.model), limit=MOST, fold=True)
    except HistoryError:
        return Past()  # The recorder says what is wrong with it.
    mine = [
        msgspec.structs.replace(row, targets=tuple(one for one in row.targets if _is_of(one, key)))
        for row in rows
        if row.kind != "sweep" and row.excerpt == key.excerpt
    ]
    return past_of(rounds_of(mine).get(key.target, ()))


def _is_of(row: TargetRow, key: _LaneKey) -> bool:
    return (row.target, row.model, row.endpoint) == (key.target, key.model, key.endpoint)
