"""The prompt cache, as far as a client sees it.

A prompt is a chain of parts: tools and system prompt together, then turn by turn. A part with `cache_control` is a
breakpoint, and a top-level `cache_control` makes one of the last part. A request with a breakpoint reads the longest
beginning that is kept and writes the rest up to its last breakpoint, unless that is shorter than the model's minimum.
What is read costs no prefill. A beginning can be read once the response that wrote it has begun, by the same model at
the same speed, until it has not been used for 5 minutes or an hour. The API's breakpoints are finer: they are blocks,
not turns.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tui.simulator.refusals import ApiError, one_of, refuse_unknown

_LIFETIME_S = {"5m": 300, "1h": 3600}
_MOST_KEPT = 4096
_NS_PER_S = 1_000_000_000


class Prefix(msgspec.Struct, frozen=True):
    """A prompt up to the end of one of its parts."""

    digest: bytes
    tokens: int
    ttl: str | None
    """How long it is to be kept; None where there is no breakpoint."""


class CacheUse(msgspec.Struct, frozen=True, kw_only=True):
    """What one request takes from the cache and adds to it, in tokens."""

    read: int = 0
    written_5m: int = 0
    written_1h: int = 0

    @property
    def written(self) -> int:
        """All that is written."""
        return self.written_5m + self.written_1h


def prefixes(fields: Mapping[str, Any], ends: Sequence[int]) -> tuple[Prefix, ...]:
    """The request's beginnings. `ends` are their lengths in tokens: of tools and system prompt, then of each turn.

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
    """What is kept, and until when. Times are those of `now_ns`."""

    def __init__(self, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._now_ns = now_ns
        self._kept: dict[bytes, tuple[int, int, str]] = {}
        """By digest: readable from, readable until, and for how long after each use."""

    def use(self, of_request: Sequence[Prefix], least: int) -> CacheUse:
        """What a request with these prefixes reads and writes; `least` tokens are the shortest that is kept."""
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
        """Keep what the request marks; it can be read `after_ns` from now."""
        now_ns = self._now_ns()
        for prefix in _worth_keeping(of_request, least):
            ttl = prefix.ttl or "5m"
            ready_ns, until_ns, _ = self._kept.pop(prefix.digest, (0, 0, ""))
            if until_ns <= now_ns:  # new, or so old that it is written anew
                ready_ns = now_ns + after_ns
            self._kept[prefix.digest] = (ready_ns, now_ns + _LIFETIME_S[ttl] * _NS_PER_S, ttl)
        while len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    def _longest(self, candidates: Sequence[Prefix]) -> int:
        """Tokens of the longest prefix that can be read; its time starts anew."""
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
    refuse_unknown({f"{where}.{name}": 0 for name in control if name not in ("type", "ttl")}, frozenset())
    ttl: str = control.get("ttl", "5m")
    one_of(ttl, f"{where}.ttl", tuple(_LIFETIME_S))
    return ttl


def _marked(content: object, where: str) -> str | None:
    """How long the part is to be kept, if one of its blocks says so."""
    blocks = content if isinstance(content, list) else []
    ttls = [_ttl(block.get("cache_control"), f"{where}.{number}.cache_control") for number, block in enumerate(blocks)]
    return next((ttl for ttl in reversed(ttls) if ttl), None)


def _plain(content: object) -> object:
    """The content as blocks, without the marks: they are no part of the prompt."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    blocks = content if isinstance(content, list) else []
    return [{name: value for name, value in block.items() if name != "cache_control"} for block in blocks]
