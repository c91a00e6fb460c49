"""`latency-tui sweep`: the time per token and the baseline latency, from the command."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tui.core.grouping import measured_in
from tui.errors import ExitCode
from tui.export.json_format import read
from tui.simulator.profiles import load

from .conftest import Run, Workplace

Plan = Callable[..., str]


@pytest.fixture(scope="module")
def swept(shared_workplace: Workplace) -> Workplace:
    """A workplace in which a plan was swept once."""
    shared_workplace.plan('objectives = ["baseline < 5s", "ttft.p50 < 1us"]')
    file = shared_workplace.cwd / "plan.toml"
    file.write_text(file.read_text().replace("sim-fast", "sim-endless"))
    done = shared_workplace.run("sweep", "plan.toml", "--json", "sweep.json", "--markdown", "sweep.md", "--no-texts")
    (shared_workplace.cwd / "out").write_text(done.stdout)
    (shared_workplace.cwd / "err").write_text(done.stderr)
    # What a sweep does not tell (`ttft`) it does not judge.
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    return shared_workplace


def test_the_cost_is_said_before_anything_is_sent(swept: Workplace) -> None:
    first, second, *_, last = (swept.cwd / "err").read_text().splitlines()
    assert first.startswith("The sweep sends up to 38 requests, ")
    assert second == "sweep: warm-up 1 of 1"
    assert last == "sweep: 18 of 18, done"


def test_what_is_told_stands_in_table_report_and_export(swept: Workplace) -> None:
    profile = load()["sim-endless"]
    fits = json.loads((swept.cwd / "sweep.json").read_text())["fits"]
    assert [(each["target"], each["simulated"]) for each in fits] == [("first", True), ("second", True)]
    for each in fits:
        # On a busy machine the shortest answers come in one piece, which tell no time of writing.
        assert 10 <= each["answers"] <= 18
        assert each["prefill_ms"]["value"] == pytest.approx(profile.prefill_ms_per_1k, rel=0.5)
        assert each["decode_ms"]["value"] == pytest.approx(1_000 / profile.tokens_per_second, rel=0.5)
        assert each["baseline_ms"]["low"] < each["baseline_ms"]["value"] < each["baseline_ms"]["high"]
    out, report = (swept.cwd / "out").read_text(), (swept.cwd / "sweep.md").read_text()
    assert out.startswith("SIMULATED")
    assert "first   baseline latency" in out
    assert "met: first: baseline < 5s, " in out
    assert "ttft" not in out
    assert "| Baseline latency, ms |" in report


def test_an_import_tells_the_same(swept: Workplace) -> None:
    path = swept.cwd / "sweep.json"
    fits = json.loads(path.read_text())["fits"]
    again = [one.fit().baseline for one in measured_in(read(path).runs)]
    assert [each and each.value / 1e6 for each in again] == pytest.approx(
        [each["baseline_ms"]["value"] for each in fits]
    )


@pytest.mark.parametrize(("limit", "code"), [("baseline < 1us", ExitCode.MISSED), ("prefill < 5s", ExitCode.OK)])
def test_objectives_on_it_decide_the_exit_code(run: Run, plan: Plan, tmp_path: Path, limit: str, code: int) -> None:
    name = plan(f'objectives = ["{limit}"]\n[series]\nmax_requests = 26')
    file = tmp_path / "cwd" / name
    file.write_text(file.read_text().replace("sim-fast", "sim-endless"))
    done = run("sweep", name, "--quiet", "--plain")
    assert done.returncode == code, done.stdout + done.stderr
    assert "first: baseline latency " in done.stdout
    assert done.stderr == ""


def test_a_budget_that_pays_for_nothing_sends_nothing(run: Run, plan: Plan, tmp_path: Path) -> None:
    name = plan("[budget]\nplan_usd = 0.000001")
    file = tmp_path / "cwd" / name
    file.write_text(file.read_text().replace("sim-fast", "claude-haiku-5-5"))
    done = run("sweep", name, "--demo")
    assert done.returncode == ExitCode.NOT_MEASURED
    assert "Nothing was sent: this could cost up to $" in done.stderr
    assert "first" not in done.stdout
