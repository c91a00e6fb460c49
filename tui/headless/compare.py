"""`latency-tui compare A B`: two sets of runs, target by target, and whether the second may pass."""

import argparse
from collections.abc import Sequence
from itertools import chain

import msgspec

from tui.arguments import CommandParser
from tui.core import regression_limits
from tui.core.comparison import Comparison, Question, compare_together, family_sentence
from tui.core.failures import failures_sentence
from tui.core.figures import Figure, Use, figures_for
from tui.core.grouping import Measured, measured_in
from tui.core.metrics import NS_PER_S
from tui.core.observation import per_run
from tui.core.pass_rate import compared_pairs
from tui.core.regression_limits import LimitState, RegressionLimit, Ruling
from tui.core.remarks import tokens_differ
from tui.core.run import StoredRun
from tui.core.sanitize import clean
from tui.core.statistics import dependence
from tui.core.wording import SIMULATED_NOTE, roughly
from tui.errors import ExitCode, UsageError
from tui.export.document import is_simulated
from tui.headless.arguments import history_if_any, print_json, runs_of

_EPILOG = """\
A and B: the number of a run (of a series: all of it), 'last', the name of a snapshot such as 'pinned', or a JSON
export. Exit codes: 0 compared and no limit exceeded, 1 a limit exceeded, 2 something cannot be used, 3 nothing to
compare, or a limit cannot be judged yet.
"""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One target in both sets."""

    target: str
    comparisons: tuple[Comparison, ...]
    """B against A, one per figure."""
    rulings: tuple[Ruling, ...]
    """One per limit."""
    passes: str = ""
    """Shares of answers that passed their checks, and their exact test, in words; empty without checks."""
    failures: str = ""
    """Shares of requests that failed, in words; empty where none did."""
    remarks: tuple[str, ...] = ()


class ComparisonReport(msgspec.Struct, frozen=True, kw_only=True):
    """Output of `--json`. Times are nanoseconds, rates 1/s."""

    simulated: bool
    a: str
    b: str
    targets: tuple[Compared, ...]
    apart_s: float | None = None
    """Seconds between the last run of one and the first of the other; absent where they overlap."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    limits = _limits(options.fail_on)
    with history_if_any() as store:
        report = _report(options, runs_of(options.a, store), runs_of(options.b, store), limits)
    if options.json:
        print_json(report)
    else:
        print("\n".join(_lines(report)))
    return _exit_code(report.targets)


def _report(
    options: argparse.Namespace,
    first: Sequence[StoredRun],
    second: Sequence[StoredRun],
    limits: Sequence[RegressionLimit],
) -> ComparisonReport:
    compared = compare_all(pairs(measured_in(first), measured_in(second)), limits)
    if not compared:
        raise UsageError(f"{options.a} and {options.b} have no target in common.")
    return ComparisonReport(
        simulated=any(map(is_simulated, chain(first, second))),
        a=options.a,
        b=options.b,
        targets=tuple(compared),
        apart_s=_apart_s(first, second),
    )


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser("compare", "Compare two sets of runs: B against A.", _EPILOG)
    parser.add_argument("a", metavar="A")
    parser.add_argument("b", metavar="B")
    parser.add_argument(
        "--fail-on",
        action="append",
        default=[],
        metavar="LIMIT",
        help="exit with 1 if B is surely worse than A by more, such as 'ttft.p50 +10%%'; repeatable",
    )
    parser.add_argument("--json", choices=["-"], help="- prints JSON")
    return parser


def _limits(texts: Sequence[str]) -> list[RegressionLimit]:
    try:
        return [regression_limits.parse(text) for text in texts]
    except ValueError as error:
        raise UsageError(f"--fail-on: {error}") from None


