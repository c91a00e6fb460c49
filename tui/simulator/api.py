"""The simulated APIs: their routes and replies. No socket, and no clock but the prompt cache's."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from tui.simulator import chat, message_request, openai, responses, script
from tui.simulator.cache import Diagnostics, PromptCache
from tui.simulator.faults import FAULTS, Fault
from tui.simulator.profiles import Profile, described_model, models_page
from tui.simulator.replies import EVENT_STREAM, ApiError, PlannedEvent, Reply, json_reply, reply
from tui.simulator.threads import Threads

FAULT_HEADER = "x-simulator-fault"

_HTML = b"<!doctype html><title>Welcome</title><h1>Please sign in to the network</h1>"

_OPENAI = {chat.PATH: chat, responses.PATH: responses}
_ORGANIZATION = "00000000-0000-4000-8000-000000000000"
_NOT_SIMULATED = ("/v1/messages/batches", "/v1/files", "/v1/complete", "/v1/skills", "/v1/agents", "/v1/sessions")
"""Beginnings of routes that the API has besides."""
_LIMITS = {"requests": 4_000, "input-tokens": 2_000_000, "output-tokens": 400_000, "tokens": 2_400_000}
"""Of a minute: what the headers of rate limits say. Nothing is held to them."""

_METHODS = {
    "/v1/messages": "POST",
    "/v1/messages/count_tokens": "POST",
    "/v1/models": "GET",
    **dict.fromkeys(_OPENAI, "POST"),
}


class SimulatedApi:
    """Answers requests. Remembers how often each content came, and what is cached."""

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        *,
        seed: int = 0,
        fault: str | None = None,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._profiles = profiles
        self._seed = seed
        self._fault = fault
        self._counts: Counter[bytes] = Counter()
        self._limited: set[bytes] = set()
        self._cache = PromptCache(now_ns)
        self._threads = Threads(now_ns)
        self._diagnostics = Diagnostics()
        self._requests = 0

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, *, is_kept: bool = False
    ) -> Reply:
        """Answer one request. `headers` have lower-case names; `is_kept` is true if its connection served before."""
        own = self._own_headers()
        try:
            if is_kept and (ended := self._ended_when_kept(target, headers, own)):
                return ended
            return self._route(method, target, headers, body, own)
        except ApiError as error:
            is_openai = urlsplit(target).path.rstrip("/") in _OPENAI
            return _with_facts(openai.error_reply(error, own) if is_openai else error.reply(own), own)

    def _ended_when_kept(self, target: str, headers: Mapping[str, str], own: Mapping[str, str]) -> Reply | None:
        """The end of a connection that served before, if that is the fault and an answer of a model is asked for."""
        if urlsplit(target).path.rstrip("/") not in {"/v1/messages", *_OPENAI}:
            return None
        name, fault = self._due_fault(headers)
        if fault is None or fault.when_kept is None:
            return None
        return _with_facts(Reply(200, own, iter([PlannedEvent(0, "", b"", fault.when_kept)])), own, fault=name)

    def refused(self, error: ApiError) -> Reply:
        """Answer a request that is refused before it is read."""
        own = self._own_headers()
        return _with_facts(error.reply(own), own)

    def _own_headers(self) -> dict[str, str]:
        self._requests += 1
        number = f"{self._seed}\0{self._requests}".encode()
        return {
            "server": "latency-tui-simulator",
            "request-id": (name := "req_01" + hashlib.blake2b(number, digest_size=11).hexdigest()),
            "x-request-id": name,
            "anthropic-organization-id": _ORGANIZATION,
            "cache-control": "no-cache",
        }

    def _route(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, own: Mapping[str, str]
    ) -> Reply:
        url = urlsplit(target)
        path = url.path.rstrip("/")
        of_model = path.startswith("/v1/models/")
        wanted = "GET" if of_model else _METHODS.get(path)
        if wanted is None:
            of_api = path.startswith(_NOT_SIMULATED)
            raise ApiError(404, f"{path} is not simulated here." if of_api else "Not Found")
        if method != wanted:
            raise ApiError(405, "Method Not Allowed", {"allow": wanted})
        _check_key(headers)
        if path in _OPENAI:
            return self._openai(path, headers, body, own)
        if path == "/v1/models" and not headers.keys() & {"anthropic-version", "x-api-key"}:
            return _with_facts(json_reply(openai.models(self._profiles), own), own)
        version = _version(headers)
        if of_model:
            answer = json_reply(described_model(self._profiles, unquote(path.removeprefix("/v1/models/"))), own)
        elif path == "/v1/models":
            answer = json_reply(models_page(self._profiles, url.query), own)
        elif path == "/v1/messages":
            return self._message(version, headers, body, own)
        else:
            fields = message_request.decode(body)
            count = message_request.count_request(fields, message_request.known_profile(fields, self._profiles))
            answer = json_reply({"input_tokens": count}, own)
        return _with_facts(answer, own)

    def _message(self, version: str, headers: Mapping[str, str], body: bytes, own: Mapping[str, str]) -> Reply:
        name, fault = self._due_fault(headers)
        if fault and fault.body is not None:
            return _with_facts(_of_gateway(fault), own, fault=name)
        if fault and fault.status and not fault.then_ok:
            return _with_facts(fault.refusal(time.time()).reply(own), own, fault=name)
        fields = message_request.decode(body)
        profile = message_request.known_profile(fields, self._profiles)
        betas = [beta.strip() for beta in headers.get("anthropic-beta", "").split(",")]
        fields, held = self._threads.whole(fields, betas)
        asked = message_request.message_request(fields, version, profile, betas)
        asked = msgspec.structs.replace(asked, held_tokens=held)
        events, facts = self._asked(profile, asked)
        if "thread" in fields:
            events = self._threads.keep(fields, asked.input_tokens, events)
        facts = {**facts, "fault": name}
        own = {**own, **_rate_limits(asked)}
        if fault and fault.status and self._limits(asked.identity):
            answer = fault.refusal(time.time()).reply(own)
        else:
            answer = _answer(events, fault, own, stream=asked.stream)
        return _with_facts(answer, own, **facts)

    def _openai(self, path: str, headers: Mapping[str, str], body: bytes, own: Mapping[str, str]) -> Reply:
        """Answer a request of OpenAI's protocols by the message that the same model gives."""
        protocol = _OPENAI[path]
        name, fault = self._due_fault(headers)
        if fault and fault.body is not None:
            return _with_facts(_of_gateway(fault), own, fault=name)
        if fault and fault.status and not fault.then_ok:
            raise fault.refusal(time.time())
        given = message_request.decode(body)
        profile = message_request.known_profile(given, self._profiles)
        fields = protocol.message_fields(given, profile)
        asked = message_request.message_request(fields, message_request.NEW_VERSION, profile)
        events, facts = self._asked(profile, asked)
        if fault and fault.status and self._limits(asked.identity):
            raise fault.refusal(time.time())
        if fault and (fault.html or (fault.any_delivery and not asked.stream)):
            answer = _answer(events, fault, own, stream=asked.stream)
        elif asked.stream != bool(fault and fault.other_delivery):
            change = fault.stream if fault else None
            if change and fault and fault.of_bytes:
                events = change(protocol.streamed(events, given))
            else:
                events = protocol.streamed(change(events) if change else events, given)
            answer = Reply(200, _stream_headers(fault, own), events, chunked=True)
        else:
            told, offset_ns = protocol.whole(events, given)
            answer = json_reply(told, own, offset_ns=offset_ns)
        return _with_facts(answer, own, **facts, fault=name)

    def _due_fault(self, headers: Mapping[str, str]) -> tuple[str | None, Fault | None]:
        name = headers.get(FAULT_HEADER, self._fault)
        if name is not None and name not in FAULTS:
            raise ApiError(400, f"{FAULT_HEADER}: there is no fault {name!r}. There are: {', '.join(FAULTS)}")
        return name, None if name is None else FAULTS[name]

    def _asked(
        self, profile: Profile, asked: message_request.MessageRequest
    ) -> tuple[Iterator[PlannedEvent], dict[str, Any]]:
        """The events of the answer, and facts for the log. The request counts as asked."""
        ordinal = self._counts[asked.identity]
        self._counts[asked.identity] += 1
        return self._events(profile, asked, ordinal), {"model": asked.model, "ordinal": ordinal}

    def _events(self, profile: Profile, asked: message_request.MessageRequest, ordinal: int) -> Iterator[PlannedEvent]:
        use = self._cache.use(asked.prefixes, profile.cache_min_tokens)
        wanted = asked.wants_diagnostics
        diagnostics = self._diagnostics.diagnose(wanted) if wanted is not None else None
        answered = msgspec.structs.replace(asked, cache=use, diagnostics=diagnostics)
        events = script.plan(profile, answered, self._seed, ordinal)
        opening = next(events)
        if wanted is not None:
            assert isinstance(opening.body, dict)
            self._diagnostics.keep(opening.body["message"]["id"], wanted)
        self._cache.keep(asked.prefixes, profile.cache_min_tokens, opening.offset_ns)
        return chain([opening], events)

    def _limits(self, identity: bytes) -> bool:
        """Report whether a request of this content is rate limited now: every other one is."""
        if identity in self._limited:
            self._limited.remove(identity)
            return False
        self._limited.add(identity)
        return True


