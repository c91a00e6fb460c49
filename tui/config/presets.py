"""Endpoints known by name: those of `configs/endpoints.toml`, part of the settings only where something names them."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial

import msgspec

from tui.config import files, paths
from tui.config.check import check_settings
from tui.config.endpoints import ENDPOINT, endpoint_of
from tui.config.keys import Layer, SetValue
from tui.config.schema import AUTO, SIMULATOR, Settings
from tui.core.target import Endpoint, Target, TimeoutOverrides


@cache
def _entries() -> Mapping[str, SetValue]:
    """Every value of the file by its dotted path."""
    path = paths.builtin_config("endpoints.toml")
    return check_settings(files.read_toml(path, str(path)), Layer.BUILT_IN, str(path)).entries


def presets() -> dict[str, Endpoint]:
    """All of them, by name, in the file's order."""
    entries = _entries()
    found = {}
    for name in [path.partition(".")[2] for path in entries if path.count(".") == 1]:
        keys = {key.name: f"endpoints.{name}.{key.name}" for key in ENDPOINT}
        given = {key: entries[path].value for key, path in keys.items() if path in entries}
        found[name] = endpoint_of(name, given, TimeoutOverrides())
    return found


def entries_of(names: Iterable[str]) -> dict[str, SetValue]:
    """The values of those of these names that are presets, by their dotted path."""
    wanted = {f"endpoints.{name}" for name in names}
    return {path: entry for path, entry in _entries().items() if ".".join(path.split(".")[:2]) in wanted}


def by_name(settings: Settings) -> Callable[[Target], Target]:
    """The function that puts a target at the endpoint that stands before its model, where a prefix counts.

    It counts while no default endpoint was chosen: elsewhere `openai/…` may be a model of that one.
    """
    if settings.endpoint != AUTO:
        return lambda target: target
    return partial(at_named_endpoint, known=tuple(settings.endpoints))


def with_presets_of(targets: Iterable[Target], endpoints: Mapping[str, Endpoint]) -> dict[str, Endpoint]:
    """These endpoints, with the presets that the targets are at and that are not among them."""
    missing = {target.endpoint for target in targets} - {None, SIMULATOR, *endpoints}
    return {**endpoints, **{name: preset for name, preset in (presets() if missing else {}).items() if name in missing}}


def at_named_endpoint(target: Target, known: Iterable[str]) -> Target:
    """The target at the endpoint that stands before its model, as in `groq/llama-…`; as it is without one.

    `known` are the names of configured endpoints.
    """
    name, slash, model = target.model.partition("/")
    if target.endpoint is not None or not slash or not model or name not in {*known, *presets()}:
        return target
    return msgspec.structs.replace(target, endpoint=name, model=model)
