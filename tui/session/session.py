"""Session: the engine, the simulator, the history and the live state of one start of the program. No Textual."""

import asyncio
import subprocess
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

import tui
from tui.config.known_models import load_models
from tui.core.engine_events import EngineFailed
from tui.core.events import EngineReady, Event, RunEnded, RunStarted
from tui.core.load import LoadEnding
from tui.core.model import KnownModel
from tui.core.objectives import Objective
from tui.core.plan import Plan, RequestSpec
from tui.core.record import RequestRecord
from tui.core.run import StoredRun, known_at_end, new_run
from tui.core.series import Ending, Repeat, Series, SeriesSettings
from tui.core.snapshot import Snapshot
from tui.core.sweep import RUNS
from tui.session.conversation import ConversationPlayer, asked_at_most, is_played
from tui.session.live import Lane, LiveState
from tui.session.preview import Preview
from tui.session.snapshots import PINNED, Snapshots
from tui.simulator.process import SimulatorProcess

if TYPE_CHECKING:
    from tui.history.record_file import RecordFile
    from tui.history.recorder import Recorder
    from tui.session.intake import Children, Intake
    from tui.session.series import SeriesRunner


class Session:
    """Starts runs, cancels them, and feeds what the engine reports to the history, the record file and the live state.

    It asks what it is given: every run, series and warming comes with its plan. `on_change` is called after every batch
    of events; `on_ended`, `on_run_over`, `on_series_over` with what is over; `on_problem` with a sentence on what went
    wrong and belongs to no lane; `on_interrupted` at the start with how many requests an earlier one left in flight.
    """

    def __init__(
        self,
        engine: "subprocess.Popen[bytes] | None" = None,
        simulator: SimulatorProcess | None = None,
        record: "RecordFile | None" = None,
        history: "Recorder | None" = None,
        models: Sequence[KnownModel] | None = None,
        objectives: tuple[Objective, ...] = (),
    ) -> None:
        """For `engine` and `simulator` see `Children`. Without `models` those of `models.toml` are known."""
        known = load_models() if models is None else models
        self.live = LiveState({model.id: model for model in known}, objectives)
        self.on_change: Callable[[], None] = lambda: None
        self.on_problem: Callable[[str], None] = lambda _sentence: None
        self.on_ended: Callable[[RequestRecord], None] = lambda _record: None
        self.on_run_over: Callable[[StoredRun], None] = lambda _run: None
        self.on_interrupted: Callable[[int], None] = lambda _requests: None
        self.on_series_over: Callable[[Series], None] = lambda _series: None
        self.on_error: Callable[[Exception], None] = _unexpected
        """Called with what any of these raised; delivery goes on."""
        self.engine_failures = 0
        self.open_history: Callable[[], Recorder | None] = lambda: history
        """Makes the history when it is first needed."""
        self.snapshots = Snapshots(self.live, lambda: getattr(self.recorder, "path", None), self._say)
        self._engine, self._simulator, self._record = engine, simulator, record
        self._run_id = self._latest_id = 0
        self._run_over = asyncio.Event()
        self._run_over.set()
        self._player: ConversationPlayer | None = None
        self.series: SeriesRunner | None = None
        """The series under way."""
        self.latest: StoredRun | None = None
        """The latest run, its requests as they stand."""
        self.run_uids: list[str] = []
        """Uids of the session's runs. An outcome's `run` counts them from 1."""
        self.preview = Preview(self.live, known, lambda command: self.children.engines.ask_aside(command))
        self.preview.on_change, self.preview.on_problem = self._changed, self._say

    @cached_property
    def recorder(self) -> "Recorder | None":
        """The history; None where none is kept."""
        return self.open_history()

    @cached_property
    def _intake(self) -> "Intake":
        # Imported once it is needed: it brings a sixth of all modules, and the first picture would wait for them.
        from tui.session.intake import Intake

        return Intake(self, self._engine, self._simulator, self._record, self._deliver, self._changed, self._say)

    @property
    def children(self) -> "Children":
        """The engines and the simulator."""
        return self._intake.children

    async def connect(self) -> None:
        """Start engine and simulator, and open the history. Raises ChildError."""
        await self._intake.connect(lambda requests: _tell(self, self.on_interrupted, requests))

    def show(self, plan: Plan) -> None:
        """Show the lanes that `plan` would ask next, unless something is under way: that keeps its lanes to its end."""
        if not self.live.busy:
            self.live.set_targets(plan.lanes)
        self.children.engines.expect(plan.hosts, plan.endpoints)
        self.preview.expect(plan)

    def run(self, plan: Plan, repeat: Repeat | None = None) -> bool:
        """Fire what `plan` asks, all turns of a conversation; as `repeat` says, if it is part of a series.

        A series goes through the rows of the variables; a single run and a sweep take the row in use. False if nothing
        was sent, for the budget's sake. Nothing may be in flight. Raises KeyError for a variable without a value.
        """
        sent = plan.of_run(None if repeat is None or repeat.sweep else repeat.number - 1).racing()
        if not self.preview.may_send(plan.budget, self.preview.paid(sent, repeat), repeat.concurrency if repeat else 1):
            return False
        self.live.set_targets(sent.targets)
        self._player = ConversationPlayer(sent, repeat) if is_played(sent, repeat) else None
        self._begin(sent, repeat, self.live.start(sent, repeat))
        return True

    def _begin(self, sent: Plan, repeat: Repeat | None, requests: tuple[RequestSpec, ...]) -> None:
        live, uid = self.live, self._player.uid if self._player else None
        info = new_run(tui.__version__, live.sdk_version, repeat, uid, live.turn)
        in_lanes_order = sorted(self.live.records, key=lambda record: record.spec.request_id)
        self.latest = StoredRun(info=info, plan=sent, requests=in_lanes_order)
        self.run_uids.append(info.uid)
        self._latest_id = self._run_id + 1
        if self.recorder is not None:
            self.recorder.begin(self._latest_id, info, sent, in_lanes_order)
        self.children.engines.expect(sent.hosts, sent.endpoints)
        at_once = repeat.concurrency if repeat is not None and repeat.in_turn else None
        self.fire(lambda number: self.children.engines.start_run(number, requests, at_once))

    def warm(self, plan: Plan) -> None:
        """Put the plan's prompt into the cache of every target that caches it. No run: the history does not keep it."""
        sent = plan.of_run()
        if not self.preview.may_send(plan.budget, sent.warming_requests(0)):
            return
        self.live.set_targets(sent.targets)
        requests = self.live.start_warming(sent)
        if requests:
            self.fire(lambda number: self.children.engines.start_run(number, requests))
        else:
            self._say("No target caches its prompt: set the parameter cache and try again.")

    def fire(self, begin: Callable[[int], None]) -> None:
        """Let `begin` send what is to be measured, under the number that it is called with."""
        self.children.launch_simulator()
        self._run_id += 1
        self._run_over.clear()
        self.preview.run_starts()
        begin(self._run_id)

    async def rerun(self, plan: Plan) -> None:
        """Cancel the run or series in flight, wait for its end, and run `plan`."""
        self.cancel_all()
        await self.run_over()
        if self.series is not None:
            await self.series.over()
        self.run(plan)

    async def run_over(self) -> None:
        """Wait until no run is in flight."""
        await self._run_over.wait()

    def cancel_all(self) -> None:
        """Cancel everything in flight, and the series or load it belongs to."""
        self._player = None
        if self.series is not None:
            self.series.cancel()
        if self.live.load is not None and self.live.load.ending is None:
            self.children.engines.end_load(LoadEnding.CANCELLED)
        self._intake.cancel(self.live.in_flight())

    def cancel(self, lane: Lane) -> None:
        """Cancel one lane's request."""
        if lane.record is not None and lane.state.in_flight:
            self._intake.cancel((lane.record.spec.request_id,))

    def start_series(self, plan: Plan, settings: SeriesSettings) -> None:
        """Run `plan` again and again as the settings say, if the budget allows. Nothing may be in flight."""
        from tui.session.series import new_series

        lanes, specs = len(self._show_lanes(plan)), asked_at_most(plan.of_run())
        series = new_series(settings, lanes, each=-(-len(specs) // lanes))
        self._start(plan, series, self.preview.paid(plan.of_run()))

    def start_sweep(self, plan: Plan, settings: SeriesSettings) -> None:
        """Run `plan` with prompts and answers of other lengths, for the fits of the lanes; see `core.sweep`."""
        from tui.session.series import new_series, sweep_around

        specs, cap = self._show_lanes(plan), settings.max_usd
        sweep = sweep_around(specs, self.live, lambda asked: self.preview.pays_for(plan.budget, asked, cap))
        settings = msgspec.structs.replace(settings, repeats=RUNS, warm_ups=1, concurrency=1, until_sure=None)
        self._start(plan, new_series(settings, len(specs), sweep), specs)

    def _show_lanes(self, plan: Plan) -> tuple[RequestSpec, ...]:
        """Show the lanes of `plan`, which "until sure" compares; returns a request for each."""
        self.live.set_targets(plan.lanes)
        return plan.of_run().requests(0)

    def _start(self, plan: Plan, series: Series, specs: Sequence[RequestSpec]) -> None:
        """Begin the series, whose plan asks `specs`."""
        from tui.session.series import SeriesRunner

        async def run_to_end(repeat: Repeat) -> bool:
            return self.run(plan, repeat) and await self._run_over.wait()

        def over() -> None:
            self._changed()
            _tell(self, self.on_series_over, series)

        self.series = SeriesRunner(self.live, series, run_to_end, over)
        if not self.preview.may_send(plan.budget, *series.at_most(specs), series_usd=series.settings.max_usd):
            series.end(Ending.COST)
        self.series.start()

    async def pin(self, name: str = PINNED) -> Snapshot | None:
        """Keep the present results as a snapshot, and compare with it from now on; None if nothing was measured."""
        if (snapshot := await self.snapshots.take(name, self.run_uids)) is not None:
            self.live.compare_with(snapshot)
        return snapshot

    async def close(self) -> None:
        """Cancel what is in flight, record how it ended, and end the children."""
        self._player = None
        if self.series is not None:
            self.series.cancel()
        await self._intake.close()
        self.preview.stop()
        self._intake.close_rest()

    def kill(self) -> None:
        """End the children at once, without an event loop."""
        self._intake.kill()
        self._intake.close_rest()

    def _deliver(self, events: list[Event]) -> None:
        ended = self.live.settle(events)
        self.preview.learn(ended)
        if self._record is not None and (problem := self._record.write(events, ended)) is not None:
            self._say(problem)
        for event in events:
            if isinstance(event, RunStarted) and event.run_id == self._latest_id and self.latest is not None:
                self.latest.info = msgspec.structs.replace(self.latest.info, started_unix_ns=event.unix_ns)
        for record in (one for one in ended if not one.spec.warms_cache):
            _tell(self, self.on_ended, record)
        if not self.live.run_in_flight and not self._run_over.is_set():
            self._finish_run()
        if any(isinstance(event, EngineReady | RunEnded) for event in events):
            self.preview.count_soon()
        if failures := sum(isinstance(event, EngineFailed) for event in events):
            self.preview.run_starts()
            self.engine_failures += failures
        self._changed()

    def _finish_run(self) -> None:
        if self.latest is not None and self._latest_id == self._run_id:
            known = known_at_end(self.live.run_end) if self.live.run_end is not None else {}
            self.latest.info = msgspec.structs.replace(self.latest.info, sdk_version=self.live.sdk_version, **known)
            _tell(self, self.on_run_over, self.latest)
        # It may have died during this run; the next one should not wait for its start.
        self.children.launch_simulator()
        if self._player is None or not self._player.go_on(self.live, self._say, self._begin):
            self._player = None
            self._run_over.set()

    def _changed(self) -> None:
        _tell(self, self.on_change)

    def _say(self, sentence: str) -> None:
        _tell(self, self.on_problem, sentence)


def _unexpected(error: Exception) -> None:
    """Hand an exception to the event loop, which logs it."""
    asyncio.get_running_loop().call_exception_handler({"message": "A consumer of events failed", "exception": error})


def _tell(session: Session, consumer: Callable[..., None], *what: object) -> None:
    """Call a consumer of the session's events: whatever it raises, delivery goes on."""
    try:
        consumer(*what)
    except Exception as error:
        session.on_error(error)
