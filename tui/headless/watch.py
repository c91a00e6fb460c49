"""`latency-tui watch`: a plan measured again and again for days, its objectives judged after each round."""

import argparse
import importlib.util
import math
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from types import FrameType

import msgspec

from tui.arguments import CommandParser, number_of
from tui.config import paths
from tui.config.keys import Layer
from tui.config.load import Loaded, build_plan
from tui.core.figures import Use, figures_for
from tui.core.metrics import NS_PER_S
from tui.core.observation import summary
from tui.core.rounds import FIGURES, Round, by_hour, changes, rounds_of, rule_sentence
from tui.core.run import RunFilter, StoredRun
from tui.core.sanitize import clean
from tui.core.series import MAX_REPEATS, Ending, SeriesSettings
from tui.core.statistics import CONFIDENCE
from tui.core.wording import aligned, amount
from tui.errors import ChildError, ExitCode, HistoryError, UsageError
from tui.export import otel
from tui.export.document import is_simulated, utc
from tui.headless.arguments import add_target_options, load_from
from tui.headless.measure import catch_signals, measure
from tui.headless.narration import Narrator
from tui.headless.results import TargetResult, exit_code, results_of
from tui.history.store import Store
from tui.secret_names import without_secrets
from tui.session.spending import Spending
from tui.session.watching import Rhythm, WallClock, Watcher, parse_span, span_words, watch_lock, watch_name

