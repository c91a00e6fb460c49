"""`latency-tui sweep`: measures the time per token of a plan's targets, and the time apart from tokens."""

import argparse
from collections.abc import Sequence

from tui.arguments import CommandParser
from tui.core.decomposition import RunsNeeded
from tui.core.sanitize import clean
from tui.core.wording import SIMULATED_NOTE
from tui.errors import ExitCode
from tui.export.document import is_simulated
from tui.headless.arguments import add_target_options, load_from, refuse_outputs, written
from tui.headless.measure import MeasuredPlan, MeasuringStep, measure, reason
from tui.headless.narration import Narrator
from tui.headless.results import TargetResult, exit_code, fitted_table, results_of, sentences, verdicts, write_exports
from tui.streams import print_utf8

_EPILOG = """\
Prompts grow until the time of their tokens is told, within budgets and the models' contexts. What it may cost is said
first. exit codes: 0 all is told and the objectives on it are met, 1 one is missed, 2 a plan or argument cannot be used,
3 a time per token may still be none or nothing answered, 130 interrupted.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    refuse_outputs({"--json": options.json, "--markdown": options.markdown})
    loaded = load_from(options)
    narrator = Narrator(quiet=options.quiet)
    measured = measure(
        loaded, loaded.settings.series, narrator, ask_all=options.all_variants, steps=(MeasuringStep.SWEEP,)
    )
    results = results_of(measured.runs, [each for each in loaded.settings.objectives if each.is_fitted])
    is_told = all(result.fit.needed is RunsNeeded.NOTHING for result in results)
    status = measured.status(exit_code(results) or (ExitCode.OK if is_told else ExitCode.NOT_MEASURED))
    if "-" not in (options.json, options.markdown):
        print_utf8("\n".join(_lines(measured, results, plain=options.plain)) + "\n")
    return written(status, lambda: write_exports(options, measured.runs))


def _lines(measured: MeasuredPlan, results: Sequence[TargetResult], *, plain: bool) -> list[str]:
    lines = [SIMULATED_NOTE] if any(map(is_simulated, measured.runs)) else []
    lines += sentences(results) if plain else fitted_table(results)
    lines += [f"{clean(each.name)}: {each.fit.sentence}." for each in results if each.fit.sentence]
    return [*lines, *verdicts(results), *filter(None, [reason(measured.series)])]


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        "sweep", "Ask prompts and answers of other lengths: the baseline latency and the time per token.", _EPILOG
    )
    add_target_options(parser, takes_plan=True)
    parser.add_argument("--all-variants", action="store_true", help="ask all variants of the prompt, a target each")
    for name, what in (("json", "JSON export"), ("markdown", "Markdown report")):
        parser.add_argument(f"--{name}", metavar="FILE", help=f"write the {what} to FILE; - is standard output")
    parser.add_argument("--no-texts", action="store_true", help="leave prompts and answers out of what is written")
    parser.add_argument("--plain", action="store_true", help="line by line, for a screen reader or a log")
    parser.add_argument("--quiet", action="store_true", help="say nothing while it runs")
    return parser
