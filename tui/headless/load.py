"""`latency-tui load`: how many requests a plan's targets bear, at levels of load, without a screen."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tui.arguments import CommandParser
from tui.config.check import value_of
from tui.config.load import Loaded
from tui.config.schema import TABLES
from tui.core import load_gates, load_results
from tui.core.load import LoadEnding, LoadSettings, problem
from tui.core.load_gates import GateRuling
from tui.core.load_results import LevelSummary
from tui.core.objectives import ObjectiveState
from tui.core.plan import Plan
from tui.core.run import StoredRun
from tui.core.sanitize import clean
from tui.core.wording import SIMULATED_NOTE, aligned, counted
from tui.errors import ConfigError, ExitCode, UsageError
from tui.headless.arguments import add_target_options, load_from, refuse_outputs, written
from tui.headless.measure import Measurement, Signals, held, is_stored, prepared, readable
from tui.headless.narration import Narrator
from tui.headless.results import MARKS, write_exports
from tui.session.forecast import forecast_of_load
from tui.session.load import LoadRun, may_start, start_load
from tui.session.session import Session

if TYPE_CHECKING:
    from tui.session.cluster import Cluster

_EPILOG = """\
A race (`latency-tui run`) tells which target answers first, a load how many requests each of them bears. One target is
asked after another, at every level of the plan's [load]. What it may cost is said first.
exit codes: 0 every level was measured and the gates are met, 1 a gate is missed, 2 a plan or argument cannot be used,
3 the load ended before its last level, nothing answered, or a gate is not yet known, 130 interrupted.
"""
_OPTIONS = {name: f"--{name}" for name in ("levels", "rate", "arrivals", "seconds", "requests")}
"""Options that take the place of a key of [load]."""


class MeasuredLoad(Measurement, kw_only=True):
    """Outcome of a load; `load` is None if nothing was sent."""

    load: LoadRun | None


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    refuse_outputs({"--json": options.json, "--markdown": options.markdown})
    loaded = load_from(options)
    settings = _settings(loaded.settings.load, options)
    narrator = Narrator(quiet=options.quiet)
    measured = _measure(loaded, settings, narrator, options)
    levels = measured.load.levels if measured.load is not None else []
    rulings = _rulings(settings.fail_on, levels)
    if not options.quiet:
        out = sys.stderr if "-" in (options.json, options.markdown) else sys.stdout
        said = [*_lines(levels, measured.load), *(clean(f"{MARKS[one.state]}: {one.sentence}.") for one in rulings)]
        print("\n".join(said), file=out)
    return written(_status(measured, levels, rulings), lambda: _write_files(options, measured, loaded))


def _settings(given: LoadSettings, options: argparse.Namespace) -> LoadSettings:
    """The plan's load under the options. Raises UsageError."""
    keys = {key.name: key for key in TABLES["load"]}
    for name, option in _OPTIONS.items():
        text: str | None = getattr(options, name)
        if text is None:
            continue
        parts = text.split(",")
        raw = parts if name == "levels" or len(parts) > 1 else text
        try:
            value = value_of(keys[name], raw, is_text=True)
        except ValueError as error:
            raise UsageError(f"{option} {error}.") from None
        given = msgspec.structs.replace(given, **{name: value})
    if options.fail_on:
        if (complaint := load_gates.refuse(options.fail_on)) is not None:
            raise UsageError(f"--fail-on {complaint}.")
        given = msgspec.structs.replace(given, fail_on=(*given.fail_on, *options.fail_on))
    # What the command names takes the place of the plan's levels or rate.
    if options.levels is not None and options.rate is None:
        given = msgspec.structs.replace(given, rate=None)
    if options.rate is not None and options.levels is None:
        given = msgspec.structs.replace(given, levels=())
    return given


def _measure(loaded: Loaded, settings: LoadSettings, narrator: Narrator, options: argparse.Namespace) -> MeasuredLoad:
    with _cluster_at(options.cluster, loaded) as cluster:
        session, plan = prepared(loaded, narrator, ask_all=options.all_variants, record=options.record)
        session.on_ended = narrator.ended
        if cluster is not None:
            session.children.engines.spawn = cluster.launch
            plan = msgspec.structs.replace(plan, hosts=cluster.hosts)
            narrator.note(f"The load is sent by {counted(len(cluster.hosts), 'worker')} of the cluster.")
        try:
            if (complaint := problem(settings, plan)) is not None:
                raise ConfigError(complaint)
            return asyncio.run(_run(session, plan, settings, narrator))
        finally:
            session.kill()


