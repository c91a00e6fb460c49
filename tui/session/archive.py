"""Archive of stored runs for the screen: a thread reads and writes the history, and the screen awaits it."""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tui.config.schema import HistorySettings
from tui.core.objectives import Objective
from tui.core.run import LazyRuns, RunFilter, RunRow, Sort, StoredRun
from tui.export.formats import SUFFIXES, Format, render, unused, write
from tui.history.store import Store
from tui.session import trial_log

_T = TypeVar("_T")


class Archive:
    """The stored runs. Every method raises HistoryError, one sentence, if it fails; close it when done."""

    def __init__(self, path: Path, settings: HistorySettings, objectives: Sequence[Objective] = ()) -> None:
        """`settings` say how long runs are kept, reports judge by `objectives`. Nothing is opened yet."""
        self._objectives = objectives
        self.settings = settings
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="archive")
        self._store: Store | None = None

    async def numbers(self, wanted: RunFilter, sort: Sort) -> list[int]:
        """The numbers of all runs wanted, the latest or the shortest first. The latest of a series stands for it."""
        return await self._do(lambda store: store.numbers(wanted, sort, fold=True))

    async def rows(self, numbers: Iterable[int]) -> list[RunRow]:
        """The rows of these runs and series for a list; what is gone is left out."""
        return await self._do(lambda store: store.rows(numbers, fold=True))

    async def size(self) -> tuple[int, int]:
        """Count of runs, and their size, bytes."""
        return await self._do(lambda store: (store.count(), store.bytes_used()))

    async def run(self, number: int) -> StoredRun:
        """One run with everything."""
        return await self._do(lambda store: store.run(number))

    async def with_repeats(self, number: int) -> list[StoredRun]:
        """A run, and the others of its series if it is of one, in the order of time."""
        return await self._do(lambda store: [store.run(other) for other in _numbers(store, number)])

    async def set_note(self, number: int, note: str) -> None:
        """Write a note on a run."""
        await self._do(lambda store: store.set_note(number, note))

    async def set_tags(self, number: int, tags: Iterable[str]) -> None:
        """Give a run these tags."""
        await self._do(lambda store: store.set_tags(number, tags))

    async def delete(self, number: int) -> None:
        """Delete a run for good, with all others of its series."""
        await self._do(lambda store: store.delete(_numbers(store, number)))

    async def report(self, number: int) -> str:
        """The report on a run, with all others of its series, in Markdown."""

        def report(store: Store) -> str:
            runs = LazyRuns(_numbers(store, number), store.run)
            tried = trial_log.of_runs(store, runs)
            return "".join(render(runs, Format.MARKDOWN, tried=tried, objectives=self._objectives))

        return await self._do(report)

    suffixes = SUFFIXES
    """The suffixes of exported files, in words."""

    async def export(self, number: int, name: str) -> Path:
        """Write a run, with its series, to a new file in the format of its suffix; its path. Raises UsageError."""

        def export(store: Store) -> Path:
            # Path's own raises for a user who is not there.
            path = unused(Path(os.path.expanduser(name)))  # noqa: PTH111
            runs = LazyRuns(_numbers(store, number), store.run)
            write(path, runs, tried=trial_log.of_runs(store, runs), objectives=self._objectives)
            return path

        return await self._do(export)

    async def close(self) -> None:
        """Close the history, after what is under way."""
        if self._store is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._store.close)
        self._thread.shutdown(wait=False)

    async def _do(self, work: Callable[[Store], _T]) -> _T:
        def on_thread() -> _T:
            if self._store is None:
                self._store = Store(self._path)
            return work(self._store)

        return await asyncio.get_running_loop().run_in_executor(self._thread, on_thread)


def _numbers(store: Store, number: int) -> list[int]:
    """The number of a run, and of the others of its series if it is of one, in the order of time."""
    series = store.run(number).info.series
    return [number] if series is None else store.numbers(RunFilter(series=series), reverse=True)
