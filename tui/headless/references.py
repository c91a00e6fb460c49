"""What a person names runs by: numbers, `last`, snapshots, exported files."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tui.advice.trial import TrialResult
from tui.config import paths
from tui.core.run import StoredRun
from tui.core.stored import RunFilter
from tui.errors import HistoryError, UsageError
from tui.export import json_import
from tui.history.store import Store
from tui.session import trial_log

LAST = "last"


@contextlib.contextmanager
def history_if_any() -> Iterator[Store | None]:
    """The history, or None where there is none or it cannot be opened, which is said: files can be read without."""
    path = paths.history_file()
    try:
        store = Store(path) if path.exists() else None
    except HistoryError as error:
        print(f"latency-tui: {error}", file=sys.stderr)
        store = None
    try:
        yield store
    finally:
        if store is not None:
            store.close()


def runs_of(reference: str, store: Store | None) -> list[StoredRun]:
    """The runs that `reference` names; a run of a series stands for the whole series. In order of time.

    `last`, the number of a run, the name of a snapshot, or the path of a JSON export. `store` is None when there is no
    history. Raises UsageError with a sentence when it names nothing, and HistoryError.
    """
    if store is not None:
        if reference == LAST:
            latest = store.runs(limit=1)
            if not latest:
                raise UsageError("The history is empty: there is no last run.")
            return _with_series(store, latest[0].number)
        if reference.isdecimal():
            return _with_series(store, int(reference))
        for snapshot in store.snapshots():
            if snapshot.name == reference:
                return [store.run(uid) for uid in snapshot.uids]
    path = Path(reference)
    if path.exists():
        return json_import.read(path)
    raise UsageError(
        f"{reference} names no runs: give the number of a run, 'last', the name of a snapshot, or a JSON export."
    )


def ledger_of(runs: list[StoredRun]) -> list[TrialResult]:
    """What was tried on what `runs` ask, the latest first; nothing where there is no history that can be read."""
    with history_if_any() as store:
        try:
            return [] if store is None else trial_log.of_runs(store, runs)
        except HistoryError as error:
            print(f"latency-tui: {error}", file=sys.stderr)
            return []


def run_of(reference: str, store: Store | None) -> StoredRun:
    """The one run that `reference` names: as in `runs_of`, but one of a series by itself; of several the last."""
    if store is not None and reference.isdecimal():
        return store.run(int(reference))
    return runs_of(reference, store)[-1]


def _with_series(store: Store, number: int) -> list[StoredRun]:
    run = store.run(number)
    if run.info.series is None:
        return [run]
    return [store.run(other) for other in store.numbers(RunFilter(series=run.info.series), reverse=True)]


def is_simulated(runs: Sequence[StoredRun]) -> bool:
    """True when anything in `runs` was measured on the simulator."""
    return any(record.spec.endpoint.simulated for run in runs for record in run.requests)
