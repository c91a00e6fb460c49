"""The ledger in the history."""

from pathlib import Path

import msgspec
import pytest
from tried_samples import TRIED

from tui.errors import HistoryError
from tui.history.store import Store
from tui.session import trial_log

replace = msgspec.structs.replace


def test_the_ledger_is_the_latest_first_with_what_was_decided(tmp_path: Path) -> None:
    later = replace(TRIED, begun_unix_ns=TRIED.begun_unix_ns + 1, accepted=False)
    with Store(tmp_path / "history.db") as store:
        for entry in (later, replace(TRIED, accepted=None), TRIED):
            trial_log.note(store, entry)
        store.note_tried("something else", {})
        assert trial_log.read(store) == [later, TRIED]
        assert trial_log.of_runs(store, []) == []


def test_what_comes_from_elsewhere_is_taken_in_once(tmp_path: Path) -> None:
    with Store(tmp_path / "history.db") as store:
        trial_log.note(store, replace(TRIED, accepted=None))
        earlier = replace(TRIED, begun_unix_ns=1)
        for _ in range(2):
            trial_log.take_in(store, [TRIED, earlier])
        assert trial_log.read(store) == [TRIED, earlier]
        assert len(store.tried()) == 3


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with Store(tmp_path / "history.db") as store:
        store.note_tried("advice", {"id": 3})
        with pytest.raises(HistoryError, match="What was tried before cannot be read"):
            trial_log.read(store)
