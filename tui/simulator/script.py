"""Script of an answer: its events and their times, a pure function of profile, request, seed and ordinal.

No clock and no socket: the same arguments give the same text and the same planned schedule. Offsets are nanoseconds
since the last byte of the request. Token i of the output, thinking included, is ready at TTFT + i / speed, and a chunk
goes out when its last token is ready.
"""

import contextlib
import hashlib
import math
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from random import Random
from typing import Any, Literal

import msgspec

from tui.simulator import prose, tokens
from tui.simulator.message_request import MessageRequest
from tui.simulator.profiles import Effort, Profile
from tui.simulator.replies import PlannedEvent
from tui.simulator.tokens import Stop, limited

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000

_EFFORT: dict[Effort, float] = {"low": 0.3, "medium": 0.6, "high": 1.0, "xhigh": 1.7, "max": 3.0}
"""Length of the thinking at each level, relative to `high`."""

_ID_CHARACTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

_EMPTY_THOUGHT = {"type": "thinking", "thinking": "", "signature": ""}

_Kind = Literal["thinking", "text", "tool_use"]

_WORDS_ASKED = re.compile(r"\b(\d{1,4})[ -]words?\b")
_QUOTED = re.compile(r'"([^"\n]{1,500})"')
_WRONG = "That is not known to me."
_SHORTER = re.compile(r"\b(?:one|a|single) sentence\b|\bshort(?:ly)?\b|\bbrief(?:ly)?\b|\bconcise(?:ly)?\b|\btl;dr\b")
_LONGER = re.compile(r"\b(?:detailed|in detail|essay|long|thorough(?:ly)?|step by step)\b")
_QUOTED = re.compile(r'"([^"]+)"')
_TOLD = re.compile(r"ignore the question\W+say (yes|no)", re.IGNORECASE)


def generators(seed: int, request: MessageRequest, ordinal: int) -> tuple[Random, Random]:
    """Return the request's random sources for words and for times.

    `ordinal` counts earlier requests of the same content in one process, so that these differ and a session can be
    repeated.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{seed}\0{request.model}\0{ordinal}\0".encode())
    digest.update(request.identity)
    drawn = digest.digest()
    return Random(drawn[:8]), Random(drawn[8:])


def plan(profile: Profile, request: MessageRequest, seed: int, ordinal: int) -> Iterator[PlannedEvent]:
    """Yield the events of one answer in the order of their offsets. Lazy, as an answer may be endless."""
    words, times = generators(seed, request, ordinal)
    clock = _Clock(profile, request, times)
    yield PlannedEvent(clock.opening_ns, "message_start", _message_start(request, words))
    index = 0
    thought, answered = Stop(), Stop()
    if request.thinks:
        source = limited(_thinking(profile, request, words), request.max_tokens, (), thought)
        yield from _block(index, "thinking", _chunks(source, profile, times, first=1), clock, request, words)
        index = min(1, thought.tokens)
    if thought.reason == "end_turn":
        left = request.max_tokens - thought.tokens
        source = limited(_answer(profile, request, words), left, request.stop_sequences, answered)
        first = 1 if index == 0 else times.randint(*profile.tokens_per_chunk)
        kind: _Kind = "text" if request.tool is None else "tool_use"
        yield from _block(index, kind, _chunks(source, profile, times, first), clock, request, words)
    else:
        answered.reason = thought.reason
    if request.tool is not None and answered.reason == "end_turn":
        answered.reason = "tool_use"
    delta = {"stop_reason": answered.reason, "stop_sequence": answered.sequence, "stop_details": None}
    usage = {
        **_input_usage(request),
        "output_tokens": thought.tokens + answered.tokens,
        "output_tokens_details": {"thinking_tokens": thought.tokens},
    }
    yield PlannedEvent(clock.now_ns, "message_delta", {"type": "message_delta", "delta": delta, "usage": usage})
    yield PlannedEvent(clock.now_ns, "message_stop", {"type": "message_stop"})


def folded(events: Iterable[PlannedEvent]) -> tuple[dict[str, Any], int]:
    """Return the message that all events add up to, as an answer in one piece, and its offset in nanoseconds."""
    message: dict[str, Any] = {}
    blocks: list[dict[str, Any]] = []
    pieces: list[str] = []
    offset_ns = 0
    for event in events:
        offset_ns = event.offset_ns
        body = event.body
        assert isinstance(body, dict)
        if event.name == "message_start":
            message = body["message"]
        elif event.name == "content_block_start":
            blocks.append(dict(body["content_block"]))
        elif event.name == "content_block_delta" and body["delta"]["type"] == "input_json_delta":
            pieces.append(body["delta"]["partial_json"])
        elif event.name == "content_block_delta":
            field = body["delta"]["type"].removesuffix("_delta")
            blocks[-1][field] += body["delta"][field]
        elif event.name == "message_delta":
            message |= body["delta"]
            message["usage"] |= body["usage"]
    if pieces:
        with contextlib.suppress(msgspec.DecodeError):  # cut at max_tokens: then it stays empty
            blocks[-1]["input"] = msgspec.json.decode("".join(pieces))
    message["content"] = blocks
    return message, offset_ns


def message_id(rng: Random) -> str:
    """Draw an id in the API's form."""
    return "msg_01" + "".join(rng.choices(_ID_CHARACTERS, k=22))


