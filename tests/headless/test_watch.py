"""`latency-tui watch`, as a subprocess: rounds in the history, gates, the command on a miss, restarts, signals."""

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from canary import KEY

from tui.config.known_models import load_models
from tui.config.load import Flags, build_plan, load
from tui.core.change_points import FALSE_ALARMS
from tui.core.events import Usage
from tui.core.rounds import Round
from tui.errors import ExitCode
from tui.headless.watch import _Watch, report_lines
from tui.session.spending import Spending

from .conftest import Run, Workplace

Plan = Callable[..., str]

ONCE = ("--every", "1h", "--for", "1s", "--demo")
"""One round, which begins at once, and the end after it."""
NEVER = 'objectives = ["ttft.p50 < 1ms"]'
KEEP = """import json, os, sys
told = json.load(sys.stdin)
told["environment"] = sorted(os.environ)
json.dump(told, open("told.json", "w"))
"""


def write_keeper(tmp_path: Path) -> str:
    (tmp_path / "cwd" / "keep.py").write_text(KEEP)
    return f"{sys.executable} keep.py"


def test_a_miss_hands_the_figures_to_the_command_and_no_key(run: Run, plan: Plan, tmp_path: Path) -> None:
    done = run("watch", plan(NEVER), *ONCE, "--on-miss", write_keeper(tmp_path), ANTHROPIC_API_KEY=KEY)
    assert done.returncode == ExitCode.MISSED, done.stderr
    told = json.loads((tmp_path / "cwd" / "told.json").read_text())
    assert told["simulated"] is True
    assert [target["target"] for target in told["targets"]] == ["first", "second"]
    for target in told["targets"]:
        assert target["answers"] == target["figures"]["ttft_ms"]["count"] == 6
        assert 1 < target["figures"]["ttft_ms"]["median"] < target["figures"]["ttlt_ms"]["median"]
        assert [one["state"] for one in target["objectives"]] == ["missed"]
    assert "PATH" in told["environment"]
    assert "ANTHROPIC_API_KEY" not in told["environment"]
    listed = json.loads(run("history", "list", "--json", "-").stdout)
    assert {tag for one in listed for tag in one["tags"]} == {told["watch"]}
    assert {one["uid"] for one in listed} >= set(told["runs"][-1:])


def test_a_round_that_keeps_the_objectives_runs_no_command(run: Run, plan: Plan, tmp_path: Path) -> None:
    command = write_keeper(tmp_path)
    done = run("watch", plan('objectives = ["ttft.p50 < 60s"]'), *ONCE, "--on-miss", command)
    assert done.returncode == ExitCode.OK, done.stderr
    assert not (tmp_path / "cwd" / "told.json").exists()
    assert "1 round measured, 0 of them missed" in done.stdout
    assert "A change can be told from 20 rounds on; there are 1." in done.stdout


def test_a_target_that_does_not_answer_is_a_miss(run: Run, tmp_path: Path) -> None:
    command = write_keeper(tmp_path)
    server = ("--base-url", "http://127.0.0.1:9", "--model", "m", "--prompt", "x")
    done = run("watch", *server, "--every", "1h", "--for", "1s", "--on-miss", command)
    assert done.returncode == ExitCode.MISSED, done.stderr
    told = json.loads((tmp_path / "cwd" / "told.json").read_text())
    assert [(target["answers"], target["failed"]) for target in told["targets"]] == [(0, 1)]


@pytest.mark.parametrize(
    ("command", "said"), [("sh -c 'exit 7'", "ended with status 7"), ("./torn", "could not be run")]
)
def test_the_commands_own_failure_is_said(run: Run, plan: Plan, tmp_path: Path, command: str, said: str) -> None:
    torn = tmp_path / "cwd" / "torn"
    torn.write_bytes(b"\0")
    torn.chmod(0o700)
    done = run("watch", plan(NEVER), *ONCE, "--on-miss", command)
    assert done.returncode == ExitCode.MISSED, done.stderr
    assert said in done.stdout
    assert "1 round measured, 1 of them missed" in done.stdout


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--on-miss", "no-such-program-here"), "no program that can be run"),
        (("--on-miss", "'torn"), "cannot be split"),
        (("--every", "5s"), "must be 10s or more"),
        (("--every", "soon"), "must be a span of time"),
        (("--for", "0m"), "must be a span of time"),
    ],
)
def test_what_cannot_be_watched_is_refused_before_a_round(
    run: Run, plan: Plan, more: tuple[str, ...], said: str
) -> None:
    done = run("watch", plan(), *ONCE, *more)
    assert done.returncode == ExitCode.USAGE
    assert said in done.stderr
    assert json.loads(run("history", "list", "--json", "-").stdout) == []


def test_without_a_history_it_is_refused(run: Run, plan: Plan) -> None:
    done = run("watch", plan("history.enabled = false"), *ONCE)
    assert done.returncode == ExitCode.USAGE
    assert "history.enabled" in done.stderr


