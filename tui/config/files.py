"""Reads TOML files, with the line of each key, which tomli does not tell. Whatever is wrong becomes one sentence."""

import os
import re
import stat
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import tomli

from tui.errors import ConfigError

_LARGEST = 8 * 1024 * 1024
KeyPath = tuple[str | int, ...]
"""Keys of tables as texts and positions in lists as numbers: `("targets", 0, "model")`."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""[^"\\]*(?:(?:\\.|"{1,2}(?!"))[^"\\]*)*"{3,5}'
    r"|'''[^']*(?:'{1,2}(?!')[^']*)*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}\n#]+")


class Document(msgspec.Struct, frozen=True, dict=True):
    """A TOML file as it was read."""

    values: dict[str, Any]
    text: str = ""

    @cached_property
    def lines(self) -> dict[KeyPath, int]:
        """The line of each key, by its path in the document. Found when it is first asked for."""
        return key_lines(self.text)


def read_toml(path: Path, name: str) -> Document:
    """The document at `path`. `name` is what errors call the file.

    Raises ConfigError when the file is missing, unreadable, larger than 8 MiB, not UTF-8 or not TOML.
    """
    text = read_text(path, name)
    if text is None:
        raise ConfigError(f"{name}: cannot be read: no such file.")
    return _document(text, name)


def read_toml_if_there(path: Path, name: str) -> Document | None:
    """As `read_toml`, but None for a file that does not exist, and ConfigError for a pipe or a device: whoever lays one
    there could hold up the program for ever."""
    text = read_text(path, name, regular=True)
    return None if text is None else _document(text, name)


_PLAINER = {
    "Illegal character '\\n'": "the quotation mark that ends the text is missing",
    "Invalid value": "this is no value; a text stands in quotation marks",
}
"""Words that tell what to do, by those of tomli."""


def _document(text: str, name: str) -> Document:
    text = text.replace("\r\n", "\n")
    try:
        values = tomli.loads(text)
    except tomli.TOMLDecodeError as problem:
        said = _PLAINER.get(problem.msg, _lowered(problem.msg))
        raise ConfigError(f"{name}, line {problem.lineno}, column {problem.colno}: {said}.") from None
    except (RecursionError, ValueError) as problem:
        raise ConfigError(f"{name}: cannot be read as TOML: {_lowered(str(problem)).rstrip('.')}.") from None
    return Document(values, text)


def read_text(path: Path, name: str, *, regular: bool = False) -> str | None:
    """The text of a file, without its byte order mark; None for one that does not exist.

    With `regular` it must be no pipe and no device.

    Raises ConfigError when it is unreadable, larger than 8 MiB or not UTF-8.
    """
    data = _bytes(path, name, os.O_NONBLOCK if regular else 0)
    return None if data is None else _text(data, name)


def _bytes(path: Path, name: str, flags: int) -> bytes | None:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags), "rb") as file:
            if flags and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(f"{name}: cannot be read: it is no ordinary file.")
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


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, counted from 1, on which each key, table and list item of `text` first stands.

    `text` must be TOML that tomli accepts; for anything else the result is undefined.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class TextParts(msgspec.Struct, frozen=True):
    """The text of a document in parts, as they were written."""

    comment: str
    """The comment that it begins with."""
    keys: str
    """The keys outside of any table."""
    tables: tuple[tuple[str, str], ...]
    """Each table, with the comment right above its header: the first part of its name, and its text."""


def text_parts(text: str) -> TextParts:
    """The parts of `text`, which must be TOML that tomli accepts."""
    text = text.replace("\r\n", "\n")
    scanner = _Scanner(text)
    scanner.document()
    starts = [_above(text, at) for at, _ in scanner.headers]
    pieces = [text[start:end] for start, end in zip([0, *starts], [*starts, len(text)], strict=True)]
    comment, empty, keys = pieces[0].partition("\n\n")
    if any(line.strip() and not line.lstrip().startswith("#") for line in comment.splitlines()):
        comment, empty, keys = "", "", pieces[0]
    tables = zip((name for _, name in scanner.headers), pieces[1:], strict=True)
    return TextParts(f"{comment}{empty}", keys, tuple(tables))


def _above(text: str, at: int) -> int:
    """The start of the comment lines right above the line that begins at `at`."""
    while at and text[text.rfind("\n", 0, at - 1) + 1 : at].lstrip().startswith("#"):
        at = text.rfind("\n", 0, at - 1) + 1
    return at


class _Scanner:
    """Walks a valid document once. Values are skipped, except that lists and inline tables hold keys as well."""

    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._line = 1
        self._last_item: dict[KeyPath, int] = {}
        """Position of the latest item of each `[[list]]`, which `[list.table]` below it refers to."""
        self.headers: list[tuple[int, str]] = []
        """Start of the line of each header, and the first part of its name."""

    def document(self) -> None:
        table: KeyPath = ()
        while self._skip_blank() < len(self._text):
            if self._take("[["):
                table = self._header(is_list=True)
            elif self._take("["):
                table = self._header(is_list=False)
            else:
                self._key_and_value(table)

    def _header(self, *, is_list: bool) -> KeyPath:
        start = self._text.rfind("\n", 0, self._at) + 1
        parts = self._key()
        self.headers.append((start, parts[0]))
        self._move(2 if is_list else 1)
        path: KeyPath = ()
        for position, part in enumerate(parts, 1):
            path = self._note((*path, part))
            if is_list and position == len(parts):
                self._last_item[path] = self._last_item.get(path, -1) + 1
            if path in self._last_item:
                path = self._note((*path, self._last_item[path]))
        return path

    def _key_and_value(self, table: KeyPath) -> None:
        path = table
        for part in self._key():
            path = self._note((*path, part))
        self._move(1)  # the equals sign
        self._skip_blank()
        self._value(path)

    def _key(self) -> list[str]:
        parts: list[str] = []
        while True:
            self._match(_SPACE)
            quoted = self._text[self._at] in "\"'"
            part = self._match(_STRING if quoted else _BARE_KEY)
            parts.append(str(tomli.loads(f"key = {part}")["key"]) if quoted else part)
            self._match(_SPACE)
            if not self._take("."):
                return parts

    def _value(self, path: KeyPath) -> None:
        if self._take("["):
            item = 0
            while self._skip_blank() >= 0 and not self._take("]"):
                self._note((*path, item))
                self._value((*path, item))
                item += 1
                self._skip_blank()
                self._take(",")
        elif self._take("{"):
            while self._skip_blank() >= 0 and not self._take("}"):
                self._key_and_value(path)
                self._skip_blank()
                self._take(",")
        else:
            self._match(_STRING if self._text[self._at] in "\"'" else _SCALAR)

    def _note(self, path: KeyPath) -> KeyPath:
        self.lines.setdefault(path, self._line)
        return path

    def _skip_blank(self) -> int:
        self._match(_BLANK)
        return self._at

    def _take(self, mark: str) -> bool:
        found = self._text.startswith(mark, self._at)
        if found:
            self._at += len(mark)
        return found

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        assert found is not None, "tomli accepted what the scanner does not know"
        self._move(len(found[0]))
        return found[0]

    def _move(self, count: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + count)
        self._at += count
