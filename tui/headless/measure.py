"""Runs a plan without a screen: the same session, engine and history."""

import asyncio
import contextlib
import os
import signal
import threading
import weakref
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from types import FrameType

import msgspec

from tui.config import paths
from tui.config.known_models import known_models
from tui.config.load import Loaded, build_plan, needs_simulator
from tui.config.remembered import refuse_unconfirmed
from tui.core.choice import Choice
from tui.core.interleaved import SIDES, interleaved, joined_rows, paired, sides_of
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import LazyRuns, StoredRun
from tui.core.series import Ending, Series, SeriesSettings
from tui.core.wording import counted, part_of
from tui.engine.client import spawn
from tui.engine.logins import answer_on_terminal
from tui.errors import ConfigError, ExitCode
from tui.headless.narration import Narrator
from tui.history.record_file import RecordFile
from tui.history.recorder import Recorder
from tui.history.store import Store
from tui.session.lane import Lane
from tui.session.measured import length_questions
from tui.session.session import Session
from tui.session.spending import Spending
from tui.simulator.process import SimulatorProcess

_COUNT_WITHIN_S = 20.0
_STOP_WITHIN_S = 15.0
"""Time for an orderly end after a signal."""


class MeasuringStep(StrEnum):
    """A part of a measurement."""

    SERIES = "series"
    SWEEP = "sweep"


class Measurement(msgspec.Struct, kw_only=True):
    """Outcome of a plan, be it a series, a sweep or a load."""

    runs: Sequence[StoredRun]
    """Every run, warm-up included, up to the end; of a load a run for each request. Read when they are used."""
    stopped_by: int | None
    """The signal that ended it early."""
    engine_failed: bool
    """True if an engine ended by itself meanwhile, with what was in flight."""
    is_stored: bool
    """False if results are not in the history, though they should be."""

    def status(self, verdict: ExitCode) -> int:
        """The exit status: that of a signal or a failure of ours, otherwise the verdict."""
        if self.stopped_by is not None:
            return 128 + self.stopped_by
        if self.engine_failed or (verdict == ExitCode.OK and not self.is_stored):
            return ExitCode.NOT_MEASURED
        return verdict


class MeasuredPlan(Measurement, kw_only=True):
    """Outcome of a plan that was run as a series or a sweep."""

    series: Series
    """The last one: of a series and a sweep the sweep."""
    spending: Spending
    """Costs of the session, those of judges too."""
    lanes: list[Lane]
    """The lanes with their results, in the plan's order."""
    choice: Choice | None = None
    """The choice of "until sure" by the series' rule."""
    counted: dict[Prompt, int] = {}
    """Tokens of the prompts of `tui.session.measured.length_questions`, as far as endpoints count."""


def measure(
    loaded: Loaded,
    settings: SeriesSettings,
    narrator: Narrator,
    *,
    ask_all: bool = False,
    record: Path | None = None,
    on_ended: Callable[[RequestRecord], None] = lambda _record: None,
    count_parts: bool = False,
    against: Loaded | None = None,
    steps: Sequence[MeasuringStep] = (MeasuringStep.SERIES,),
) -> MeasuredPlan:
    """Run the plan as a series, or as `steps` say, of all variants of its prompt with `ask_all`; afterwards, with
    `count_parts`, have the parts of the prompts counted. With `against`, the plan of that is asked in turn with it. A
    sweep says first what it may cost.

    A signal ends it in order, with what is finished; the second one at once. Raises ConfigError before anything is
    started, and what `on_ended` raised, after the measurement was ended because of it.
    """
    session, plan = prepared(loaded, narrator, ask_all=ask_all, record=record, against=against)

    def ended(request: RequestRecord) -> None:
        narrator.ended(request)
        on_ended(request)

    session.on_ended = ended
    try:
        return asyncio.run(_measure(session, plan, settings, narrator, steps, count_parts=count_parts))
    finally:
        session.kill()


def prepared(
    loaded: Loaded,
    narrator: Narrator,
    *,
    ask_all: bool = False,
    record: Path | None = None,
    against: Loaded | None = None,
) -> tuple[Session, Plan]:
    """A session that measures the plan, and the plan; nothing is sent yet. Raises ConfigError."""
    for each in (loaded,) if against is None else (against, loaded):
        refuse_unconfirmed(each, os.environ)
        for ignored in each.ignored:
            narrator.problem(str(ignored))
    config = loaded.settings
    record_file = RecordFile(record) if record is not None else None
    # A plan is made first without a simulator's URL, so that a bad one leaves no process behind.
    if (problem := _plan_of(loaded, against, "http://127.0.0.1", ask_all=ask_all).problem()) is not None:
        raise ConfigError(problem)
    is_simulated = any(needs_simulator(each.settings, os.environ) for each in (loaded, against or loaded))
    simulator = SimulatorProcess.start() if is_simulated else None
    plan = _plan_of(loaded, against, simulator.base_url if simulator is not None else None, ask_all=ask_all)
    history = Recorder(paths.history_file(), config.history) if config.history.enabled else None
    models = known_models(config.endpoints)
    session = Session(spawn(), simulator, record_file, history, models, config.objectives)
    session.on_problem = narrator.problem
    session.children.engines.logins.answer = answer_on_terminal
    return session, plan


