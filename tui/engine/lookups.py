"""Look-ups beside runs: the length of prompts, and the models of endpoints.

They have separate connections, so that those of the runs stay as they are, and end when a run starts.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import httpx2
import msgspec

from tui.core.events import (
    Answered,
    Content,
    Event,
    Failure,
    FailureKind,
    Kind,
    ModelsListed,
    Status,
    TokensCounted,
    Usage,
    UsageReported,
)
from tui.core.model import ListedModel
from tui.core.plan import RequestSpec
from tui.core.target import Endpoint
from tui.engine import examination, failures
from tui.engine.examination import WITHIN_S
from tui.engine.failures import UnsentError
from tui.engine.reporter import RequestReporter
from tui.engine.request import RequestSender, at_once
from tui.engine.wires import LOOKUP_SLOT, NoAnswerError

_AT_ONCE = 4
"""Look-ups under way at a time."""
ASK_WITHIN_S = 30.0
"""Longest wait for the answer to a question beside runs, s."""
_MOST_TEXT = 4096
"""Characters of such an answer that are kept."""
_NO_SUCH_ROUTE = (None, 404, 405, 501)


class Lookups:
    """Asks endpoints, and reports their answers."""

    def __init__(self, sender: RequestSender, emit: Callable[[Event], None]) -> None:
        """`sender` has the keys and the wires."""
        self._sender = sender
        self._emit = emit
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: dict[int, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(_AT_ONCE)

    def count(self, requests: tuple[RequestSpec, ...]) -> None:
        """Ask for the number of tokens in these prompts."""
        for spec in requests:
            self._start(self._count(spec))

    def list_models(self, endpoints: tuple[Endpoint, ...]) -> None:
        """Ask these endpoints for their models."""
        for endpoint in endpoints:
            self._start(self._list(endpoint))

    def examine(self, endpoints: tuple[Endpoint, ...]) -> None:
        """Look at what stands at these endpoints."""
        for endpoint in endpoints:
            self._start(self._examine(endpoint))

    def ask(self, spec: RequestSpec) -> None:
        """Send a request of which no time is kept."""
        self._open[spec.request_id] = task = self._start(self._ask(spec))
        task.add_done_callback(lambda _task: self._open.pop(spec.request_id, None))

    def stop_asking(self, ask_ids: tuple[int, ...]) -> None:
        """End those of these questions that are open."""
        for number in ask_ids:
            if (task := self._open.get(number)) is not None:
                task.cancel()

    async def cancel(self) -> None:
        """End all look-ups; what was not answered stays so."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _start(self, lookup: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(lookup)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _count(self, spec: RequestSpec) -> None:
        tokens, has_counter = None, True
        spec = msgspec.structs.replace(spec, endpoint=self._sender.keys.with_headers(spec.endpoint))
        key = await self._sender.keys.of(spec.endpoint)
        if not isinstance(key, Failure):
            try:
                async with self._room, asyncio.timeout(WITHIN_S):
                    tokens = await self._sender.wire_of(spec.endpoint).count_tokens(spec, key)
            except NoAnswerError as error:
                # 404 may be the model's, but then the same request would fail in a run, and say so.
                has_counter = error.http_status not in _NO_SUCH_ROUTE
            except (UnsentError, httpx2.HTTPError, OSError):
                pass  # No answer is one too: the estimate stands.
        self._emit(TokensCounted(count_id=spec.request_id, input_tokens=tokens, has_counter=has_counter))

    async def _ask(self, spec: RequestSpec) -> None:
        texts: list[str] = []
        usage = Usage()

        def gather(event: Event) -> None:
            nonlocal usage
            if isinstance(event, Content) and event.kind is Kind.TEXT:
                texts.extend(event.texts)
            elif isinstance(event, UsageReported):
                usage = event.usage

        failure: Failure | None = Failure(kind=FailureKind.ENGINE, message="It was ended before its answer.")
        try:
            async with asyncio.timeout(ASK_WITHIN_S), self._room:
                reporter = RequestReporter(spec.request_id, gather)
                ended = await self._sender.send(spec, LOOKUP_SLOT, reporter, at_once)
            failure = ended.failure
            if failure is None and ended.status is not Status.DONE:
                failure = Failure(kind=FailureKind.PROTOCOL, message=f"Its answer was {ended.status.value}.")
        except TimeoutError:
            failure = failures.timed_out("an answer", ASK_WITHIN_S)
        except Exception as error:
            failure = failures.engine_fault(error)
        finally:
            text = "".join(texts)[:_MOST_TEXT]
            self._emit(Answered(ask_id=spec.request_id, text=text, usage=usage, failure=failure))

    async def _list(self, endpoint: Endpoint) -> None:
        models: list[ListedModel] = []
        failure: Failure | None = None
        endpoint = self._sender.keys.with_headers(endpoint)
        key = await self._sender.keys.of(endpoint)
        if isinstance(key, Failure):
            failure = key
        else:
            async with self._room:
                models, failure = await examination.models_of(self._sender, endpoint, key)
        self._emit(ModelsListed(endpoint=endpoint.name, models=tuple(models), failure=failure))

    async def _examine(self, endpoint: Endpoint) -> None:
        endpoint = self._sender.keys.with_headers(endpoint)
        key = await self._sender.keys.of(endpoint)
        async with self._room:
            self._emit(await examination.examine(self._sender, endpoint, key))
