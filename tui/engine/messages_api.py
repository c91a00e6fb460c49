"""One request through the SDK, its answer streamed or in one piece.

The SDK stands at both ends: it builds, signs and sends the request and classifies the server's refusals; the body of
a 200 is read raw, chunk by chunk, each with the time it arrived, and decoded by `sse` and `answer`. Only this module,
`clients`, `lookups` and the wire import anthropic or httpx2.
"""

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anthropic
import httpcore2
import httpx2

from tui.core.events import (
    Event,
    Failure,
    FailureKind,
    Mark,
    Marked,
    MessageOpened,
    RequestEnded,
    Responded,
    Status,
)
from tui.core.plan import RequestSpec
from tui.engine import failures
from tui.engine.answer_stream import AnswerStream
from tui.engine.exchange import Exchange
from tui.engine.keys import Keys
from tui.engine.pump import Pump
from tui.engine.transport.body import BodyError
from tui.engine.transport.stamped_stream import StampedStream, observer
from tui.engine.wires.messages import request_body
from tui.engine.wires.messages.answer import AnswerReader
from tui.engine.wires.messages.bedrock import SigningError
from tui.engine.wires.messages.clients import Client, Clients

SDK_VERSION = anthropic.__version__

_END_OF_BODY_S = 0.25
"""How long the end of the body may take after `message_stop` before the connection is given up."""

Emit = Callable[[Event], None]