def test_started_again_in_the_same_slot_it_measures_nothing_twice(run: Run, plan: Plan) -> None:
    assert run("watch", plan(), *ONCE).returncode == ExitCode.OK
    again = run("watch", plan(), *ONCE)
    assert again.returncode == ExitCode.NOT_MEASURED
    assert "0 rounds measured" in again.stdout
    assert [line.split()[2:4] for line in again.stdout.splitlines() if line.startswith("first")] == [["1", "0"]]
    assert len(json.loads(run("history", "list", "--json", "-").stdout)) == 1


def test_the_budget_of_the_session_is_that_of_all_rounds(run: Run, plan: Plan) -> None:
    capped = plan("budget.session_usd = 0.0000001").replace("sim-fast", "claude-haiku-5-5")
    done = run("watch", capped, *ONCE, "--model", "claude-haiku-5-5")
    assert done.returncode == ExitCode.NOT_MEASURED
    assert "budget.session_usd" in done.stderr
    assert "The budget is used up, so the watch ends." in done.stdout


def test_what_a_round_has_cost_is_left_to_none_after_it(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("budget.session_usd = 1.0")
    loaded = load(Flags(config=tmp_path / "plan.toml", demo=True), {}, tmp_path)
    options = argparse.Namespace(every=3600, repeat=None, span=None, otel=False, config=None)
    watch = _Watch(loaded, options, "w", (), 1)
    spending = Spending({model.id: model for model in load_models()})
    spec = build_plan(loaded.settings, {}, "http://127.0.0.1:1").requests(1)[0]
    spec = msgspec.structs.replace(spec, model="claude-haiku-4-5")
    watch._pay(spending)
    assert watch._affordable().settings.budget.session_usd == 1.0
    spending.add_judge(spec, Usage(input_tokens=100_000, output_tokens=20_000), complete=True)
    watch._pay(spending)
    assert watch._affordable().settings.budget.session_usd == pytest.approx(1 - 0.2)


@pytest.fixture
def watching(plan: Plan, environment: dict[str, str], tmp_path: Path) -> "subprocess.Popen[str]":
    """A watch whose first round is over."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tui", "watch", plan(), "--demo", "--every", "1h"],
        cwd=tmp_path / "cwd",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "second: TTFT" in line:
            return process
    raise AssertionError(process.communicate())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(watching: "subprocess.Popen[str]", run: Run, number: signal.Signals) -> None:
    second = run("watch", "plan.toml", *ONCE)
    assert second.returncode == ExitCode.USAGE
    assert f"is watched already, by process {watching.pid}" in second.stderr
    watching.send_signal(number)
    out, errors = watching.communicate(timeout=60)
    assert watching.returncode == 128 + number
    assert errors == ""
    assert out.splitlines()[-1] == "1 round measured, 0 of them missed an objective or lack an answer; 0 skipped."


def test_a_collector_that_is_away_is_said_and_ends_nothing(run: Run, plan: Plan) -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    done = run("watch", plan(), *ONCE, "--otel", **away)
    assert done.returncode == ExitCode.OK, done.stderr
    assert "did not take the metrics" in done.stdout


def test_the_report_has_the_hours_and_says_what_changed_and_how_sure_that_is() -> None:
    begun = 1_800_000_000 * 10**9

    def at(number: int, ttft_ms: int) -> Round:
        ttft_ns = ttft_ms * 10**6
        return Round(
            started_unix_ns=begun + number * 300 * 10**9, ttft_ns=ttft_ns, total_ns=2 * ttft_ns, failed=number == 3
        )

    rounds = {"a": [at(number, 200 + number % 7 + (100 if number >= 30 else 0)) for number in range(60)]}
    lines = report_lines(rounds)
    assert lines[0].split() == ["target", "hour", "(UTC)", "rounds", "failed", "TTFT", "total"]
    assert [line.split()[2:4] for line in lines if line.startswith("a ")] == [
        ["12", "1"], ["12", "0"], ["12", "0"], ["12", "0"], ["12", "0"],
    ]  # fmt: skip
    assert "a: TTFT rose from 203 ms to 303 ms between 2027-01-15T10:25:00.000Z and 2027-01-15T10:30:00.000Z." in lines
    assert lines[-1].endswith(f"with a probability of about {FALSE_ALARMS * 100:g} %.")


def test_the_examples_name_commands_and_options_that_there_are(tmp_path: Path) -> None:
    root = Path(__file__).parents[2] / "configs" / "examples"
    work = Workplace(tmp_path)
    for name in ("latency-watch.service", "latency-cronjob.yaml"):
        text = (root / name).read_text()
        (line,) = [line for line in text.splitlines() if line.lstrip().startswith(("ExecStart=", "command:"))]
        words = line.replace('"', " ").replace(",", " ").split()
        command = words[words.index("latency-tui") + 1]
        options = {word for word in words if word.startswith("--")}
        known = work.run(command, "--help").stdout
        assert options
        assert options <= set(known.replace("[", " ").replace("]", " ").split()), command
