"""Six layers into one set of settings, each value with the place it came from.

built-in `configs/default.toml` < user file < `./latency-tui.toml` < `--config` < environment < flags
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from tui.config import files, paths, schema
from tui.config.check import check_settings
from tui.config.endpoint_keys import words
from tui.config.environment import Flags, from_environment, from_flags
from tui.config.keys import Key
from tui.config.schema import AUTO, SIMULATOR, AdviceSettings, HistorySettings, KeySettings, Settings, UiSettings
from tui.config.sources import Entry, Layer, Source
from tui.config.variables import Variables, read_rows
from tui.config.wording import hint, shown
from tui.core.capabilities import contradiction
from tui.core.objectives import parse as parse_objective
from tui.core.parameters import Parameters
from tui.core.plan import Budget
from tui.core.prompt import Prompt
from tui.core.series import SeriesSettings
from tui.core.target import Endpoint, Retries, Target, TimeoutOverrides, Timeouts
from tui.errors import ConfigError

__all__ = ["Flags", "Layer", "Loaded", "Place", "Source", "load"]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was looked for."""

    layer: Layer
    path: Path
    """Where it is or would be."""
    name: str
    """What errors and listings call it: the path as it was given."""
    was_read: bool


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in effect and how they came about."""

    settings: Settings
    provenance: dict[str, Source]
    """By dotted key (`timeouts.connect`, `endpoints.NAME.base_url`, `targets`, `targets.0.model`), for keys set."""
    places: tuple[Place, ...]
    """All files looked for, lowest layer first."""
    is_demo: bool
    """True with `--demo`: nothing but the simulator may be asked."""

    @property
    def files_read(self) -> tuple[Path, ...]:
        """The files that exist and were read, lowest layer first."""
        return tuple(place.path for place in self.places if place.was_read)


def load(flags: Flags, environ: Mapping[str, str], cwd: Path) -> Loaded:
    """All layers, merged and checked. Keys inside tables merge; `targets`, `prompts` and `variables` are each
    replaced as a whole.

    Raises ConfigError, one sentence, for the first problem of the lowest layer that has one.
    """
    looked_for = [
        (Layer.BUILT_IN, path := paths.builtin_config("default.toml"), str(path)),
        (Layer.USER, path := paths.user_config_file(), str(path)),
    ]
    project = cwd / paths.PROJECT_FILE
    chosen = cwd / flags.config if flags.config is not None else None
    if chosen is None or os.path.realpath(chosen) != os.path.realpath(project):  # else it was found, but chosen too
        looked_for.append((Layer.PROJECT, project, f"./{paths.PROJECT_FILE}"))
    if chosen is not None:
        looked_for.append((Layer.CONFIG, chosen, str(flags.config)))
    layers: dict[Layer, dict[str, Entry]] = {}
    places: list[Place] = []
    for layer, path, name in looked_for:
        optional = layer in (Layer.USER, Layer.PROJECT)
        found = files.read_toml_if_there(path, name) if optional else files.read_toml(path, name)
        places.append(Place(layer=layer, path=path, name=name, was_read=found is not None))
        if found is not None:
            layers[layer] = _with_rows(check_settings(found, layer, name), path, name)
    layers[Layer.ENVIRONMENT] = from_environment(environ)
    layers[Layer.FLAG] = from_flags(flags)
    _refuse_changed_endpoints(layers)
    merged: dict[str, Entry] = {}
    for entries in layers.values():
        _merge(merged, entries)
    return Loaded(
        settings=_settings(merged, is_demo=flags.demo),
        provenance={path: entry.source for path, entry in merged.items()},
        places=tuple(places),
        is_demo=flags.demo,
    )


def _refuse_changed_endpoints(layers: Mapping[Layer, Mapping[str, Entry]]) -> None:
    """Raise ConfigError where a file that merely lies in the working directory changes an endpoint of another layer.

    It could send that endpoint's key, or what is asked there, to a server of its own choice. Endpoints that are new
    are taken from it; they have no key, since `api_key_env` and `key_command` are not taken from such a file.
    """
    for path, entry in layers.get(Layer.PROJECT, {}).items():
        table, _, name = path.partition(".")
        if table != "endpoints" or "." in name:
            continue
        for layer, entries in layers.items():
            elsewhere = next((entries[key] for key in entries if key.startswith(f"{path}.")), None)
            if layer is not Layer.PROJECT and elsewhere is not None:
                raise ConfigError(
                    f"{entry.source}: {path} is defined in {elsewhere.source} and not changed by a file that was found "
                    "and not chosen: put it into your own file, or name this one with --config."
                )


def _merge(merged: dict[str, Entry], layer: dict[str, Entry]) -> None:
    for whole in ("targets", "prompts", "variables"):
        if whole in layer:
            for path in [path for path in merged if path.startswith(f"{whole}.")]:
                del merged[path]
    merged |= layer


def _with_rows(entries: dict[str, Entry], path: Path, name: str) -> dict[str, Entry]:
    """The entries of the document at `path`, with the rows of the file that [variables] names."""
    given = entries.get("variables")
    if given is None or not isinstance(given.value, Variables) or given.value.file is None:
        return entries
    file = Path(given.value.file).expanduser()
    try:
        rows = read_rows(path.parent / file, str(Path(name).parent / file))
    except ConfigError as problem:
        raise ConfigError(f"{entries['variables.file'].source}: variables.file: {problem}") from None
    found = Variables(rows=rows, file=str((path.parent / file).resolve()))
    return entries | {"variables": Entry(found, given.source)}


def _settings(merged: Mapping[str, Entry], *, is_demo: bool) -> Settings:
    endpoints = _endpoints(merged)
    targets = cast(tuple[Target, ...], merged["targets"].value)
    parameters = Parameters(**_section(merged, "parameters"))
    _check_names(merged, targets, endpoints)
    _check_parameters(merged, parameters, targets)
    return Settings(
        endpoint=str(merged["endpoint"].value),
        objectives=tuple(map(parse_objective, cast(tuple[str, ...], merged["objectives"].value))),
        prompt=Prompt(**_section(merged, "prompt")),
        variants=_variants(merged),
        variables=cast(Variables, merged["variables"].value) if "variables" in merged else Variables(),
        parameters=parameters,
        targets=without_endpoints(targets) if is_demo else targets,
        endpoints=endpoints,
        timeouts=Timeouts(**_section(merged, "timeouts")),
        retries=Retries(**_section(merged, "retries")),
        series=SeriesSettings(**_section(merged, "series")),
        history=HistorySettings(**_section(merged, "history")),
        advice=AdviceSettings(**_section(merged, "advice")),
        budget=Budget(**_section(merged, "budget")),
        ui=UiSettings(**_section(merged, "ui")),
        keys=KeySettings(**_section(merged, "keys")),
    )


def _variants(merged: Mapping[str, Entry]) -> tuple[Prompt, ...]:
    """The variants, each with what it leaves out from [prompt], and with what [prompt] says in a later layer."""
    if "prompts" not in merged:
        return ()
    given = merged["prompts"]
    shared = {key: value for key, value in _section(merged, "prompt").items() if key != "name"}
    rank = list(Layer).index
    later = {key for key in shared if rank(merged[f"prompt.{key}"].source.layer) > rank(given.source.layer)}
    return tuple(
        Prompt(**shared | {key: value for key, value in own.items() if key not in later})
        for own in cast(tuple[dict[str, Any], ...], given.value)
    )


def without_endpoints(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """The targets, all asked at the default endpoint: a demo must reach no real server, whatever a file names."""
    return tuple(msgspec.structs.replace(target, endpoint=None) for target in targets)


def _section(merged: Mapping[str, Entry], table: str) -> dict[str, Any]:
    return _given(merged, table, schema.TABLES[table])


def _given(merged: Mapping[str, Entry], path: str, keys: Sequence[Key]) -> dict[str, Any]:
    """The values that are set of the table at `path`, by key."""
    return {key.name: merged[f"{path}.{key.name}"].value for key in keys if f"{path}.{key.name}" in merged}


def _endpoints(merged: Mapping[str, Entry]) -> dict[str, Endpoint]:
    endpoints: dict[str, Endpoint] = {}
    for path, entry in merged.items():
        table, _, name = path.partition(".")
        if table != "endpoints" or "." in name:
            continue
        given = _given(merged, path, schema.ENDPOINT)
        if "base_url" not in given:
            raise ConfigError(f"{entry.source}: {path} has no base_url.")
        if given.get("kind") == "vertex" and not (given.get("region") and given.get("project")):
            raise ConfigError(f'{entry.source}: {path} has kind = "vertex", which needs a region and a project.')
        if given.get("kind") == "bedrock" and not given.get("region"):
            raise ConfigError(f'{entry.source}: {path} has kind = "bedrock", which needs a region.')
        if given.get("aws_credentials") and given.get("kind") != "bedrock":
            raise ConfigError(f'{entry.source}: {path} has aws_credentials, which only kind = "bedrock" can use.')
        endpoints[name] = Endpoint(
            name=name,
            base_url=given["base_url"].rstrip("/"),
            api_key_env=given.get("api_key_env") or None,
            key_command=words(given.get("key_command", ())),
            key_header=given.get("key_header", "authorization"),
            kind=given.get("kind", "anthropic"),
            region=given.get("region"),
            project=given.get("project"),
            aws_credentials=given.get("aws_credentials", False),
            api_version=given.get("api_version"),
            headers={header.lower(): value for header, value in given.get("headers", {}).items()},
            ca_file=given.get("ca_file"),
            proxy=given.get("proxy"),
            timeouts=TimeoutOverrides(**_given(merged, f"{path}.timeouts", schema.TABLES["timeouts"])),
        )
    return endpoints


def _check_parameters(merged: Mapping[str, Entry], shared: Parameters, targets: tuple[Target, ...]) -> None:
    """Raise ConfigError where the parameters of a target cannot go together, whatever the model."""
    for position, target in enumerate(targets):
        complaint = contradiction(shared.without(target.drop).overridden_by(target.parameters))
        if complaint:
            raise ConfigError(f"{merged[f'targets.{position}.model'].source}: targets.{position}: {complaint}.")


def _check_names(merged: Mapping[str, Entry], targets: tuple[Target, ...], endpoints: Mapping[str, Endpoint]) -> None:
    """Raise ConfigError where an endpoint is named that does not exist."""
    named = [("endpoint", str(merged["endpoint"].value), [AUTO, SIMULATOR, *endpoints])]
    for position, target in enumerate(targets):
        if target.endpoint is not None:
            named.append((f"targets.{position}.endpoint", target.endpoint, [SIMULATOR, *endpoints]))
    for path, name, known in named:
        if name not in known:
            source = merged[path].source
            raise ConfigError(f"{source}: {path} names {shown(name)}, which is not an endpoint; {hint(name, known)}")
