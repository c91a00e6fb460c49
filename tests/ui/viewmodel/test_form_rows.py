"""Rows of a form: what may be typed, and what it means."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config.schema import TABLES
from tui.core.parameters import Parameters
from tui.ui.viewmodel.form_rows import PARAMETER_ROWS, FieldError, read_texts, rows_of, write_texts

BY_NAME = {row.name: row for row in PARAMETER_ROWS}
MAX_TOKENS = BY_NAME["max_tokens"]


def test_every_parameter_has_a_row() -> None:
    assert sorted(BY_NAME) == sorted(Parameters.__struct_fields__)
    for row in PARAMETER_ROWS:
        assert row.choices or row.hint, f"{row.name}: nothing says what may be typed"
        assert row.help.endswith(".")


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("max_tokens", "1,024", 1024),
        ("stop_sequences", r"END, \n", None),
        ("stop_sequences", "END, STOP", ("END", "STOP")),
        ("effort", "xhigh", "xhigh"),
        ("thinking", "between_tools", "between_tools"),
        ("thinking_budget", "2048", 2048),
        ("cache", "on", True),
        ("cache", "off", False),
        ("cache", "1h", "1h"),
        ("inference_geo", "us", "us"),
        ("temperature", " .5 ", 0.5),
        ("top_k", "0", 0),
        ("extra", '{"a": {"b": [1, null]}}', None),
        ("extra", '{"a": {"b": [1, 2]}}', {"a": {"b": [1, 2]}}),
        ("extra", 'a = 1, b = "x"', {"a": 1, "b": "x"}),
        ("extra", "  ", None),
        ("effort", "", None),
    ],
)
def test_what_is_typed_is_read(name: str, typed: str, value: object) -> None:
    if value is None and typed.strip():
        with pytest.raises(FieldError):
            BY_NAME[name].read(typed)
    else:
        assert BY_NAME[name].read(typed) == value


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "stop_sequences": st.lists(st.text("ab,\\\n", min_size=1).filter(str.strip), min_size=1).map(tuple),
    "inference_geo": st.text("abc-", min_size=1, max_size=20),
    "temperature": st.floats(0, 1).map(lambda share: float(f"{share:g}")),
    "top_p": st.floats(0, 1).map(lambda share: float(f"{share:g}")),
    "max_tokens": st.integers(1, 1_000_000),
    "thinking_budget": st.integers(1024, 1_000_000),
    "top_k": st.integers(0, 1_000_000),
    "extra": st.dictionaries(st.text("xyz", min_size=1), st.integers(0, 9) | st.text() | st.booleans(), min_size=1),
}


@given(st.data(), st.sampled_from(PARAMETER_ROWS))
def test_what_is_written_is_read_back(data: st.DataObject, row: Any) -> None:
    values = st.sampled_from(row.choices).map(row.read) if row.choices else VALUES[row.name]
    value = data.draw(values)
    assert row.read(row.write(value)) == value
    assert row.write(None) == ""


@given(st.sampled_from(PARAMETER_ROWS), st.text())
def test_whatever_is_typed_is_read_or_refused_in_one_sentence(row: Any, typed: str) -> None:
    try:
        value = row.read(typed)
    except FieldError as error:
        sentence = str(error)
    else:
        msgspec.convert({row.name: value}, Parameters)
        return
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("temperature", "3", 'temperature must be a number from 0 to 2, but is "3".'),
        ("temperature", "nan", 'temperature must be a number from 0 to 2, but is "nan".'),
        ("thinking_budget", "1000", "thinking budget must be a whole number from 1024 to 1000000, but is 1000."),
        ("top_k", "-1", 'top k must be a whole number from 0 to 1000000, but is "-1".'),
        ("inference_geo", "u s", 'region must be the name of a region, such as us, but is "u s".'),
        ("extra", "{", 'extra must be a JSON object, or TOML such as name = "value".'),
        ("extra", "[1]", 'extra must be a JSON object, or TOML such as name = "value".'),
        ("extra", '{"model": "x"}', "extra must not set model: the target names the model."),
    ],
)
def test_what_cannot_be_sent_is_said_in_one_sentence(name: str, typed: str, sentence: str) -> None:
    with pytest.raises(FieldError) as refused:
        BY_NAME[name].read(typed)
    assert str(refused.value) == sentence


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
    assert read_texts(write_texts(sequences)) == sequences


@given(SEQUENCES)
def test_written_stop_sequences_stand_on_one_line(sequences: tuple[str, ...]) -> None:
    written = write_texts(sequences)
    assert "\n" not in written
    assert "\t" not in written


@given(st.text())
def test_texts_are_read_or_refused_in_one_sentence(typed: str) -> None:
    try:
        read_texts(typed)
    except FieldError as error:
        assert_one_sentence(str(error))


def assert_one_sentence(message: str) -> None:
    assert message.endswith(".")
    assert "\n" not in message
    assert ". " not in message


@pytest.mark.parametrize("sequences", [None, ()])
def test_no_stop_sequences_are_an_empty_field(sequences: tuple[str, ...] | None) -> None:
    assert write_texts(sequences) == ""


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
    assert read_texts(typed) == meant


@pytest.mark.parametrize("typed", [r"\n", r"END, \t\n"])
def test_a_sequence_of_white_space_alone_is_refused(typed: str) -> None:
    with pytest.raises(FieldError, match="white space"):
        read_texts(typed)


@pytest.mark.parametrize("typed", ["\\", "a\\", r"\d", r"END, \x"])
def test_a_backslash_without_a_meaning_is_refused(typed: str) -> None:
    with pytest.raises(FieldError) as refused:
        read_texts(typed)
    assert_one_sentence(str(refused.value))


def read_required(typed: str) -> Any:
    return MAX_TOKENS.read(typed, required=True)


@pytest.mark.parametrize(
    ("typed", "number"),
    [("1", 1), ("512", 512), (" 256 ", 256), ("1,024", 1024), ("10_000", 10_000), ("1000000", 1_000_000)],
)
def test_max_tokens(typed: str, number: int) -> None:
    assert read_required(typed) == number


@pytest.mark.parametrize("typed", ["", "  ", "0", "-1", "1.5", "many", "1000001", "٣", "²"])
def test_a_max_tokens_that_cannot_be_sent_is_refused(typed: str) -> None:
    with pytest.raises(FieldError) as refused:
        read_required(typed)
    assert str(refused.value).startswith("max tokens")
    assert_one_sentence(str(refused.value))


@pytest.mark.parametrize("typed", ["0", "-1", "2,000,000", "many"])
def test_a_refused_max_tokens_is_told_its_range_in_the_words_of_the_other_fields(typed: str) -> None:
    with pytest.raises(FieldError, match=r"^max tokens must be a whole number from 1 to 1000000, but is .+\.$"):
        read_required(typed)


def test_a_max_tokens_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(FieldError, match="max tokens"):
        read_required("9" * 5_000)
    assert read_required("0" * 5_000 + "7") == 7


@pytest.mark.parametrize("table", ["series", "load"])
def test_an_empty_field_says_what_is_done_without_a_value(table: str) -> None:
    for row in rows_of(TABLES[table]):
        assert row.hint, row.name
        assert "API" not in row.hint
        assert row.key.unset or (not row.key.optional and row.hint == (row.write(row.key.default) or "none")), row.name
    hints = {row.name: row.hint for row in rows_of(TABLES["series"])}
    assert (hints["gap"], hints["seed"], hints["max_usd"], hints["repeats"]) == ("no pause", "drawn", "no limit", "10")


def test_series_settings_have_rows_too() -> None:
    rows = {row.name: row for row in rows_of(TABLES["series"])}
    assert rows["repeats"].read("1,000") == 1000
    assert (rows["in_turn"].choices, rows["in_turn"].key.optional) == (("on", "off"), False)
    assert (rows["until_sure"].choices, rows["until_sure"].key.optional) == (("ttft", "ttfo", "total", "server"), True)
    assert rows["gap"].help == "Pause between two runs, in seconds."
    with pytest.raises(FieldError, match="warm ups must be a whole number from 0 to 100"):
        rows["warm_ups"].read("101")
