"""Settings of a conversation, and the words for its turns."""

from typing import Annotated

import msgspec

from tui.core.setting import setting


class Conversation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Settings of a conversation: whether its turns are played, and what its tools answer."""

    play: Annotated[
        bool,
        setting(
            "Asks every turn of the user live, one request each, behind the model's own answers before.",
            set_by="anyone",
        ),
    ] = False
    results: Annotated[
        dict[str, str],
        setting("Results of tools, by the tool's name, for a model that calls one in a played turn.", set_by="anyone"),
    ] = {}
    most_calls: Annotated[
        int,
        msgspec.Meta(ge=1, le=100),
        setting("Most times that results of tools are given in one turn; then the conversation ends.", set_by="anyone"),
    ] = 8


def turn_name(turn: int | None, call: int = 0) -> str:
    """A turn in words, with the results of tools that came before the answer; empty outside of a conversation."""
    if turn is None:
        return ""
    return f"turn {turn}" if not call else f"turn {turn}, tool result {call}"
