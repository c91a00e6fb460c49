"""`latency-tui run`: a plan measured without a screen. Results on standard output, the rest on standard error."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tui.arguments import CommandParser, number_of
from tui.config.keys import Layer
from tui.config.known_models import known_models
from tui.config.load import Loaded
from tui.core import choice as choice_rule
from tui.core.choice import EXAMPLE, Choice, choose
from tui.core.figures import Figure, Use, figures_for
from tui.core.frontier import BY
from tui.core.grouping import measured_in
from tui.core.interleaved import REPEATS
from tui.core.model import KnownModel
from tui.core.objectives import Objective
from tui.core.record import RequestRecord
from tui.core.sanitize import clean
from tui.core.sequential_choice import refusal, rule_of
from tui.core.series import MAX_REPEATS, SeriesSettings
from tui.core.wording import SIMULATED_NOTE
from tui.errors import UsageError
from tui.export import otel
from tui.export.formats import write_text
from tui.headless.arguments import (
    add_target_options,
    ledger_of,
    load_from,
    refuse_outputs,
    written,
)
from tui.headless.measure import MeasuredPlan, measure, reason
from tui.headless.narration import Narrator, request_line
from tui.headless.results import (
    TargetResult,
    choice_code,
    choice_lines,
    exit_code,
    fitted_table,
    frontier_lines,
    goodput_lines,
    hosts_of,
    in_turn_lines,
    junit,
    pass_rate_lines,
    remark_lines,
    results_of,
    sentences,
    table,
    verdicts,
    write_exports,
)
from tui.streams import print_utf8

_EPILOG = """\
exit codes: 0 all objectives met (or none set) and, with --choose, one is chosen, 1 an objective missed, or no candidate
left, 2 a plan or argument cannot be used, 3 a target never answered, an objective or the choice is not yet known,
engine, history or standard output failed, 130 interrupted, 141 the reader of standard output has gone.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    refuse_outputs({"--json": options.json, "--junit": options.junit, "--markdown": options.markdown})
    loaded = load_from(options)
    against = None if options.against is None else _other(options)
    settings = _series(loaded, options)
    narrator = Narrator(quiet=options.quiet or options.plain)
    measured = measure(
        loaded,
        settings,
        narrator,
        ask_all=options.all_variants,
        record=options.record,
        on_ended=_say_plainly if options.plain else _say_nothing,
        against=against,
    )
    objectives = loaded.settings.objectives
    models = {model.id: model for model in known_models(loaded.settings.endpoints)}
    results = results_of(measured.runs, objectives, models)
    simulated = any(record.spec.endpoint.simulated for run in measured.runs for record in run.requests)
    choice = _choice(settings, measured, models)
    status = measured.status(exit_code(results) if choice is None else choice_code(choice, results))
    if not options.quiet:
        out = sys.stderr if "-" in (options.json, options.junit, options.markdown) else sys.stdout
        shown = {"by": Figure(options.frontier), "plain": options.plain, "simulated": simulated}
        print(_summary(measured, results, objectives, choice, **shown), file=out)
    return written(status, lambda: _write_files(options, measured, results, objectives, choice, simulated=simulated))


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        "run", "Measure a plan without a screen, once or again and again, and judge its objectives.", _EPILOG
    )
    add_target_options(parser, takes_plan=True)
    parser.add_argument(
        "--repeat", type=number_of(1, MAX_REPEATS), metavar="N", help="counted runs, after the plan's warm-up"
    )
    parser.add_argument(
        "--until-sure",
        nargs="?",
        const="ttft",
        choices=[figure.value for figure in figures_for(Use.UNTIL_SURE)],
        metavar="FIGURE",
        help="stop as soon as the best target is known by ttft (default), ttfo or total; --repeat is the most",
    )
    parser.add_argument(
        "--choose", metavar="RULE", help=f"choose one target, by a rule such as '{EXAMPLE}'".replace("%", "%%")
    )
    parser.add_argument("--frontier", choices=BY, default=BY[0], help="time of the frontier; total without it")
    parser.add_argument("--all-variants", action="store_true", help="ask all variants of the prompt")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="B.toml",
        help=f"ask this plan too, in turn with the first ({REPEATS} runs unless one says how many), and compare",
    )
    for name, what in (("json", "JSON export"), ("junit", "JUnit report"), ("markdown", "Markdown report")):
        parser.add_argument(f"--{name}", metavar="FILE", help=f"write the {what} to FILE; - is standard output")
    parser.add_argument("--otel", action="store_true", help="send metrics to OpenTelemetry (OTEL_* variables)")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every event as a line of JSON to FILE")
    parser.add_argument("--no-texts", action="store_true", help="leave prompts and answers out of what is written")
    parser.add_argument("--plain", action="store_true", help="line by line, for a screen reader or a log")
    parser.add_argument("--quiet", action="store_true", help="say nothing but problems and what was asked for")
    return parser


