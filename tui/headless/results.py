"""Results of a headless run: per target its figures and objectives, in words, as JUnit report and as exit code.

JUnit's format is that of the Ant task, for which there is no standard; what is written here is what Jenkins, GitLab and
GitHub's report actions read: testsuite, testcase, failure, error, skipped.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec

from tui.core.choice import Choice, ChoiceOutcome
from tui.core.comparison import family_sentence
from tui.core.decomposition import UNFIT, Fit
from tui.core.events import Status
from tui.core.figures import FITTED, SAMPLED, Figure, Use, figures_for
from tui.core.frontier import frontier, frontier_note
from tui.core.goodput import goodput
from tui.core.grouping import Measured, measured_in
from tui.core.host_difference import HostAnswers, host_lines
from tui.core.interleaved import compare_in_turn, failures_in_turn, measured_in_turn
from tui.core.model import KnownModel
from tui.core.objectives import Judgement, Objective, ObjectiveState, judge, judged_together
from tui.core.observation import Observation, summary
from tui.core.pass_rate import differing, pass_rate
from tui.core.remarks import remarks_on, tokens_differ
from tui.core.run import StoredRun
from tui.core.sanitize import clean
from tui.core.statistics import Description
from tui.core.wording import ABSENT, aligned, amount, counted, span
from tui.errors import ExitCode
from tui.export.formats import Format, render, write
from tui.streams import print_utf8

MARKS = {ObjectiveState.MET: "met", ObjectiveState.MISSED: "MISSED", ObjectiveState.UNKNOWN: "not yet known"}


class TargetResult(msgspec.Struct, frozen=True, kw_only=True):
    """One target over all counted runs."""

    name: str
    observations: tuple[Observation, ...]
    judgements: tuple[Judgement, ...]
    """One per objective."""
    fit: Fit = UNFIT
    """The time per token, and apart from tokens, as far as these answers and those of sweeps tell it."""
    model: str = ""
    from_host: HostAnswers | None = None
    """The same for one host; absent where the plan names none."""

    @property
    def answered(self) -> bool:
        """True with at least one complete answer."""
        return self.fit.count > 0 or any(observation.answered for observation in self.observations)


def results_of(
    runs: Sequence[StoredRun], objectives: Sequence[Objective], models: Mapping[str, KnownModel] | None = None
) -> list[TargetResult]:
    """Every target of `runs` in order of appearance; warm-up and sweeps do not count, nor does what was cancelled.

    `models` have the prices, by id.
    """
    measured = measured_in(runs, models)
    family = len(measured) * len(objectives)
    return [_result(one, objectives, family) for one in measured]


def _result(one: Measured, objectives: Sequence[Objective], family: int) -> TargetResult:
    observations, fit = one.observations, one.fit()
    return TargetResult(
        name=one.name,
        observations=observations,
        fit=fit,
        model=one.model,
        from_host=one.from_host,
        judgements=tuple(judge(each, observations, family=family, fitted=lambda: fit) for each in objectives),
    )


def exit_code(results: Sequence[TargetResult]) -> ExitCode:
    """0: every objective is met; 1: one is missed; 3: a target never answered, or an objective is not yet known."""
    states = [judgement.state for result in results for judgement in result.judgements]
    if ObjectiveState.MISSED in states:
        return ExitCode.MISSED
    if not results or ObjectiveState.UNKNOWN in states or not all(result.answered for result in results):
        return ExitCode.NOT_MEASURED
    return ExitCode.OK


def table(results: Sequence[TargetResult]) -> str:
    """One row per target and figure: count, failures, median with its interval, p95, best and worst."""
    is_judged = any(pass_rate(result.observations) for result in results)
    counts = ("n", "cut", "refused", "failed", *(["passed"] * is_judged))
    heading = ("target", "figure", *counts, "median", "95 % interval", "p95", "min", "max")
    rows: list[tuple[str, ...]] = [heading]
    for result in results:
        rate = pass_rate(result.observations)
        passed = [ABSENT if rate is None else rate.counts] * is_judged
        for figure in figures_for(Use.HEADLINE):
            found = summary(result.observations, figure)
            cells = _cells(figure, found, result.observations)
            rows.append((clean(result.name), figure.label, *cells[:4], *passed, *cells[4:]))
    return "\n".join(aligned(rows, labels=2))


def fitted_table(results: Sequence[TargetResult]) -> list[str]:
    """One row per target and fitted figure that is known; nothing without any."""
    rows: list[tuple[str, ...]] = [
        (clean(result.name), figure.label, str(result.fit.count), amount(figure, found.value), span(figure, *ends))
        for result in results
        for figure in FITTED
        if (found := result.fit.of(figure)) is not None
        for ends in [(found.interval.low, found.interval.high)]
    ]
    heading = ("target", "fitted figure", "n", "value", "95 % interval")
    return aligned([heading, *rows], labels=2) if rows else []


def sentences(results: Sequence[TargetResult]) -> list[str]:
    """The same for a screen reader or a log: one sentence per target and figure, without a table."""
    lines = []
    for result in results:
        name = clean(result.name)
        failed = sum(observation.failed for observation in result.observations)
        answers = sum(observation.answered for observation in result.observations)
        lines.append(f"{name}: {counted(answers, 'complete answer')}, {failed:,} failed.")
        for figure in SAMPLED:
            found = summary(result.observations, figure)
            if found.median is None:
                continue
            interval = found.median_interval
            within = f", 95 % interval {span(figure, interval.low, interval.high)}" if interval else ""
            p95 = f", p95 {amount(figure, found.p95)}" if found.p95 is not None else ""
            lines.append(f"{name}: {figure.label} median {amount(figure, found.median)}{within}{p95}.")
        lines += [
            f"{name}: {each}, fitted to {counted(result.fit.count, 'answer')}." for each in result.fit.sentences()
        ]
    return lines


def verdicts(results: Sequence[TargetResult]) -> list[str]:
    """One line per target and objective, then the family of all of them."""
    lines = [
        f"{MARKS[judgement.state]}: {clean(result.name)}: {judgement.objective.text}, {judgement.basis}"
        for result in results
        for judgement in result.judgements
    ]
    family = judgements_sentence(results)
    return [*lines, f"{family}."] if family else lines


def in_turn_lines(runs: Sequence[StoredRun]) -> list[str]:
    """One line per verdict on targets that were asked in turn, then what failed, and their family."""
    turns = measured_in_turn(measured_in(runs))
    found = compare_in_turn(turns)
    said = [*(each.sentence for each in found), *failures_in_turn(turns), family_sentence(found)]
    return [clean(f"{sentence}.") for sentence in dict.fromkeys(said) if sentence]


def judgements_sentence(results: Sequence[TargetResult]) -> str:
    """The family of the judgements, without a full stop; empty for a single one."""
    return judged_together(sum(len(result.judgements) for result in results))


def pass_rate_lines(results: Sequence[TargetResult]) -> list[str]:
    """Per target, how many answers passed their checks, then the comparisons of these; nothing without checks."""
    found = [(result.name, result.observations) for result in results]
    rates = [(name, rate) for name, observations in found if (rate := pass_rate(observations)) is not None]
    return [clean(line) for line in (*(f"{name}: {rate.sentence}" for name, rate in rates), *differing(found))]


def frontier_lines(results: Sequence[TargetResult], by: Figure = Figure.TOTAL) -> list[str]:
    """A table of times, cost and pass rate, with what is on the frontier; nothing where nothing but time is known."""
    points = frontier([(clean(one.name), one.observations) for one in results if one.observations], by)
    rows = [(point.name, point.state, *point.cells, str(point.requests)) for point in points]
    heading = ("target", "frontier", "total", "TTFT", "cost", "passed", "n")
    return [*aligned([heading, *rows], labels=2), f"{frontier_note(by)}."] if rows else []


def choice_lines(choice: Choice | None) -> list[str]:
    """The choice with its doubt, then why each candidate is or is not; nothing without a rule."""
    if choice is None:
        return []
    found = [f"  {one.name}: {one.state.value}{f', {one.reason}' if one.reason else ''}" for one in choice.candidates]
    return [clean(line) for line in (f"choice: {choice.rule}: {choice.sentence}.", *found)]


_CHOICE_CODES = {
    ChoiceOutcome.CHOSEN: ExitCode.OK,
    ChoiceOutcome.NONE: ExitCode.MISSED,
    ChoiceOutcome.OPEN: ExitCode.NOT_MEASURED,
}


def choice_code(choice: Choice, results: Sequence[TargetResult]) -> ExitCode:
    """0: one is chosen, and the objectives that every target must keep are met; 1: none is left, or such an objective
    is missed; 3: it cannot be told yet."""
    codes = [_CHOICE_CODES[choice.outcome], *([exit_code(results)] if any(one.judgements for one in results) else [])]
    return next((code for code in (ExitCode.MISSED, ExitCode.NOT_MEASURED) if code in codes), ExitCode.OK)


def hosts_of(results: Sequence[TargetResult]) -> list[str]:
    """Table and sentences on how the hosts of each target differ."""
    return host_lines([result.from_host for result in results if result.from_host is not None])


def goodput_lines(results: Sequence[TargetResult], objectives: Sequence[Objective]) -> list[str]:
    """Per target, the share of requests that meet every objective; nothing without objectives."""
    lines = []
    for result in results:
        found = goodput(objectives, result.observations) if objectives else None
        if found is not None:
            lines.append(f"goodput: {clean(result.name)}: {found.sentence}")
    return lines


def remark_lines(results: Sequence[TargetResult]) -> list[str]:
    """Sentences without which the table would be misread: answers that were cut, refused, or read from a cache."""
    found = [remark for result in results for remark in remarks_on(result.name, result.observations)]
    return [clean(remark) for remark in (*found, *tokens_differ(one.model for one in results if one.answered))]


def _cells(figure: Figure, found: Description, observations: Sequence[Observation]) -> tuple[str, ...]:
    interval = found.median_interval
    statuses = [observation.status for observation in observations]
    return (
        str(found.count),
        *(str(statuses.count(status)) for status in (Status.TRUNCATED, Status.REFUSED)),
        str(found.failures),
        amount(figure, found.median),
        span(figure, interval.low, interval.high) if interval else ABSENT,
        amount(figure, found.p95),
        amount(figure, found.min),
        amount(figure, found.max),
    )


def junit(
    results: Sequence[TargetResult], runs: Sequence[StoredRun], *, simulated: bool, choice: Choice | None = None
) -> str:
    """The report. A target that never answered is an error, an objective not yet known is skipped.

    What was corrected together, and verdicts on targets asked in turn, are in the suite's output.
    """
    name = "latency-tui (SIMULATED)" if simulated else "latency-tui"
    suite = ElementTree.Element("testsuite", name=name)
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for result in results:
        cases = result.judgements if result.judgements and result.answered else (None,)
        for judgement in cases:
            counts["tests"] += 1
            title = judgement.objective.text if judgement is not None else "answers"
            case = ElementTree.SubElement(suite, "testcase", classname=clean(result.name), name=title)
            if kind := _outcome(case, result, judgement):
                counts[kind] += 1
    if choice is not None:
        counts["tests"] += 1
        case = ElementTree.SubElement(suite, "testcase", classname="choice", name=choice.rule)
        for tag, kind, outcome in _CHOICE_CASES:
            if choice.outcome is outcome:
                counts[kind] += 1
                ElementTree.SubElement(case, tag, message=clean(choice.sentence))
    for key, count in counts.items():
        suite.set(key, str(count))
    family = judgements_sentence(results)
    if said := [
        *([f"{family}."] if family else []),
        *pass_rate_lines(results),
        *in_turn_lines(runs),
        *choice_lines(choice),
    ]:
        ElementTree.SubElement(suite, "system-out").text = "\n".join(said)
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


_CHOICE_CASES = (("failure", "failures", ChoiceOutcome.NONE), ("skipped", "skipped", ChoiceOutcome.OPEN))


def _outcome(case: ElementTree.Element, result: TargetResult, judgement: Judgement | None) -> str | None:
    if not result.answered:
        count = len(result.observations)
        ElementTree.SubElement(case, "error", message=f"No complete answer in {counted(count, 'request')}.")
        return "errors"
    if judgement is None or judgement.state is ObjectiveState.MET:
        if judgement is not None:
            ElementTree.SubElement(case, "system-out").text = judgement.sentence
        return None
    if judgement.state is ObjectiveState.MISSED:
        ElementTree.SubElement(case, "failure", message=judgement.sentence)
        return "failures"
    ElementTree.SubElement(case, "skipped", message=judgement.sentence)
    return "skipped"


def write_exports(options: argparse.Namespace, runs: Sequence[StoredRun], **more: Any) -> None:
    """Write the runs where `--json` and `--markdown` say; `more` are arguments of `formats.render`. Raises as that."""
    more["with_texts"] = not options.no_texts
    for path, wanted in ((options.json, Format.JSON), (options.markdown, Format.MARKDOWN)):
        if path == "-":
            print_utf8(render(runs, wanted, **more))
        elif path is not None:
            write(Path(path), runs, wanted, **more)
