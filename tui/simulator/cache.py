"""The prompt cache as a client sees it, and `diagnostics`: the reason why a prompt was not found in it.

A prompt is a chain of parts: tools and system prompt together, then turn by turn. A part with `cache_control` is a
breakpoint, and a top-level `cache_control` makes the last part one. A request with a breakpoint reads the longest
beginning in the cache and writes the rest up to its last breakpoint, unless that is shorter than the model's minimum.
Tokens that are read cost no prefill. A beginning can be read once the response that wrote it has begun, by the same
model at the same speed, until it has not been used for 5 minutes or an hour. The API's breakpoints are finer: blocks,
not turns.

A request with `diagnostics` leaves a fingerprint under the id of its answer. One that names an earlier answer is
compared with that answer's fingerprint. This compares the requests, whether or not the cache was hit. Null means that
they differ in added turns at most.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tui.simulator.replies import ApiError, check_object, one_of, optional_string

_LIFETIME_S = {"5m": 300, "1h": 3600}
_MOST_KEPT = 4096
_NS_PER_S = 1_000_000_000
_PROMPT_FIELDS = ("thinking", "tool_choice", "output_config")
"""Further parameters that are part of the prompt. Where only they differ there is no diagnosis."""


class Prefix(msgspec.Struct, frozen=True):
    """Beginning of a prompt, up to the end of one of its parts."""

    digest: bytes
    tokens: int
    ttl: str | None
    """Lifetime; None without a breakpoint."""


class CacheUse(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens that one request reads from the cache and writes to it."""

    read: int = 0
    written_5m: int = 0
    written_1h: int = 0

    @property
    def written(self) -> int:
        """All tokens written."""
        return self.written_5m + self.written_1h


def prefixes(fields: Mapping[str, Any], ends: Sequence[int]) -> tuple[Prefix, ...]:
    """Return the request's beginnings, whose lengths in tokens are `ends`.

    Raises ApiError for a `cache_control` that the API would refuse.
    """
    whole = _ttl(fields.get("cache_control"), "cache_control")
    turns = fields["messages"]
    system = fields.get("system", "")
    head = [fields["model"], fields.get("speed") or "standard", fields.get("tools"), _plain(system)]
    parts: list[tuple[object, str | None]] = [(head, _marked(system, "system"))]
    parts += [
        ([turn["role"], _plain(turn["content"])], _marked(turn["content"], f"messages.{number}.content"))
        for number, turn in enumerate(turns)
    ]
    chain = hashlib.blake2b(digest_size=16)
    found = []
    for (part, ttl), tokens in zip(parts, ends, strict=True):
        chain.update(msgspec.json.encode(part, order="sorted") + b"\0")
        found.append(Prefix(chain.digest(), tokens, ttl))
    last = found[-1]
    return (*found[:-1], Prefix(last.digest, last.tokens, last.ttl or whole))


