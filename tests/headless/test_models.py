"""The list of models, as a person and as a program read it."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from canary import KEY

from tui.core.engine_events import EngineFailed, Hello
from tui.core.events import Event, ModelsListed
from tui.core.host import Host
from tui.core.target import Endpoint
from tui.engine.protocol import ListModels
from tui.errors import ExitCode
from tui.headless import models

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


STAND_IN = """#!/bin/sh
case "$*" in
  *" -O exit "*) echo closed >> "$0.log" ;;
  *" -M "*|"-M "*) echo asked >> "$0.log" ;;
  "-S "*) echo engine >> "$0.log"; exec {python} -P -m tui engine ;;
  *) echo "me@tokyo: Permission denied (publickey,password)." >&2; exit 255 ;;
esac
"""


@pytest.mark.parametrize("has_terminal", [True, False])
async def test_a_host_that_wants_an_answer_is_asked_again_over_the_connection_that_a_person_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_terminal: bool
) -> None:
    """With a stand-in for ssh; `tests/ssh/test_logins.py` has a real one, on a terminal."""
    ssh = tmp_path / "ssh"
    ssh.write_text(STAND_IN.format(python=sys.executable))
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    async def answer(_host: Host, command: Sequence[str]) -> bool | None:
        return (await (await asyncio.create_subprocess_exec(*command)).wait()) == 0 if has_terminal else None

    monkeypatch.setattr(models, "answer_on_terminal", answer)
    heard: list[Event] = []
    nowhere = Endpoint(name="nowhere", base_url="http://127.0.0.1:9")
    question = ListModels(endpoints=(nowhere,))
    late = await models.ask_endpoints(question, heard.append, Host(name="tokyo", ssh="tokyo"))
    assert late == []
    if has_terminal:
        assert [type(event) for event in heard if isinstance(event, Hello | ModelsListed)] == [Hello, ModelsListed]
        assert not any(isinstance(event, EngineFailed) for event in heard)
        assert (tmp_path / "ssh.log").read_text().split() == ["asked", "engine", "closed"]
    else:
        (failed,) = heard
        assert isinstance(failed, EngineFailed)
        assert "Permission denied (publickey,password).). Where there is a terminal, ssh asks on it." in failed.message
