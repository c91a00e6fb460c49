"""Checks in files: for every prompt or for one, and programs from chosen files alone."""

from pathlib import Path

import pytest

from tui.config.load import Flags, Loaded, build_plan, load
from tui.core.checks import AnswerCheck
from tui.core.plan import Plan
from tui.errors import ConfigError

pytestmark = pytest.mark.unit


def loaded(path: Path, *, chosen: bool = True) -> Loaded:
    return load(Flags(config=path if chosen else None, demo=True), {}, path.parent)


def plan_of(text: str, tmp_path: Path) -> Plan:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return build_plan(loaded(path).settings, {}, "http://127.0.0.1:1")


def test_a_check_of_the_plan_is_one_of_every_prompt(tmp_path: Path) -> None:
    plan = plan_of(
        """
        [[checks]]
        contains = "{{want}}"
        [prompt]
        checks = [{ max_words = 9 }]
        [[prompts]]
        name = "a"
        checks = [{ similar = "x", at_least = 1 }]
        [[prompts]]
        name = "b"
        [variables]
        want = "Paris"
        """,
        tmp_path,
    )
    assert [variant.checks for variant in plan.variants] == [
        (AnswerCheck(similar="x", at_least=1), AnswerCheck(contains="{{want}}")),
        (AnswerCheck(max_words=9), AnswerCheck(contains="{{want}}")),
    ]
    assert plan.of_run().requests(1)[0].prompt.checks[1] == AnswerCheck(contains="Paris")


def test_a_value_that_a_check_lacks_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    assert "{{want}} has no value" in (plan_of('[[checks]]\ncontains = "{{want}}"', tmp_path).problem() or "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("contains = 1", "checks.0.contains must be a text"),
        ('contain = "a"', "did you mean checks.0.contains"),
        ('regex = "("', "(number 1) holds a regex"),
        ('contains = "a"\njson = true', "contains and json"),
        ("max_words = 0", "from 1"),
        ('judge = " "', "asks nothing"),
        ('contains = "a"\njudge_target = "x"', "goes with judge"),
    ],
)
def test_one_that_cannot_be_used_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        plan_of(f"[[checks]]\n{text}\n", tmp_path)
    assert said in str(refused.value)


def test_a_program_of_a_file_that_was_found_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "latency-tui.toml"
    path.write_text(
        '[[checks]]\ncommand = ["sh", "-c", "true"]\n[[checks]]\njson = true\n[prompt]\nchecks = [{command = ["x"]}]'
    )
    found = loaded(path, chosen=False)
    assert found.settings.checks == (AnswerCheck(json=True),)
    assert found.settings.prompt.checks == ()
    assert [ignored.path for ignored in found.ignored] == ["checks.0.command", "prompt.checks.0.command"]
    assert loaded(path).settings.checks[0].command == ("sh", "-c", "true")


def test_a_judge_of_a_file_that_was_found_spends_nothing(tmp_path: Path) -> None:
    judge = '{ judge = "Is it polite?", judge_target = "claude-fable-5-1" }'
    path = tmp_path / "latency-tui.toml"
    path.write_text(f"checks = [{judge}, {{ json = true }}]\n[[prompts]]\nname = 'a'\nchecks = [{judge}]\n")
    found = loaded(path, chosen=False)
    assert found.settings.checks == (AnswerCheck(json=True),)
    assert [variant.checks for variant in found.settings.variants] == [()]
    assert {ignored.path.rpartition(".")[2] for ignored in found.ignored} == {"judge", "judge_target"}
    assert loaded(path).settings.checks[0] == AnswerCheck(judge="Is it polite?", judge_target="claude-fable-5-1")


def test_the_question_of_a_judge_has_the_values_of_the_row(tmp_path: Path) -> None:
    plan = plan_of('[[checks]]\njudge = "Is it {{want}}?"\n[variables]\nwant = "Paris"', tmp_path)
    assert plan.of_run().requests(1)[0].prompt.checks == (AnswerCheck(judge="Is it Paris?"),)
