"""The keys of [prompt], and of the variants under [[prompts]]."""

import msgspec

from tui.config.keys import Key, refuse_label
from tui.core.prompt import Role, Turn


def _refuse_empty(value: str) -> str | None:
    return None if value else "must not be empty"


def _refuse_turns(value: tuple[Turn, ...]) -> str | None:
    return "must begin with a turn of the user" if value and value[0].role != "user" else None


def _refuse_prefill(value: str) -> str | None:
    return "must not end with white space: the API refuses that" if value != value.rstrip() else None


_TURN = (
    Key(name="role", type=Role, required=True, help="Who spoke."),
    Key(name="text", type=str, required=True, help="What was said.", refuse=_refuse_empty),
)
PROMPT = (
    Key(name="system", type=str, help="The system text; may be empty."),
    Key(name="user", type=str, help="The user's turn."),
    Key(
        name="turns",
        type=tuple[Turn, ...],
        items=_TURN,
        help="What was said before it, oldest first: tables with a role (user or assistant) and a text.",
        refuse=_refuse_turns,
    ),
    Key(
        name="prefill",
        type=str,
        help="How the answer begins; newer models refuse one.",
        refuse=_refuse_prefill,
    ),
    Key(name="name", type=str, help="What it is called on the screen; may be empty."),
)
"""In the order of the fields of `Prompt`. All texts may hold variables: {{name}}."""
VARIANT = (
    Key(name="name", type=str, required=True, help="What it is called; unique.", refuse=refuse_label),
    *(msgspec.structs.replace(key, help=f"{key.help} Absent: that of [prompt].") for key in PROMPT[:-1]),
)
"""A variant takes from [prompt] what it leaves out."""
