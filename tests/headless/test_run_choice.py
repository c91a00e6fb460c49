"""`latency-tui run --choose`: the choice, its doubt and its exit code, on models that are right at a known rate."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tui.errors import ExitCode

from .conftest import Workplace

pytestmark = pytest.mark.process

RULE = "fastest with passed > 75%"
SURE = "fastest with passed > 85%"
PLAN = """
checks = [{ equals = "Paris" }]
[prompt]
user = 'Answer with the word "Paris".'
[[targets]]
model = "sim-hasty"
[[targets]]
model = "sim-careful"
"""


@pytest.fixture(scope="module")
def place(shared_workplace: Workplace) -> Workplace:
    (shared_workplace.cwd / "plan.toml").write_text(PLAN)
    return shared_workplace


@pytest.fixture(scope="module")
def chosen(place: Workplace) -> Workplace:
    """A choice after a series."""
    files = ("--json", "a.json", "--junit", "a.xml", "--markdown", "a.md")
    done = place.run("run", "plan.toml", "--repeat", "60", "--choose", RULE, "--frontier", "ttft", *files)
    (place.cwd / "out").write_text(f"{done.returncode}\n{done.stdout}")
    return place


def test_the_slower_that_is_right_is_chosen_before_the_fast_that_is_wrong(chosen: Workplace) -> None:
    status, *lines = (chosen.cwd / "out").read_text().splitlines()
    assert status == str(int(ExitCode.OK))
    (at,) = [at for at, line in enumerate(lines) if line.startswith("choice: ")]
    assert lines[at].startswith(f"choice: {RULE}: sim-careful is chosen: total.p50 ")
    assert lines[at + 1].startswith("  sim-hasty: misses an objective, passed > 75%: missed")
    assert lines[at + 2].startswith("  sim-careful: chosen, passed > 75%: met")
    assert any(line.startswith("By median TTFT, mean cost") for line in lines)


def test_files_have_the_choice(chosen: Workplace) -> None:
    export = json.loads((chosen.cwd / "a.json").read_text())
    choice = export["choice"]
    assert len(export["frontier"]) == len(export["frontier_by_ttft"]) == 2
    assert (choice["outcome"], choice["chosen"], choice["rule"]) == ("chosen", "sim-careful", RULE)
    assert [one["state"] for one in choice["candidates"]] == ["misses an objective", "chosen"]
    assert "## Choice" in (chosen.cwd / "a.md").read_text()
    suite = ElementTree.parse(chosen.cwd / "a.xml").getroot()
    case = suite.find("testcase[@classname='choice']")
    assert case is not None
    assert (case.get("name"), len(case), suite.get("tests")) == (RULE, 0, "3")
    again = chosen.run("compare", "a.json", "a.json")
    assert again.returncode == ExitCode.OK, "an export with a choice is read"


def test_until_sure_leaves_the_wrong_one_out_and_takes_the_rule_from_the_plan(place: Workplace) -> None:
    (place.cwd / "sure.toml").write_text(f'{PLAN}\n[series]\nuntil_sure = "total"\nrepeats = 200\nchoose = "{SURE}"\n')
    done = place.run("run", "sure.toml", "--quiet", "--json", "sure.json")
    assert done.returncode == ExitCode.OK, done.stderr
    choice = json.loads((place.cwd / "sure.json").read_text())["choice"]
    assert choice["chosen"] == "sim-careful"
    assert "left out: sim-hasty: it misses passed > 85%" in choice["sentence"]


@pytest.mark.parametrize(
    ("repeats", "rule", "status"),
    [("3", RULE, ExitCode.NOT_MEASURED), ("12", "fastest with total.p50 < 1us", ExitCode.MISSED)],
)
def test_too_few_runs_and_no_candidate_have_the_codes_of_the_gate(
    place: Workplace, repeats: str, rule: str, status: ExitCode
) -> None:
    done = place.run("run", "plan.toml", "--repeat", repeats, "--choose", rule, "--junit", "-")
    assert done.returncode == status
    suite = ElementTree.fromstring(done.stdout)
    assert suite.get("failures" if status is ExitCode.MISSED else "skipped") == "1"


def test_the_cost_of_a_request_is_bounded_and_variants_are_candidates(place: Workplace) -> None:
    (place.cwd / "variants.toml").write_text("""
[parameters]
max_tokens = 1
[prompt]
user = "Why?"
[[prompts]]
name = "brief"
user = "Why?"
[[prompts]]
name = "long"
user = "Please, if it is not too much to ask of you, and when you have the time, tell me in all detail: why?"
[[targets]]
model = "claude-haiku-5-5"
""")
    done = place.run(
        "run",
        "variants.toml",
        "--all-variants",
        "--repeat",
        "9",
        "--choose",
        "cheapest with cost < $0.5",
        "--json",
        "-",
    )
    assert done.returncode == ExitCode.OK, done.stderr
    choice = json.loads(done.stdout)["choice"]
    assert (choice["by"], choice["chosen"]) == ("cost, US dollars", "claude-haiku-5-5 · brief")
    assert [one["variant"] for one in choice["candidates"]] == ["brief", "long"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--choose", "quickest"), "write it like"),
        (("--choose", "cheapest", "--until-sure"), "leave until_sure out"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_before_anything_is_asked(
    place: Workplace, arguments: tuple[str, ...], words: str
) -> None:
    done = place.run("run", "plan.toml", *arguments)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert words in done.stderr
    bad = Path(place.cwd / "bad.toml")
    bad.write_text(f'{PLAN}\n[series]\nchoose = "quickest"\n')
    assert "write it like" in place.run("run", "bad.toml").stderr