def _message_start(request: MessageRequest, words: Random) -> dict[str, Any]:
    message: dict[str, Any] = {
        "id": message_id(words),
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "diagnostics": request.diagnostics,
        "usage": {
            **_input_usage(request),
            "cache_creation": {
                "ephemeral_5m_input_tokens": request.cache.written_5m,
                "ephemeral_1h_input_tokens": request.cache.written_1h,
            },
            "output_tokens": min(1, request.max_tokens),
            "output_tokens_details": None,
            "server_tool_use": None,
            "service_tier": "standard",
            "inference_geo": request.inference_geo or "global",
            "speed": "fast" if request.fast else "standard",
        },
    }
    return {"type": "message_start", "message": message}


def _input_usage(request: MessageRequest) -> dict[str, int]:
    """Count the input. Tokens read from the cache or written to it are not among `input_tokens`."""
    cache = request.cache
    return {
        "input_tokens": request.input_tokens - cache.read - cache.written,
        "cache_creation_input_tokens": cache.written,
        "cache_read_input_tokens": cache.read,
    }


def _block(
    index: int, kind: _Kind, chunks: Iterator[list[str]], clock: "_Clock", request: MessageRequest, words: Random
) -> Iterator[PlannedEvent]:
    """Yield the events of one content block, or none without a chunk."""
    opened = False
    for chunk in chunks:
        clock.advance(len(chunk))
        if not opened:
            opened = True
            empty = _opened(kind, request, words)
            # The first block opens with the message, before there is a token, as in the API.
            at = clock.now_ns if index else clock.opening_ns
            start = {"type": "content_block_start", "index": index, "content_block": empty}
            yield PlannedEvent(at, "content_block_start", start)
            if index == 0:
                yield PlannedEvent(at, "ping", {"type": "ping"})
        if kind == "text":
            yield _delta(clock.now_ns, index, {"type": "text_delta", "text": "".join(chunk)})
        elif kind == "tool_use":
            yield _delta(clock.now_ns, index, {"type": "input_json_delta", "partial_json": "".join(chunk)})
        elif not request.thinking_omitted:
            yield _delta(clock.now_ns, index, {"type": "thinking_delta", "thinking": "".join(chunk)})
    if opened:
        if kind == "thinking":
            signature = "".join(words.choices(_ID_CHARACTERS, k=86)) + "=="
            yield _delta(clock.now_ns, index, {"type": "signature_delta", "signature": signature})
        yield PlannedEvent(clock.now_ns, "content_block_stop", {"type": "content_block_stop", "index": index})


def _opened(kind: _Kind, request: MessageRequest, words: Random) -> dict[str, Any]:
    """A block as it opens, empty."""
    match kind:
        case "text":
            return {"type": "text", "text": ""}
        case "tool_use":
            name = "toolu_01" + "".join(words.choices(_ID_CHARACTERS, k=22))
            return {"type": "tool_use", "id": name, "name": request.tool, "input": {}}
    return _EMPTY_THOUGHT


