"""The list of known models."""

import re
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from anthropic.resources.messages import messages
from anthropic.types.model import Model
from counts import ROOT

from tui.config import paths
from tui.config.files import read_toml
from tui.config.known_models import known_models, load_models, merged, models_of, save_list
from tui.config.load import Flags, load
from tui.config.paths import builtin_config
from tui.core.events import Usage
from tui.core.model import KnownModel, ListedModel, ListedPrices, model_of
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.refusals import refusals
from tui.core.target import Endpoint, Timeouts
from tui.errors import ConfigError
from tui.session.spending import Spending


def test_the_list_is_valid_and_dated() -> None:
    models = {model.id: model for model in load_models()}
    haiku = models["claude-haiku-5-5"]
    assert haiku.prices is not None
    assert (haiku.prices.input, haiku.prices.output) == (0.10, 0.50)
    assert haiku.prices.long_prompt_tokens == 100_000
    assert haiku.prices.note
    assert not haiku.accepts_temperature
    assert models["claude-haiku-4-5"].accepts_temperature
    assert models["claude-haiku-4-5"].context_tokens == 200_000
    for model in models.values():
        assert model.prices is not None
        assert model.prices.read is not None
        assert min(model.prices.read.year, model.facts_read.year) >= 2026


def test_the_default_targets_are_known(sealed: Path) -> None:
    known = {model.id for model in load_models()}
    assert {target.model for target in load(Flags(), {}, sealed).settings.targets} <= known


def test_what_a_model_takes_is_consistent() -> None:
    for model in load_models():
        assert bool(model.effort) == (model.default_effort is not None)
        assert model.default_effort is None or model.default_effort in (model.effort or ())
        prices = model.prices
        assert prices is not None
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
        ("price_read = 2026-11-28", "price_read = 20261122", "must be a date such as 2026-11-22, but is 20261122."),
        ("accepts_temperature = true", "accepts_temperature = 1", "must be true or false, but is 1."),
        ('line = "sonnet"\n', "", "models.1 has no line."),
        (
            '"between_tools"',
            '"sometimes"',
            'out of "adaptive", "enabled", "disabled" and "between_tools", but is a list that holds "sometimes".',
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


def test_the_list_agrees_with_the_sdk() -> None:
    known = {model.id: model for model in load_models()}
    named = set(get_args(get_args(Model)[0]))
    assert known.keys() <= named
    by_invitation = {name for name in named if "mythos" in name}
    dated = {name for name in named if re.search(r"-\d{8}$", name)}
    if version("anthropic") == pinned("anthropic"):  # a newer one may name newer models
        assert named - by_invitation - dated == known.keys()
    for name, day in messages.DEPRECATED_MODELS.items():
        if (model := known.get(name)) is not None:
            plain = re.sub(r"(?<=\d)(st|nd|rd|th)", "", day)
            assert model.retires_on == datetime.strptime(plain, "%B %d, %Y").date()
            assert model.lifecycle != "active"


def pinned(package: str) -> str:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith(f"{package}=="))


def test_what_the_newest_models_cost() -> None:
    models = {model.id: model for model in load_models()}
    prices = {name: model.prices for name, model in models.items() if model.prices is not None}
    fable, opus = prices["claude-fable-5-2"], prices["claude-opus-5-5"]
    assert (fable.input, fable.output, fable.fast_input, fable.fast_output) == (8, 40, 16, 80)
    assert (opus.fast_input, opus.fast_output) == (8, 40)
    # The share of the input's price for what is read from the cache differs by model.
    shares = {name: round(one.cache_read / one.input, 4) for name, one in prices.items()}
    assert [name for name, share in shares.items() if share == 0.025] == ["claude-fable-5-2", "claude-fable-5-1"]
    assert [name for name, share in shares.items() if share == 0.05] == ["claude-sonnet-5-5", "claude-opus-5-5"]
    assert set(shares.values()) == {0.025, 0.05, 0.1}
    assert models["claude-fable-5-1"].fast is False
    assert models["claude-sonnet-4-5"].lifecycle_note == "deprecated, retires 2026-11-30"


