"""One streamed request through the SDK, and the clients it needs.

The SDK stands at both ends: it builds, signs and sends the request and classifies the server's refusals; the body of
a 200 is read raw, chunk by chunk, each with the time it arrived, and decoded by `sse` and `answer`. This is the only
module besides the wire that imports anthropic or httpx2.
"""

import asyncio
import os
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import anthropic
import httpx2

from tui.core.events import Event, Failure, Mark, Marked, RequestEnded, Responded, Status
from tui.core.plan import RequestSpec
from tui.core.target import Endpoint
from tui.engine import failures
from tui.engine.answer import AnswerReader
from tui.engine.sse import SseDecoder

SDK_VERSION = anthropic.__version__

OLDER_API_VERSION = "2023-06-01"
"""The API version under which models that still take sampling parameters accept them."""

_END_OF_BODY_S = 0.25
"""How long the end of the body may take after `message_stop` before the connection is given up."""

Emit = Callable[[Event], None]


@dataclass
class _Exchange:
    """What the connection's trace needs to know of the request it works for."""

    request_id: int
    emit: Emit
    before_send: Callable[[], Awaitable[None]]
    tunnelling: bool = False
    """True while a proxy is asked for a tunnel: that is not our request."""
    connected: bool = field(default=False)

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """httpcore2's trace extension: called at each step of the connection, and awaited."""
        match name.partition(".")[2]:
            case "connect_tcp.started":
                self.connected = True
                self._mark(Mark.CONNECT_STARTED)
            case "connect_tcp.complete":
                self._mark(Mark.CONNECTED)
            case "start_tls.started":
                self._mark(Mark.TLS_STARTED)
            case "start_tls.complete":
                self._mark(Mark.TLS_DONE)
            case "send_request_headers.started":
                self.tunnelling = info["request"].method == b"CONNECT"
                if not self.tunnelling:
                    if not self.connected:
                        self._mark(Mark.REUSED)
                    await self.before_send()
            case "send_request_body.complete" if not self.tunnelling:
                self._mark(Mark.SENT)
            case _:
                pass

    def _mark(self, mark: Mark) -> None:
        self.emit(Marked(request_id=self.request_id, mark=mark, t_ns=time.monotonic_ns()))


_exchange: ContextVar[_Exchange] = ContextVar("exchange")


