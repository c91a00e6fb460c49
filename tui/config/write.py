"""Values as TOML writes them."""

import re

from tui.core.target import Target

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\r": "\\r", "\n": "\\n"}


def toml(value: object) -> str:
    """`value` in TOML, free of control characters: nothing a file holds can drive the terminal it is printed on."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(toml(item) for item in value)}]"
    if isinstance(value, dict):
        parts = ", ".join(f"{_key(name)} = {toml(item)}" for name, item in value.items())
        return f"{{ {parts} }}" if parts else "{}"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) and value.is_integer() and abs(value) < 1e6 else str(value)


def printable(text: str) -> str:
    """`text` on one line, with everything that is not a visible character or a space escaped."""
    return "".join(_ESCAPES.get(char) or _escaped(char) for char in text)


def as_table(target: Target) -> dict[str, object]:
    """A target as a configuration file writes it: flat, and only what is set."""
    parameters = {name: getattr(target.parameters, name) for name in target.parameters.__struct_fields__}
    values = {"model": target.model, "endpoint": target.endpoint, "name": target.name, "drop": target.drop or None}
    return {key: value for key, value in (values | parameters).items() if value is not None}


def _key(name: str) -> str:
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
