"""How it is asked: the request parameters a person can set, shared or per target."""

from typing import Annotated

import msgspec


class Parameters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Request parameters. `None` means "not set": inherited from the shared ones, or left to the API.

    Field names are the API's own.
    """

    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    """Most tokens the answer may have, thinking included."""
    stop_sequences: tuple[str, ...] | None = None
    """Texts at which the model stops; they do not appear in the answer."""
    temperature: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] | None = None
    """Randomness, 0 to 1. Only older models still accept it, and only under API version 2023-06-01."""

    def overridden_by(self, overrides: "Parameters") -> "Parameters":
        """These parameters with every field that `overrides` sets taken from there."""
        changes = {
            name: value for name in overrides.__struct_fields__ if (value := getattr(overrides, name)) is not None
        }
        return msgspec.structs.replace(self, **changes)
