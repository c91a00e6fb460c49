"""Which of the parameters that were sent the API means when it refuses a request. The API has only words for it."""

import re
from collections.abc import Iterator

from tui.core.parameters import PARAMETERS, REQUIRED, Parameters

_THINKING = ("thinking", "thinking_budget", "thinking_display")


def refused_parameter(words: str, sent: Parameters) -> str | None:
    """The first parameter among those `sent` that the API's `words` name, a field of `Parameters`; None if they name
    none.

    `max_tokens` is meant only where nothing else is: a request needs it, so that the other one has to give way.
    """
    named = sorted(_named(words, sent))
    return next((name for *_, name in named if name != REQUIRED), REQUIRED if named else None)


def belonging(name: str, sent: Parameters) -> tuple[str, ...]:
    """What has to go when the parameter `name` does: itself, and what of `sent` means nothing without it."""
    if name == "thinking" or (name == "thinking_budget" and sent.thinking == "enabled"):
        return tuple(part for part in _THINKING if getattr(sent, part) is not None)
    return (name,)


def _named(words: str, sent: Parameters) -> Iterator[tuple[int, int, str]]:
    """Where each parameter stands in `words`, and how long its name is there, the longer one first."""
    for name, value in sent.set_ones():
        names = list(map(re.escape, value)) if isinstance(value, dict) else [PARAMETERS[name].named]
        for path in names:
            if found := re.search(rf"(?<![\w.])(?:{path})(?!\w)", words):
                yield found.start(), -len(found.group()), name
