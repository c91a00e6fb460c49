"""The sitting: holds the engine, the simulator, the record file and the board together. No Textual."""

import asyncio
import contextlib
import secrets
import subprocess
import time
from collections.abc import Callable
from typing import Protocol

import msgspec

import tui
from tui.core.events import Event, RunEnded, RunStarted
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, StoredRun, new_uid
from tui.core.series import Repeat, Series, SeriesSettings
from tui.core.target import Target
from tui.engine.client import EngineClient, spawn
from tui.history.record_file import RecordFile
from tui.history.recorder import Recorder
from tui.sitting.board import Board, Lane
from tui.sitting.keeper import Keeper
from tui.sitting.series import SeriesRunner

_LAST_WRITES_S = 1.0
"""How long the history may take to write what is left when the program is ended at once."""

_RESTART_AFTER_S = (0.0, 1.0, 5.0)
"""Pauses before the engine is started again, by how often it failed in a row; the last one repeats."""


class Simulator(Protocol):
    """The simulator's process."""

    def stop(self) -> None:
        """End it."""


class Session:
    """Starts runs, cancels them, and feeds what the engine reports to the history, the record file and the board.

    `on_change` is called after every batch of events; `on_ended` with every request that is over, `on_run_over` with
    every run; `on_problem` with a sentence when something went wrong that belongs to no lane.
    """

    def __init__(
        self,
        plan: Plan,
        engine: "subprocess.Popen[bytes] | None",
        simulator: Simulator | None,
        record: RecordFile | None,
        history: Recorder | None = None,
    ) -> None:
        """With `engine` None one is spawned by `connect`, so that its imports do not hold up the first frame."""
        self.plan = plan
        self.board = Board()
        self.board.set_targets(plan.targets)
        self.on_change: Callable[[], None] = lambda: None
        self.on_problem: Callable[[str], None] = lambda _sentence: None
        self.on_ended: Callable[[RequestRecord], None] = lambda _record: None
        self.on_run_over: Callable[[StoredRun], None] = lambda _run: None
        self._keeper = Keeper(history, self._deliver, lambda sentence: self.on_problem(sentence)) if history else None
        self._client = EngineClient(engine, self._take) if engine is not None else None
        self._simulator = simulator
        self._record = record
        self._run_id = 0
        self._failures = 0
        self._restarting: asyncio.Task[None] | None = None
        self._run_over = asyncio.Event()
        self._run_over.set()
        self.series: SeriesRunner | None = None
        """The series under way."""
        self.latest: StoredRun | None = None
        """The latest run, its requests as they stand."""
        self.run_uids: list[str] = []
        """Of every run of the sitting: `Outcome.run` counts them from 1."""

    @property
    def simulated(self) -> bool:
        """True if any chosen target is asked at the simulator."""
        return any(self.plan.endpoint_of(target).simulated for target in self.plan.targets)

    @property
    def engine_pid(self) -> int:
        """Process id of the engine, for messages and tests."""
        return self._engine.pid

    @property
    def _engine(self) -> EngineClient:
        if self._client is None:
            self._client = EngineClient(spawn(), self._take)
        return self._client

    async def connect(self) -> None:
        """Start the engine, if that has not been done, take up its pipes, and open the history."""
        if self._keeper is not None:
            self._keeper.start()
        await self._engine.connect()

    def choose(self, targets: tuple[Target, ...]) -> None:
        """Ask these targets from the next run on. A choice during a run is shown when the run is over."""
        self.plan = msgspec.structs.replace(self.plan, targets=targets)
        if not self.board.busy:
            self.board.set_targets(targets)

    def run(self, prompt: Prompt, parameters: Parameters, repeat: Repeat | None = None) -> None:
        """Fire `prompt` at all chosen targets; as `repeat` says, if it is one run of a series.

        Nothing may be in flight.
        """
        self.plan = msgspec.structs.replace(self.plan, prompt=prompt, parameters=parameters)
        self.board.set_targets(self.plan.targets)
        self._run_id += 1
        self._run_over.clear()
        requests = self.board.start(self.plan, repeat)
        info = _info(self.board.sdk_version, repeat)
        in_lanes_order = sorted(self.board.records, key=lambda record: record.spec.request_id)
        self.latest = StoredRun(info=info, plan=self.plan, requests=in_lanes_order)
        self.run_uids.append(info.uid)
        if self._keeper is not None:
            self._keeper.begin(self._run_id, info, self.plan, requests)
        at_once = repeat.concurrency if repeat is not None and repeat.in_turn else None
        self._engine.start_run(self._run_id, requests, at_once)

    async def rerun(self, prompt: Prompt, parameters: Parameters) -> None:
        """Cancel the run or series in flight, wait for its end, and run again."""
        self.cancel_all()
        await self.run_over()
        if self.series is not None:
            await self.series.over()
        self.run(prompt, parameters)

    async def run_over(self) -> None:
        """Wait until no run is in flight."""
        await self._run_over.wait()

    def cancel_all(self) -> None:
        """Cancel everything in flight, and the series it belongs to."""
        if self.series is not None:
            self.series.cancel()
        if request_ids := self.board.in_flight():
            self._engine.cancel(request_ids)

    def cancel(self, lane: Lane) -> None:
        """Cancel one lane's request."""
        if lane.record is not None and lane.state.in_flight:
            self._engine.cancel((lane.record.spec.request_id,))

    def start_series(self, prompt: Prompt, parameters: Parameters, settings: SeriesSettings) -> None:
        """Run the plan again and again as the settings say. Nothing may be in flight."""
        series = Series(settings, new_uid(time.time_ns()), len(self.plan.targets), secrets.randbelow(2**31))
        self.series = SeriesRunner(self, series, prompt, parameters, lambda: self.on_change())
        self.series.start()

    def clear(self) -> None:
        """Empty the lanes and the history of this sitting."""
        self.board.clear()

    async def close(self) -> None:
        """Cancel what is in flight, take in how it ended, and end the children."""
        if self._restarting is not None:
            self._restarting.cancel()
        if self.series is not None:
            self.series.cancel()
        if self._client is not None:
            await self._client.stop()
        if self._keeper is not None:
            await self._keeper.close()
        self._close_rest()

    def kill(self) -> None:
        """End the children at once, without an event loop."""
        if self._client is not None:
            self._client.kill()
        if self._keeper is not None:
            self._keeper.close_at_once(_LAST_WRITES_S)
        self._close_rest()

    def _close_rest(self) -> None:
        if self._simulator is not None:
            self._simulator.stop()
        if self._record is not None:
            self._record.close()
            self._record = None

    def _take(self, events: list[Event]) -> None:
        """What the engine reports goes by way of the history, so that a lane says done of what is stored."""
        if self._keeper is not None:
            self._keeper.take(events)
        else:
            self._deliver(events)

    def _deliver(self, events: list[Event]) -> None:
        ended = self.board.apply(events)
        if self._record is not None:
            try:
                self._record.write_events(events)
                for record in ended:
                    self._record.write_result(record)
            except OSError as error:
                path = self._record.path
                with contextlib.suppress(OSError):
                    self._record.close()
                self._record = None
                self.on_problem(f"The record file {path} cannot be written ({error.strerror}); recording has stopped.")
        for event in events:
            if isinstance(event, RunStarted) and event.run_id == self._run_id and self.latest is not None:
                self.latest.info = msgspec.structs.replace(self.latest.info, started_unix_ns=event.unix_ns)
        for record in ended:
            self.on_ended(record)
        if any(isinstance(event, RunEnded) for event in events):
            self._failures = 0
        if not self.board.run_in_flight and not self._run_over.is_set():
            self._finish_run()
        if self.board.engine_problem is not None and self._restarting is None:
            self._restarting = asyncio.create_task(self._restart())
        self.on_change()

    def _finish_run(self) -> None:
        if self.latest is not None:
            known = {"send_spread_ns": self.board.send_spread_ns, "sdk_version": self.board.sdk_version}
            self.latest.info = msgspec.structs.replace(self.latest.info, **known)
            self.on_run_over(self.latest)
        self._run_over.set()

    async def _restart(self) -> None:
        """Start another engine; ever more slowly if it keeps failing."""
        self.on_problem(f"{self.board.engine_problem} It is being started again.")
        await asyncio.sleep(_RESTART_AFTER_S[min(self._failures, len(_RESTART_AFTER_S) - 1)])
        self._failures += 1
        self._client = EngineClient(spawn(), self._take)
        self._restarting = None
        await self._engine.connect()


def _info(sdk_version: str, repeat: Repeat | None) -> RunInfo:
    """What is kept of a run that is about to be fired. The engine's `run_started` says its time more exactly."""
    now = time.time_ns()
    info = RunInfo(uid=new_uid(now), started_unix_ns=now, app_version=tui.__version__, sdk_version=sdk_version)
    if repeat is None:
        return info
    return msgspec.structs.replace(
        info,
        series=repeat.series,
        repeat=repeat.number,
        warm_up=repeat.warm_up,
        in_turn=repeat.in_turn,
        seed=repeat.seed,
    )
