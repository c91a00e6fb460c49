"""On which line each key of a TOML document stands: what tomli knows and does not tell."""

import re

import tomli

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


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, counted from 1, on which each key, table and list item of `text` first stands.

    `text` must be TOML that tomli accepts; for anything else the result is undefined.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    """Walks a valid document once. Values are skipped, except that lists and inline tables hold keys as well."""

    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._line = 1
        self._last_item: dict[KeyPath, int] = {}
        """Position of the latest item of each `[[list]]`, which `[list.table]` below it refers to."""

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
        parts = self._key()
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
