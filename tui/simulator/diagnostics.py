"""Why a prompt was not found in the cache: `diagnostics` of a request, as the API answers it.

A request that has the object leaves a fingerprint under the id of its answer; one that names an earlier answer is held
against that answer's fingerprint. What is compared is the requests, not whether the cache was hit. Null means that
nothing differs but turns that were added.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from tui.simulator.refusals import ApiError, optional_string, refuse_unknown

_MOST_KEPT = 4096
_PROMPT_FIELDS = ("thinking", "tool_choice", "output_config")
"""Further parameters that are part of the prompt; where only they differ there is no diagnosis."""


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """What a request consists of, as hashes."""

    model: bytes
    system: bytes
    tools: bytes
    turns: tuple[bytes, ...]
    rest: bytes
    tokens: int


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The request's own part: its fingerprint and the answer it wants to be held against."""

    previous: str | None
    fingerprint: Fingerprint


def asked_of(fields: Mapping[str, Any], tokens: int) -> Asked | None:
    """What the request asks to be diagnosed, if it does. Raises ApiError for a `diagnostics` the API would refuse."""
    given = fields.get("diagnostics")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise ApiError(400, "diagnostics: Input should be a valid dictionary or object to extract fields from")
    refuse_unknown({f"diagnostics.{name}": 0 for name in given if name != "previous_message_id"}, frozenset())
    previous = optional_string(given.get("previous_message_id"), "diagnostics.previous_message_id")
    return Asked(
        previous=previous,
        fingerprint=Fingerprint(
            model=_hash([fields["model"], fields.get("speed") or "standard"]),
            system=_hash(fields.get("system") or ""),
            tools=_hash(fields.get("tools") or []),
            turns=tuple(_hash(turn) for turn in fields["messages"]),
            rest=_hash([fields.get(name) for name in _PROMPT_FIELDS]),
            tokens=tokens,
        ),
    )


class Diagnostics:
    """The fingerprints that are kept."""

    def __init__(self) -> None:
        self._kept: dict[str, Fingerprint] = {}

    def keep(self, message_id: str, asked: Asked) -> None:
        """Keep the fingerprint of the request that is answered with this message."""
        self._kept[message_id] = asked.fingerprint
        if len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    def diagnose(self, asked: Asked) -> dict[str, Any] | None:
        """The answer's `diagnostics`."""
        if asked.previous is None:
            return None
        before = self._kept.get(asked.previous)
        if before is None:
            return {"cache_miss_reason": {"type": "previous_message_not_found"}}
        now = asked.fingerprint
        for part in ("model", "system", "tools"):
            if getattr(now, part) != getattr(before, part):
                return _changed(part, before.tokens)
        if now.turns[: len(before.turns)] != before.turns:
            return _changed("messages", before.tokens)
        return {"cache_miss_reason": {"type": "unavailable"}} if now.rest != before.rest else None


def _changed(part: str, tokens: int) -> dict[str, Any]:
    return {"cache_miss_reason": {"type": f"{part}_changed", "cache_missed_input_tokens": tokens}}


def _hash(value: object) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(value, order="sorted"), digest_size=16).digest()
