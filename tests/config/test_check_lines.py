"""Checks as lines: what is read, what is refused, and that what is written is read again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config.check import check_lines, parse_checks
from tui.core.checks import AnswerCheck

pytestmark = pytest.mark.unit

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
CHECKS = st.one_of(
    TEXTS.map(lambda text: AnswerCheck(contains=text)),
    TEXTS.map(lambda text: AnswerCheck(equals=text, normalise="words")),
    TEXTS.map(lambda text: AnswerCheck(similar=text, at_least=0.75)),
    st.lists(TEXTS.filter(lambda text: text.strip() and "\0" not in text), min_size=1).map(
        lambda parts: AnswerCheck(command=tuple(parts))
    ),
    st.integers(1, 1_000_000).map(lambda most: AnswerCheck(max_words=most)),
    st.just(AnswerCheck(json=True)),
    st.tuples(TEXTS.filter(str.strip), TEXTS).map(lambda two: AnswerCheck(judge=two[0], judge_target=two[1])),
)


def test_one_check_a_line() -> None:
    text = 'contains = "Paris"\n\n  max_words = 50\nsimilar = "a b", at_least = 0.7\njson = true\n'
    assert parse_checks(text) == (
        AnswerCheck(contains="Paris"),
        AnswerCheck(max_words=50),
        AnswerCheck(similar="a b", at_least=0.7),
        AnswerCheck(json=True),
    )
    assert parse_checks(" \n") == ()


@given(st.lists(CHECKS, max_size=4))
def test_what_is_written_is_read_again(checks: list[AnswerCheck]) -> None:
    assert parse_checks(check_lines(checks)) == tuple(checks)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Paris", "Line 1: write it like"),
        ('contains = "a"\ncontain = "b"', "Line 2: contain is no check; did you mean contains"),
        ("max_words = 0", "Line 1: "),
        ('max_words = "many"', "Line 1: "),
        ('regex = "("', "Line 1: it holds a regex that cannot be used"),
        ('contains = "a", regex = "b"', "exactly one of"),
        ('contains = "a", at_least = 0.5000001', "goes with similar"),
        ('contains = "a" } evil = { x = 1', "write it like"),
        ("json = false", "exactly one of"),
        ("\n".join(['contains = "a"'] * 65), "65 checks"),
    ],
)
def test_what_cannot_be_used_is_said_with_its_line(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"\.") as error:
        parse_checks(text)
    assert words in str(error.value)
    assert str(error.value).endswith(".")
