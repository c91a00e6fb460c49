"""From six layers to one set of settings, each value with its origin, and from settings to the plan that a run sends.

built-in `configs/default.toml` < user file < `./latency-tui.toml` < `--config` < environment < flags
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from tui.config import files, paths, schema
from tui.config.check import check_settings
from tui.config.endpoints import (
    ANTHROPIC,
    BASE_URL_VARIABLE,
    ENDPOINT,
    endpoint_of,
    has_key,
    refuse_combination,
    refuse_open_key,
    refuse_version_path,
)
from tui.config.environment import Flags, from_environment, from_flags, take_key
from tui.config.keys import Ignored, Key, Layer, Origin, SetValue, shown
from tui.config.known_models import load_models
from tui.config.presets import at_named_endpoint, entries_of
from tui.config.schema import AUTO, SIMULATOR, Settings
from tui.config.variables import Variables, files_of, read_rows, with_places
from tui.core.checks import AnswerCheck
from tui.core.host import Host
from tui.core.lanes import with_own_labels
from tui.core.objectives import parse as parse_objective
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt, checked_also
from tui.core.protocol import MESSAGES_KIND
from tui.core.refusals import contradiction, out_of_range
from tui.core.target import Endpoint, Target, TimeoutOverrides
from tui.errors import ConfigError, hint

__all__ = ["Flags", "Layer", "Loaded", "Origin", "Place", "build_plan", "default_endpoint", "load", "needs_simulator"]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was looked for."""

    layer: Layer
    path: Path
    """Its place, whether or not it is there."""
    name: str
    """Its name in errors and listings: the path as it was given."""
    was_read: bool


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in effect and how they came about."""

    settings: Settings
    provenance: dict[str, Origin]
    """By dotted key (`timeouts.connect`, `endpoints.NAME.base_url`, `targets`, `targets.0.model`), for keys set."""
    places: tuple[Place, ...]
    """All files looked for, lowest layer first."""
    ignored: tuple[Ignored, ...] = ()
    """Values of files that do not count, because such a file may not set them."""
    is_demo: bool
    """True with `--demo`: requests go to the simulator only."""

    @property
    def found_endpoints(self) -> tuple[Endpoint, ...]:
        """Endpoints that only a file which nobody chose names: the person is asked before anything goes there."""
        return tuple(
            endpoint
            for name, endpoint in self.settings.endpoints.items()
            if self.provenance[f"endpoints.{name}"].layer is Layer.PROJECT
        )


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
    layers: dict[Layer, dict[str, SetValue]] = {}
    places: list[Place] = []
    ignored: list[Ignored] = []
    for layer, path, name in looked_for:
        optional = layer in (Layer.USER, Layer.PROJECT)
        found = files.read_toml_if_there(path, name) if optional else files.read_toml(path, name)
        places.append(Place(layer=layer, path=path, name=name, was_read=found is not None))
        if found is not None:
            checked = check_settings(found, layer, name)
            layers[layer] = with_places(_with_rows(checked.entries, path, name), path.parent)
            ignored += checked.ignored
    layers[Layer.ENVIRONMENT] = from_environment(environ)
    layers[Layer.FLAG] = from_flags(flags)
    _refuse_changed_endpoints(layers)
    merged: dict[str, SetValue] = {}
    for layer, entries in layers.items():
        _merge(merged, _lowest(merged, entries, ignored) if layer.is_file else entries)
    take_key(merged, environ)
    if not flags.demo:
        _take_presets(merged)
    return Loaded(
        settings=_settings(merged, is_demo=flags.demo),
        provenance={path: entry.origin for path, entry in merged.items()},
        places=tuple(places),
        ignored=tuple(ignored),
        is_demo=flags.demo,
    )


def _refuse_changed_endpoints(layers: Mapping[Layer, Mapping[str, SetValue]]) -> None:
    """Raise ConfigError where a file that merely lies in the working directory changes an endpoint of another layer.

    It could send that endpoint's key and prompts to a server of its own choice. Endpoints that are new
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
                    f"{entry.origin}: {path} is defined in {elsewhere.origin} and not changed by a file that was found "
                    "and not chosen: put it into your own file, or name this one with --config."
                )


def _lowest(merged: Mapping[str, SetValue], layer: dict[str, SetValue], ignored: list[Ignored]) -> dict[str, SetValue]:
    """The entries of a file without caps above those that the person's file has set, which are added to `ignored`.

    A file that was found does not raise a built-in cap either.
    """
    kept = dict(layer)
    for path in _CAPS & layer.keys() & merged.keys():
        below, given = merged[path], layer[path]
        is_free = below.origin.layer is Layer.BUILT_IN and given.origin.layer is not Layer.PROJECT
        if not is_free and cast(float, given.value) > cast(float, below.value):
            del kept[path]
            ignored.append(Ignored(path, given.origin, f"is above {below.value}, the cap of {below.origin}"))
    return kept


