"""Overruling: a person's word on one answer, which counts in place of what its checks said."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tui.core.record import RequestRecord
from tui.errors import HistoryError
from tui.history.store import Store
from tui.session.live import LiveState
from tui.session.snapshots import Snapshots


class Overruling:
    """Keeper of these words: in the history, and in everything that the session derives from an answer."""

    def __init__(self, live: LiveState, snapshots: Snapshots, uids: list[str], say: Callable[[str], None]) -> None:
        """`uids` are those of the session's runs. Without a history, a word lasts as long as the session."""
        self._live = live
        self._snapshots = snapshots
        self._uids = uids
        self._say = say

    async def overrule(self, record: RequestRecord, word: bool | None, uid: str | None = None) -> None:
        """Let `word` count for this answer; None takes it back. `uid` names its run, where it is no lane's latest."""
        record.overruled = word
        for lane in self._live.lanes:
            run = lane.judge_anew(record)
            uid = uid or (self._uids[run - 1] if run else None)
        self._snapshots.judge_anew(record)
        self._live.version += 1
        if (history := self._snapshots.history) is None:
            return
        try:
            if uid is None:
                raise HistoryError("The run of this answer is not known.")
            await asyncio.to_thread(_store, history, uid, record.spec.request_id, word)
        except HistoryError as error:
            self._say(f"Your word on this answer holds until the program ends. {error}")


def _store(history: Path, uid: str, request: int, word: bool | None) -> None:
    with Store(history) as store:
        store.overrule(uid, request, word)
