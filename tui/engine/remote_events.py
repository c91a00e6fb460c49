"""Events of an engine on another machine, as far as they may be believed.

Whoever can start a program there can put another in its place. What it says is taken for data: its words are cleaned,
its numbers bounded, and what only this side may say is refused.
"""

from typing import Any

import msgspec

from tui.core.engine_events import ClockRead, EngineFailed
from tui.core.events import AnswerChecked, Content, Event
from tui.core.sanitize import clean
from tui.engine.redaction import each_text
from tui.errors import ChildError

_LARGEST = 2**62
"""Largest whole number: a CLOCK_MONOTONIC of 146 years, and far within what the history takes."""
_OURS = (ClockRead, EngineFailed, AnswerChecked)
"""Events that no engine sends."""


def believed(events: list[Event]) -> list[Event]:
    """The events with clean words; an answer's own text is cleaned where it is shown. Raises ChildError."""
    return [_believed(event) for event in events]


def _believed(event: Event) -> Event:
    if isinstance(event, _OURS):
        raise ChildError(f"The engine sent {type(event).__name__}, which no engine has to say.")
    if not _is_bounded(event):
        raise ChildError(f"The engine sent a number in {type(event).__name__} that no clock and no counter gives.")
    if isinstance(event, Content):
        if len(event.t_ns) != len(event.texts):
            raise ChildError("The engine sent pieces of content without a stamp each.")
        return event
    changed: Event = each_text(event, clean)
    return changed


def _is_bounded(value: Any) -> bool:
    if isinstance(value, int):
        return -_LARGEST <= value <= _LARGEST
    if isinstance(value, msgspec.Struct):
        return all(_is_bounded(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, dict):
        return all(map(_is_bounded, value.values()))
    if isinstance(value, tuple | list):
        return all(map(_is_bounded, value))
    return True
