"""`latency-tui doctor`: every check, and the exit code."""

import json

from canary import KEY

from tui.errors import ExitCode

from .conftest import Run


def test_all_is_well_on_the_simulator(run: Run) -> None:
    done = run("doctor", "--json", "-")
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert all(check["ok"] for check in checks.values())
    assert "SIMULATED" in checks["endpoint simulator"]["found"]
    assert set(checks) >= {"program", "clock", "engine", "stamps", "terminal", "configuration", "state", "history"}


def test_what_is_wrong_is_named_with_its_remedy(run: Run) -> None:
    done = run("doctor", "--base-url", "https://127.0.0.1:9", ANTHROPIC_API_KEY=KEY)
    assert done.returncode == ExitCode.ERROR
    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
    assert any("endpoint custom" in line and "127.0.0.1:9" in line for line in wrong)


def test_a_key_is_named_by_its_variable_and_never_shown(run: Run) -> None:
    done = run("doctor", "--base-url", "https://127.0.0.1:9", ANTHROPIC_API_KEY=KEY)
    assert "in ANTHROPIC_API_KEY" in done.stdout
    assert KEY not in done.stdout + done.stderr
