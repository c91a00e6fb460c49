"""`latency-tui load`: levels of load of a plan, from the command."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from tui.errors import ExitCode
from tui.export.json_format import read

from .conftest import Workplace

LOAD = """
[load]
levels = [1, 2, 4]
requests = 12
ramp = 0.1
warm_up = 0.1
"""


@pytest.fixture(scope="module")
def loaded(shared_workplace: Workplace) -> Workplace:
    """A workplace in which a plan was loaded once."""
    shared_workplace.plan('objectives = ["ttft.p95 < 5s"]')
    file = shared_workplace.cwd / "plan.toml"
    file.write_text(file.read_text().replace('[[targets]]\nmodel = "sim-fast"\nname = "second"\n', "") + LOAD)
    done = shared_workplace.run("load", "plan.toml", "--json", "load.json", "--markdown", "load.md")
    (shared_workplace.cwd / "out").write_text(done.stdout)
    (shared_workplace.cwd / "err").write_text(done.stderr)
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    return shared_workplace


@pytest.fixture(scope="module")
def exported(loaded: Workplace) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((loaded.cwd / "load.json").read_text())
    return found


def test_every_level_stands_in_the_export(exported: dict[str, Any]) -> None:
    levels = exported["levels"]
    assert [(one["target"], one["concurrency"], one["requests"], one["answers"]) for one in levels] == [
        ("first", 1, 12, 12),
        ("first", 2, 12, 12),
        ("first", 4, 12, 12),
    ]
    for one in levels:
        assert one["errors"] == {}
        assert "rate" not in one
        assert one["most_in_flight"] <= one["concurrency"]
        assert 0 < one["in_flight"] <= one["concurrency"]
        assert one["ttft_ms"]["median"] <= one["ttlt_ms"]["median"]
        assert one["ttft_ms"]["median"] <= one["ttft_from_due_ms"]["median"]
        assert one["ttft_ms"]["count"] == 12
        assert "p95" not in one["ttft_ms"]
        assert one["goodput"] == pytest.approx(one["good"] / one["seconds"])
        assert one["goodput_interval"]["low"] <= one["goodput"] <= one["goodput_interval"]["high"]
    assert [one["target"] for one in exported["knees"]] == ["first"]


def test_its_requests_say_when_they_were_due_and_where_they_belong(exported: dict[str, Any]) -> None:
    infos = {run["info"]["uid"]: run["info"] for run in exported["runs"]}
    assert len({info["series"] for info in infos.values()}) == 1
    counted = [info for info in infos.values() if not info.get("warm_up")]
    assert [info["load"]["level"]["concurrency"] for info in counted] == [1] * 12 + [2] * 12 + [4] * 12
    assert sum("until_ns" in info["load"] for info in counted) == 3
    for request in exported["requests"]:
        assert request["stamps"]["due_ns"] <= request["stamps"]["sent_ns"]


def test_the_table_and_the_progress_name_every_level(loaded: Workplace) -> None:
    out, err = (loaded.cwd / "out").read_text(), (loaded.cwd / "err").read_text()
    assert out.startswith("SIMULATED")
    for level in ("1 in flight", "2 in flight", "4 in flight"):
        assert f"first   {level}  " in out
        assert f"{level}, counted" in err
    assert "first: knee at " in out
    first, *_, last = err.splitlines()
    assert first.startswith("The load sends up to 10,000 requests, at prices that are not known")
    assert last.startswith("load over: complete, ")


def test_the_report_has_a_table_of_levels_and_keeps_them_apart(loaded: Workplace) -> None:
    report = (loaded.cwd / "load.md").read_text()
    assert "| first | 2 in flight | 12 | 0 |" in report
    assert "| first · 4 in flight |" in report


@pytest.mark.parametrize(
    ("gate", "status", "words"),
    [
        ("goodput >= 0.5/s at ttft.p50 < 5s", ExitCode.OK, "met: first: goodput >= 0.5/s at ttft.p50 < 5s, at "),
        ("goodput >= 5000/s", ExitCode.MISSED, "MISSED: first: goodput >= 5000/s, at no level"),
        ("ttft.p99 < 5s", ExitCode.NOT_MEASURED, "not yet known: first: ttft.p99 < 5s, at 16/s constant"),
    ],
)
def test_a_gate_sets_the_exit_status(
    loaded: Workplace, workplace: Workplace, gate: str, status: ExitCode, words: str
) -> None:
    loaded.copy_to(workplace)
    arguments = ("--rate", "16", "--arrivals", "constant", "--requests", "30", "--fail-on", gate)
    done = workplace.run("load", "plan.toml", *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    assert words in done.stdout


def test_an_import_tells_the_same(loaded: Workplace, exported: dict[str, Any]) -> None:
    from tui.export.document import loads_of

    levels, _ = loads_of(read(loaded.cwd / "load.json").runs, ())
    assert [(one.number, one.requests, one.ttft_ms.median) for one in levels] == [
        (one["number"], one["requests"], one["ttft_ms"]["median"]) for one in exported["levels"]
    ]


def test_the_history_lists_it_as_one_series(loaded: Workplace) -> None:
    listed = loaded.run("history", "list")
    assert listed.stdout.count("first") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--levels", "1,2", "--rate", "3"), "levels of requests in flight or a rate, not both"),
        (("--levels", "1,5000"), 'each a whole number from 1 to 1024, but is a list that holds "5000".'),
        (("--rate", "-1"), "--rate must be a number above 0 and up to 10000, or a list of such numbers"),
        (("--rate", "many"), "--rate must be a number"),
        (("--arrivals", "often"), '--arrivals must be "constant", "poisson", "gamma" or "trace"'),
        (("--arrivals", "trace"), "A trace needs two rows or more"),
        (("--seconds", "0"), "--seconds must be a number above 0"),
        (("--requests", "1.5"), "--requests must be a whole number"),
        (("--fail-on", "goodput > many"), "--fail-on cannot be used. Gate 'goodput > many': write it like"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    workplace: Workplace, arguments: tuple[str, ...], words: str
) -> None:
    done = workplace.run("load", "--demo", *arguments)
    assert done.returncode == ExitCode.USAGE
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_rates_and_rows_of_a_file_are_asked(workplace: Workplace) -> None:
    rows = "\n".join(json.dumps({"t": at / 50, "what": f"question {at}"}) for at in range(12))
    (workplace.cwd / "rows.jsonl").write_text(rows)
    (workplace.cwd / "plan.toml").write_text(
        '[prompt]\nuser = "Answer {{what}}"\n[variables]\nfile = "rows.jsonl"\n[[targets]]\nmodel = "sim-fast"\n'
        '[load]\narrivals = "trace"\nwarm_up = 0\n'
    )
    done = workplace.run("load", "plan.toml", "--json", "-", "--quiet")
    assert done.returncode == ExitCode.OK, done.stderr
    export = json.loads(done.stdout)
    (level,) = export["levels"]
    assert (level["requests"], level["arrivals"], level.get("rate")) == (12, "trace", None)
    assert {request["prompt"]["user"] for request in export["requests"]} == {
        f"Answer question {at}" for at in range(12)
    }
    assert [run["plan"]["rows"][0]["what"] for run in export["runs"]] == [f"question {at}" for at in range(12)]


def test_hosts_send_a_load_together_and_each_stands_in_the_levels(workplace: Workplace) -> None:
    engine = json.dumps([sys.executable, "-P", "-m", "tui", "engine"])
    (workplace.cwd / "plan.toml").write_text(
        '[[targets]]\nmodel = "sim-fast"\n[prompt]\nuser = "Why?"\n[parameters]\nmax_tokens = 8\n'
        f'[[hosts]]\nname = "desk"\n[[hosts]]\nname = "tokyo"\ncommand = {engine}\n'
        "[load]\nlevels = [2, 5]\nrequests = 12\nramp = 0\nwarm_up = 0\n"
    )
    done = workplace.run("load", "plan.toml", "--json", "load.json")
    assert done.returncode == ExitCode.OK, done.stderr
    export = json.loads((workplace.cwd / "load.json").read_text())
    for level, least in zip(export["levels"], (1, 2), strict=True):
        assert (level["target"], level["requests"], level["answers"]) == ("sim-fast", 12, 12)
        assert [host["host"] for host in level["hosts"]] == ["desk", "tokyo"]
        assert sum(host["requests"] for host in level["hosts"]) == 12
        assert all(host["requests"] >= least for host in level["hosts"])
        assert level["hosts"][0]["ttft_ms"]["count"] == level["hosts"][0]["answers"]
    assert {request["host"] for request in export["requests"]} == {"desk", "tokyo"}
    assert "from tokyo" in done.stdout
    facts = {host["name"]: host for run in export["runs"] for host in run["info"]["hosts"]}
    assert facts.keys() == {"desk", "tokyo"}
    assert facts["tokyo"]["python"] == facts["desk"]["python"] != ""


def test_a_cluster_without_its_extra_or_beside_hosts_is_refused(workplace: Workplace) -> None:
    missing = workplace.base / "missing"
    missing.mkdir()
    (missing / "distributed.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'distributed'\", name='distributed')"
    )
    path = f"{missing}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    done = workplace.run("load", "--demo", "--cluster", "local:2", PYTHONPATH=path)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr == (
        "latency-tui: --cluster needs distributed, which is not installed; install it with: "
        "pip install 'latency-tui[cluster]'.\n"
    )
    workplace.plan()
    plan = workplace.cwd / "plan.toml"
    plan.write_text('[[hosts]]\nname = "desk"\n' + plan.read_text())
    done = workplace.run("load", "plan.toml", "--demo", "--cluster", "local:2")
    assert done.returncode == ExitCode.USAGE
    assert "take one of them out" in done.stderr


def test_a_budget_that_pays_for_too_little_sends_nothing(workplace: Workplace) -> None:
    (workplace.cwd / "plan.toml").write_text(
        '[budget]\nplan_usd = 0.0003\n[load]\nlevels = [1, 2, 4]\n[[targets]]\nmodel = "claude-haiku-5-5"\n'
    )
    done = workplace.run("load", "plan.toml", "--demo")
    assert done.returncode == ExitCode.NOT_MEASURED
    assert "Nothing was sent: the budget pays for 1 request, and" in done.stderr
    assert "The load sends" not in done.stderr
    paid = workplace.run("load", "plan.toml", "--demo", "--levels", "1", "--seconds", "600")
    assert "Ended at 1 in flight: the cost budget allows no more" in paid.stdout


def test_a_signal_keeps_what_is_finished(workplace: Workplace) -> None:
    workplace.plan()
    arguments = ["load", "plan.toml", "--levels", "2", "--seconds", "600", "--json", "load.json"]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tui", *arguments],
        cwd=workplace.cwd,
        env=workplace.environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "counted" in line:
            break
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert "cancelled" in out
    assert json.loads((workplace.cwd / "load.json").read_text())["requests"]
