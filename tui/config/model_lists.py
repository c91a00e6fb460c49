"""The models that endpoints listed when they were last asked, kept in the state directory with the date."""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from tui.config import paths
from tui.config.models import load_models, merged
from tui.config.private_file import write_private
from tui.core.model import KnownModel, ListedModel
from tui.core.target import Endpoint
from tui.errors import ConfigError


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """What one endpoint listed."""

    base_url: str
    """Where it was then: a list of another server is not used."""
    read: date
    models: tuple[ListedModel, ...]


def load_lists() -> dict[str, ModelList]:
    """The lists by endpoint's name; empty when there are none, or when the file cannot be used."""
    try:
        return msgspec.json.decode(paths.model_lists_file().read_bytes(), type=dict[str, ModelList])
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return {}  # a cache: asking again brings it back


def save_list(endpoint: Endpoint, models: tuple[ListedModel, ...], read: date) -> None:
    """Remember what `endpoint` listed on this day. Raises ConfigError when the file cannot be written."""
    path = paths.model_lists_file()
    lists = load_lists() | {endpoint.name: ModelList(base_url=endpoint.base_url, read=read, models=models)}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, msgspec.json.encode(lists))
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise ConfigError(f"{path}: the list of models cannot be saved: {reason}.") from None


def known_models(endpoints: Mapping[str, Endpoint] | Sequence[Endpoint]) -> tuple[KnownModel, ...]:
    """All models that can be named: those of `configs/models.toml`, under what these endpoints listed last.

    Raises ConfigError for the first problem of models.toml.
    """
    known = load_models()
    lists = load_lists()
    for endpoint in endpoints.values() if isinstance(endpoints, Mapping) else endpoints:
        kept = lists.get(endpoint.name)
        if kept is not None and kept.base_url == endpoint.base_url:
            known = merged(known, kept.models, kept.read)
    return known
