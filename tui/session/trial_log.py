"""The ledger of what was tried, as the history keeps it."""

from collections.abc import Iterable, Sequence

import msgspec

from tui.advice.trial import TrialResult, concerning, merged
from tui.core.run import StoredRun
from tui.errors import HistoryError
from tui.history.store import Store

_WHAT = "advice"
"""What these entries are called in the history."""


def note(store: Store, tried: TrialResult) -> None:
    """Enter what was tried, and again what was decided on it. Raises HistoryError."""
    store.note_tried(_WHAT, msgspec.to_builtins(tried))


def read(store: Store) -> list[TrialResult]:
    """Everything that was tried, the latest first. Raises HistoryError."""
    try:
        found = merged(msgspec.convert(entry.data, TrialResult) for entry in store.tried() if entry.what == _WHAT)
    except msgspec.ValidationError as error:
        raise HistoryError(f"What was tried before cannot be read from the history: {error}.") from None
    # What was taken in from elsewhere stands among the rest.
    return sorted(found, key=lambda tried: -tried.begun_unix_ns)


def of_runs(store: Store, runs: Sequence[StoredRun]) -> list[TrialResult]:
    """What was tried on what these runs ask, the latest first. Raises HistoryError."""
    return concerning(read(store), runs)


def take_in(store: Store, entries: Iterable[TrialResult]) -> None:
    """Enter what came from elsewhere, the latest first, as an import does. What is there already is left.

    Raises HistoryError.
    """
    known = read(store)
    for entry in reversed(merged([*known, *entries])):
        if entry not in known:
            note(store, entry)
