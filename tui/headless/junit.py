"""Results as a JUnit report: one test case per target and objective, as CI systems show them.

The format is that of the Ant task, for which there is no standard; what is written here is what Jenkins, GitLab and
GitHub's report actions read: testsuite, testcase, failure, error, skipped.
"""

from collections.abc import Sequence
from xml.etree import ElementTree

from tui.core.objectives import Judgement, ObjectiveState
from tui.core.sanitize import clean
from tui.headless.results import TargetResult


def junit(results: Sequence[TargetResult], *, simulated: bool) -> str:
    """The report. A target that never answered is an error, an objective not yet known is skipped."""
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
    for key, count in counts.items():
        suite.set(key, str(count))
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _outcome(case: ElementTree.Element, result: TargetResult, judgement: Judgement | None) -> str | None:
    if not result.answered:
        count = len(result.observations)
        ElementTree.SubElement(case, "error", message=f"No complete answer in {count} requests.")
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
