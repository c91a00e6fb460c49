"""A file that merely lies in the working directory has no power: nothing in it destroys, spends, or sends elsewhere."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tui.config import paths, schema
from tui.config.check import check_settings
from tui.config.endpoints import ENDPOINT
from tui.config.files import Document
from tui.config.keys import Key, Layer, keys_of
from tui.config.load import Flags, load
from tui.config.remembered import confirm, refuse_unconfirmed, unconfirmed
from tui.config.show import describe
from tui.core.setting import setting, settings_of
from tui.core.target import Endpoint
from tui.errors import ConfigError

EVIL = '[endpoints.evil]\nbase_url = "https://evil.example"\n'

CHOSEN_ONLY = {
    "history.enabled",
    "keys.preset",
    "keys.actions",
    "parameters.extra",
    "prompt.attach",
    "prompts.0.attach",
    "targets.0.extra",
    "endpoints.far.api_key_env",
    "endpoints.far.key_command",
    "endpoints.far.secret_headers",
    "endpoints.far.plain_http",
    "endpoints.far.aws_credentials",
    "endpoints.far.ca_file",
    "endpoints.far.proxy",
    "endpoints.far.prices",
    "variables.file",
}
OWN_ONLY = {"history.keep_days", "history.keep_mb"}
CAPS = {
    "budget.session_usd",
    "budget.plan_usd",
    "budget.ask_from_usd",
    "series.max_usd",
    "series.max_requests",
    "load.max_usd",
    "load.max_requests",
    "retries.max",
}

VALUES = {
    "objectives": ["errors < 1%"],
    "history.enabled": False,
    "series.until_sure": "ttft",
    "series.choose": "fastest",
    "ui.frame_rate": 3,
    "prompt.turns": [{"role": "user", "text": "a"}],
    "keys.actions": {"run": ["a"]},
    "parameters.extra": {"mcp_servers": [{"url": "https://evil.example"}]},
    "parameters.cache": True,
    "endpoints.far.api_key_env": "KEY",
    "endpoints.far.key_command": ["print-key"],
    "load.rate": [1, 2.5],
    "endpoints.far.base_url": "https://far.example",
    "endpoints.far.api_version": "2023-06-01",
    "endpoints.far.kind": "foundry",
    "endpoints.far.headers": {"x-team": "a"},
    "endpoints.far.secret_headers": {"x-gateway-key": "GATEWAY_KEY"},
    "endpoints.far.prices": [0, 2.5],
    "endpoints.far.proxy": "http://proxy.example:1",
}
"""Values of keys whose type alone does not give one."""


def _all_keys() -> Iterator[tuple[str, Key]]:
    """Every key of every table, by a dotted path at which a file can set it."""
    yield from schema.keys_by_path().items()
    yield from ((f"targets.0.{key.name}", key) for key in schema.TARGET)
    yield from ((f"endpoints.far.{key.name}", key) for key in ENDPOINT)
    yield from ((f"prompts.0.{key.name}", key) for key in schema.VARIANT)
    yield from ((f"variables.{key.name}", key) for key in schema.VARIABLES if key.name != "rows")


def _value(path: str, key: Key) -> object:
    if path in VALUES:
        return VALUES[path]
    table = {"targets": "parameters", "prompts": "prompt"}.get(path.partition(".")[0], "")
    if (shared := f"{table}.{key.name}") in VALUES:
        return VALUES[shared]
    kind = msgspec.inspect.type_info(key.type)
    match kind:
        case msgspec.inspect.LiteralType(values=values):
            return values[0]
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.IntType(ge=low) | msgspec.inspect.FloatType(ge=low):
            return max(1, int(low or 0)) if isinstance(kind, msgspec.inspect.IntType) else float(low or 0.5)
        case msgspec.inspect.DictType():
            return {"weather": "rain"}
        case msgspec.inspect.VarTupleType():
            return []
    return "claude-x"


def _document(path: str, value: object) -> Document:
    """A document that sets one key, with what must stand beside it."""
    *tables, name = path.split(".")
    inner: object = {name: value}
    match tables:
        case ["targets", "0"]:
            inner = {"targets": [{"model": "m"} | {name: value}]}
        case ["prompts", "0"]:
            inner = {"prompts": [{"name": "n"} | {name: value}]}
        case ["endpoints", "far"]:
            inner = {"endpoints": {"far": {"base_url": "https://far.example"} | {name: value}}}
        case [table]:
            inner = {table: inner}
    assert isinstance(inner, dict)
    return Document(inner)


@pytest.mark.parametrize(("path", "key"), list(_all_keys()), ids=lambda given: given if isinstance(given, str) else "")
def test_every_key_is_taken_from_those_who_may_set_it(path: str, key: Key) -> None:
    document = _document(path, _value(path, key))
    for layer, refused in (
        (Layer.USER, set()),
        (Layer.CONFIG, OWN_ONLY),
        (Layer.PROJECT, OWN_ONLY | CHOSEN_ONLY),
    ):
        checked = check_settings(document, layer, "a file")
        assert (path in checked.entries) == (path not in refused), layer
        assert [one.path for one in checked.ignored] == ([path] if path in refused else []), layer


def test_every_key_says_who_may_set_it() -> None:
    """What is declared without is the person's own: a new key cannot slip through."""

    class Undeclared(msgspec.Struct):
        new: msgspec.Raw

    assert setting("A new key.").extra["setting"].set_by == "own file"  # type: ignore[index]
    assert all(key.set_by == "own file" for key in keys_of(schema.HistorySettings) if key.name.startswith("keep"))
    assert Key(name="new", type=str, help="").set_by == "own file"


def test_the_caps_are_all_that_limit_spending() -> None:
    assert {path for path, key in schema.keys_by_path().items() if key.is_cap} == CAPS