SHORTEST_S = 10
"""Shortest time from one round to the next, s: each starts a measuring process of its own."""
_COMMAND_WITHIN_S = 60.0
_EPILOG = """\
Rounds begin at moments of the wall clock that stay the same when the watch is started again. What was skipped while the
machine slept is said, and not made up. Every round is in the history, with the watch's name as a tag.

exit codes: 0 every round kept the objectives, 1 one missed an objective or a target did not answer, 2 a plan or
argument cannot be used, 3 no round was measured, 128 and the signal's number when one ended it.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    loaded = load_from(options)
    settings = loaded.settings
    if not settings.history.enabled:
        raise UsageError("A watch keeps its rounds in the history, which is off (history.enabled): turn it on.")
    if options.otel and importlib.util.find_spec("opentelemetry") is None:
        raise UsageError("OpenTelemetry is not installed; install it with: pip install 'latency-tui[otel]'.")
    command = _command(options.on_miss)
    plan = build_plan(settings, os.environ, "http://127.0.0.1")
    name = watch_name(options.config, msgspec.json.encode(plan))
    watch = _Watch(loaded, options, name, command, len(plan.lanes))
    with watch_lock(name):
        return watch.run()


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        "watch", "Measure a plan every so often, for hours or days, and say what missed and what changed when.", _EPILOG
    )
    add_target_options(parser, takes_plan=True)
    parser.add_argument("--every", type=_span, required=True, metavar="SPAN", help="from round to round: 5m, 1h, 90s")
    parser.add_argument("--for", type=_span, dest="span", metavar="SPAN", help="end after this time, such as 7d")
    parser.add_argument(
        "--repeat",
        type=number_of(1, MAX_REPEATS),
        metavar="N",
        help="counted runs of each round; without one in the plan 1, or with objectives as many as can show a median "
        "missed",
    )
    parser.add_argument(
        "--on-miss",
        metavar="CMD",
        help="run CMD after a round that missed an objective or lacks an answer; it gets the figures as JSON on "
        "standard input, and no key",
    )
    parser.add_argument(
        "--otel", action="store_true", help="send each round's metrics to OpenTelemetry (OTEL_* variables)"
    )
    return parser


def _span(text: str) -> int:
    try:
        return parse_span(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _command(text: str | None) -> list[str]:
    """The words of a command, which is run without a shell. Raises UsageError for one that cannot be run."""
    if text is None:
        return []
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--on-miss {text!r} cannot be split into words: {error}.") from None
    if not words or shutil.which(words[0]) is None:
        raise UsageError(f"--on-miss names no program that can be run: {text!r}.")
    return words


class _Watch:
    """One start of a watch: its rounds, what is said of them, and its end."""

    def __init__(
        self, loaded: Loaded, options: argparse.Namespace, name: str, command: Sequence[str], targets: int
    ) -> None:
        if options.every < SHORTEST_S:
            raise UsageError(f"--every must be {SHORTEST_S}s or more, but is {span_words(options.every)}.")
        self._loaded = loaded
        self._series = _series(loaded, options.repeat, targets)
        self._plan = str(options.config or "")
        self._with_otel: bool = options.otel
        self._for: int | None = options.span
        self._name = name
        self._command = command
        self._clock = WallClock()
        self._stopped_by: int | None = None
        self._spent_usd = 0.0
        self._rhythm = Rhythm(options.every, name)

    def run(self) -> int:
        """Watch, and print the report; returns the exit status."""
        catch_signals(self._handle)
        watcher = Watcher(self._rhythm, self._clock, self._round, _say)
        last = _last_began(self._name)
        _say(f"Watching {self._plan or 'the prompt'} every {span_words(self._rhythm.every_s)} as {self._name}.")
        watcher.watch(last, None if self._for is None else self._clock.now() + self._for)
        for line in report_lines(_rounds(self._name)):
            print(line)
        print(watcher.tally.sentence, flush=True)
        if self._stopped_by is not None:
            return 128 + self._stopped_by
        if not watcher.tally.measured:
            return ExitCode.NOT_MEASURED
        return ExitCode.MISSED if watcher.tally.off_target else ExitCode.OK

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._stopped_by is not None:
            os._exit(128 + number)
        self._stopped_by = number
        self._clock.stop()

    def _round(self) -> bool | None:
        """Measure one round, tell of it, and return whether it kept to the objectives."""
        try:
            measured = measure(self._affordable(), self._series, Narrator(quiet=True))
        except (ChildError, HistoryError) as error:
            _say(f"The round could not be measured: {error}")
            return None
        finally:
            catch_signals(self._handle)
        if measured.stopped_by is not None:
            # What is finished of it is in the history; a round it is not.
            self._handle(measured.stopped_by, None)
            return None
        runs = list(measured.runs)
        self._tag(runs)
        results = results_of(runs, self._loaded.settings.objectives)
        for result in results:
            _say(_line(result))
        self._pay(measured.spending)
        if not results:
            if measured.series.ending is Ending.COST:
                _say("The budget is used up, so the watch ends.")
                self._clock.stop()
            else:
                _say("The round measured nothing.")
            return None
        try:
            if self._with_otel:
                otel.send(runs)
        except UsageError as error:
            _say(str(error))
        is_kept = exit_code(results) != ExitCode.MISSED and all(result.answered for result in results)
        if not is_kept and self._command:
            self._tell(msgspec.json.encode(self._figures(runs, results)))
        return is_kept

    def _affordable(self) -> Loaded:
        """The settings with what is left of the session's budget, which is that of all rounds together."""
        settings = self._loaded.settings
        if settings.budget.session_usd is None:
            return self._loaded
        left = max(0.0, settings.budget.session_usd - self._spent_usd)
        budget = msgspec.structs.replace(settings.budget, session_usd=left)
        return msgspec.structs.replace(self._loaded, settings=msgspec.structs.replace(settings, budget=budget))

    def _pay(self, spending: Spending) -> None:
        """Count what a round has cost, warm-up and judges included."""
        self._spent_usd += spending.session.usd if spending.session is not None else 0.0

    def _tag(self, runs: Sequence[StoredRun]) -> None:
        """Mark the runs as this watch's, so that it finds them when it is started again."""
        try:
            with Store(paths.history_file()) as store:
                for run in runs:
                    if run.number is not None:
                        store.set_tags(run.number, {*run.tags, self._name})
        except HistoryError as error:
            _say(str(error))

    def _figures(self, runs: Sequence[StoredRun], results: Sequence[TargetResult]) -> dict[str, object]:
        return {
            "watch": self._name,
            "plan": self._plan,
            "started_unix_ns": min(run.info.started_unix_ns for run in runs),
            "simulated": any(map(is_simulated, runs)),
            "runs": [run.info.uid for run in runs],
            "targets": [_figures_of(result) for result in results],
        }

    def _tell(self, figures: bytes) -> None:
        """Run the command with the figures; its failure is said, and ends nothing."""
        try:
            with subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=2, env=without_secrets(), start_new_session=True
            ) as process:
                try:
                    process.communicate(figures, timeout=_COMMAND_WITHIN_S)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    _say(f"The command of --on-miss took more than {_COMMAND_WITHIN_S:g} s and was ended.")
                    return
        except OSError as error:
            _say(f"The command of --on-miss could not be run: {error.strerror}.")
            return
        if process.returncode:
            _say(f"The command of --on-miss ended with status {process.returncode}.")


