"""The parameters' fields: what may be typed and what it means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.ui.viewmodel.fields import (
    FieldError,
    read_max_tokens,
    read_stop_sequences,
    write_stop_sequences,
)

# Blanks around a sequence are dropped when typed, so a sequence of which they are part cannot be typed.
SEQUENCES = st.lists(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1).filter(
        lambda text: text == text.strip(" ") and not text.isspace()
    ),
    min_size=1,
    max_size=8,
).map(tuple)


@given(SEQUENCES)
def test_stop_sequences_that_are_written_are_read_back(sequences: tuple[str, ...]) -> None:
    assert read_stop_sequences(write_stop_sequences(sequences)) == sequences


@given(SEQUENCES)
def test_written_stop_sequences_stand_on_one_line(sequences: tuple[str, ...]) -> None:
    written = write_stop_sequences(sequences)
    assert "\n" not in written
    assert "\t" not in written


@given(st.text())
def test_whatever_is_typed_is_read_or_refused_in_one_sentence(typed: str) -> None:
    for read in (read_stop_sequences, read_max_tokens):
        try:
            read(typed)
        except FieldError as error:
            assert_one_sentence(str(error))


def assert_one_sentence(message: str) -> None:
    assert message.endswith(".")
    assert "\n" not in message
    assert ". " not in message


@pytest.mark.parametrize("sequences", [None, ()])
def test_no_stop_sequences_are_an_empty_field(sequences: tuple[str, ...] | None) -> None:
    assert write_stop_sequences(sequences) == ""


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", None),
        ("  ", None),
        (" , ,", None),
        ("END", ("END",)),
        ("END, STOP", ("END", "STOP")),
        ("  END  ,STOP ", ("END", "STOP")),
        (r"\n\nHuman:", ("\n\nHuman:",)),
        (r"a\,b, c", ("a,b", "c")),
        (r"\\n", (r"\n",)),
        ("two words", ("two words",)),
        ("日本語, 🙂", ("日本語", "🙂")),
    ],
)
def test_stop_sequences(typed: str, meant: tuple[str, ...] | None) -> None:
    assert read_stop_sequences(typed) == meant


@pytest.mark.parametrize("typed", [r"\n", r"END, \t\n"])
def test_a_sequence_of_white_space_alone_is_refused(typed: str) -> None:
    with pytest.raises(FieldError, match="white space"):
        read_stop_sequences(typed)


@pytest.mark.parametrize("typed", ["\\", "a\\", r"\d", r"END, \x"])
def test_a_backslash_without_a_meaning_is_refused(typed: str) -> None:
    with pytest.raises(FieldError) as refused:
        read_stop_sequences(typed)
    assert_one_sentence(str(refused.value))


@pytest.mark.parametrize(
    ("typed", "number"),
    [("1", 1), ("512", 512), (" 256 ", 256), ("1,024", 1024), ("10_000", 10_000), ("1000000", 1_000_000)],
)
def test_max_tokens(typed: str, number: int) -> None:
    assert read_max_tokens(typed) == number


@pytest.mark.parametrize("typed", ["", "  ", "0", "-1", "1.5", "many", "1000001", "٣", "²"])
def test_a_max_tokens_that_cannot_be_sent_is_refused(typed: str) -> None:
    with pytest.raises(FieldError) as refused:
        read_max_tokens(typed)
    assert str(refused.value).startswith("max_tokens")
    assert_one_sentence(str(refused.value))


@pytest.mark.parametrize("typed", ["0", "-1", "2,000,000", "many"])
def test_a_refused_max_tokens_is_told_its_range_in_the_words_of_the_other_fields(typed: str) -> None:
    with pytest.raises(FieldError, match=r"^max_tokens must be a whole number from 1 to 1000000, but is .+\.$"):
        read_max_tokens(typed)


def test_a_max_tokens_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(FieldError, match="max_tokens"):
        read_max_tokens("9" * 5_000)
    assert read_max_tokens("0" * 5_000 + "7") == 7
