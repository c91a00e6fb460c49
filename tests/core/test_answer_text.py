"""Places in answers: where each kind of check fails, and that place in words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.answer_text import Normalisation, difference, json_part, place, sentences_in, words_in
from tui.core.checks import AnswerCheck, CheckFinding, JudgedAnswer, failing_spans, judge

pytestmark = pytest.mark.unit

SCHEMA = '{"properties": {"a": {"items": {"type": "string"}}}}'


def found(text: str, /, **fields: object) -> CheckFinding:
    return judge(AnswerCheck(**fields), JudgedAnswer(text=text))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "before", "part", "after"),
    [
        ({"not_contains": "sorry"}, "I am ", "sorry", ", sorry."),
        ({"equals": "a b", "normalise": "exact"}, "a ", " ", "b"),
        ({"equals": "one two three"}, "one\n", "TWO", " three\n"),
        ({"equals": "one two three"}, "one", "", "  three"),
        ({"equals": "Paris, France", "normalise": "words"}, "the PARIS – ", "Texas", "!"),
        ({"equals": "", "normalise": "spaces"}, " ", "x", " "),
        # The sharp s is two letters without case.
        ({"equals": "straße nord", "normalise": "words"}, "STRASSE ", "süd", "."),
        ({"json": True}, '{"a": ', "nope", "}"),
        ({"json": True}, "", "Sure", "! {}"),
        ({"json": True}, '{"a": [1, 2', "", ""),
        ({"json": True}, "{} ", "{", "}"),
        ({"json_schema": SCHEMA}, ' {"b": 1, "a": ["x", ', "17", "]}"),
        # Of a name that stands twice the last counts.
        ({"json_schema": SCHEMA}, '{"a": [1], "a": ["\\u005d,", ', "2", "]}"),
        ({"json_schema": '{"required": ["c"]}'}, "\n", '{"a": [{}]}', "\n"),
        # A dash alone is no word.
        ({"max_words": 2}, "- one two\n- ", "three four", "\n"),
        ({"max_sentences": 1}, "It is 3.14. ", "Yes! No?", ""),
        ({"max_sentences": 1}, "今天很好。", "明天也好！後天", ""),
        ({"max_paragraphs": 1}, "One\ntwo\n\n\n", "Three\n\nFour", "\n\n"),
    ],
)
def test_the_part_that_fails_is_named(fields: dict[str, object], before: str, part: str, after: str) -> None:
    text = before + part + after
    finding = found(text, **fields)
    assert finding.passed is False
    assert finding.span is not None
    start, end = finding.span
    assert (text[:start], text[start:end], text[end:]) == (before, part, after)
    assert place(text, start) in finding.reason
    assert failing_spans((finding,)) == (finding.span,)


@pytest.mark.parametrize("fields", [{"contains": "x"}, {"regex": "^x"}, {"similar": "x y z"}])
def test_what_is_nowhere_has_no_place(fields: dict[str, object]) -> None:
    assert found("Something else.", **fields).span is None


@pytest.mark.parametrize("fields", [{"not_contains": "x"}, {"equals": "[1]"}, {"json": True}, {"max_words": 1}])
def test_what_passes_has_no_place(fields: dict[str, object]) -> None:
    assert found("[1]", **fields) == CheckFinding(
        kind=next(iter(fields)), passed=True, reason=found("[1]", **fields).reason
    )


def test_a_place_in_words_counts_lines_only_where_there_are_several() -> None:
    assert place("one line\n", 4) == "character 5"
    assert place("one\ntwo", 5) == "line 2, character 2"


@given(
    st.text(alphabet="aA b\n.ß", max_size=12),
    st.text(alphabet="aA b\n.ß", max_size=12),
    st.sampled_from(["exact", "spaces", "words"]),
)
def test_a_difference_lies_in_the_text(text: str, wanted: str, how: Normalisation) -> None:
    start, end = difference(text, wanted, how)
    assert 0 <= start <= end <= len(text)


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(_JSON, st.sampled_from([None, 1]), st.booleans(), st.data())
def test_every_value_of_json_is_found_at_its_path(
    value: object, indent: int | None, ascii_only: bool, data: st.DataObject
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    path: list[str | int] = []
    while isinstance(value, dict | list) and value and data.draw(st.booleans()):
        step = data.draw(st.sampled_from(sorted(value)) if isinstance(value, dict) else st.integers(0, len(value) - 1))
        path.append(step)
        value = value[step]
    start, end = json_part(text, path)
    assert json.loads(text[start:end]) == value


def test_words_and_sentences_stand_where_they_are() -> None:
    assert words_in(" one – two") == [(1, 4), (7, 10)]
    assert sentences_in("One.  Two.") == [(0, 3), (6, 9)]