def pairs(before: Sequence[Measured], after: Sequence[Measured]) -> list[tuple[Measured, Measured]]:
    """Results of B, each with A's of the same target: where A asked several things, with the same or with none.

    Where each side has only one, those two, whatever they are called.
    """
    if len(before) == len(after) == 1:
        return [(before[0], after[0])]
    found = []
    for new in after:
        same = [old for old in before if old.target == new.target]
        exact = [old for old in same if (old.endpoint, old.fingerprint) == (new.endpoint, new.fingerprint)]
        there = [old for old in same if old.endpoint == new.endpoint]
        narrowed = exact or there or same
        if len(narrowed) == 1:
            found.append((narrowed[0], new))
    return found


def compare_all(both: Sequence[tuple[Measured, Measured]], limits: Sequence[RegressionLimit]) -> list[Compared]:
    """Compare pairs of A's and B's results; all verdicts are one family, and so are all rulings."""
    asked = [_questions(old, new) for old, new in both]
    found = iter(compare_together([question for questions in asked for question in questions]))
    family = len(both) * len(limits)
    beside = {
        limit: dependence(
            [per_run(one.observations, limit.figure) for pair in both for one in pair] if limit.figure else []
        ).inflation
        for limit in limits
    }
    passes = iter(compared_pairs([(("B", new.observations), ("A", old.observations)) for old, new in both]))
    return [
        Compared(
            target=new.name,
            passes=next(passes),
            comparisons=tuple(next(found) for _ in questions),
            rulings=tuple(
                regression_limits.judge(limit, old.observations, new.observations, family=family, beside=beside[limit])
                for limit in limits
            ),
            failures=failures_sentence(("B", new.observations), ("A", old.observations)),
            remarks=tuple(tokens_differ([old.model, new.model])),
        )
        for (old, new), questions in zip(both, asked, strict=True)
    ]


def _questions(before: Measured, after: Measured) -> list[Question]:
    olds, news = before.observations, after.observations
    # Without thinking the first output token is the first of all, and TTFO says what TTFT does.
    thinks = any(one.ttfo_ns not in (None, one.ttft_ns) for one in (*olds, *news))
    return [
        (figure, ("B", per_run(news, figure)), ("A", per_run(olds, figure)))
        for figure in figures_for(Use.COMPARED)
        if figure is not Figure.TTFO or thinks
    ]


def _lines(report: ComparisonReport) -> list[str]:
    lines = [SIMULATED_NOTE] if report.simulated else []
    for compared in report.targets:
        lines.append(f"{clean(compared.target)}:")
        lines += [f"  {compared.passes}."] if compared.passes else []
        lines += [f"  failures: {compared.failures}."] if compared.failures else []
        lines += [f"  {comparison.figure.label}: {comparison.sentence}." for comparison in compared.comparisons]
        lines += [f"  {ruling.sentence}." for ruling in compared.rulings]
        lines += [f"  {clean(remark)}" for remark in compared.remarks]
    family = family_sentence([comparison for compared in report.targets for comparison in compared.comparisons])
    lines += [f"{family}."] if family else []
    if report.apart_s is not None:
        lines.append(
            f"A and B were measured {roughly(report.apart_s * NS_PER_S)} apart: what changed meanwhile by itself is "
            "not told from the change. `latency-tui run A.toml --against B.toml` asks two plans in turn."
        )
    return lines


def _apart_s(first: Sequence[StoredRun], second: Sequence[StoredRun]) -> float | None:
    spans = sorted((min(times), max(times)) for runs in (first, second) if (times := _starts(runs)))
    if len(spans) < 2 or spans[1][0] <= spans[0][1]:
        return None
    return (spans[1][0] - spans[0][1]) / NS_PER_S


def _starts(runs: Sequence[StoredRun]) -> list[int]:
    return [run.info.started_unix_ns for run in runs if run.info.counted]


def _exit_code(compared: Sequence[Compared]) -> ExitCode:
    states = [ruling.state for one in compared for ruling in one.rulings]
    if LimitState.REGRESSED in states:
        return ExitCode.MISSED
    if LimitState.UNKNOWN in states or not any(sum(c.counts) for one in compared for c in one.comparisons):
        return ExitCode.NOT_MEASURED
    return ExitCode.OK