_CAPS = frozenset(path for path, key in schema.keys_by_path().items() if key.is_cap)


def _merge(merged: dict[str, SetValue], layer: dict[str, SetValue]) -> None:
    for whole in ("targets", "prompts", "variables", "checks", "hosts"):
        if whole in layer:
            for path in [path for path in merged if path.startswith(f"{whole}.")]:
                del merged[path]
    merged |= layer


def _take_presets(merged: dict[str, SetValue]) -> None:
    """Add the presets that the default endpoint or a target names, before its model or by its endpoint.

    A model's prefix counts only where no default endpoint was chosen: elsewhere `openai/…` may be a model of that one.
    """
    default, given = merged["endpoint"].value, merged["targets"]
    configured = {path.split(".")[1] for path in merged if path.startswith("endpoints.")}
    targets = cast(tuple[Target, ...], given.value)
    if default == AUTO:
        targets = tuple(at_named_endpoint(target, configured) for target in targets)
        merged["targets"] = SetValue(targets, given.origin)
    names = {str(default), *(target.endpoint for target in targets if target.endpoint)} - configured
    if names - {AUTO, SIMULATOR}:
        merged |= entries_of(names)


def _with_rows(entries: dict[str, SetValue], path: Path, name: str) -> dict[str, SetValue]:
    """The entries of the document at `path`, with the rows of the file that [variables] names."""
    given = entries.get("variables")
    if given is None or not isinstance(given.value, Variables) or given.value.file is None:
        return entries
    file = Path(given.value.file).expanduser()
    try:
        rows = read_rows(path.parent / file, str(Path(name).parent / file))
    except ConfigError as problem:
        raise ConfigError(f"{entries['variables.file'].origin}: variables.file: {problem}") from None
    found = Variables(rows=rows, file=str((path.parent / file).resolve()))
    return entries | {"variables": SetValue(found, given.origin)}


def _settings(merged: Mapping[str, SetValue], *, is_demo: bool) -> Settings:
    endpoints = _endpoints(merged)
    targets = cast(tuple[Target, ...], merged["targets"].value)
    parameters = Parameters(**_section(merged, "parameters"))
    _check_names(merged, targets, endpoints)
    _check_parameters(merged, parameters, targets, endpoints)
    return Settings(
        endpoint=str(merged["endpoint"].value),
        objectives=tuple(map(parse_objective, cast(tuple[str, ...], merged["objectives"].value))),
        checks=cast(tuple[AnswerCheck, ...], merged["checks"].value) if "checks" in merged else (),
        variants=_variants(merged),
        variables=cast(Variables, merged["variables"].value) if "variables" in merged else Variables(),
        targets=without_endpoints(targets) if is_demo else targets,
        hosts=cast(tuple[Host, ...], merged["hosts"].value) if "hosts" in merged else (),
        endpoints=endpoints,
        **{table: struct(**_section(merged, table)) for table, struct in schema.STRUCTS.items()},
    )


def _variants(merged: Mapping[str, SetValue]) -> tuple[Prompt, ...]:
    """The variants, each with what it leaves out from [prompt], and with what [prompt] says in a later layer."""
    if "prompts" not in merged:
        return ()
    given = merged["prompts"]
    shared = {key: value for key, value in _section(merged, "prompt").items() if key != "name"}
    rank = list(Layer).index
    later = {key for key in shared if rank(merged[f"prompt.{key}"].origin.layer) > rank(given.origin.layer)}
    return tuple(
        Prompt(**shared | {key: value for key, value in own.items() if key not in later})
        for own in cast(tuple[dict[str, Any], ...], given.value)
    )