@pytest.mark.parametrize(("path", "own", "found"), [
    ("budget.session_usd", 0.01, 1_000_000), ("budget.plan_usd", 0.01, 5), ("series.max_usd", 0.1, 1000),
    ("series.max_requests", 3, 1000), ("retries.max", 0, 10),
])  # fmt: skip
def test_caps_of_files_combine_to_the_lower(path: str, own: float, found: float, sealed: Path) -> None:
    table, _, name = path.partition(".")

    def effective(user: float | None, project: float | None, chosen: float | None, **environ: str) -> object:
        for file, value in (
            (paths.user_config_file(), user),
            (sealed / "latency-tui.toml", project),
            (sealed / "plan.toml", chosen),
        ):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("" if value is None else f"[{table}]\n{name} = {value}\n")
        loaded = load(Flags(config=Path("plan.toml")), environ, sealed)
        return getattr(getattr(loaded.settings, table), name)

    assert effective(own, found, None) == own
    assert effective(own, None, found) == own
    assert effective(found, own, None) == own
    assert effective(None, own, found) == own
    assert effective(None, None, found) == found
    variable = f"LATENCY_TUI_{path.replace('.', '_').upper()}"
    assert effective(own, None, None, **{variable: str(found)}) == found, "the person says so at this moment"


def test_a_found_file_raises_no_built_in_cap(sealed: Path) -> None:
    (sealed / "latency-tui.toml").write_text("[retries]\nmax = 10\n")
    loaded = load(Flags(), {}, sealed)
    assert loaded.settings.retries.max == 0
    assert [one.path for one in loaded.ignored] == ["retries.max"]


def test_config_says_what_was_ignored_and_why(sealed: Path) -> None:
    (sealed / "latency-tui.toml").write_text(
        'endpoint = "evil"\n[history]\nkeep_days = 1\n[budget]\nplan_usd = 9\n[keys]\npreset = "vi"\n' + EVIL
    )
    user = paths.user_config_file()
    user.parent.mkdir(parents=True)
    user.write_text("[budget]\nplan_usd = 1\n")
    loaded = load(Flags(), {}, sealed)
    text = describe(loaded, {})
    ignored = [line for line in text.splitlines() if line.startswith("# Ignored: ")]
    assert [line.split(": ")[1:] for line in ignored] == [
        ["./latency-tui.toml, line 3", "history.keep_days is not taken from a file that was found and not chosen",
         "put it into your own file."],
        ["./latency-tui.toml, line 7", "keys.preset is not taken from a file that was found and not chosen",
         "put it into your own file, or name this one with --config."],
        ["./latency-tui.toml, line 5", f"budget.plan_usd is above 1.0, the cap of {user}, line 2."],
    ]  # fmt: skip
    assert "Not confirmed, so that nothing is sent there: endpoints.evil" in text
    assert loaded.settings.history.keep_days == 0


def test_a_new_endpoint_is_confirmed_once(sealed: Path) -> None:
    (sealed / "latency-tui.toml").write_text(f'endpoint = "evil"\n{EVIL}')
    loaded = load(Flags(), {}, sealed)
    (evil,) = unconfirmed(loaded)
    with pytest.raises(ConfigError, match=r"evil\.example: name the file with --config"):
        refuse_unconfirmed(loaded, {})
    confirm([evil])
    assert unconfirmed(loaded) == ()
    refuse_unconfirmed(loaded, {})
    assert paths.state_file().with_name("confirmed.json").stat().st_mode & 0o777 == 0o600
    # What the person confirmed is that place, not the name.
    (sealed / "latency-tui.toml").write_text('[endpoints.evil]\nbase_url = "https://other.example"\n')
    assert [one.base_url for one in unconfirmed(load(Flags(), {}, sealed))] == ["https://other.example"]


def test_nothing_is_asked_of_files_that_were_chosen(sealed: Path) -> None:
    (sealed / "latency-tui.toml").write_text(f'endpoint = "evil"\n{EVIL}')
    assert unconfirmed(load(Flags(config=Path("latency-tui.toml")), {}, sealed)) == ()
    assert unconfirmed(load(Flags(demo=True), {}, sealed)) == ()
    (sealed / "latency-tui.toml").write_text(EVIL)
    refuse_unconfirmed(load(Flags(), {}, sealed), {})  # no target is asked there


def test_a_broken_list_of_confirmed_endpoints_confirms_nothing(sealed: Path) -> None:
    (sealed / "latency-tui.toml").write_text(EVIL)
    path = paths.state_file().with_name("confirmed.json")
    path.parent.mkdir(parents=True)
    for text in ("{}", "[1]", '["https://evil.example', "\0"):
        path.write_text(text)
        assert len(unconfirmed(load(Flags(), {}, sealed))) == 1
    confirm([Endpoint(name="evil", base_url="https://evil.example")])
    assert unconfirmed(load(Flags(), {}, sealed)) == ()


def test_a_pipe_in_the_place_of_a_found_file_holds_nothing_up(sealed: Path) -> None:
    os.mkfifo(sealed / "latency-tui.toml")
    with pytest.raises(ConfigError, match="it is no ordinary file"):
        load(Flags(), {}, sealed)


def test_a_chosen_plan_may_be_a_pipe(sealed: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b'endpoint = "simulator"')
    os.close(writing)
    assert load(Flags(config=Path(f"/dev/fd/{reading}")), {}, sealed).settings.endpoint == "simulator"
    os.close(reading)


def test_all_settings_of_the_tables_are_keys() -> None:
    """The walk above misses none."""
    found = {path for path, _ in _all_keys()}
    for table, struct in schema.STRUCTS.items():
        assert {f"{table}.{name}" for name in settings_of(struct)} <= found