def _fewest_to_judge(judgements: int) -> int:
    """The fewest answers of a target, all beyond a limit, that show its median to be: as `tui.core.objectives` judges.

    All lie on one side of the median by chance in one of 2^n cases, and the error is shared by all judgements.
    """
    return math.ceil(math.log2(judgements / (1 - CONFIDENCE))) if judgements else 1


def _series(loaded: Loaded, repeat: int | None, targets: int) -> SeriesSettings:
    """The series of one round."""
    settings = loaded.settings.series
    if repeat is not None:
        return msgspec.structs.replace(settings, repeats=repeat)
    if loaded.provenance["series.repeats"].layer is Layer.BUILT_IN:
        count = _fewest_to_judge(targets * len(loaded.settings.objectives))
        return msgspec.structs.replace(settings, repeats=count, warm_ups=0)
    return settings


def _say(text: str) -> None:
    """Print a line with the time, at once: a journal or a file has it even if nothing follows."""
    print(f"{utc(time.time_ns())} {clean(text)}", flush=True)


def _line(result: TargetResult) -> str:
    """One target in one round."""
    failed = sum(one.failed for one in result.observations)
    parts = [
        f"{figure.label} {amount(figure, found)}"
        for figure in FIGURES
        if (found := summary(result.observations, figure).median) is not None
    ]
    parts += [f"{failed} failed"] if failed else []
    parts += [judgement.sentence for judgement in result.judgements]
    return f"{result.name}: {', '.join(parts or ['no answer'])}"


def _figures_of(result: TargetResult) -> dict[str, object]:
    figures: dict[str, object] = {}
    for figure in figures_for(Use.HEADLINE):
        found = summary(result.observations, figure)
        if found.median is not None:
            parts = {"median": found.median, "p95": found.p95, "min": found.min, "max": found.max}
            told = {part: figure.converted(value) for part, value in parts.items() if value is not None}
            figures[figure.column] = {"count": found.count, **told}
    return {
        "target": result.name,
        "model": result.model,
        "answers": sum(one.answered for one in result.observations),
        "failed": sum(one.failed for one in result.observations),
        "figures": figures,
        "objectives": [
            {"objective": each.objective.text, "state": each.state.value, "basis": each.basis}
            for each in result.judgements
        ],
    }


def _last_began(name: str) -> float | None:
    """Start of the watch's latest round in the history, Unix time; None without any."""
    with Store(paths.history_file()) as store:
        latest = store.runs(RunFilter(tag=name), limit=1)
        if latest and latest[0].series is not None:
            latest = store.runs(RunFilter(series=latest[0].series), reverse=True, limit=1)
    return latest[0].started_unix_ns / NS_PER_S if latest else None


def _rounds(name: str) -> dict[str, list[Round]]:
    with Store(paths.history_file()) as store:
        return rounds_of(store.runs(RunFilter(tag=name), limit=-1, fold=True))


def report_lines(rounds: dict[str, list[Round]]) -> list[str]:
    """The hours of each target, then what changed when, and how often that is said by mistake."""
    rows = [("target", "hour (UTC)", "rounds", "failed", *(figure.label for figure in FIGURES))]
    for target, of_target in rounds.items():
        for hour in by_hour(of_target):
            told = (amount(figure, hour.medians.get(figure)) for figure in FIGURES)
            rows.append((clean(target), utc(hour.began_unix_ns)[:13], str(hour.rounds), str(hour.failed), *told))
    found = changes(rounds)
    lines = aligned(rows, labels=2) if len(rows) > 1 else []
    lines += [
        clean(
            f"{each.target}: {each.words} between {utc(each.last_before_unix_ns)} and {utc(each.first_after_unix_ns)}."
        )
        for each in found
    ]
    return [*lines, f"{rule_sentence(rounds, found)}."] if rounds else lines