def _plan_of(loaded: Loaded, against: Loaded | None, simulator_url: str | None, *, ask_all: bool) -> Plan:
    """The plan of the settings; with `against`, both in turn. Raises ConfigError where they have nothing in common."""
    plan = msgspec.structs.replace(build_plan(loaded.settings, os.environ, simulator_url), ask_all=ask_all)
    if against is None:
        return plan
    other = msgspec.structs.replace(build_plan(against.settings, os.environ, simulator_url), ask_all=ask_all)
    for each in (plan, other):
        if (problem := each.problem()) is not None:
            raise ConfigError(problem)
    try:
        rows = joined_rows(plan, other)
    except KeyError as error:
        raise ConfigError(f"The plans give the variable {error.args[0]} different values: give it one set.") from None
    pairs = paired(sides_of(plan), sides_of(other))
    if not pairs:
        raise ConfigError("The plans have no target of one name in common: give the targets to compare one name.")
    return interleaved(pairs, msgspec.structs.replace(plan, rows=rows), SIDES)


async def _measure(
    session: Session,
    plan: Plan,
    settings: SeriesSettings,
    narrator: Narrator,
    steps: Sequence[MeasuringStep],
    *,
    count_parts: bool,
) -> MeasuredPlan:
    runs: list[StoredRun | str] = []
    errors: list[Exception] = []

    def consumer_failed(error: Exception) -> None:
        errors.append(error)
        session.cancel_all()

    session.on_error = consumer_failed
    signals = Signals(session, narrator)
    await session.connect()
    session.on_run_over = lambda run: runs.append(held(session, run))
    for step in steps:
        if signals.stopped_by is None and not errors:
            await _step(session, plan, settings, narrator, step)
    assert session.series is not None
    counted = await _counted(session) if count_parts and signals.stopped_by is None else {}
    await session.close()
    if errors:
        raise errors[0]
    return MeasuredPlan(
        runs=readable(runs, narrator),
        spending=session.live.spending,
        series=session.series.series,
        lanes=session.live.lanes,
        stopped_by=signals.stopped_by,
        choice=session.series.choice,
        counted=counted,
        engine_failed=session.engine_failures > 0,
        is_stored=is_stored(session, narrator),
    )


def held(session: Session, run: StoredRun) -> StoredRun | str:
    """The run, or its uid where the history has it: texts and stamps of thousands would fill the memory."""
    recorder = session.recorder
    return run if recorder is None or recorder.is_behind else run.info.uid


def is_stored(session: Session, narrator: Narrator) -> bool:
    """Tell whether the history has all results, where it is to have them; if not, that is said."""
    left_out = session.recorder.left_out() if session.recorder is not None else None
    if left_out is not None:
        narrator.problem(left_out)
    return left_out is None


async def _step(
    session: Session, plan: Plan, settings: SeriesSettings, narrator: Narrator, step: MeasuringStep
) -> None:
    """Run one step to its end."""
    (session.start_series if step is MeasuringStep.SERIES else session.start_sweep)(plan, settings)
    assert session.series is not None
    series = session.series.series

    def changed() -> None:
        narrator.waiting(session.live.records)
        narrator.progress(series)

    session.on_change = changed
    if series.sweep is not None:
        narrator.note(session.preview.sweep_note(plan, series))
    narrator.progress(series)
    await session.series.over()
    narrator.end()


def catch_signals(handle: Callable[[int, FrameType | None], None]) -> None:
    """Have `handle` called for what ends a program. With nohup it outlives its terminal."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handle)


class Signals:
    """SIGINT, SIGTERM and SIGHUP: the first ends the measurement in order, the second the program at once.

    The program ends in any case, also while it writes into a pipe that nobody reads.
    """

    def __init__(self, session: Session, narrator: Narrator) -> None:
        """To be made on the running event loop."""
        self.stopped_by: int | None = None
        self._session = session
        self._narrator = narrator
        self._loop = asyncio.get_running_loop()
        catch_signals(self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.stopped_by is not None:
            os._exit(128 + number)
        self.stopped_by = number
        watchdog = threading.Timer(_STOP_WITHIN_S, os._exit, (128 + number,))
        watchdog.daemon = True
        watchdog.start()
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        self._narrator.note("Stopping: what is in flight is cancelled, what is finished is kept.")
        self._session.cancel_all()


def readable(runs: Sequence[StoredRun | str], narrator: Narrator) -> Sequence[StoredRun]:
    """The runs, those that are given by their uid from the history."""
    stored = [run for run in runs if isinstance(run, str)]
    if not stored:
        return [run for run in runs if isinstance(run, StoredRun)]
    store = Store(paths.history_file())
    known = store.known(stored)
    if lost := len(stored) - len(known):
        narrator.problem(f"No longer in the history: {counted(lost, 'run')}, which the results lack.")
        runs = [run for run in runs if isinstance(run, StoredRun) or run in known]
    found = LazyRuns(runs, lambda run: store.run(run) if isinstance(run, str) else run)
    weakref.finalize(found, store.close)
    return found


async def _counted(session: Session) -> dict[Prompt, int]:
    """Have the parts of all lanes' prompts counted; what takes too long stays an estimate."""
    preview = session.preview
    specs = [spec for lane in session.live.lanes for spec in length_questions(lane)]
    answered = asyncio.Event()
    preview.on_counted = answered.set
    preview.count_also(specs)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_COUNT_WITHIN_S):
            while preview.counting:
                answered.clear()
                await answered.wait()
    return preview.counted(specs)


def reason(series: Series) -> str | None:
    """The finding of a series, or the reason why it ended early, in one sentence; None without either."""
    if series.settings.until_sure is not None and series.verdict:
        return f"{series.verdict[0].upper()}{series.verdict[1:]}."
    if series.ending in (None, Ending.COMPLETE):
        return None
    return f"Ended after {part_of(series.done, series.total, 'run')}: {series.ending}."
