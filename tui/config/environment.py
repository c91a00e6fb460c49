"""The layers above the files: environment variables and command-line flags."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tui.config import schema
from tui.config.check import target_of, value_of
from tui.config.endpoints import ANTHROPIC, BASE_URL_VARIABLE, ENDPOINT
from tui.config.keys import Key, Layer, Origin, SetValue
from tui.config.schema import CUSTOM, SIMULATOR
from tui.core.plan import MAX_TARGETS
from tui.core.target import ANTHROPIC_HOST
from tui.errors import ConfigError, hint

PREFIX = "LATENCY_TUI_"
KEY_VARIABLE = "ANTHROPIC_API_KEY"
TOKEN_VARIABLE = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105 - its name
"""A bearer token in place of the key, as the SDK reads it."""


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """Values that the command line can set. `None`, empty and False mean: not given."""

    prompt: str | None = None
    """The user's turn, from the argument, a file or standard input."""
    models: tuple[str, ...] = ()
    """Models to ask, in place of all configured targets."""
    system: str | None = None
    max_tokens: int | None = None
    base_url: str | None = None
    """Defines the endpoint `custom` and makes it the default."""
    api_key_env: str | None = None
    """Variable that holds the key for `base_url`."""
    config: Path | None = None
    """A plan file; relative to the directory the program is started in."""
    demo: bool = False
    """Asks the simulator, whatever the files and variables say."""
    fps: str | None = None
    """Screen updates per second, a number or `auto`."""


def _variables() -> dict[str, str]:
    """Every LATENCY_TUI_* variable with the key it sets, one that holds a single value; old names first."""
    found = {}
    for path, key in schema.keys_by_path().items():
        table = path.removesuffix(key.name)
        for name in [key.old_name, key.name] if key.is_single else []:
            if name:
                found[PREFIX + (table + name).upper().replace(".", "_")] = path
    return found


def from_environment(environ: Mapping[str, str]) -> dict[str, SetValue]:
    """The values that variables set. Raises ConfigError for an unknown LATENCY_TUI_* or a value out of range."""
    known = _variables()
    keys = schema.keys_by_path()
    entries: dict[str, SetValue] = {}
    unknown = next((name for name in sorted(environ) if name.startswith(PREFIX) and name not in known), None)
    if unknown is not None:
        rest = [variable.removeprefix(PREFIX) for variable in known]
        raise ConfigError(f"{unknown}: unknown variable; {hint(unknown.removeprefix(PREFIX), rest, PREFIX)}")
    for name, path in known.items():
        if name in environ:
            entries[path] = _entry(Layer.ENVIRONMENT, name, path, keys[path], environ[name])
    url = environ.get(BASE_URL_VARIABLE, "")
    if url.strip():  # blank is how a shell unsets it
        path = f"endpoints.{ANTHROPIC}.base_url"
        entries[path] = _entry(Layer.ENVIRONMENT, BASE_URL_VARIABLE, path, _endpoint_key("base_url"), url)
    return entries


def take_key(merged: dict[str, SetValue], environ: Mapping[str, str]) -> None:
    """Settle which key goes to the API's own endpoint, where no file names one.

    `ANTHROPIC_BASE_URL` brings its key along, `ANTHROPIC_AUTH_TOKEN` before `ANTHROPIC_API_KEY`, and a server that
    needs none gets none. The API's own key does not go to a host that a file names instead, unless it says so.
    """
    table = f"endpoints.{ANTHROPIC}"
    url, key = merged[f"{table}.base_url"], merged[f"{table}.api_key_env"]
    if key.origin.layer is not Layer.BUILT_IN:
        return
    is_moved = urlsplit(str(url.value)).hostname != ANTHROPIC_HOST
    has_token, has_key = (bool(environ.get(name, "").strip()) for name in (TOKEN_VARIABLE, KEY_VARIABLE))
    of_variable = url.origin.name == BASE_URL_VARIABLE
    if is_moved and not of_variable:
        merged[f"{table}.api_key_env"] = SetValue("", url.origin)
    elif has_token and (of_variable or not has_key):
        origin = Origin(Layer.ENVIRONMENT, TOKEN_VARIABLE)
        merged[f"{table}.api_key_env"] = SetValue(TOKEN_VARIABLE, origin)
        merged[f"{table}.key_header"] = SetValue("authorization", origin)
    elif is_moved and not has_key:
        merged[f"{table}.api_key_env"] = SetValue("", url.origin)


def from_flags(flags: Flags) -> dict[str, SetValue]:
    """The values that the command line sets. Raises ConfigError for a value that cannot be used."""
    if flags.demo and flags.base_url is not None:
        raise ConfigError("--demo and --base-url exclude each other: --demo asks the simulator.")
    if flags.api_key_env is not None and flags.base_url is None:
        raise ConfigError("--api-key-env needs --base-url: it names the variable that holds the key for that server.")
    keys = schema.keys_by_path()
    given = [
        ("PROMPT", "prompt.user", flags.prompt),
        ("--system", "prompt.system", flags.system),
        ("--max-tokens", "parameters.max_tokens", flags.max_tokens),
        ("--fps", "ui.frame_rate", flags.fps),
    ]
    entries = {
        path: _entry(Layer.FLAG, name, path, keys[path], value) for name, path, value in given if value is not None
    }
    entries |= dict(_targets(flags.models))
    if flags.base_url is not None:
        table = f"endpoints.{CUSTOM}"
        origin = Origin(Layer.FLAG, "--base-url")
        entries[table] = SetValue(None, origin)
        url = f"{table}.base_url"
        entries[url] = _entry(Layer.FLAG, "--base-url", url, _endpoint_key("base_url"), flags.base_url)
        if flags.api_key_env is not None:
            variable = f"{table}.api_key_env"
            entries[variable] = _entry(
                Layer.FLAG, "--api-key-env", variable, _endpoint_key("api_key_env"), flags.api_key_env
            )
        elif urlsplit(flags.base_url).hostname == ANTHROPIC_HOST:
            entries[f"{table}.api_key_env"] = SetValue(KEY_VARIABLE, origin)
        entries["endpoint"] = SetValue(CUSTOM, origin)
    if flags.demo:
        entries["endpoint"] = SetValue(SIMULATOR, Origin(Layer.FLAG, "--demo"))
    return entries


def _targets(models: tuple[str, ...]) -> Iterator[tuple[str, SetValue]]:
    if not models:
        return
    if len(models) > MAX_TARGETS:
        raise ConfigError(f"--model: there must be at most {MAX_TARGETS} targets, but there are {len(models)}.")
    key = next(key for key in schema.TARGET if key.name == "model")
    for position, model in enumerate(models):
        path = f"targets.{position}.model"
        yield path, _entry(Layer.FLAG, "--model", path, key, model)
    yield "targets", SetValue(tuple(target_of({"model": model}) for model in models), Origin(Layer.FLAG, "--model"))


def _endpoint_key(name: str) -> Key:
    return next(key for key in ENDPOINT if key.name == name)


def _entry(layer: Layer, name: str, path: str, key: Key, raw: object) -> SetValue:
    try:
        value = value_of(key, raw, is_text=layer is Layer.ENVIRONMENT or name == "--fps")
    except ValueError as problem:
        subject = "" if layer is Layer.FLAG else f"{path} "
        raise ConfigError(f"{name}: {subject}{problem}.") from None
    return SetValue(value, Origin(layer, name))
