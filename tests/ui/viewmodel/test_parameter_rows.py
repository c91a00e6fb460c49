"""The parameters as rows of a form: what may be typed, what it means, and who would refuse it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config.known_models import load_models
from tui.core.parameters import Parameters
from tui.core.target import Target
from tui.ui.viewmodel.fields import FieldError
from tui.ui.viewmodel.parameter_rows import ROWS, Asked, asked, refused_choices, standing

BY_NAME = {row.name: row for row in ROWS}
MODELS = {model.id: model for model in load_models()}
HAIKU, SONNET, OPUS, OLDER = (
    "claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-4-5",
)  # fmt: skip


def lanes(*models: str) -> tuple[Asked, ...]:
    return asked([Target(model=model) for model in models], MODELS)


def test_every_parameter_has_a_row() -> None:
    assert sorted(BY_NAME) == sorted(Parameters.__struct_fields__)
    for row in ROWS:
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


@given(st.data(), st.sampled_from(ROWS))
def test_what_is_written_is_read_back(data: st.DataObject, row: Any) -> None:
    values = st.sampled_from(row.choices).map(row.read) if row.choices else VALUES[row.name]
    value = data.draw(values)
    assert row.read(row.write(value)) == value
    assert row.write(None) == ""


@given(st.sampled_from(ROWS), st.text())
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
        ("temperature", "2", 'temperature must be a number from 0 to 1, but is "2".'),
        ("temperature", "nan", 'temperature must be a number from 0 to 1, but is "nan".'),
        ("thinking_budget", "1000", 'thinking budget must be a whole number from 1024 to 1000000, but is "1000".'),
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


def test_what_no_model_takes_is_refused_before_it_is_set() -> None:
    found = standing(BY_NAME["temperature"], Parameters(), lanes(HAIKU))
    assert found is not None
    assert found.by_all
    assert found.reason == "Claude Haiku 5.5 does not take temperature; only older models do."
    assert standing(BY_NAME["temperature"], Parameters(), lanes(OLDER)) is None
    assert standing(BY_NAME["effort"], Parameters(), lanes(HAIKU)) is None
    assert standing(BY_NAME["effort"], Parameters(), lanes(OLDER)) is not None


def test_what_some_take_names_those_that_do_not() -> None:
    found = standing(BY_NAME["speed"], Parameters(speed="fast"), lanes(OPUS, HAIKU, SONNET))
    assert found is not None
    assert not found.by_all
    assert found.reason == (
        f"Claude Haiku 5.5 has no fast mode ({HAIKU}); Claude Sonnet 5.5 has no fast mode ({SONNET})."
    )


def test_what_is_not_known_is_not_refused() -> None:
    for row in ROWS:
        assert standing(row, Parameters(temperature=0.5, speed="fast"), lanes("llama-3")) is None
        assert refused_choices(row, lanes("llama-3")) == frozenset()
        assert refused_choices(row, ()) == frozenset()


def test_a_target_that_does_not_take_the_shared_one_does_not_count() -> None:
    own = Target(model=HAIKU, parameters=Parameters(speed="standard"))
    dropped = Target(model=HAIKU, drop=("speed",))
    assert standing(BY_NAME["speed"], Parameters(speed="fast"), asked([own, dropped], MODELS)) is None


def test_choices_that_every_target_would_be_refused_with() -> None:
    thinking = BY_NAME["thinking"]
    assert refused_choices(thinking, lanes(OPUS)) == {"enabled", "disabled", "between_tools"}
    assert refused_choices(thinking, lanes(OPUS, OLDER)) == {"between_tools"}


def test_what_goes_together_only_with_another_parameter() -> None:
    found = standing(BY_NAME["effort"], Parameters(effort="max", thinking="disabled"), lanes(HAIKU))
    assert found is not None
    assert "effort up to high only" in found.reason
