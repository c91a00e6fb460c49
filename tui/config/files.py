"""Reads configuration files; whatever is wrong with one becomes one sentence."""

from pathlib import Path
from typing import Any

import msgspec
import tomli

from tui.config.lines import KeyPath, key_lines
from tui.errors import ConfigError

_LARGEST = 8 * 1024 * 1024


class Document(msgspec.Struct, frozen=True):
    """A TOML file as it was read."""

    values: dict[str, Any]
    lines: dict[KeyPath, int]
    """The line of each key, by its path in the document."""


def read_toml(path: Path, name: str) -> Document:
    """The document at `path`. `name` is what errors call the file.

    Raises ConfigError when the file is missing, unreadable, larger than 8 MiB, not UTF-8 or not TOML.
    """
    document = read_toml_if_there(path, name)
    if document is None:
        raise ConfigError(f"{name}: cannot be read: no such file.")
    return document


def read_toml_if_there(path: Path, name: str) -> Document | None:
    """As `read_toml`, but None for a file that does not exist."""
    text = read_text(path, name)
    if text is None:
        return None
    text = text.replace("\r\n", "\n")
    try:
        values = tomli.loads(text)
    except tomli.TOMLDecodeError as problem:
        raise ConfigError(f"{name}, line {problem.lineno}, column {problem.colno}: {_lowered(problem.msg)}.") from None
    except (RecursionError, ValueError) as problem:
        raise ConfigError(f"{name}: cannot be read as TOML: {_lowered(str(problem)).rstrip('.')}.") from None
    return Document(values, key_lines(text))


def read_text(path: Path, name: str) -> str | None:
    """The text of a file, without its byte order mark; None for one that does not exist.

    Raises ConfigError when it is unreadable, larger than 8 MiB or not UTF-8.
    """
    data = _bytes(path, name)
    return None if data is None else _text(data, name)


def _bytes(path: Path, name: str) -> bytes | None:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None  # the latter with HOME=/dev/null, as service accounts have it
    except OSError as problem:
        raise ConfigError(f"{name}: cannot be read: {_lowered(problem.strerror or str(problem))}.") from None
    if len(data) > _LARGEST:
        raise ConfigError(f"{name}: is larger than {_LARGEST // 1024**2} MiB, which no configuration file is.")
    return data


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise ConfigError(f"{name}, line {line}: is not UTF-8 text.") from None


def _lowered(sentence: str) -> str:
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