def without_endpoints(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """The targets, all at the default endpoint: a demo must reach no real server, whatever a file names."""
    return tuple(msgspec.structs.replace(target, endpoint=None) for target in targets)


def _section(merged: Mapping[str, SetValue], table: str) -> dict[str, Any]:
    return _given(merged, table, schema.TABLES[table])


def _given(merged: Mapping[str, SetValue], path: str, keys: Sequence[Key]) -> dict[str, Any]:
    """The values that are set of the table at `path`, by key."""
    return {key.name: merged[f"{path}.{key.name}"].value for key in keys if f"{path}.{key.name}" in merged}


def _endpoints(merged: Mapping[str, SetValue]) -> dict[str, Endpoint]:
    found: dict[str, Endpoint] = {}
    for path, entry in merged.items():
        table, _, name = path.partition(".")
        if table != "endpoints" or "." in name:
            continue
        given = _given(merged, path, ENDPOINT)
        if complaint := refuse_combination(given):
            raise ConfigError(f"{entry.origin}: {path} {complaint}.")
        if complaint := refuse_version_path(given):
            origin = merged[f"{path}.base_url"].origin
            subject = "" if origin.layer is Layer.FLAG else f"{path}.base_url "
            raise ConfigError(f"{origin}: {subject}{complaint}.")
        timeouts = TimeoutOverrides(**_given(merged, f"{path}.timeouts", schema.TABLES["timeouts"]))
        found[name] = endpoint_of(name, given, timeouts)
    return found


def _check_parameters(
    merged: Mapping[str, SetValue], shared: Parameters, targets: tuple[Target, ...], endpoints: Mapping[str, Endpoint]
) -> None:
    """Raise ConfigError where the parameters of a target cannot go together or are out of range, whatever the model."""
    for position, target in enumerate(targets):
        asked = shared.without(target.drop).overridden_by(target.parameters)
        endpoint = endpoints.get(target.endpoint or str(merged["endpoint"].value))
        kind = endpoint.kind if endpoint is not None else MESSAGES_KIND  # the simulator, or what auto chooses
        if complaint := contradiction(asked, kind):
            raise ConfigError(f"{merged[f'targets.{position}.model'].origin}: targets.{position}: {complaint}.")
        for name, complaint in out_of_range(asked, kind).items():
            places = (f"targets.{position}.{name}", f"parameters.{name}", f"targets.{position}.model")
            path = next(place for place in places if place in merged)
            raise ConfigError(f"{merged[path].origin}: {path}: {complaint}.")


def _check_names(
    merged: Mapping[str, SetValue], targets: tuple[Target, ...], endpoints: Mapping[str, Endpoint]
) -> None:
    """Raise ConfigError where an endpoint is named that does not exist."""
    named = [("endpoint", str(merged["endpoint"].value), [AUTO, SIMULATOR, *endpoints])]
    for position, target in enumerate(targets):
        if target.endpoint is not None:
            named.append((f"targets.{position}.endpoint", target.endpoint, [SIMULATOR, *endpoints]))
    for path, name, known in named:
        if name not in known:
            origin = merged[path].origin
            raise ConfigError(f"{origin}: {path} names {shown(name)}, which is not an endpoint; {hint(name, known)}")


def default_endpoint(settings: Settings, environ: Mapping[str, str]) -> str:
    """Name of the endpoint for targets that name none.

    `auto` is anthropic when its key or its address is set, else the simulator.
    """
    if settings.endpoint != AUTO:
        return settings.endpoint
    anthropic = settings.endpoints[ANTHROPIC]
    is_addressed = bool(environ.get(BASE_URL_VARIABLE, "").strip()) or not anthropic.is_anthropic
    return ANTHROPIC if is_addressed or has_key(anthropic, environ) else SIMULATOR


def needs_simulator(settings: Settings, environ: Mapping[str, str]) -> bool:
    """True when at least one target is at the simulator."""
    default = default_endpoint(settings, environ)
    return any((target.endpoint or default) == SIMULATOR for target in settings.targets)


def build_plan(settings: Settings, environ: Mapping[str, str], simulator_url: str | None) -> Plan:
    """The plan of these settings. `simulator_url` is the running simulator's; None when there is none.

    Labels are made unique (see `with_own_labels`).

    Raises ConfigError for an endpoint that does not exist, and for a key that would travel unencrypted; ValueError
    when a target needs the simulator and there is none.
    """
    default = default_endpoint(settings, environ)
    known = [*settings.endpoints, SIMULATOR]
    for name in [default, *(target.endpoint for target in settings.targets if target.endpoint)]:
        if name not in known:
            raise ConfigError(f"{shown(name)} is not an endpoint; {hint(name, known)}")
    for endpoint in settings.endpoints.values():
        refuse_open_key(endpoint, environ)
    endpoints = list(settings.endpoints.values())
    if simulator_url is not None:
        endpoints.append(Endpoint(name=SIMULATOR, base_url=simulator_url, simulated=True))
    elif needs_simulator(settings, environ):
        raise ValueError("the plan needs the simulator, and no URL of one was given")
    variants = tuple(checked_also(variant, settings.checks) for variant in settings.variants)
    return Plan(
        prompt=variants[0] if variants else checked_also(settings.prompt, settings.checks),
        variants=variants,
        rows=settings.variables.rows,
        parameters=settings.parameters,
        targets=with_own_labels(settings.targets),
        hosts=settings.hosts,
        hosts_share_cache=settings.series.bust_cache is False,
        endpoints=tuple(endpoints),
        default_endpoint=default,
        timeouts=settings.timeouts,
        retries=settings.retries,
        budget=settings.budget,
        conversation=settings.conversation,
        files=files_of(variants or (settings.prompt,), settings.variables.rows),
        speed_betas={model.id: model.speed_beta for model in load_models() if model.speed_beta is not None},
    )
