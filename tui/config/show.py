"""Output of `latency-tui config`: every value in effect and its origin, as TOML that can be loaded again."""

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from tui.config import paths, schema
from tui.config.endpoints import ENDPOINT, is_key_set
from tui.config.keys import Key, Layer, Origin, expected
from tui.config.load import Loaded, default_endpoint
from tui.config.remembered import as_table, remembered_targets, unconfirmed
from tui.config.schema import AUTO
from tui.core.target import Endpoint
from tui.core.wording import counted

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\r": "\\r", "\n": "\\n"}
_WIDEST = 48
"""Columns that a key and its value may take before the note on its origin stands further right than the others."""


def describe(loaded: Loaded, environ: Mapping[str, str]) -> str:
    """The settings in effect with the origin of each, and the files looked for. Holds no key, only whether it is set.

    The text is a TOML document that gives the same settings when it is loaded.
    """
    blocks = [
        _places(loaded),
        _endpoint(loaded, environ),
        _tables(loaded, ("prompt",)),
        _variants(loaded),
        _variables(loaded),
        _tables(loaded, ("parameters",)),
        _targets(loaded),
        _hosts(loaded),
        _endpoints(loaded, environ),
        _tables(loaded, [table for table in schema.STRUCTS if table not in ("prompt", "parameters")]),
    ]
    written = ("\n".join(_aligned(lines)) for block in blocks if (lines := list(block)))
    return "\n\n".join(written) + "\n"


class _Line(msgspec.Struct, frozen=True):
    text: str
    note: str = ""


def _aligned(block: Sequence[_Line]) -> Iterator[str]:
    ends = [len(line.text.rpartition("\n")[2]) for line in block if line.note]
    column = max((end for end in ends if end <= _WIDEST), default=_WIDEST)
    for line in block:
        last = line.text.rpartition("\n")[2]
        yield f"{line.text}{' ' * (column - len(last))}  # {printable(line.note)}" if line.note else line.text


def _places(loaded: Loaded) -> Iterator[_Line]:
    yield _Line("# The settings in effect, each with where it came from. Files looked for, the last one wins:")
    wide = max(len(place.layer) for place in loaded.places)
    for place in loaded.places:
        state = "read" if place.was_read else "not found"
        yield _Line(f"#   {place.layer:{wide}}  {printable(place.name)} ({state})")
    state = "found" if paths.state_file().is_file() else "not found"
    yield _Line(f"# The last choice of targets: {printable(str(paths.state_file()))} ({state})")
    state = "found" if paths.history_file().is_file() else "not found"
    yield _Line(f"# The history of all runs: {printable(str(paths.history_file()))} ({state})")
    for ignored in loaded.ignored:
        yield _Line(f"# Ignored: {printable(str(ignored))}")
    for endpoint in unconfirmed(loaded):
        origin = loaded.provenance[f"endpoints.{endpoint.name}"]
        yield _Line(
            f"# Not confirmed, so that nothing is sent there: endpoints.{endpoint.name} of {printable(str(origin))}."
        )


def _endpoint(loaded: Loaded, environ: Mapping[str, str]) -> Iterator[_Line]:
    yield from _setting(loaded, "endpoint", schema.TOP[0], loaded.settings.endpoint)
    if loaded.settings.endpoint == AUTO:
        yield _Line(f"# {AUTO} is now {default_endpoint(loaded.settings, environ)}.")
    objectives = tuple(objective.text for objective in loaded.settings.objectives)
    yield from _setting(loaded, "objectives", schema.TOP[1], objectives)
    yield from _setting(loaded, "checks", schema.TOP[2], loaded.settings.checks)


def _tables(loaded: Loaded, names: Sequence[str]) -> Iterator[_Line]:
    for position, table in enumerate(names):
        if position:
            yield _Line("")
        yield _Line(f"[{table}]")
        struct = getattr(loaded.settings, table)
        for key in schema.TABLES[table]:
            yield from _setting(loaded, f"{table}.{key.name}", key, getattr(struct, key.name))


def _setting(loaded: Loaded, path: str, key: Key, value: object) -> Iterator[_Line]:
    yield _Line(f"# {comment_of(key)}")
    if value is None:
        yield _Line(f"# {key.name} is not set.")
    else:
        yield _Line(f"{key.name} = {toml(msgspec.to_builtins(value))}", _origin(loaded.provenance.get(path)))


def comment_of(key: Key) -> str:
    """Meaning and limits of a key, as they stand above it in a file."""
    unit = f", {key.unit}" if key.unit else ""
    limits = "" if key.type is str or key.items else f" ({expected(key.type)}{unit})"
    return f"{key.help}{limits}"


