"""The list of known models."""

from pathlib import Path

import pytest

from tui.config.files import read_toml
from tui.config.load import Flags, load
from tui.config.models import load_models, models_of
from tui.config.paths import builtin_config
from tui.errors import ConfigError


def test_the_list_is_valid_and_dated() -> None:
    models = {model.id: model for model in load_models()}
    haiku = models["claude-haiku-5-5"]
    assert (haiku.prices.input, haiku.prices.output) == (0.10, 0.50)
    assert haiku.prices.long_prompt_tokens == 100_000
    assert haiku.prices.note
    assert not haiku.accepts_temperature
    assert models["claude-haiku-4-5"].accepts_temperature
    assert models["claude-haiku-4-5"].context_tokens == 200_000
    assert all(model.prices.read.year >= 2026 and model.facts_read.year >= 2026 for model in models.values())


def test_the_default_targets_are_known(sealed: Path) -> None:
    known = {model.id for model in load_models()}
    assert {target.model for target in load(Flags(), {}, sealed).settings.targets} <= known


def test_what_a_model_takes_is_consistent() -> None:
    for model in load_models():
        assert bool(model.effort) == (model.default_effort is not None)
        assert model.default_effort is None or model.default_effort in model.effort
        prices = model.prices
        assert prices.cache_read < prices.input < prices.cache_write_5m < prices.cache_write_1h < prices.output
        assert (prices.fast_input is None) == (prices.fast_output is None)
        assert model.fast or prices.fast_input is None


def test_ids_are_unique() -> None:
    ids = [model.id for model in load_models()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "input_price = 2\n",
            "input_price = -2\n",
            "models.1.input_price must be a number from 0 to 10000, but is -2.",
        ),
        (
            "input_price = 2\n",
            "input_prise = 2\n",
            "unknown key models.1.input_prise; did you mean models.1.input_price?",
        ),
        ("[[models]]\n", "[[model]]\n", "unknown key model; did you mean models?"),
        ("price_read = 2026-11-22", "price_read = 20261122", "must be a date such as 2026-11-22, but is 20261122."),
        ("accepts_temperature = true", "accepts_temperature = 1", "must be true or false, but is 1."),
        ('line = "sonnet"\n', "", "models.1 has no line."),
        (
            '"between_tools"',
            '"sometimes"',
            'must be a list out of "adaptive", "enabled", "disabled" and "between_tools", but is a list.',
        ),
    ],
)
def test_mistakes_are_one_sentence(old: str, new: str, sentence: str, tmp_path: Path) -> None:
    text = builtin_config("models.toml").read_text()
    assert old in text
    path = tmp_path / "models.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        models_of(read_toml(path, "models.toml"), "models.toml")
    assert str(caught.value).startswith("models.toml, line ")
    assert str(caught.value).endswith(sentence)
