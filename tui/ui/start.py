"""Start of the screen. Engine and simulator follow once it is painted: they would take the processor from it."""

import os
import sys
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tui.config import paths
from tui.config.keys import Layer
from tui.config.known_models import known_models
from tui.config.load import Loaded, build_plan, needs_simulator
from tui.config.presets import by_name, with_presets_of
from tui.config.remembered import target_list, to_be_remembered, unconfirmed
from tui.config.schema import Settings
from tui.core.plan import Plan
from tui.core.run import StoredRun
from tui.core.wording import counted
from tui.errors import ExitCode
from tui.simulator.process import SimulatorProcess

if TYPE_CHECKING:
    from tui.history.record_file import RecordFile
    from tui.history.recorder import Recorder
    from tui.session.draft import Draft
    from tui.session.draft_on_disk import DraftOnDisk
    from tui.session.session import Session
    from tui.ui.terminal import Terminal


def start(
    loaded: Loaded, *, run_at_once: bool, record: Path | None, replay: tuple[StoredRun, float] | None = None
) -> int:
    """Show the screen until the person leaves; `replay` is a run to play first, and how fast.

    Returns the exit status; raises ConfigError before anything shows.
    """
    targets = target_list(loaded)
    endpoints = with_presets_of(targets.targets, loaded.settings.endpoints)
    settings = msgspec.structs.replace(loaded.settings, targets=targets.chosen, endpoints=endpoints)
    models = known_models(settings.endpoints)
    record_file = _record_file(record) if record is not None else None
    plan, simulator = _plan_of(settings, is_demo=loaded.is_demo)

    terminal = _terminal(settings)
    from tui.session.draft import Draft
    from tui.session.session import Session
    from tui.session.target_choice import TargetChoice
    from tui.ui.app import LatencyApp
    from tui.ui.keymap import keymap_of
    from tui.ui.terminal import EndOnSignals

    keymap = keymap_of(settings.keys, str(loaded.provenance["keys.actions"]), in_browser="TEXTUAL_DRIVER" in os.environ)
    choice = TargetChoice.among(models, targets.targets, targets.disabled, at=by_name(settings))
    draft = Draft(plan, choice, settings.series)
    draft.load, draft.example = settings.load, _example(loaded)
    session = Session(None, simulator, record_file, None, models, settings.objectives)
    if settings.history.enabled:
        session.open_history = partial(_recorder, settings)
    on_disk = _on_disk(loaded, draft, session, aside=run_at_once)
    try:
        app = LatencyApp(
            session,
            draft,
            settings.ui,
            models,
            on_disk=on_disk,
            remembers_targets=to_be_remembered(loaded),
            cut_share=settings.advice.cut_share,
            run_at_once=run_at_once,
            replay=replay,
            terminal=terminal,
            keymap=keymap,
            notes=[str(one) for one in loaded.ignored],
        )
        EndOnSignals(app.leave_from_signal, lambda: _end(on_disk, session))
        app.run(mouse=terminal.takes_mouse)
    finally:
        _end(on_disk, session)
    return _farewell(on_disk, session, app.return_code or ExitCode.OK)


def _recorder(settings: Settings) -> "Recorder":
    from tui.history.recorder import Recorder

    return Recorder(paths.history_file(), settings.history)


def _record_file(path: Path) -> "RecordFile":
    from tui.history.record_file import RecordFile

    return RecordFile(path)


def _end(on_disk: "DraftOnDisk", session: "Session") -> None:
    on_disk.close()
    session.kill()


def _example(loaded: Loaded) -> str:
    """The user prompt that is shipped, where no other is set."""
    return loaded.settings.prompt.user if loaded.provenance["prompt.user"].layer is Layer.BUILT_IN else ""


def _terminal(settings: Settings) -> "Terminal":
    """The terminal, which is asked for its background while Textual is imported."""
    # Read when Textual is imported. Its timer for repaints, which is asleep while there is nothing to do, wakes up one
    # to two periods late: at its usual 60 a second a key's letter may stand back for 33 ms, at 120 for 17. How often
    # lanes are painted is the pacer's business.
    os.environ.setdefault("TEXTUAL_FPS", "240")
    from tui.ui.terminal import BackgroundQuestion, describe

    with closing(BackgroundQuestion(os.environ, settings.ui.theme)) as question:
        import tui.ui.app  # noqa: F401 - takes long, and is needed anyway

        return question.answered(describe(os.environ, settings.ui.glyphs))


def _on_disk(loaded: Loaded, draft: "Draft", session: "Session", *, aside: bool) -> "DraftOnDisk":
    """The draft on disk under these settings, with that of the last start: aside, where it is not wanted."""
    from tui.session.draft_on_disk import DraftOnDisk
    from tui.session.drafts import Drafts, key_of
    from tui.session.plan_files import PlanFiles

    session.preview.unconfirmed = unconfirmed(loaded)
    files = PlanFiles(is_demo=loaded.is_demo)
    drafts = Drafts(key_of(loaded, files.contents(loaded)))
    chosen = (place.path.absolute() for place in loaded.places if place.layer is Layer.CONFIG)
    on_disk = DraftOnDisk(draft, session.live, session.preview.models, drafts, files, next(chosen, None))
    on_disk.take_up(drafts.claim(), aside=aside)
    return on_disk


def _of_runs(session: "Session") -> str:
    """Sentence on the runs that were kept; empty without any."""
    count, series = len(session.run_uids), session.live.series
    if not count or session.recorder is None:
        return ""
    part = ""
    if series is not None and 0 < series.done < series.total and session.live.series_over:
        part = f" {series.done} of {series.total} of the last series among them;"
    return f"{counted(count, 'run')} kept in the history,{part} latency-tui replay last plays the latest again."


def _farewell(on_disk: "DraftOnDisk", session: "Session", status: int) -> int:
    """Say what was kept and what was not, now that the screen is gone; the exit status, which also tells of a loss."""
    history = session.recorder
    left_out = history.left_out() if history is not None else None
    # A terminal that has gone takes nothing.
    with suppress(OSError):
        for sentence in filter(None, (on_disk.farewell(), left_out or _of_runs(session))):
            print(f"latency-tui: {sentence}", file=sys.stderr, flush=True)  # noqa: T201
    is_lost = history is not None and left_out is not None and history.lost
    return status or (ExitCode.NOT_MEASURED if is_lost else status)


def _plan_of(settings: Settings, *, is_demo: bool) -> tuple[Plan, SimulatorProcess | None]:
    """The plan that the settings make, and the simulator if a target needs it."""
    # A plan is made first without a simulator's URL, so that a bad one leaves no process behind.
    build_plan(settings, os.environ, simulator_url="http://127.0.0.1")
    simulator = SimulatorProcess() if needs_simulator(settings, os.environ) else None
    plan = build_plan(settings, os.environ, simulator.base_url if simulator is not None else None)
    if is_demo:
        # Nor may a target be moved to a real server there.
        simulated = tuple(endpoint for endpoint in plan.endpoints if endpoint.simulated)
        plan = msgspec.structs.replace(plan, endpoints=simulated)
    return plan, simulator
