"""What is known of models: `configs/models.toml`, checked like any other file."""

from datetime import date
from typing import Annotated

import msgspec

from tui.config import files, paths, schema
from tui.config.check import Checker
from tui.config.schema import Key
from tui.config.sources import Layer

_Price = Annotated[float, msgspec.Meta(ge=0, le=10_000)]
_Tokens = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]


class KnownModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model, as its maker described it on the dates given."""

    id: str
    display_name: str
    line: str
    """Its family: haiku, sonnet, opus, fable."""
    input_price: float
    """List price of input, US dollars per million tokens."""
    output_price: float
    """List price of output, US dollars per million tokens."""
    price_note: str = ""
    """What the two prices leave out, such as tiers; empty when nothing."""
    price_read: date
    """When the prices were read."""
    context_tokens: int
    """Most tokens of input and output together."""
    max_output_tokens: int
    accepts_temperature: bool
    """True when the model takes `temperature` under some version of the API."""
    facts_read: date
    """When context, output and temperature were read."""


_KEYS = (
    Key(name="id", type=str, required=True, help="The model's id.", refuse=schema.refuse_label),
    Key(name="display_name", type=str, required=True, help="Its name for people.", refuse=schema.refuse_label),
    Key(name="line", type=str, required=True, help="Its family.", refuse=schema.refuse_label),
    Key(name="input_price", type=_Price, unit="USD per million tokens", required=True, help="List price of input."),
    Key(name="output_price", type=_Price, unit="USD per million tokens", required=True, help="List price of output."),
    Key(name="price_note", type=str, help="What the two prices leave out."),
    Key(name="price_read", type=date, required=True, help="When the prices were read."),
    Key(name="context_tokens", type=_Tokens, unit="tokens", required=True, help="Most input and output together."),
    Key(name="max_output_tokens", type=_Tokens, unit="tokens", required=True, help="Most output."),
    Key(name="accepts_temperature", type=bool, required=True, help="Whether it takes temperature at all."),
    Key(name="facts_read", type=date, required=True, help="When the other facts were read."),
)


def load_models() -> tuple[KnownModel, ...]:
    """All known models, in the file's order. Raises ConfigError for the first problem of the file."""
    path = paths.builtin_config("models.toml")
    return models_of(files.read_toml(path, str(path)), str(path))


def models_of(document: files.Document, name: str) -> tuple[KnownModel, ...]:
    """The models of one document. Raises ConfigError for its first problem; `name` is what it calls the file."""
    checker = Checker(Layer.BUILT_IN, name, document.lines)
    tables = []
    for word, given in document.values.items():
        if word == "models":
            tables += checker.tables((word,), _KEYS, given)
        else:
            checker.unknown((word,), ["models"])
    checker.finish()
    return tuple(msgspec.convert(values, KnownModel) for values in tables)
