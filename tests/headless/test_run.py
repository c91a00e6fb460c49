"""`latency-tui run`, as a subprocess: results, files, exit codes."""

import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tui.core.events import AttemptFailed, Failure, FailureKind
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.series import Series, SeriesSettings
from tui.core.target import Endpoint, Retries, Timeouts
from tui.errors import ExitCode
from tui.export import json_format
from tui.headless.narration import Narrator

from .conftest import Run, Workplace

Plan = Callable[..., str]


@pytest.mark.cold
def test_a_plan_is_measured_once_and_summed_up(run: Run, plan: Plan) -> None:
    done = run("run", plan())
    assert done.returncode == ExitCode.OK, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("SIMULATED")
    assert lines[1].split()[:6] == ["target", "figure", "n", "cut", "refused", "failed"]
    assert [line.split()[:3] for line in lines[2:]] == [
        ["first", "TTFT", "1"],
        ["first", "total", "1"],
        ["second", "TTFT", "1"],
        ["second", "total", "1"],
    ]
    assert "series: 1 of 1" in done.stderr


SKY = "Why is the sky blue?"


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (("--prompt", SKY), ""),
        (("--prompt", "-"), SKY),
        (("-",), SKY),
        (("--file", "prompt.txt"), ""),
    ],
)
def test_a_prompt_is_given_without_a_plan(workplace: Workplace, arguments: tuple[str, ...], given: str) -> None:
    (workplace.cwd / "prompt.txt").write_text(SKY)
    options = ("--model", "sim-fast", "--system", "Be brief.", "--max-tokens", "40", "--repeat", "2", "--json", "-")
    done = workplace.run("run", *arguments, *options, given=given)
    assert done.returncode == ExitCode.OK, done.stderr
    runs = json.loads(done.stdout)["runs"]
    plan = runs[-1]["plan"]
    assert (plan["prompt"]["user"], plan["prompt"]["system"]) == (SKY, "Be brief.")
    assert plan["parameters"]["max_tokens"] == 40
    assert [target["model"] for target in plan["targets"]] == ["sim-fast"]
    assert len(runs) == 3, "a warm-up and two repeats"


def test_flags_go_before_the_plan_that_config_names(run: Run, plan: Plan) -> None:
    done = run("run", "--config", plan(), "--prompt", SKY, "--max-tokens", "30", "--json", "-", "--quiet")
    found = json.loads(done.stdout)["runs"][0]["plan"]
    assert (found["prompt"]["user"], found["parameters"]["max_tokens"]) == (SKY, 30)
    assert [target["name"] for target in found["targets"]] == ["first", "second"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((SKY,), "--prompt"),
        (("plan.toml", "--config", "plan.toml"), "give one of them"),
        (("-", "--prompt", "x"), "give one of them"),
        (("--prompt", "x", "--file", "y"), "give one of them"),
        (("--file", "nowhere.txt"), "cannot be read"),
    ],
)
def test_arguments_that_contradict_are_refused(run: Run, plan: Plan, arguments: tuple[str, ...], words: str) -> None:
    plan()
    for command in ("run", "advise"):
        done = run(command, *arguments)
        assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
        assert words in done.stderr


def test_a_log_has_a_line_for_every_twentieth_of_a_series() -> None:
    stream = io.StringIO()
    narrator = Narrator(stream, quiet=False)
    series = Series(SeriesSettings(repeats=200, warm_ups=2), "uid", 1, 1)
    while (repeat := series.next()) is not None:
        narrator.progress(series)
        series.add(repeat, 10**9, 0.0, all_failed=False)
    narrator.progress(series)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 23
    assert lines[0] == "series: warm-up 1 of 2"
    assert lines[2] == "series: 1 of 200, 3 min left"
    assert "series: 20 of 200, 3 min left" in lines
    assert lines[-1] == "series: 200 of 200, done"


