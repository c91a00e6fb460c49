"""What is asked."""

import msgspec


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt: a system text (may be empty) and the user's turn."""

    system: str = ""
    user: str = ""
