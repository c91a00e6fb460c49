"""What a key of a table is, and the checks that several of them share."""

import re
from collections.abc import Callable
from typing import Any, get_origin

import msgspec

from tui.config.wording import shown

KEY_REMEDY = "a key itself never belongs in a file"


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a table."""

    name: str
    type: Any
    help: str
    """One sentence."""
    unit: str = ""
    required: bool = False
    chosen_files_only: bool = False
    """True for what a file that merely lies in the working directory must not say: it was not chosen by anyone."""
    items: tuple["Key", ...] = ()
    """For a list of tables: the keys of each."""
    refuse: Callable[[Any], str | None] | None = None
    """Says what is wrong with a value of the right type, as the end of a sentence that starts with the key."""

    @property
    def is_single(self) -> bool:
        """True for a key whose value a variable of the environment can give: no list and no table."""
        return get_origin(self.type) not in (tuple, dict)


def refuse_label(value: str) -> str | None:
    """What is wrong with `value` as a name that is shown on screen."""
    if not value.strip() or len(value) > 256 or not value.isprintable():
        return f"must be 1 to 256 printable characters, but is {shown(value)}"
    return None


def refuse_endpoint_name(value: str) -> str | None:
    """What is wrong with `value` as the name of an endpoint."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        return f"must be 1 to 64 letters, digits, - or _, but is {shown(value)}"
    return None