def test_files_hold_every_run_and_what_was_judged(run: Run, plan: Plan, tmp_path: Path) -> None:
    name = plan('objectives = ["total.p50 < 60s", "ttft.max < 0.001ms"]')
    done = run("run", name, "--repeat", "6", "--json", "a.json", "--junit", "a.xml", "--markdown", "a.md", "--quiet")
    assert done.returncode == ExitCode.MISSED
    assert done.stdout == ""
    stored = json_format.read(tmp_path / "cwd" / "a.json").runs
    assert [stored_run.info.warm_up for stored_run in stored] == [True] + [False] * 6
    assert len({stored_run.info.series for stored_run in stored}) == 1
    assert all([record.spec.target for record in stored_run.requests] == ["first", "second"] for stored_run in stored)
    suite = ElementTree.parse(tmp_path / "cwd" / "a.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "2", "0")
    assert {case.get("classname") for case in suite.iter("testcase")} == {"first", "second"}
    assert "SIMULATED" in (tmp_path / "cwd" / "a.md").read_text()


def test_standard_output_holds_nothing_but_the_json(run: Run, plan: Plan) -> None:
    done = run("run", plan(), "--json", "-")
    document = json.loads(done.stdout)
    assert {request["target"] for request in document["requests"]} == {"first", "second"}
    assert all(request["ttft_ms"] > 0 for request in document["requests"])
    assert "TTFT" in done.stderr


def test_what_too_few_runs_cannot_tell_is_not_measured(run: Run, plan: Plan) -> None:
    done = run("run", plan('objectives = ["ttft.p95 < 60s"]'))
    assert done.returncode == ExitCode.NOT_MEASURED
    assert done.stdout.count("not yet known: ") == 2


def test_a_report_judges_the_objectives(run: Run, plan: Plan) -> None:
    report = run("run", plan('objectives = ["ttft.max < 0.001ms"]'), "--markdown", "-").stdout
    assert "ttft.max" in report.split("## Goodput")[0].split("## Objectives")[1]
    assert "missed" in report


def test_a_collector_that_is_away_does_not_hide_the_verdict(run: Run, plan: Plan) -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    missed = run("run", plan('objectives = ["ttft.max < 0.001ms"]'), "--otel", **away)
    assert missed.returncode == ExitCode.MISSED
    assert "ttft.max < 0.001ms" in missed.stdout
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in missed.stderr
    assert run("run", plan(), "--otel", **away).returncode == ExitCode.USAGE


def test_goodput_counts_the_requests_that_meet_every_objective(run: Run, plan: Plan) -> None:
    met = run("run", plan('objectives = ["ttft.p50 < 60s"]'), "--repeat", "2")
    assert "goodput: first: 2 of 2 requests within every limit" in met.stdout
    missed = run("run", plan('objectives = ["ttft.p50 < 60s", "total.max < 0.001ms"]'), "--repeat", "2")
    assert missed.stdout.count(": 0 of 2 requests within every limit, 0 % to ") == 2
    assert "goodput" not in run("run", plan()).stdout


def test_a_target_that_never_answers_is_not_measured(run: Run, plan: Plan) -> None:
    done = run("run", plan(), "--model", "no-such-model", "--junit", "-")
    assert done.returncode == ExitCode.NOT_MEASURED
    (case,) = ElementTree.fromstring(done.stdout)
    assert [part.tag for part in case] == ["error"]


def test_why_a_target_fails_is_said_once_however_often_it_does(run: Run, plan: Plan) -> None:
    name = plan()
    done = run("run", name, "--model", "no-such-model", "--repeat", "3")
    said = [line for line in done.stderr.splitlines() if "no-such-model: failed. " in line]
    assert len(said) == 1
    assert run("run", name, "--model", "no-such-model", "--quiet").stderr == ""


def test_a_home_that_is_no_directory_holds_no_settings(run: Run, plan: Plan) -> None:
    done = run("run", plan(), XDG_CONFIG_HOME="/dev/null")
    assert done.returncode == ExitCode.OK


def test_plain_says_every_request_in_a_line(run: Run, plan: Plan) -> None:
    done = run("run", plan(), "--plain", "--repeat", "2")
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert sum(line.startswith(("first: done, TTFT ", "second: done, TTFT ")) for line in lines) == 6  # one is warm-up
    assert "first: 2 complete answers, 0 failed." in lines
    assert all(line.endswith(".") for line in lines)


def test_until_sure_says_what_it_found(run: Run, plan: Plan) -> None:
    done = run("run", plan(), "--until-sure", "total", "--repeat", "3")
    assert ", 3 repeats" in done.stdout.splitlines()[-1]
    assert "in total" in done.stdout


def test_two_plans_are_asked_in_turn_and_compared(run: Run, plan: Plan, tmp_path: Path) -> None:
    other = tmp_path / "cwd" / "other.toml"
    other.write_text((tmp_path / "cwd" / plan()).read_text().replace("max_tokens = 64", "max_tokens = 8"))
    done = run("run", "plan.toml", "--against", "other.toml", "--repeat", "8", "--json", "a.json", "--junit", "a.xml",
               "--markdown", "a.md")  # fmt: skip
    assert done.returncode == ExitCode.OK, done.stderr
    # Which is faster is for quiet machines; that each verdict rests on all repeats of both is not.
    assert done.stdout.count("8 repeats in turn") == 4
    assert "4 verdicts, corrected together (Holm)" in done.stdout
    runs = json_format.read(tmp_path / "cwd" / "a.json").runs
    assert all(stored.info.in_turn for stored in runs)
    assert len({tuple(record.spec.target for record in stored.requests) for stored in runs}) == 1
    assert runs[-1].plan.targets[1].against == "first · A"
    assert "first · B" in (ElementTree.parse(tmp_path / "cwd" / "a.xml").findtext("system-out") or "")
    assert "8 repeats in turn" in (tmp_path / "cwd" / "a.md").read_text().split("## Asked in turn")[1]


def test_a_doubt_of_all_figures_is_said_once(run: Run, plan: Plan) -> None:
    done = run("run", plan(), "--against", "plan.toml", "--repeat", "1")
    said = [line for line in done.stdout.splitlines() if "too few repeats" in line]
    assert len(said) == len(set(said)) == 2, done.stdout + done.stderr


def test_the_family_of_judgements_is_named(run: Run, plan: Plan, tmp_path: Path) -> None:
    name = plan('objectives = ["ttft.p50 < 60s", "total.p50 < 60s"]')
    done = run("run", name, "--repeat", "6", "--junit", "a.xml", "--markdown", "a.md")
    said = "4 judgements, made together"
    assert said in done.stdout
    assert said in (ElementTree.parse(tmp_path / "cwd" / "a.xml").findtext("system-out") or "")
    assert said in (tmp_path / "cwd" / "a.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan.toml", "--against", "nope.toml"], "nope.toml: cannot be read"),
        (["--against", "plan.toml"], "name the first one too"),
        (["plan.toml", "--against", "plan.toml", "--until-sure"], "give one of them"),
        (["nope.toml"], "nope.toml: cannot be read"),
        (["plan.toml", "--repeat", "0"], "must be a whole number from 1 to 10000"),
        (["plan.toml", "--json", "-", "--junit", "-"], "Only one of"),
        (["plan.toml", "--json", "not/there/a.json"], "not/there/a.json cannot be written"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_sent(
    run: Run, plan: Plan, arguments: list[str], words: str
) -> None:
    plan()
    done = run("run", *arguments)
    assert done.returncode == ExitCode.USAGE
    assert words in done.stderr
    assert "Traceback" not in done.stderr


_VARIANTS = """[[prompts]]
name = "long"
user = "Explain {{what}} at length."
[[prompts]]
name = "short"
user = "{{what}}?"
"""


def test_all_variants_are_asked_with_one_row_after_the_other(run: Run, plan: Plan) -> None:
    rows = '[variables]\nrows = [{ what = "day" }, { what = "night" }]'
    done = run("run", plan(_VARIANTS + rows), "--all-variants", "--repeat", "2", "--json", "-", "--quiet")
    assert done.returncode == ExitCode.OK, done.stderr
    requests = json.loads(done.stdout)["requests"][-8:]
    asked = [(request["target"], request["prompt"]["user"]) for request in requests]
    targets = ["first · long", "first · short", "second · long", "second · short"]
    texts = [["Explain day at length.", "day?"] * 2, ["Explain night at length.", "night?"] * 2]
    assert asked == [pair for row in texts for pair in zip(targets, row, strict=True)]


def test_a_variable_without_a_value_is_said_before_anything_is_sent(run: Run, plan: Plan) -> None:
    done = run("run", plan(_VARIANTS))
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.startswith("latency-tui: {{what}} has no value: give it one in the variables, or write")


def test_a_bad_objective_is_a_usage_error(run: Run, plan: Plan) -> None:
    done = run("run", plan('objectives = ["ttft < 3"]'))
    assert done.returncode == ExitCode.USAGE
    assert "plan.toml, line 1: objectives" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order_and_reports_what_there_is(
    plan: Plan, environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tui", "run", plan(), "--repeat", "9999", "--json", "a.json"],
        cwd=tmp_path / "cwd",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("series: 1 of 9999"):
            process.send_signal(number)
            break
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert out.splitlines()[-1].startswith("Ended after ")
    stored = json_format.read(tmp_path / "cwd" / "a.json").runs
    assert any(not stored_run.info.warm_up for stored_run in stored)


def test_a_wait_for_another_attempt_is_said_once() -> None:
    spec = RequestSpec(
        request_id=1,
        target="first",
        model="m",
        endpoint=Endpoint(name="e", base_url="http://localhost"),
        prompt=Prompt(user="u"),
        parameters=Parameters(),
        timeouts=Timeouts(),
        retries=Retries(max=2),
    )
    record, said = RequestRecord(spec=spec), io.StringIO()
    narrator = Narrator(said, quiet=True)
    narrator.waiting([record])
    failure = Failure(kind=FailureKind.RATE_LIMITED, message="Slow down.")
    record.apply(AttemptFailed(request_id=1, t_ns=5, failure=failure, wait_s=30))
    narrator.waiting([record])
    narrator.waiting([record])
    assert said.getvalue() == "first: rate limited, waiting 30 s before attempt 2 of 3. Slow down.\n"
