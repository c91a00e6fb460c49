"""`latency-tui history`: what is stored, listed, shown, exported, taken in, deleted."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from tui.arguments import CommandParser, number_of
from tui.config import paths
from tui.config.load import Flags, load
from tui.core.figures import Figure
from tui.core.metrics import NS_PER_S
from tui.core.run import WORST_FIRST, RunFilter, RunRow
from tui.core.sanitize import clean
from tui.core.wording import ABSENT, aligned, amount, counted, part_of
from tui.errors import ExitCode, UsageError
from tui.export import json_format, otel
from tui.export.formats import SUFFIXES, Format, render, write
from tui.headless.arguments import print_json, runs_of
from tui.headless.results import results_of, table
from tui.history.store import Store
from tui.session import trial_log
from tui.streams import print_utf8

_RUN = "a number, 'last', the name of a snapshot, or a JSON export"


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    if options.action == "path":
        print(paths.history_file())
        return ExitCode.OK
    with Store(paths.history_file()) as store:
        _ACTIONS[options.action](options, store)
    return ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser("history", "The history of all runs.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list runs, the latest first")
    listing.add_argument("--model", metavar="TEXT", help="part of a model's id or a target's name")
    listing.add_argument("--endpoint", metavar="TEXT", help="part of an endpoint's name")
    listing.add_argument("--text", metavar="TEXT", help="part of the prompt")
    listing.add_argument("--tag", metavar="TAG", help="a tag, in full")
    listing.add_argument("--since", type=_date, metavar="DATE", help="from this day on, local time: 2026-11-22")
    listing.add_argument("--failed", action="store_true", help="only runs of which a request failed")
    listing.add_argument("--limit", type=number_of(1), default=20, metavar="N", help="at most so many (default 20)")
    listing.add_argument("--json", choices=["-"], help="- prints JSON")
    show = actions.add_parser("show", help="sum a run up; one of a series, the whole series")
    show.add_argument("run", metavar="RUN", help=_RUN)
    show.add_argument("--json", choices=["-"], help="- prints the JSON export")
    export = actions.add_parser("export", help="write runs to a file")
    export.add_argument("run", nargs="+", metavar="RUN", help=_RUN)
    export.add_argument("--to", metavar="FILE", required=True, help=f"one of {SUFFIXES}; - prints JSON")
    export.add_argument("--no-texts", action="store_true", help="leave prompts and answers out")
    sent = actions.add_parser("send", help="send runs' metrics to OpenTelemetry (OTEL_* variables)")
    sent.add_argument("run", nargs="+", metavar="RUN", help=_RUN)
    taken = actions.add_parser("import", help="take in a JSON export")
    taken.add_argument("file", type=Path, metavar="FILE", help="a file that was exported as .json")
    removed = actions.add_parser("rm", help="delete runs for good")
    removed.add_argument("number", nargs="+", type=int, metavar="NUMBER", help="as in the first column of the list")
    actions.add_parser("prune", help="delete what [history] does not keep")
    actions.add_parser("path", help="print where the history is")
    return parser


def _date(text: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").astimezone().timestamp()) * NS_PER_S
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a date such as 2026-11-22, but is {text!r}") from None


def _list(options: argparse.Namespace, store: Store) -> None:
    wanted = RunFilter(
        model=options.model,
        endpoint=options.endpoint,
        text=options.text,
        tag=options.tag,
        since_unix_ns=options.since,
        failed=True if options.failed else None,
    )
    if options.json:
        print_json(store.runs(wanted, limit=options.limit))
        return
    rows = store.runs(wanted, limit=options.limit, fold=True)
    if rows:
        print("\n".join(_lines(rows)))
    count = store.count(wanted, fold=True)
    if count > len(rows):
        print(f"{count - len(rows):,} more; --limit shows them.", file=sys.stderr)
    elif not rows:
        print("No run fits.", file=sys.stderr)


def _lines(rows: Sequence[RunRow]) -> list[str]:
    """A table of runs and series. TTFT and total are those of the fastest target, of a series its medians."""
    cells: list[tuple[str, ...]] = [("No.", "started", "what", "fastest", "TTFT", "total")]
    for row in rows:
        started = datetime.fromtimestamp(row.started_unix_ns / NS_PER_S).astimezone()
        lanes = counted(len(row.targets), "lane")
        kind = f"series of {row.runs}, " if row.series is not None else ""
        best = row.fastest
        times = (best.ttft_ns, best.total_ns) if best is not None else (None, None)
        cells.append(
            (
                str(row.number),
                started.strftime("%Y-%m-%d %H:%M:%S"),
                f"{'SIMULATED ' if row.simulated else ''}{kind}{lanes}",
                clean(best.target) if best is not None else _worst(row),
                *(amount(figure, time) for figure, time in zip((Figure.TTFT, Figure.TOTAL), times, strict=True)),
            )
        )
    texts = ["prompt", *(" ".join([*(f"#{clean(tag)}" for tag in row.tags), clean(row.excerpt)[:60]]) for row in rows)]
    return [f"{line}  {text}" for line, text in zip(aligned(cells, labels=4), texts, strict=True)]


def _worst(row: RunRow) -> str:
    """Fate of a run without an answer."""
    states = {target.status for target in row.targets}
    return next((state for state in WORST_FIRST if state in states), ABSENT)


def _show(options: argparse.Namespace, store: Store) -> None:
    runs = runs_of(options.run, store)
    if options.json:
        print_utf8(render(runs, Format.JSON, tried=trial_log.of_runs(store, runs)))
        return
    numbers = ", ".join(str(run.number) for run in runs if run.number is not None)
    print(f"Runs {numbers}" if len(runs) > 1 else f"Run {numbers}")
    for note in dict.fromkeys(run.note for run in runs if run.note):
        print(f"Note: {clean(note)}")
    print(table(results_of(runs, ())))


def _export(options: argparse.Namespace, store: Store) -> None:
    runs = [run for reference in options.run for run in runs_of(reference, store)]
    tried, with_texts = trial_log.of_runs(store, runs), not options.no_texts
    if options.to == "-":
        print_utf8(render(runs, Format.JSON, tried=tried, with_texts=with_texts))
    else:
        objectives = load(Flags(), os.environ, Path.cwd()).settings.objectives
        write(Path(options.to), runs, tried=tried, with_texts=with_texts, objectives=objectives)


def _send(options: argparse.Namespace, store: Store) -> None:
    runs = [run for reference in options.run for run in runs_of(reference, store)]
    otel.send(runs)
    print(f"Sent the metrics of {counted(len(runs), 'run')}.", file=sys.stderr)


def _import(options: argparse.Namespace, store: Store) -> None:
    found = json_format.read(options.file)
    numbers = [store.add(run) for run in found.runs]
    trial_log.take_in(store, found.tried)
    print(f"Imported {counted(len(numbers), 'run')}, from number {min(numbers)} on.", file=sys.stderr)


def _remove(options: argparse.Namespace, store: Store) -> None:
    deleted = store.delete(options.number)
    if deleted < len(set(options.number)):
        raise UsageError(
            f"Deleted {part_of(deleted, len(set(options.number)), 'run')}: the others are not in the history."
        )
    print(f"Deleted {counted(deleted, 'run')}.", file=sys.stderr)


def _prune(_options: argparse.Namespace, store: Store) -> None:
    settings = load(Flags(), os.environ, Path.cwd()).settings.history
    print(
        f"Deleted {counted(store.prune(settings), 'run')}; {store.bytes_used() / 1e6:.1f} MB are in use.",
        file=sys.stderr,
    )


_ACTIONS = {
    "list": _list,
    "show": _show,
    "export": _export,
    "send": _send,
    "import": _import,
    "rm": _remove,
    "prune": _prune,
}