def _other(options: argparse.Namespace) -> Loaded:
    """The second plan, under the options that say where both are asked."""
    if options.config is None:
        raise UsageError("--against compares two plans: name the first one too.")
    return load_from(argparse.Namespace(**{**vars(options), "config": options.against}))


def _series(loaded: Loaded, options: argparse.Namespace) -> SeriesSettings:
    """The plan's series; one run without warm-up where neither the plan nor the command asks for more."""
    settings = loaded.settings.series
    if options.choose is not None:
        if (complaint := choice_rule.refuse(options.choose)) is not None:
            raise UsageError(f"--choose {complaint}.")
        settings = msgspec.structs.replace(settings, choose=options.choose)
    if options.against is not None:
        if options.until_sure is not None:
            raise UsageError("--until-sure names the best of all targets, --against compares pairs: give one of them.")
        # Pairs are compared at the end: no target may be left out before.
        settings = msgspec.structs.replace(settings, in_turn=True, until_sure=None)
        if options.repeat is None and loaded.provenance["series.repeats"].layer is Layer.BUILT_IN:
            return msgspec.structs.replace(settings, repeats=REPEATS)
    if options.until_sure is not None:
        settings = msgspec.structs.replace(settings, until_sure=options.until_sure)
    if (contradiction := refusal(settings)) is not None:
        raise UsageError(contradiction)
    if options.repeat is not None:
        return msgspec.structs.replace(settings, repeats=options.repeat)
    if settings.until_sure is None and loaded.provenance["series.repeats"].layer is Layer.BUILT_IN:
        return msgspec.structs.replace(settings, repeats=1, warm_ups=0)
    return settings


def _choice(settings: SeriesSettings, measured: MeasuredPlan, models: Mapping[str, KnownModel]) -> Choice | None:
    """The choice by the series' rule; None without one."""
    rule = rule_of(settings)
    if rule is None or measured.choice is not None:
        return measured.choice
    return choose(rule, [one for one in measured_in(measured.runs, models) if one.requests], settings.confidence)


def _say_plainly(record: RequestRecord) -> None:
    print(request_line(record), flush=True)


def _say_nothing(_record: RequestRecord) -> None:
    pass


def _write_files(
    options: argparse.Namespace,
    measured: MeasuredPlan,
    results: Sequence[TargetResult],
    objectives: Sequence[Objective],
    choice: Choice | None,
    *,
    simulated: bool,
) -> None:
    tried = ledger_of(measured.runs) if options.json or options.markdown else []
    write_exports(options, measured.runs, tried=tried, objectives=objectives, choice=choice)
    if options.junit == "-":
        print_utf8([junit(results, measured.runs, simulated=simulated, choice=choice)])
    elif options.junit is not None:
        write_text(Path(options.junit), [junit(results, measured.runs, simulated=simulated, choice=choice)])
    if options.otel:
        otel.send(measured.runs)


def _summary(
    measured: MeasuredPlan,
    results: Sequence[TargetResult],
    objectives: Sequence[Objective],
    choice: Choice | None,
    *,
    by: Figure,
    plain: bool,
    simulated: bool,
) -> str:
    lines = [SIMULATED_NOTE] if simulated else []
    lines += sentences(results) if plain else [table(results), *fitted_table(results)]
    lines += remark_lines(results)
    lines += frontier_lines(results, by)
    lines += pass_rate_lines(results)
    lines += [clean(said)] if (said := measured.spending.judges_sentence) else []
    lines += verdicts(results)
    lines += in_turn_lines(measured.runs)
    lines += choice_lines(choice)
    lines += goodput_lines(results, objectives)
    lines += hosts_of(results)
    if measured.choice is None and (why := reason(measured.series)):
        lines.append(why)
    return "\n".join(lines)