class MessagesApi:
    """Sends requests, each over the connection of its endpoint and slot."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self.keys = Keys(os.environ if environ is None else environ)
        self.clients = Clients()
        self._pump = Pump()
        self._last_message: dict[tuple[str, str], str] = {}
        """Id of the last answer to a cached prompt, by base URL and target: the next is held against it."""

    async def aclose(self) -> None:
        """Close all connections."""
        await self.clients.aclose()

    async def ask(
        self, spec: RequestSpec, slot: int, emit: Emit, before_send: Callable[[], Awaitable[None]]
    ) -> RequestEnded:
        """Send one request, report its timeline and content to `emit`, and return how it ended.

        `before_send` is awaited when the connection stands and the request's first byte is about to be written.
        Cancelling closes the connection.
        """
        endpoint = spec.endpoint
        key = await self.keys.of(endpoint)
        if isinstance(key, Failure):
            return _ended(spec, Status.FAILED, failure=key)
        try:
            client = self.clients.of(endpoint, key, slot)
        except OSError as error:
            return _ended(spec, Status.FAILED, failure=failures.unusable_ca_file(endpoint, error))
        except ValueError:
            return _ended(spec, Status.FAILED, failure=failures.unusable_address(endpoint))
        lane = (endpoint.base_url, spec.target)
        asked = request_body.arguments(spec, previous_message_id=self._last_message.get(lane))

        def watch(event: Event) -> None:
            if isinstance(event, MessageOpened) and spec.parameters.cache:
                self._last_message[lane] = event.message_id
            emit(event)

        ended = await _Request(spec, asked, client, key, self._pump, watch, before_send).run()
        if ended.failure is not None and ended.failure.kind is FailureKind.BAD_KEY:
            self.keys.forget(endpoint)
        return ended


class _Request:
    """One request while it runs."""

    def __init__(
        self,
        spec: RequestSpec,
        asked: dict[str, Any],
        client: Client,
        key: str | None,
        pump: Pump,
        emit: Emit,
        before_send: Callable[[], Awaitable[None]],
    ) -> None:
        self._spec = spec
        self._asked = asked
        self._streamed: bool = asked["stream"]
        self._client = client
        self._key = key
        self._pump = pump
        self._emit = emit
        self._exchange = Exchange(spec.request_id, self.emit, before_send)
        observer.set(self._exchange)
        self._answer = AnswerReader(spec.request_id, emit)
        self._responded = False
        self._limit = ("the response", spec.timeouts.first_token, "first_token")
        self._deadline: asyncio.Timeout | None = None
        self._whole = self._first_token_by = 0.0

    def emit(self, event: Event) -> None:
        """Report what the connection's trace says; once the request is sent, the time for the first token runs."""
        self._emit(event)
        is_sent = isinstance(event, Marked) and event.mark is Mark.SENT
        if is_sent and self._deadline is not None and self._streamed:
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
        except SigningError as error:
            return _ended(spec, Status.FAILED, failure=failures.unsigned(spec.endpoint, str(error)))
        except anthropic.APITimeoutError:
            timeout = failures.timed_out("the connection", spec.timeouts.connect, "connect")
            return _ended(spec, Status.FAILED, failure=timeout)
        except BodyError as error:
            return _ended(spec, Status.FAILED, failure=failures.broken_body(str(error)))
        except (anthropic.APIConnectionError, httpx2.HTTPError, httpcore2.NetworkError, OSError) as error:
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
        # Reading is under our own deadlines; only the connect is left to the transport.
        timeout = httpx2.Timeout(None, connect=spec.timeouts.connect)
        create = self._client.messages.with_streaming_response.create
        async with create(**self._asked, timeout=timeout) as response:
            http = response.http_response
            self._responded = True
            self._emit(
                Responded(
                    request_id=spec.request_id,
                    t_ns=self._exchange.headers_ns,
                    http_status=http.status_code,
                    api_request_id=http.headers.get("request-id"),
                )
            )
            content_type = http.headers.get("content-type", "").lower()
            if not content_type.startswith("text/event-stream" if self._streamed else "application/json"):
                failure = failures.not_an_answer(content_type, streamed=self._streamed)
                return _ended(spec, Status.FAILED, failure=failure)
            wire = http.extensions["network_stream"]
            assert isinstance(wire, StampedStream)
            stream = AnswerStream(
                wire, http.headers, self._answer, self._pump, self._progress, whole=not self._streamed
            )
            try:
                await stream.read()
            finally:
                self._emit(stream.instrument(spec.request_id))
            if (rest := stream.for_reuse) is not None:
                # httpcore2 still waits for a body: one lets it keep the connection for the next run.
                wire.give_back(rest)
                async for _ in http.aiter_raw():
                    pass
        return self._outcome()

    def _progress(self) -> None:
        """Data came: move the deadline on."""
        assert self._deadline is not None
        now = asyncio.get_running_loop().time()
        silence_until = now + self._spec.timeouts.between_tokens
        if self._answer.stopped:
            # Only the body's own end is missing; reading it keeps the connection for the next run.
            self._deadline.reschedule(now + _END_OF_BODY_S)
        elif not self._streamed:
            pass  # There are no steps to wait for, only the whole.
        elif self._answer.pieces or silence_until < self._first_token_by:
            self._arm(self._deadline, self._whole, silence_until, "the next event of the stream", "between_tokens")
        else:
            self._arm(self._deadline, self._whole, self._first_token_by)

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

    def _refused(self, error: anthropic.APIStatusError) -> Failure:
        response = error.response
        self._emit(
            Responded(
                request_id=self._spec.request_id,
                t_ns=self._exchange.headers_ns,
                http_status=error.status_code,
                api_request_id=response.headers.get("request-id"),
            )
        )
        body = error.body
        inner = body.get("error") if isinstance(body, dict) else None
        words = inner if isinstance(inner, dict) else {}
        message = str(words.get("message") or response.reason_phrase)
        # Some servers repeat what they got; what signed a request may be among it.
        for secret in (self._key, response.request.headers.get("x-amz-security-token")):
            if secret:
                message = message.replace(secret, "[the key]")
        return failures.api_failure(
            http_status=error.status_code,
            error_type=str(words.get("type") or ""),
            message=message,
            endpoint=self._spec.endpoint,
            retry_after_s=_seconds(response.headers.get("retry-after")),
        )


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
    """The header's seconds; absent for a date, and for what is no time to wait."""
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None
