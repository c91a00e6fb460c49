"""`latency-tui advise`: measures a plan and says what would save time."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tui.advice.advise import Advice, advise
from tui.advice.rendering import as_json, as_text
from tui.advice.trial import TrialResult
from tui.arguments import CommandParser, number_of
from tui.config.keys import Layer
from tui.config.known_models import known_models
from tui.core.series import MAX_REPEATS
from tui.errors import ExitCode
from tui.export.formats import write_text
from tui.export.json_format import visible
from tui.export.markdown import advice_markdown
from tui.headless.arguments import (
    add_target_options,
    ledger_of,
    load_from,
    refuse_outputs,
)
from tui.headless.measure import MeasuringStep, measure
from tui.headless.narration import Narrator
from tui.session.measured import evidence_for
from tui.streams import print_utf8

_REPEATS = 10
"""Runs where neither the plan nor the command says how many: most estimates have an interval from there on."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    refuse_outputs({"--json": options.json, "--markdown": options.markdown})
    loaded = load_from(options)
    settings = loaded.settings.series
    if options.repeat is not None or loaded.provenance["series.repeats"].layer is Layer.BUILT_IN:
        settings = msgspec.structs.replace(settings, repeats=options.repeat or _REPEATS)
    measured = measure(
        loaded,
        settings,
        Narrator(quiet=options.quiet),
        ask_all=options.all_variants,
        count_parts=True,
        steps=(MeasuringStep.SERIES, MeasuringStep.SWEEP) if options.sweep else (MeasuringStep.SERIES,),
    )
    models = known_models(loaded.settings.endpoints)
    share = loaded.settings.advice.cut_share if options.cut_share is None else options.cut_share
    found = [
        evidence_for(lane, measured.lanes, (), models, counted=measured.counted, cut_share=share)
        for lane in measured.lanes
    ]
    advice = [advise(evidence) for evidence in found if evidence is not None]
    _write(options, advice, ledger_of(measured.runs))
    return measured.status(ExitCode.OK if any(one.count for one in advice) else ExitCode.NOT_MEASURED)


def _write(options: argparse.Namespace, advice: Sequence[Advice], tried: Sequence[TrialResult]) -> None:
    """Files where they were asked for; the text on standard output unless that holds one."""
    if options.json is not None:
        _put(options.json, visible(msgspec.json.format(msgspec.json.encode(as_json(advice, tried))).decode()) + "\n")
    if options.markdown is not None:
        _put(options.markdown, advice_markdown(advice, tried))
    if "-" not in (options.json, options.markdown):
        sys.stdout.write(as_text(advice, tried))


def _put(name: str, text: str) -> None:
    if name == "-":
        print_utf8([text])
    else:
        write_text(Path(name), [text])


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        "advise",
        "Measure a plan and say what would save time, how much, and what that rests on.",
        "exit codes: 0 advice given, 2 a plan or argument cannot be used, 3 nothing answered, 130 interrupted.",
    )
    add_target_options(parser, takes_plan=True)
    parser.add_argument(
        "--repeat",
        type=number_of(1, MAX_REPEATS),
        metavar="N",
        help=f"counted runs (the plan's, or {_REPEATS})",
    )
    parser.add_argument(
        "--sweep", action="store_true", help="then ask prompts and answers of other lengths, for what a token costs"
    )
    parser.add_argument("--all-variants", action="store_true", help="ask all variants of the prompt, a target each")
    parser.add_argument(
        "--cut-share",
        type=number_of(0.01, 1.0),
        metavar="S",
        help="share that max_tokens may cut (advice.cut_share)",
    )
    for name, what in (("json", "advice as JSON"), ("markdown", "a report in Markdown")):
        parser.add_argument(f"--{name}", metavar="FILE", help=f"write {what} to FILE; - is standard output")
    parser.add_argument("--quiet", action="store_true", help="say nothing while it runs")
    return parser
