"""Trial log: the results of advice trials, as the history keeps them."""

from collections.abc import Iterable, Sequence

import msgspec

from tui.advice.trial import TrialResult, concerning, merged
from tui.core.run import StoredRun
from tui.errors import HistoryError
from tui.history.store import Store

_WHAT = "advice"
"""Name of these entries in the history."""


def note(store: Store, tried: TrialResult) -> None:
    """Add a trial's result, or again what the person decided on it. Raises HistoryError."""
    store.note_tried(_WHAT, msgspec.to_builtins(tried))


def read(store: Store) -> list[TrialResult]:
    """All trials, the latest first. Raises HistoryError."""
    try:
        found = merged(msgspec.convert(entry.data, TrialResult) for entry in store.tried() if entry.what == _WHAT)
    except msgspec.ValidationError as error:
        raise HistoryError(f"What was tried before cannot be read from the history: {error}.") from None
    # Imported trials are stored later than they were made.
    return sorted(found, key=lambda tried: -tried.begun_unix_ns)


def of_runs(store: Store, runs: Sequence[StoredRun]) -> list[TrialResult]:
    """Trials on what these runs ask, the latest first. Raises HistoryError."""
    return concerning(read(store), runs)


def take_in(store: Store, entries: Iterable[TrialResult]) -> None:
    """Add imported trials, the latest first. Those that are there already stay as they are.

    Raises HistoryError.
    """
    known = read(store)
    for entry in reversed(merged([*known, *entries])):
        if entry not in known:
            note(store, entry)
