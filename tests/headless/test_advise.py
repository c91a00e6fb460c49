"""`latency-tui advise`: what the screen's advice says, as text and as JSON."""

import json
from collections.abc import Callable

from tui.errors import ExitCode

from .conftest import Run

Plan = Callable[..., str]


def test_advice_as_text_and_as_json_is_the_same(run: Run, plan: Plan) -> None:
    name = plan()
    text = run("advise", name, "--repeat", "5")
    assert text.returncode == ExitCode.OK, text.stderr
    assert text.stdout.startswith("First make a prompt that works")
    assert "first (SIMULATED): " in text.stdout
    found = json.loads(run("advise", name, "--repeat", "5", "--json", "-", "--quiet").stdout)
    assert [advice["target"] for advice in found] == ["first", "second"]
    assert all(advice["answers"] == 5 and advice["conclusion"] for advice in found)


def test_nothing_that_answers_gives_no_advice(run: Run, plan: Plan) -> None:
    done = run("advise", plan(), "--model", "no-such-model", "--repeat", "1")
    assert done.returncode == ExitCode.NOT_MEASURED
    assert "Traceback" not in done.stderr