def test_a_list_that_says_no_lifecycle_takes_no_date_away() -> None:
    models = {model.id: model for model in merged(load_models(), [ListedModel(id="claude-opus-4-5")], READ)}
    assert models["claude-opus-4-5"].retires_on == date(2027, 1, 22)


def test_a_model_is_meant_by_its_dated_and_its_clouds_names() -> None:
    models = {model.id: model for model in load_models()}
    for name in (
        "claude-haiku-4-5-20251001",
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "claude-haiku-4-5@20251001",
    ):
        assert model_of(models, name) is models["claude-haiku-4-5"]
    assert model_of(models, "claude-haiku-4") is None


READ = date(2027, 1, 2)


def test_what_an_endpoint_lists_goes_over_what_is_known() -> None:
    listed = [
        ListedModel(id="claude-opus-5", lifecycle="deprecated", retires_on=date(2027, 1, 1), max_output_tokens=9),
        ListedModel(id="local"),
        ListedModel(id="odd", lifecycle="resting", effort=("low", "wild"), thinking=()),
    ]
    before = load_models()
    models = {model.id: model for model in merged(before, listed, READ)}
    opus = models["claude-opus-5"]
    assert (opus.lifecycle_note, opus.max_output_tokens) == ("deprecated, retires 2027-01-01", 9)
    assert opus.prices == next(model.prices for model in before if model.id == "claude-opus-5")
    assert models["local"] == KnownModel(id="local", display_name="local", facts_read=READ)
    assert (models["odd"].lifecycle, models["odd"].effort, models["odd"].thinking) == ("active", ("low",), ())
    assert refusals(Parameters(effort="max", thinking="enabled", temperature=1.0), models["local"]) == {}
    assert "odd does not think" in refusals(Parameters(thinking="adaptive"), models["odd"]).values()


def test_prices_that_an_endpoint_lists_hold_there_alone(sealed: Path) -> None:
    listed = [ListedModel(id="m", prices=ListedPrices(input=1.0, output=2.0, cache_read=0.1))]
    again = [ListedModel(id="m", prices=ListedPrices(input=3.0, output=4.0))]
    (model,) = merged(merged((), listed, READ, "router"), again, READ, "other")
    spec = asked_at("router")
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000, cache_read_input_tokens=1_000_000)
    for place, usd in (("router", 3.1), ("other", 10.0)):
        record = RequestRecord(spec=asked_at(place), usage=usage)
        cost = Spending({"m": model}).add(record)
        assert cost is not None
        assert cost.usd == pytest.approx(usd)
        assert cost.prices_read == READ
    # Elsewhere nobody has said what it costs.
    assert Spending({"m": model}).add(RequestRecord(spec=asked_at("third"), usage=usage)) is None
    # And they are remembered with the list.
    router = spec.endpoint
    save_list(router, tuple(listed), READ)
    assert known_models([router])[-1].at("router").prices == listed[0].prices.on(READ)  # type: ignore[union-attr]


def asked_at(place: str) -> RequestSpec:
    return RequestSpec(
        request_id=1,
        target="lane",
        model="m",
        endpoint=Endpoint(name=place, base_url="https://models.example/v1", kind="openai"),
        prompt=Prompt(user="Why?"),
        parameters=Parameters(max_tokens=10),
        timeouts=Timeouts(),
    )


def test_lists_are_kept_per_server(sealed: Path) -> None:
    here = Endpoint(name="here", base_url="http://127.0.0.1:1")
    save_list(here, (ListedModel(id="local"),), READ)
    assert paths.model_lists_file().stat().st_mode & 0o777 == 0o600
    assert [model.id for model in known_models([here])][-1] == "local"
    moved = msgspec.structs.replace(here, base_url="http://127.0.0.1:2")
    assert known_models([moved]) == known_models([]) == load_models()
    paths.model_lists_file().write_text("{broken")
    assert known_models([here]) == load_models()