def _variants(loaded: Loaded) -> Iterator[_Line]:
    for position, variant in enumerate(loaded.settings.variants):
        if position:
            yield _Line("")
        yield _Line("[[prompts]]")
        for key in schema.VARIANT:
            places = (f"prompts.{position}.{key.name}", f"prompt.{key.name}")
            origins = [origin for path in places if (origin := loaded.provenance.get(path))]
            # The higher layer wins; within one layer the variant's own value wins.
            origin = max(origins, key=lambda origin: list(Layer).index(origin.layer), default=None)
            yield _Line(f"{key.name} = {toml(msgspec.to_builtins(getattr(variant, key.name)))}", _origin(origin))


def _variables(loaded: Loaded) -> Iterator[_Line]:
    variables = loaded.settings.variables
    if not variables.rows:
        return
    names = ", ".join(variables.rows[0])
    origin = _origin(loaded.provenance.get("variables"))
    yield _Line("[variables]")
    if variables.file is not None:
        yield _Line(f"# {counted(len(variables.rows), 'row')} of {printable(names)}")
        yield _Line(f"file = {toml(variables.file)}", origin)
    else:
        rows = "".join(f"  {toml(row)},\n" for row in variables.rows)
        yield _Line(f"rows = [\n{rows}]", origin)


def _targets(loaded: Loaded) -> Iterator[_Line]:
    remembered = remembered_targets(loaded)
    for position, target in enumerate(remembered.chosen if remembered else loaded.settings.targets):
        if position:
            yield _Line("")
        yield _Line("[[targets]]")
        for name, value in as_table(target).items():
            source = loaded.provenance.get(f"targets.{position}.{name}")
            yield _Line(
                f"{name} = {toml(value)}", "remembered from the last session" if remembered else _origin(source)
            )


def _hosts(loaded: Loaded) -> Iterator[_Line]:
    for position, host in enumerate(loaded.settings.hosts):
        if position:
            yield _Line("")
        yield _Line("[[hosts]]")
        for name, value in msgspec.to_builtins(host).items():
            yield _Line(f"{name} = {toml(value)}", _origin(loaded.provenance.get(f"hosts.{position}.{name}")))


def _endpoints(loaded: Loaded, environ: Mapping[str, str]) -> Iterator[_Line]:
    for position, endpoint in enumerate(loaded.settings.endpoints.values()):
        if position:
            yield _Line("")
        path = f"endpoints.{endpoint.name}"
        yield _Line(f"[{path}]")
        for key in ENDPOINT:
            value = getattr(endpoint, key.name)
            origin = _origin(loaded.provenance.get(f"{path}.{key.name}"))
            if key.name == "api_key_env":
                yield _Line(f"api_key_env = {toml(value or '')}", f"{origin}; {_key_state(endpoint, environ)}")
            elif f"{path}.{key.name}" in loaded.provenance:
                yield _Line(f"{key.name} = {toml(value)}", origin)
        for name in endpoint.timeouts.__struct_fields__:
            if (seconds := getattr(endpoint.timeouts, name)) is not None:
                origin = _origin(loaded.provenance.get(f"{path}.timeouts.{name}"))
                yield _Line(f"timeouts.{name} = {toml(seconds)}", origin)


def _key_state(endpoint: Endpoint, environ: Mapping[str, str]) -> str:
    if endpoint.api_key_env is not None and (is_key_set(endpoint, environ) or not endpoint.key_command):
        return f"{endpoint.api_key_env} is {'set' if is_key_set(endpoint, environ) else 'not set'}"
    return "key_command is asked for the key" if endpoint.key_command else "no key is sent"


def _origin(origin: Origin | None) -> str:
    if origin is None:
        return "not set"
    match origin.layer:
        case Layer.BUILT_IN:
            return f"built-in, line {origin.line}"
        case Layer.ENVIRONMENT:
            return f"variable {origin.name}"
        case Layer.FLAG:
            return f"flag {origin.name}"
    return f"{origin.name}:{origin.line}"


def toml(value: object) -> str:
    """`value` in TOML, free of control characters: nothing a file holds can drive the terminal it is printed on."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(toml(item) for item in value)}]"
    if isinstance(value, dict):
        parts = ", ".join(f"{toml_key(name)} = {toml(item)}" for name, item in value.items())
        return f"{{ {parts} }}" if parts else "{}"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) and value.is_integer() and abs(value) < 1e6 else str(value)


def printable(text: str) -> str:
    """`text` on one line, with everything that is not a visible character or a space escaped."""
    return "".join(_ESCAPES.get(char) or _escaped(char) for char in text)


def toml_key(name: str) -> str:
    """A key as TOML writes it: bare, or quoted."""
    return name if _BARE_KEY.fullmatch(name) else '"' + printable(name).replace('"', '\\"') + '"'


def _text(text: str) -> str:
    if "\n" not in text:
        return '"' + printable(text).replace('"', '\\"') + '"'
    lines = "\n".join(printable(line) for line in text.split("\n"))
    return '"""\n' + lines.replace('"""', '""\\"').removesuffix('"') + ('\\""""' if lines.endswith('"') else '"""')


def _escaped(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\u{ord(char):04X}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08X}"