@contextlib.contextmanager
def _cluster_at(address: str | None, loaded: Loaded) -> "Iterator[Cluster | None]":
    """The cluster whose workers send the load; None without an address. Raises UsageError."""
    if address is None:
        yield None
        return
    if loaded.settings.hosts:
        raise UsageError(
            "--cluster sends the load from its workers, and the plan from [[hosts]]: take one of them out."
        )
    try:
        from tui.session.cluster import Cluster
    except ModuleNotFoundError as error:
        remedy = "install it with: pip install 'latency-tui[cluster]'"
        raise UsageError(f"--cluster needs {error.name}, which is not installed; {remedy}.") from None
    cluster = Cluster(address)
    try:
        yield cluster
    finally:
        cluster.close()


async def _run(session: Session, plan: Plan, settings: LoadSettings, narrator: Narrator) -> MeasuredLoad:
    runs: dict[int, StoredRun | str] = {}

    signals = Signals(session, narrator)
    await session.connect()
    load = None
    if may_start(session, plan, settings):
        narrator.note(f"The load sends {forecast_of_load(session, plan, settings).sentence}.")
        load = start_load(session, plan, settings)
    if load is not None:

        def over(run: StoredRun) -> None:
            runs[run.info.repeat] = held(session, run)

        def changed() -> None:
            narrator.load(load.progress, (load.at, load.is_counting, load.ending), load.at / len(load.steps))

        load.on_over = over
        session.on_change = changed
        await session.run_over()
    await session.close()
    narrator.end()
    return MeasuredLoad(
        runs=readable([runs[number] for number in sorted(runs)], narrator),
        load=load,
        stopped_by=signals.stopped_by,
        engine_failed=session.engine_failures > 0,
        is_stored=is_stored(session, narrator),
    )


def _rulings(gates: Sequence[str], levels: Sequence[LevelSummary]) -> list[GateRuling]:
    """Every gate at every target."""
    of_targets = [[one for one in levels if one.target == name] for name in dict.fromkeys(one.target for one in levels)]
    return [load_gates.judge(load_gates.parse(text), of_target) for of_target in of_targets or [[]] for text in gates]


def _status(measured: MeasuredLoad, levels: Sequence[LevelSummary], rulings: Sequence[GateRuling]) -> int:
    states = [ruling.state for ruling in rulings]
    is_whole = measured.load is not None and measured.load.ending is LoadEnding.COMPLETE
    is_known = ObjectiveState.UNKNOWN not in states and any(one.answers for one in levels)
    verdict = ExitCode.OK if is_whole and is_known else ExitCode.NOT_MEASURED
    return measured.status(ExitCode.MISSED if ObjectiveState.MISSED in states else verdict)


def _lines(levels: Sequence[LevelSummary], load: LoadRun | None) -> list[str]:
    if load is None:
        return ["Nothing was sent."]
    lines = [SIMULATED_NOTE] if any(one.simulated for one in levels) else []
    rows = [
        ("target", *load_results.HEADING),
        *((clean(one.target), *map(clean, load_results.cells(one))) for one in load_results.with_hosts(levels)),
    ]
    lines += [*aligned(rows, labels=2), *(clean(f"{note}.") for note in load_results.notes(levels))]
    if load.ending is not LoadEnding.COMPLETE:
        lines.append(f"Ended at {load.steps[load.at].level.label}: {load.ending}.")
    return lines


def _write_files(options: argparse.Namespace, measured: MeasuredLoad, loaded: Loaded) -> None:
    if measured.runs:
        write_exports(options, measured.runs, objectives=loaded.settings.objectives)


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        "load",
        "Ask a plan's targets at levels of load: how many requests they bear, and what becomes of TTFT.",
        _EPILOG,
    )
    add_target_options(parser, takes_plan=True)
    parser.add_argument("--levels", metavar="N,...", help="requests in flight, level by level, such as 1,2,4,8")
    parser.add_argument("--rate", metavar="R,...", help="requests per second in place of levels, one or several")
    parser.add_argument("--arrivals", metavar="KIND", help="gaps at a rate: poisson, constant, gamma or trace")
    parser.add_argument("--seconds", metavar="S", help="counted time of every level")
    parser.add_argument("--requests", metavar="N", help="counted requests of every level")
    parser.add_argument(
        "--fail-on",
        action="append",
        default=[],
        metavar="GATE",
        help="exit with 1 if it is surely missed, such as 'goodput >= 12/s at ttft.p95 < 800ms'; repeatable",
    )
    parser.add_argument(
        "--cluster", metavar="ADDRESS", help="send it from the workers of a Dask cluster: tls://HOST:PORT, or local:4"
    )
    parser.add_argument("--all-variants", action="store_true", help="ask all variants of the prompt, a target each")
    for name, what in (("json", "JSON export"), ("markdown", "Markdown report")):
        parser.add_argument(f"--{name}", metavar="FILE", help=f"write the {what} to FILE; - is standard output")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every event as a line of JSON to FILE")
    parser.add_argument("--no-texts", action="store_true", help="leave prompts and answers out of what is written")
    parser.add_argument("--quiet", action="store_true", help="say nothing but problems and what was asked for")
    return parser