class PromptCache:
    """Beginnings in the cache, and their times as `now_ns` tells them."""

    def __init__(self, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._now_ns = now_ns
        self._kept: dict[bytes, tuple[int, int, str]] = {}
        """By digest: readable from, readable until, and lifetime after each use."""

    def use(self, of_request: Sequence[Prefix], least: int) -> CacheUse:
        """Tell what a request with these prefixes reads and writes. The shortest that is kept has `least` tokens."""
        marked = [number for number, prefix in enumerate(of_request) if prefix.ttl]
        if not marked:
            return CacheUse()
        covered = read = self._longest(of_request[: marked[-1] + 1])
        written = dict.fromkeys(_LIFETIME_S, 0)
        for prefix in _worth_keeping(of_request, least):
            written[prefix.ttl or "5m"] += max(0, prefix.tokens - covered)
            covered = max(covered, prefix.tokens)
        return CacheUse(read=read, written_5m=written["5m"], written_1h=written["1h"])

    def keep(self, of_request: Sequence[Prefix], least: int, after_ns: int) -> None:
        """Keep the marked prefixes of a request; they can be read `after_ns` from now."""
        now_ns = self._now_ns()
        for prefix in _worth_keeping(of_request, least):
            ttl = prefix.ttl or "5m"
            ready_ns, until_ns, _ = self._kept.pop(prefix.digest, (0, 0, ""))
            if until_ns <= now_ns:  # new, or expired and written again
                ready_ns = now_ns + after_ns
            self._kept[prefix.digest] = (ready_ns, now_ns + _LIFETIME_S[ttl] * _NS_PER_S, ttl)
        while len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    def _longest(self, candidates: Sequence[Prefix]) -> int:
        """Return the tokens of the longest readable prefix, whose lifetime starts again."""
        now_ns = self._now_ns()
        for prefix in reversed(candidates):
            ready_ns, until_ns, ttl = self._kept.get(prefix.digest, (0, 0, ""))
            if ready_ns <= now_ns < until_ns:
                self._kept[prefix.digest] = (ready_ns, now_ns + _LIFETIME_S[ttl] * _NS_PER_S, ttl)
                return prefix.tokens
        return 0


def _worth_keeping(of_request: Sequence[Prefix], least: int) -> Iterator[Prefix]:
    return (prefix for prefix in of_request if prefix.ttl and prefix.tokens >= least)


def _ttl(control: object, where: str) -> str | None:
    if control is None:
        return None
    if not isinstance(control, dict) or "type" not in control:
        raise ApiError(400, f"{where}.type: Field required")
    if control["type"] != "ephemeral":
        raise ApiError(400, f"{where}.type: Input should be 'ephemeral'")
    check_object(control, where, ("type", "ttl"))
    ttl: str = control.get("ttl", "5m")
    one_of(ttl, f"{where}.ttl", tuple(_LIFETIME_S))
    return ttl


def _marked(content: object, where: str) -> str | None:
    """Return the lifetime of a part, if one of its blocks is marked."""
    blocks = content if isinstance(content, list) else []
    ttls = [_ttl(block.get("cache_control"), f"{where}.{number}.cache_control") for number, block in enumerate(blocks)]
    return next((ttl for ttl in reversed(ttls) if ttl), None)


def _plain(content: object) -> object:
    """Return the content as blocks without the marks, which are no part of the prompt."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    blocks = content if isinstance(content, list) else []
    return [{name: value for name, value in block.items() if name != "cache_control"} for block in blocks]


class DiagnosticsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Request for diagnostics: the answer to compare with, and hashes of the request's own parts."""

    previous: str | None
    parts: dict[str, bytes]
    """Hashes of model, system prompt and tools, in the order in which they are compared."""
    turns: tuple[bytes, ...]
    rest: bytes
    tokens: int


def diagnostics_request(fields: Mapping[str, Any], tokens: int) -> DiagnosticsRequest | None:
    """Return the request for diagnostics, if there is one. Raises ApiError for one that the API would refuse."""
    given = fields.get("diagnostics")
    if given is None:
        return None
    given = check_object(given, "diagnostics", ("previous_message_id",))
    return DiagnosticsRequest(
        previous=optional_string(given.get("previous_message_id"), "diagnostics.previous_message_id"),
        parts={
            "model": _hash([fields["model"], fields.get("speed") or "standard"]),
            "system": _hash(fields.get("system") or ""),
            "tools": _hash(fields.get("tools") or []),
        },
        turns=tuple(_hash(turn) for turn in fields["messages"]),
        rest=_hash([fields.get(name) for name in _PROMPT_FIELDS]),
        tokens=tokens,
    )


class Diagnostics:
    """Requests for diagnostics by the id of their answer."""

    def __init__(self) -> None:
        self._kept: dict[str, DiagnosticsRequest] = {}

    def keep(self, message_id: str, wanted: DiagnosticsRequest) -> None:
        """Keep the request that this message answers."""
        self._kept[message_id] = wanted
        if len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    def diagnose(self, now: DiagnosticsRequest) -> dict[str, Any] | None:
        """Return the `diagnostics` of the answer."""
        if now.previous is None:
            return None
        before = self._kept.get(now.previous)
        if before is None:
            return {"cache_miss_reason": {"type": "previous_message_not_found"}}
        changed = [part for part, its in now.parts.items() if its != before.parts[part]]
        if not changed and now.turns[: len(before.turns)] != before.turns:
            changed = ["messages"]
        if changed:
            reason = {"type": f"{changed[0]}_changed", "cache_missed_input_tokens": before.tokens}
            return {"cache_miss_reason": reason}
        return {"cache_miss_reason": {"type": "unavailable"}} if now.rest != before.rest else None


def _hash(value: object) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(value, order="sorted"), digest_size=16).digest()
