"""The list of models, as a person and as a program read it."""

import json
from collections.abc import Callable
from subprocess import CompletedProcess

from canary import KEY

from tui.errors import ExitCode

Run = Callable[..., "CompletedProcess[str]"]


def test_the_table_and_the_json_name_the_same_models(run: Run) -> None:
    table = run("models").stdout.splitlines()
    document = json.loads(run("models", "--json", "-").stdout)
    assert [line.split()[0] for line in table[1:]] == [model["id"] for model in document]
    assert all({"id", "context_tokens", "max_output_tokens", "prices"} <= model.keys() for model in document)


def test_a_list_that_cannot_be_fetched_is_said_outside_the_json(run: Run) -> None:
    done = run("models", "--refresh", "--base-url", "http://127.0.0.1:9", "--json", "-", ANTHROPIC_API_KEY=KEY)
    assert done.returncode == ExitCode.ERROR
    assert json.loads(done.stdout)
    assert "127.0.0.1:9" in done.stderr
