"""Checks in `latency-tui run`: verdicts in the table, the files and the exit code, and again from the history."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tui.errors import ExitCode

from .conftest import Workplace

pytestmark = pytest.mark.process

CHECKS = """
objectives = ["passed > 50%"]
[[checks]]
regex = "{{want}}"
[[checks]]
command = ["sh", "-c", "test -n \\"$(cat)\\""]
[[checks]]
judge = "Is it an answer?"
judge_target = "second"
[variables]
rows = [{ want = "the" }, { want = "no such word" }]
"""


@pytest.fixture(scope="module")
def checked(shared_workplace: Workplace) -> Workplace:
    """Eight runs, half of which pass."""
    plan = shared_workplace.plan(
        CHECKS.replace("regex", "not_contains").replace('"the"', '"zzz"').replace("no such word", "e")
    )
    done = shared_workplace.run(
        "run", plan, "--repeat", "8", "--json", "a.json", "--junit", "a.xml", "--markdown", "a.md"
    )
    (shared_workplace.cwd / "out").write_text(f"{done.returncode}\n{done.stdout}")
    return shared_workplace


def test_the_summary_has_the_pass_rate_and_its_interval(checked: Workplace) -> None:
    status, *lines = (checked.cwd / "out").read_text().splitlines()
    assert status == str(int(ExitCode.NOT_MEASURED))
    assert "first: passed 4 of 8, 15.7 % to 84.3 % (95 %)" in lines
    assert "passed: no difference shown between first 4 of 8, second 4 of 8 (exact test, p = 1)" in lines


def test_files_have_every_verdict_with_its_reasons(checked: Workplace) -> None:
    requests = json.loads((checked.cwd / "a.json").read_text())["requests"]
    counted = [each for each in requests if each["target"] == "first"][-8:]
    assert sorted(each["passed"] for each in counted) == [False] * 4 + [True] * 4
    failing = next(each for each in counted if not each["passed"])
    finding = failing["checks"][0]
    start, end = finding.pop("span")
    assert "".join(text for kind, text in failing["pieces"] if kind == "text")[start:end] == "e"
    assert finding == {"kind": "not_contains", "passed": False, "reason": f'"e" is in it, at character {start + 1}'}
    assert "4 of 8" in (checked.cwd / "a.md").read_text()
    said = ElementTree.parse(checked.cwd / "a.xml").getroot().findtext("system-out")
    assert "passed 4 of 8" in (said or "")


def test_the_history_has_them_too_and_leaves_the_program_here(checked: Workplace) -> None:
    export = json.loads(checked.run("history", "export", "last", "--to", "-").stdout)
    assert export["requests"][0]["checks"][1]["kind"] == "command"
    assert "test -n" not in json.dumps(export)


def test_two_exports_are_compared_by_an_exact_test(checked: Workplace) -> None:
    assert "passed: no difference shown between B 4 of 8, A 4 of 8" in checked.run("compare", "a.json", "a.json").stdout


def test_a_judge_is_paid_for_and_measured_nowhere(checked: Workplace) -> None:
    lines = (checked.cwd / "out").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("judges: "))
    requests = json.loads((checked.cwd / "a.json").read_text())["requests"]
    assert {each["target"] for each in requests} == {"first", "second"}
    assert line.startswith(f"judges: {len(requests)} answers of sim-fast, ")
    findings = [each["checks"][2] for each in requests]
    assert {(each["model"], each["reason"]) for each in findings} == {
        ("sim-fast", "sim-fast says yes: Is it an answer?")
    }
    assert all(each["passed"] and each["input_tokens"] > 0 and each["output_tokens"] > 0 for each in findings)


def test_a_pass_rate_that_is_surely_too_low_fails_a_job(workplace: Workplace) -> None:
    plan = workplace.plan('objectives = ["passed > 90%"]\nchecks = [{ contains = "no such word" }]')
    done = workplace.run("run", plan, "--repeat", "3", "--no-texts", "--json", "b.json")
    assert done.returncode == ExitCode.MISSED
    assert "no such word" not in Path(workplace.cwd / "b.json").read_text()
