"""Kinds of checks: what passes, what does not, and what cannot be judged."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.checks import (
    KINDS,
    AnswerCheck,
    CheckFinding,
    JudgedAnswer,
    complaint,
    judge,
    next_word,
    overlap,
    passed_of,
    verdict_line,
)
from tui.core.prompt import Prompt

pytestmark = pytest.mark.unit

SCHEMA = '{"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}'


def verdict(text: str, tokens: int | None = None, /, **fields: object) -> bool | None:
    return judge(AnswerCheck(**fields), JudgedAnswer(text=text, output_tokens=tokens)).passed  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "passes", "fails"),
    [
        ({"contains": "Paris"}, "It is Paris.", "It is paris."),
        ({"not_contains": "sorry"}, "Of course.", "I am sorry."),
        ({"equals": "a  b"}, " a\nb ", "a c"),
        ({"equals": "a b", "normalise": "exact"}, "a b", "a  b"),
        ({"equals": "the Eiffel tower", "normalise": "words"}, "Eiffel Tower!", "Tower Eiffel"),
        ({"regex": r"^\{"}, "{}", " {}"),
        ({"json": True}, ' [1, "a"] ', "```json\n[1]\n```"),
        ({"json_schema": SCHEMA}, '{"name": "x"}', '{"name": 1}'),
        ({"json_schema": SCHEMA}, '{"name": "x"}', "{name"),
        ({"max_sentences": 2}, "Pi is 3.14. Yes!", "One. Two. Three."),
        ({"max_sentences": 1}, "今天很好。", "今天很好。明天也好！"),
        ({"max_paragraphs": 1}, "One\ntwo\n\n", "One\n \nTwo"),
        ({"max_words": 2}, "- one two", "one two three"),
        ({"similar": "the cat sat on the mat"}, "A cat sat on a mat.", "Dogs bark."),
    ],
)
def test_what_passes_and_what_does_not(fields: dict[str, object], passes: str, fails: str) -> None:
    assert complaint(AnswerCheck(**fields)) is None  # type: ignore[arg-type]
    assert verdict(passes, **fields) is True
    assert verdict(fails, **fields) is False


def test_tokens_are_the_servers_count_or_not_judged() -> None:
    assert verdict("x", 5, max_tokens=5) is True
    assert verdict("x", 6, max_tokens=5) is False
    assert verdict("x", None, max_tokens=5) is None


def test_the_overlap_is_squads_f1() -> None:
    # 3 of 4 words shared with 3 of 6: precision 3/4, recall 1/2.
    assert overlap("one two three four", "one two three five six seven") == pytest.approx(2 * 0.75 * 0.5 / 1.25)
    assert overlap("one one one", "one") == pytest.approx(0.5)
    assert overlap("", "") == 1
    assert overlap("東京", "東京都") == pytest.approx(0.8)


@pytest.mark.parametrize("schema", ['{"type": 7}', '{"$ref": "http://127.0.0.1:9/x"}', '{"pattern": "("}'])
def test_a_schema_that_cannot_be_used_is_not_judged_and_fetches_nothing(schema: str) -> None:
    assert verdict('"x"', json_schema=schema) is None


def test_what_is_nested_too_deeply_ends_in_a_verdict() -> None:
    assert verdict("[" * 200_000, json=True) is not True


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "exactly one of contains"),
        ({"contains": "a", "regex": "b"}, "contains and regex"),
        ({"json": False}, "holds none"),
        ({"contains": ""}, "nothing to look for"),
        ({"regex": "("}, "regex that cannot be used"),
        ({"json_schema": "{"}, "no JSON object"),
        ({"contains": "a", "at_least": 0.9}, "at_least, which goes with similar"),
        ({"json": True, "normalise": "words"}, "normalise, which goes with equals"),
        ({"command": ()}, "names no program"),
    ],
)
def test_what_cannot_be_used_is_said(fields: dict[str, object], said: str) -> None:
    assert said in (complaint(AnswerCheck(**fields)) or "")  # type: ignore[arg-type]


def test_the_verdict_on_an_answer() -> None:
    yes, no, open_one = (CheckFinding(kind="json", passed=passed) for passed in (True, False, None))
    assert passed_of((yes, yes)) is True
    assert passed_of((yes, no, open_one)) is False
    assert passed_of((yes, open_one)) is None
    assert passed_of(()) is None


@given(value=st.text(), text=st.text())
def test_values_of_rows_are_data_in_every_kind(value: str, text: str) -> None:
    checks = (
        AnswerCheck(contains="<{{v}}>"),
        AnswerCheck(regex="^<{{v}}>$"),
        AnswerCheck(json_schema='{"const": "{{v}}"}'),
        AnswerCheck(command=("check", "{{v}}")),
    )
    prompt = Prompt(user="x", checks=checks)
    assert prompt.variables() == ("v",)
    contains, regex, schema, command = prompt.filled({"v": value}).checks
    assert contains.contains == f"<{value}>"
    assert re.search(regex.regex or "", f"<{value}>")
    assert complaint(schema) is None
    # A program gets no words of a file that somebody else may have written.
    assert command == checks[3]
    for check in (contains, regex, schema):
        assert judge(check, JudgedAnswer(text=text)).passed in (True, False)


@given(text=st.text(max_size=400))
def test_any_answer_gets_a_verdict_of_every_kind(text: str) -> None:
    wanted = {
        **dict.fromkeys(["contains", "not_contains", "equals", "similar"], "a word"),
        **dict.fromkeys(["max_sentences", "max_paragraphs", "max_words", "max_tokens"], 3),
        "regex": "a+",
        "json": True,
        "json_schema": SCHEMA,
    }
    assert wanted.keys() | {"command", "judge"} == KINDS.keys()
    for kind, value in wanted.items():
        assert verdict(text, 3, **{kind: value}) in (True, False)


PASSED, MISSED, OPEN = (CheckFinding(kind="contains", passed=passed, reason="so") for passed in (True, False, None))


@pytest.mark.parametrize(
    ("found", "words"),
    [((PASSED,), [None, False, None]), ((MISSED, OPEN), [None, True, None]), ((OPEN,), [None, True, False, None])],
)
def test_a_persons_word_goes_against_the_checks_and_back(
    found: tuple[CheckFinding, ...], words: list[bool | None]
) -> None:
    assert [next_word(found, word) for word in words[:-1]] == words[1:]
    for word in words[1:-1]:
        said = verdict_line(found, word)
        assert said.startswith(f"overruled by hand: {'passed' if word else 'not passed'}; the checks said ")
        assert said.endswith(verdict_line(found))
