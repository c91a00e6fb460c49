"""Arguments that several commands take: numbers, files to write, and names of runs.

Runs are named by number, by `last`, by the name of a snapshot, or by an exported file.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from tui.advice.trial import TrialResult
from tui.config import paths
from tui.config.load import Flags, Loaded, build_plan, load, needs_simulator
from tui.config.remembered import refuse_unconfirmed
from tui.core.run import LazyRuns, RunFilter, StoredRun
from tui.core.target import Endpoint, TimeoutOverrides, Timeouts
from tui.errors import HistoryError, UsageError
from tui.export import json_format
from tui.headless.prompt_source import STANDARD_INPUT, add_asked_options, add_server_options, prompt_of
from tui.history.store import Store
from tui.session import trial_log
from tui.simulator.process import SimulatorProcess
from tui.streams import print_utf8

LAST = "last"


def add_target_options(parser: argparse.ArgumentParser, *, takes_plan: bool) -> None:
    """Options that say what is asked: a plan or configuration file, a prompt, models, a server, the simulator."""
    if takes_plan:
        parser.add_argument(
            "plan", nargs="?", metavar="PLAN.toml", help="a plan file; - reads the prompt from standard input"
        )
        parser.add_argument("--prompt", metavar="TEXT", help="the user prompt; - reads it from standard input")
        add_asked_options(parser)
    add_server_options(parser)


def load_from(options: argparse.Namespace) -> Loaded:
    """The configuration under the options of `add_target_options`. Raises UsageError for some that contradict."""
    if not hasattr(options, "plan"):
        asked = Flags()
    else:
        _settle(options)
        asked = Flags(
            prompt=options.prompt, models=tuple(options.model), system=options.system, max_tokens=options.max_tokens
        )
    flags = msgspec.structs.replace(
        asked, base_url=options.base_url, api_key_env=options.api_key_env, config=options.config, demo=options.demo
    )
    return load(flags, os.environ, Path.cwd())


def _settle(options: argparse.Namespace) -> None:
    """Put the plan that was named into `config`, and the prompt itself into `prompt`: standard input is read once."""
    plan, given = options.plan, options.prompt
    if plan == STANDARD_INPUT:
        if given is not None:
            raise UsageError("- and --prompt were both given; give one of them.")
        plan, given = None, STANDARD_INPUT
    if plan is not None:
        if options.config is not None:
            raise UsageError(f"{plan} and --config were both given; give one of them.")
        if not plan.endswith(".toml") and not Path(plan).exists():
            raise UsageError(
                f"There is no plan file {plan}. A prompt is given with --prompt, or as - on standard input."
            )
        options.config = Path(plan)
    options.prompt = prompt_of(given, options.file, "--prompt")
    options.plan = options.file = None


def print_json(value: object) -> None:
    """Write a value to standard output."""
    print_utf8([json_format.visible(msgspec.json.format(msgspec.json.encode(value)).decode()), "\n"])


@contextlib.contextmanager
def endpoints_of(loaded: Loaded) -> Iterator[tuple[Endpoint, ...]]:
    """The endpoints of all targets, each once and with all its timeouts; the simulator runs meanwhile if it is one.

    Raises ConfigError for one that the person has not confirmed.
    """
    refuse_unconfirmed(loaded, os.environ)
    settings = loaded.settings
    simulator = SimulatorProcess.start() if needs_simulator(settings, os.environ) else None
    try:
        plan = build_plan(settings, os.environ, simulator.base_url if simulator is not None else None)
        asked = {endpoint.name: endpoint for endpoint in map(plan.endpoint_of, plan.targets)}
        yield tuple(
            msgspec.structs.replace(one, timeouts=_all_of(one.timeouts.over(plan.timeouts))) for one in asked.values()
        )
    finally:
        if simulator is not None:
            simulator.stop()


def _all_of(timeouts: Timeouts) -> TimeoutOverrides:
    return TimeoutOverrides(**msgspec.structs.asdict(timeouts))


def refuse_outputs(given: Mapping[str, str | None]) -> None:
    """Refuse files that cannot be written before anything is paid for: `given` by option, - standard output.

    Raises UsageError.
    """
    *some, last = given
    if list(given.values()).count("-") > 1:
        raise UsageError(f"Only one of {', '.join(some)} and {last} can go to standard output.")
    for name in given.values():
        if name not in (None, "-") and not os.access(Path(str(name)).absolute().parent, os.W_OK):
            raise UsageError(f"{name} cannot be written: its directory is not there or not writable; choose another.")


def written(status: int, write: Callable[[], None]) -> int:
    """The exit status of a measurement after `write` has written its files.

    The measurement was paid for: its verdict counts more than a full disk or a collector that is away.
    """
    try:
        write()
    except UsageError as problem:
        print(f"latency-tui: {problem}", file=sys.stderr)
        return status or problem.exit_code
    return status


@contextlib.contextmanager
def history_if_any() -> Iterator[Store | None]:
    """The history; None where there is none, or where it cannot be opened, which goes to stderr. Files need none."""
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


def runs_of(reference: str, store: Store | None) -> Sequence[StoredRun]:
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
                return LazyRuns(snapshot.uids, store.run)
    path = Path(reference)
    if path.exists():
        return json_format.read(path).runs
    raise UsageError(
        f"{reference} names no runs: give the number of a run, 'last', the name of a snapshot, or a JSON export."
    )


def ledger_of(runs: Sequence[StoredRun]) -> list[TrialResult]:
    """Trials on what `runs` ask, the latest first; nothing where there is no history that can be read."""
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


def _with_series(store: Store, number: int) -> Sequence[StoredRun]:
    run = store.run(number)
    if run.info.series is None:
        return [run]
    return LazyRuns(store.numbers(RunFilter(series=run.info.series), reverse=True), store.run)
