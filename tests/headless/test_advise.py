"""`latency-tui advise`: what the screen's advice says, as text and as JSON."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
from tried_samples import TRIED

from tui.errors import ExitCode
from tui.history.store import Store
from tui.session import trial_log

from .conftest import Run

Plan = Callable[..., str]


def test_advice_as_text_and_as_json_is_the_same(run: Run, plan: Plan) -> None:
    name = plan()
    text = run("advise", name, "--repeat", "5")
    assert text.returncode == ExitCode.OK, text.stderr
    assert text.stdout.startswith("First make a prompt that works")
    assert "first (SIMULATED): " in text.stdout
    found = json.loads(run("advise", name, "--repeat", "5", "--json", "-", "--quiet").stdout)["advice"]
    assert [advice["target"] for advice in found] == ["first", "second"]
    assert all(advice["answers"] == 5 and advice["conclusion"] for advice in found)


def test_what_was_tried_stands_beside_the_advice(run: Run, plan: Plan, tmp_path: Path) -> None:
    name = plan()
    (tmp_path / "data").mkdir()
    with Store(Path(run("history", "path").stdout.strip())) as store:
        trial_log.note(store, msgspec.structs.replace(TRIED, model="sim-fast", target="first"))
        trial_log.note(store, msgspec.structs.replace(TRIED, model="another", target="not this one"))
    done = run("advise", name, "--repeat", "2", "--json", "a.json", "--markdown", "a.md")
    assert done.returncode == ExitCode.OK, done.stderr
    (tried,) = json.loads((tmp_path / "cwd" / "a.json").read_text())["tried"]
    assert (tried["predicted_ms"], tried["saved_ms"], tried["verdict"]) == (100, 95, "faster")
    assert (tried["decision"], tried["as_predicted"], tried["simulated"]) == ("accepted", True, True)
    assert "SIMULATED · first: Ask with low effort; predicted total −100 ms" in done.stdout
    report = (tmp_path / "cwd" / "a.md").read_text()
    assert report.startswith("# latency-tui advice\n\nFirst make a prompt that works")
    assert "| Ask with low effort | faster | yes | accepted | total | 100 |" in report
    assert "not this one" not in done.stdout + report


def test_parts_are_counted_by_the_endpoint(run: Run, plan: Plan, tmp_path: Path) -> None:
    plan()
    file = tmp_path / "cwd" / "plan.toml"
    file.write_text(file.read_text().replace("[prompt]", '[prompt]\nsystem = "You answer in one sentence."'))
    text = run("advise", "plan.toml", "--repeat", "1", "--quiet").stdout
    line = next(line for line in text.splitlines() if "prompt length:" in line)
    assert re.search(r"\d+ tokens: \d+ system, \d+ user", line), line


def test_the_share_that_may_be_cut_is_chosen(run: Run, plan: Plan) -> None:
    plan()
    said = [
        run("advise", "plan.toml", "--repeat", "5", "--quiet", "--model", "sim-endless", *more).stdout
        for more in ((), ("--cut-share", "1"))
    ]
    assert "First look at this: 5 of 5 answers cut at max_tokens (64)" in said[0]
    assert "Lower max_tokens" not in said[0]
    assert "Lower max_tokens to 32" in said[1]
    assert run("advise", "plan.toml", "--cut-share", "0").returncode == ExitCode.USAGE


def test_two_files_cannot_both_be_standard_output(run: Run, plan: Plan) -> None:
    done = run("advise", plan(), "--json", "-", "--markdown", "-")
    assert done.returncode == ExitCode.USAGE
    assert "Only one of --json and --markdown" in done.stderr


def test_nothing_that_answers_gives_no_advice(run: Run, plan: Plan) -> None:
    done = run("advise", plan(), "--model", "no-such-model", "--repeat", "1")
    assert done.returncode == ExitCode.NOT_MEASURED
    assert "Traceback" not in done.stderr