class MessagesApi:
    """Sends requests; keeps one client, and so one connection, per endpoint and slot."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._clients: dict[tuple[str, str | None, int], anthropic.AsyncAnthropic] = {}
        self._tls = ssl.create_default_context()

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()

    async def ask(
        self, spec: RequestSpec, slot: int, emit: Emit, before_send: Callable[[], Awaitable[None]]
    ) -> RequestEnded:
        """Send one request, report its timeline and content to `emit`, and return how it ended.

        `before_send` is awaited when the connection stands and the request's first byte is about to be written.
        Cancelling closes the connection.
        """
        key = self._key(spec.endpoint)
        if isinstance(key, Failure):
            return _ended(spec, Status.FAILED, failure=key)
        client = self._client(spec, key, slot)
        request = _Request(spec, client, emit)
        _exchange.set(_Exchange(spec.request_id, request.emit, before_send))
        return await request.run()

    def _key(self, endpoint: Endpoint) -> str | Failure | None:
        if endpoint.api_key_env is None:
            return None
        key = self._environ.get(endpoint.api_key_env, "").strip()
        if key and not (key.isascii() and key.isprintable()):
            return failures.unusable_key(endpoint)
        return key or failures.no_key(endpoint)

    def _client(self, spec: RequestSpec, key: str | None, slot: int) -> anthropic.AsyncAnthropic:
        endpoint = spec.endpoint
        client_id = (endpoint.base_url, endpoint.api_key_env, slot)
        if (client := self._clients.get(client_id)) is None:
            http_client = httpx2.AsyncClient(
                verify=self._tls,
                event_hooks={"request": [_attach_trace]},
                follow_redirects=False,
            )
            client = anthropic.AsyncAnthropic(
                # With no key the SDK would look for credentials elsewhere; the header is dropped instead.
                api_key=key or "none",
                base_url=endpoint.base_url,
                max_retries=0,
                http_client=http_client,
                open_telemetry=False,
                default_headers=None if key else {"Authorization": anthropic.Omit()},  # type: ignore[dict-item]
            )
            self._clients[client_id] = client
        return client


async def _attach_trace(request: httpx2.Request) -> None:
    request.extensions["trace"] = _exchange.get().trace


class _Request:
    """One request while it runs."""

    def __init__(self, spec: RequestSpec, client: anthropic.AsyncAnthropic, emit: Emit) -> None:
        self._spec = spec
        self._client = client
        self._emit = emit
        self._answer = AnswerReader(spec.request_id, emit)
        self._responded = False
        self._limit = ("the response", spec.timeouts.first_token, "first_token")
        self._deadline: asyncio.Timeout | None = None
        self._whole = self._first_token_by = 0.0

    def emit(self, event: Event) -> None:
        """Report what the connection's trace says; once the request is sent, the time for the first token runs."""
        self._emit(event)
        if self._deadline is not None and isinstance(event, Marked) and event.mark is Mark.SENT:
            self._first_token_by = asyncio.get_running_loop().time() + self._spec.timeouts.first_token
            self._arm(self._deadline, self._whole, self._first_token_by)

    async def run(self) -> RequestEnded:
        spec = self._spec
        try:
            async with asyncio.timeout(None) as deadline:
                return await self._stream(deadline)
        except TimeoutError:
            if self._answer.stopped:
                return self._outcome()
            return _ended(spec, Status.FAILED, failure=failures.timed_out(*self._limit))
        except anthropic.APIStatusError as error:
            return _ended(spec, Status.FAILED, failure=self._refused(error))
        except anthropic.APITimeoutError:
            timeout = failures.timed_out("the connection", spec.timeouts.connect, "connect")
            return _ended(spec, Status.FAILED, failure=timeout)
        except (anthropic.APIConnectionError, httpx2.HTTPError, OSError) as error:
            if self._answer.stopped:
                return self._outcome()
            failure = failures.connection_failure(error, spec.endpoint, in_stream=self._responded)
            return _ended(spec, Status.FAILED, failure=failure)

    async def _stream(self, deadline: asyncio.Timeout) -> RequestEnded:
        spec = self._spec
        now = asyncio.get_running_loop().time
        self._deadline = deadline
        self._whole = whole = now() + spec.timeouts.request
        # Until it is sent, the connect has a timeout of its own, and the gate opens in any case.
        self._arm(deadline, whole, whole)
        async with self._client.messages.with_streaming_response.create(**self._arguments()) as response:
            http = response.http_response
            self._responded = True
            self._emit(
                Responded(
                    request_id=spec.request_id,
                    t_ns=time.monotonic_ns(),
                    http_status=http.status_code,
                    api_request_id=http.headers.get("request-id"),
                )
            )
            content_type = http.headers.get("content-type", "")
            if not content_type.startswith("text/event-stream"):
                return _ended(spec, Status.FAILED, failure=failures.not_a_stream(content_type))
            decoder = SseDecoder()
            async for t_ns, chunk in stamped_chunks(http):
                for event in decoder.feed(chunk):
                    self._answer.take(t_ns, event)
                if self._answer.failure is not None:
                    break
                silence_until = now() + spec.timeouts.between_tokens
                if self._answer.stopped:
                    # Only the body's own end is missing; reading it keeps the connection for the next run.
                    deadline.reschedule(now() + _END_OF_BODY_S)
                elif self._answer.has_content or silence_until < self._first_token_by:
                    self._arm(deadline, whole, silence_until, "the next event of the stream", "between_tokens")
                else:
                    self._arm(deadline, whole, self._first_token_by)
        return self._outcome()

    def _outcome(self) -> RequestEnded:
        status, stop_reason, failure = self._answer.outcome()
        return _ended(self._spec, status, stop_reason=stop_reason, failure=failure)

    def _arm(
        self,
        deadline: asyncio.Timeout,
        whole: float,
        next_step: float,
        waiting_for: str = "the first token",
        setting: str = "first_token",
    ) -> None:
        """Move the deadline to the next step's, or to the whole request's if that comes first."""
        timeouts = self._spec.timeouts
        if whole <= next_step:
            self._limit = ("the end of the answer", timeouts.request, "request")
        else:
            self._limit = (waiting_for, getattr(timeouts, setting), setting)
        deadline.reschedule(min(whole, next_step))

    def _arguments(self) -> dict[str, Any]:
        """The SDK's arguments for this request."""
        spec, parameters = self._spec, self._spec.parameters
        arguments: dict[str, Any] = {
            "model": spec.model,
            "max_tokens": parameters.max_tokens,
            "messages": [{"role": "user", "content": spec.prompt.user}],
            "stream": True,
            # Reading is under our own deadlines; only the connect is left to the transport.
            "timeout": httpx2.Timeout(None, connect=spec.timeouts.connect),
        }
        if spec.prompt.system:
            arguments["system"] = spec.prompt.system
        if parameters.stop_sequences:
            arguments["stop_sequences"] = list(parameters.stop_sequences)
        if parameters.temperature is not None:
            arguments["extra_body"] = {"temperature": parameters.temperature}
            arguments["extra_headers"] = {"anthropic-version": OLDER_API_VERSION}
        return arguments

    def _refused(self, error: anthropic.APIStatusError) -> Failure:
        response = error.response
        self._emit(
            Responded(
                request_id=self._spec.request_id,
                t_ns=time.monotonic_ns(),
                http_status=error.status_code,
                api_request_id=response.headers.get("request-id"),
            )
        )
        body = error.body
        inner = body.get("error") if isinstance(body, dict) else None
        words = inner if isinstance(inner, dict) else {}
        return failures.api_failure(
            http_status=error.status_code,
            error_type=str(words.get("type") or ""),
            message=str(words.get("message") or response.reason_phrase),
            endpoint=self._spec.endpoint,
            retry_after_s=_seconds(response.headers.get("retry-after")),
        )


async def stamped_chunks(response: httpx2.Response) -> AsyncIterator[tuple[int, bytes]]:
    """The response's body, decompressed, in the pieces in which it was read, each with the time right after the read.

    The one place that says when data arrived: CLOCK_MONOTONIC, ns.
    """
    async for chunk in response.aiter_bytes():
        yield time.monotonic_ns(), chunk


def _ended(
    spec: RequestSpec, status: Status, *, stop_reason: str | None = None, failure: Failure | None = None
) -> RequestEnded:
    return RequestEnded(
        request_id=spec.request_id,
        t_ns=time.monotonic_ns(),
        status=status,
        stop_reason=stop_reason,
        failure=failure,
    )


def _seconds(retry_after: str | None) -> float | None:
    try:
        return float(retry_after) if retry_after is not None else None
    except ValueError:
        return None
