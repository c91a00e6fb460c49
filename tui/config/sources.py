"""Where a value came from."""

from enum import StrEnum

import msgspec


class Layer(StrEnum):
    """The layers of configuration, in rising order of precedence."""

    BUILT_IN = "built-in"
    USER = "user file"
    PROJECT = "project file"
    CONFIG = "--config"
    ENVIRONMENT = "environment"
    FLAG = "flag"


class Source(msgspec.Struct, frozen=True):
    """The place that set one value; `str()` is how an error or a listing names it."""

    layer: Layer
    name: str
    """A file's path as it was given, a variable's name, or a flag."""
    line: int | None = None
    """Line of the key, counted from 1; absent outside files."""

    def __str__(self) -> str:
        return self.name if self.line is None else f"{self.name}, line {self.line}"


class Entry(msgspec.Struct, frozen=True):
    """One value of one layer, checked."""

    value: object
    source: Source