def _of_gateway(fault: Fault) -> Reply:
    """The reply of something in front of the API, without the API's headers."""
    assert fault.status is not None
    assert fault.body is not None
    headers = {**fault.headers, "content-length": str(len(fault.body))}
    return Reply(fault.status, headers, iter([PlannedEvent(0, "response", fault.body)]))


def _rate_limits(asked: message_request.MessageRequest) -> dict[str, str]:
    """The headers of the limits, as if this were the only request of the minute."""
    output = min(asked.max_tokens, _LIMITS["output-tokens"])
    used = {"requests": 1, "input-tokens": asked.input_tokens, "output-tokens": output}
    used["tokens"] = used["input-tokens"] + used["output-tokens"]
    reset = datetime.fromtimestamp(time.time() + 1, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    said: dict[str, str] = {}
    for name, limit in _LIMITS.items():
        left = max(0, limit - used[name])
        values = {"limit": str(limit), "remaining": str(left), "reset": reset}
        said |= {f"anthropic-ratelimit-{name}-{what}": value for what, value in values.items()}
    return said


def _with_facts(answer: Reply, own: Mapping[str, str], **facts: Any) -> Reply:
    known = {name: value for name, value in facts.items() if value is not None}
    return replace(answer, facts={"request_id": own["request-id"], **known})


def _answer(events: Iterator[PlannedEvent], fault: Fault | None, own: Mapping[str, str], *, stream: bool) -> Reply:
    """Return the reply for a message's events, streamed or in one piece, with the fault that is due."""
    if fault and fault.html:
        return reply(200, "text/html; charset=utf-8", _HTML, own)
    if fault and fault.stream and (stream or fault.any_delivery):
        return Reply(200, _stream_headers(fault, own) if stream else own, fault.stream(events), chunked=True)
    if stream != bool(fault and fault.other_delivery):
        return Reply(200, _stream_headers(fault, own), events, chunked=True)
    message, offset_ns = script.folded(events)
    return json_reply(message, own, offset_ns=offset_ns)


def _stream_headers(fault: Fault | None, own: Mapping[str, str]) -> dict[str, str]:
    """The headers of a stream, with what the fault changes in them."""
    if fault is None or fault.status is not None:  # the headers of such a fault are those of its error
        return {**own, "content-type": EVENT_STREAM}
    kind = {} if fault.content_type is None else {"content-type": fault.content_type}
    return {**own, **kind, **fault.headers}


def _check_key(headers: Mapping[str, str]) -> None:
    """Refuse the key `invalid`. Any other will do, or none."""
    bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
    if bearer == "invalid":
        raise ApiError(401, "Invalid bearer token")
    if headers.get("x-api-key") == "invalid":
        raise ApiError(401, "invalid x-api-key")


def _version(headers: Mapping[str, str]) -> str:
    version = headers.get("anthropic-version")
    if version is None:
        raise ApiError(400, "anthropic-version: header is required")
    if version not in message_request.VERSIONS:
        raise ApiError(400, f"anthropic-version: {version!r} is not a valid version")
    return version