def _delta(at: int, index: int, delta: dict[str, str]) -> PlannedEvent:
    return PlannedEvent(at, "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})


def _chunks(source: Iterator[str], profile: Profile, times: Random, first: int) -> Iterator[list[str]]:
    """Group the tokens by delta; the first delta has `first` of them."""
    size = first
    while chunk := list(islice(source, size)):
        yield chunk
        size = times.randint(*profile.tokens_per_chunk)


def _thinking(profile: Profile, request: MessageRequest, words: Random) -> Iterator[str]:
    effort = _EFFORT[request.effort or profile.default_effort] / _EFFORT[profile.default_effort]
    wanted = max(1, round(words.randint(*profile.thinking_tokens) * effort))
    wanted = min(wanted, request.thinking_budget or wanted)
    return _said(prose.thinking(words, request.prompt), wanted, whole_sentences=False)


def _answer(profile: Profile, request: MessageRequest, words: Random) -> Iterator[str]:
    if (word := verdict(profile, request.prompt, request.said)) is not None:
        return iter(tokens.split(word))
    if request.said is not None:
        return iter(tokens.split(request.said))
    if profile.right is not None and (quoted := _QUOTED.findall(request.prompt)):
        return iter(tokens.split(quoted[-1] if words.random() < profile.right else _WRONG))
    wanted = answer_length(profile, request, words)
    return _said(prose.answer(words, request.prompt), wanted, whole_sentences=profile.whole_sentences)


def answer_length(profile: Profile, request: MessageRequest, words: Random) -> int:
    """Draw the length of the answer in tokens: longer for a longer prompt, unless the prompt asks for a length."""
    least, most = profile.answer_tokens
    if least == most:
        return least
    asked = _WORDS_ASKED.search(request.prompt)
    if asked:
        return max(1, round(int(asked[1]) * 1.4))
    length = least + (most - least) * -math.expm1(-request.input_tokens / 200)
    length *= _log_normal(words, 0.15)
    lowered = request.prompt.lower()
    if _SHORTER.search(lowered):
        length /= 3
    elif _LONGER.search(lowered):
        length *= 1.5
    return max(1, round(length))


def _said(sentences: Iterator[str], wanted: int, *, whole_sentences: bool) -> Iterator[str]:
    """Yield the first `wanted` tokens of the sentences, or a few more to the end of the last."""
    left = wanted
    for sentence in sentences:
        said = tokens.split(sentence)
        if len(said) >= left:
            yield from tokens.split(sentence.rstrip()) if whole_sentences else said[:left]
            return
        left -= len(said)
        yield from said


class _Clock:
    """Planned time, which advances token by token."""

    def __init__(self, profile: Profile, request: MessageRequest, rng: Random) -> None:
        ttft_ms = profile.ttft_ms * _log_normal(rng, profile.ttft_spread)
        known = max(request.cache.read, request.held_tokens)
        ttft_ms += profile.prefill_ms_per_1k * max(0, request.input_tokens - known) / 1000
        speed = profile.tokens_per_second * _log_normal(rng, profile.speed_spread)
        if request.fast and profile.fast_mode:
            speed *= profile.fast_mode
        self._first_ns = round(ttft_ms * _NS_PER_MS)
        self._gap_ns = _NS_PER_S / speed
        self._jitter = profile.jitter
        self._rng = rng
        self._elapsed: float | None = None
        self.now_ns = self.opening_ns = round(self._first_ns * profile.start_share)
        """Time at which the message opens, nanoseconds after the request."""

    def advance(self, count: int) -> None:
        """Advance to the time when the next `count` tokens are ready. The first of all is ready at the TTFT."""
        gaps = count
        if self._elapsed is None:
            self._elapsed = 0.0
            gaps -= 1
        self._elapsed += gaps * self._gap_ns * _log_normal(self._rng, self._jitter)
        self.now_ns = self._first_ns + round(self._elapsed)


def _log_normal(rng: Random, sigma: float) -> float:
    """Draw a factor with median 1. Draws nothing when there is no spread."""
    return math.exp(rng.gauss(0.0, sigma)) if sigma else 1.0


class _JudgedAnswer(msgspec.Struct):
    question: str
    answer: str


def verdict(profile: Profile, prompt: str, said: str | None) -> str | None:
    """The words of a simulated judge, as JSON where its answer is to be that; None where it is not asked to judge.

    Yes, if the answer holds what the question has last in double quotes, or anything where it quotes nothing.
    """
    try:
        asked = msgspec.json.decode(prompt, type=_JudgedAnswer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    told = _TOLD.search(asked.answer) if profile.judges == "gullible" else None
    wanted = _QUOTED.findall(asked.question)
    holds = wanted[-1] in asked.answer if wanted else bool(asked.answer.strip())
    word = told[1].lower() if told is not None else "yes" if holds else "no"
    return word if said is None else msgspec.json.encode({"verdict": word}).decode()
