"""Snapshots: named results, of this session in memory and of all sessions in the history; and answers judged anew."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tui.core.record import RequestRecord
from tui.core.snapshot import Snapshot, of_runs
from tui.errors import HistoryError
from tui.session.live import LiveState

if TYPE_CHECKING:
    from tui.history.store import Store

PINNED = "pinned"
"""Name of the snapshot that a key pins."""


class Snapshots:
    """Keeper of snapshots. A thread reads and writes the history."""

    def __init__(self, live: LiveState, history: Callable[[], Path | None], say: Callable[[str], None]) -> None:
        """`history` says which file has the history. Without one the snapshots last as long as the session."""
        self._live = live
        self._history = history
        self._say = say
        self._taken: dict[str, Snapshot] = {}

    async def take(self, name: str, uids: list[str]) -> Snapshot | None:
        """Take a snapshot of the present results; None without any. `uids` are those of the session's runs."""
        snapshot = self._live.snapshot(name)
        if snapshot is None:
            return None
        self._taken[name] = snapshot
        runs = sorted({run for lane in snapshot.lanes for run in lane.runs})
        await self._do(lambda store: store.save_snapshot(name, [uids[run - 1] for run in runs]))
        return snapshot

    async def overrule(self, record: RequestRecord, word: bool | None, uids: list[str], uid: str = "") -> None:
        """Let a person's `word` count for an answer, in place of what its checks said; None takes it back.

        `uids` are those of the session's runs; `uid` names the answer's run, where it is no lane's latest.
        """
        record.overruled = word
        for lane in self._live.lanes:
            run = lane.judge_anew(record)
            uid = uid or (uids[run - 1] if run else "")
        self._taken = {name: taken.judged_anew(record) for name, taken in self._taken.items()}
        if (pinned := self._live.pinned) is not None:
            self._live.compare_with(pinned.judged_anew(record))
        self._live.version += 1
        await self._do(lambda store: store.overrule(uid, record.spec.request_id, word))

    async def all(self) -> list[Snapshot]:
        """The snapshots, those of this session first."""
        found = dict(self._taken)

        def read(store: "Store") -> None:
            for stored in store.snapshots():
                if stored.name not in found:
                    runs = [store.run(uid) for uid in stored.uids]
                    found[stored.name] = of_runs(stored.name, stored.made_unix_ns, runs)

        await self._do(read)
        return list(found.values())

    async def delete(self, name: str) -> None:
        """Forget a name; the runs stay."""
        self._taken.pop(name, None)
        await self._do(lambda store: store.delete_snapshot(name))

    async def _do(self, work: "Callable[[Store], None]") -> None:
        path = self._history()
        if path is None:
            return
        from tui.history.store import Store

        def with_store() -> None:
            with Store(path) as store:
                work(store)

        try:
            await asyncio.to_thread(with_store)
        except HistoryError as error:
            self._say(str(error))
