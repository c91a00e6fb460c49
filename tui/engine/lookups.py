"""What is asked beside runs: how long a prompt is, and which models an endpoint has.

Questions have connections of their own, so that those of the runs stay as they are, and end when a run starts.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import date, datetime
from typing import Any

import anthropic
import httpcore2
import httpx2

from tui.core.events import Event, Failure, FailureKind, ModelsListed, TokensCounted
from tui.core.model import ListedModel
from tui.core.plan import RequestSpec
from tui.core.target import Endpoint
from tui.engine import failures
from tui.engine.exchange import Exchange
from tui.engine.keys import Keys
from tui.engine.transport.stamped_stream import observer
from tui.engine.wires.messages import request_body
from tui.engine.wires.messages.bedrock import BedrockClient
from tui.engine.wires.messages.clients import Client, Clients

_SLOT = -1
"""No run's requests have it."""
_WITHIN_S = 10.0
_AT_ONCE = 4
"""Questions under way at a time."""
_MOST_MODELS = 1000
_LONGEST_TEXT = 256
_MOST_TOKENS = 1_000_000_000


class Lookups:
    """Asks, and reports what is answered to `emit`."""

    def __init__(self, keys: Keys, clients: Clients, emit: Callable[[Event], None]) -> None:
        self._keys = keys
        self._clients = clients
        self._emit = emit
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(_AT_ONCE)

    def count(self, requests: tuple[RequestSpec, ...]) -> None:
        """Ask how many tokens these prompts have."""
        for spec in requests:
            self._start(self._count(spec))

    def list_models(self, endpoints: tuple[Endpoint, ...]) -> None:
        """Ask these endpoints for their models."""
        for endpoint in endpoints:
            self._start(self._list(endpoint))

    async def cancel(self) -> None:
        """End all questions; what was not answered stays so."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _start(self, question: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(question)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _count(self, spec: RequestSpec) -> None:
        client = await self._client(spec.endpoint)
        tokens, has_counter = None, True
        if not isinstance(client, Failure):
            try:
                async with self._room, asyncio.timeout(_WITHIN_S):
                    counted = await client.messages.count_tokens(
                        **request_body.count_arguments(spec), timeout=_WITHIN_S
                    )
                tokens = _count_of(getattr(counted, "input_tokens", None))
                has_counter = tokens is not None
            except anthropic.APIStatusError as error:
                # 404 may be the model's, but there the same request would fail in a run, and says so.
                has_counter = error.status_code not in (404, 405, 501)
            except anthropic.AnthropicError as error:
                has_counter = not _is_unsupported(error)
            except (httpx2.HTTPError, httpcore2.NetworkError, OSError, TimeoutError, ValueError):
                pass  # No answer is one too: the estimate stands.
        self._emit(TokensCounted(count_id=spec.request_id, input_tokens=tokens, has_counter=has_counter))

    async def _list(self, endpoint: Endpoint) -> None:
        client = await self._client(endpoint)
        if isinstance(client, Failure):
            self._emit(ModelsListed(endpoint=endpoint.name, failure=client))
            return
        models: list[ListedModel] = []
        failure: Failure | None = None
        try:
            async with self._room, asyncio.timeout(_WITHIN_S):
                headers = dict(endpoint.headers)
                if endpoint.api_version:
                    headers["anthropic-version"] = endpoint.api_version
                if isinstance(client, anthropic.AsyncAnthropicVertex | BedrockClient):
                    raise TypeError("the SDK's client has no such route")
                async for model in client.models.list(limit=_MOST_MODELS, timeout=_WITHIN_S, extra_headers=headers):
                    if (listed := _listed(model)) is not None:
                        models.append(listed)
                    if len(models) >= _MOST_MODELS:
                        break
        except anthropic.APIStatusError as error:
            failure = Failure(
                kind=FailureKind.PROTOCOL,
                message=f"Endpoint {endpoint.name} does not list its models (HTTP {error.status_code}); type a model's "
                "id instead.",
                http_status=error.status_code,
            )
        except TimeoutError:
            failure = failures.timed_out("the list of models", _WITHIN_S, "request")
        except (anthropic.AnthropicError, httpx2.HTTPError, httpcore2.NetworkError, OSError) as error:
            failure = failures.connection_failure(error, endpoint, in_stream=False)
        except (ValueError, TypeError, AttributeError):  # the SDK does not check what it is given
            failure = Failure(
                kind=FailureKind.PROTOCOL,
                message=f"Endpoint {endpoint.name} lists its models in a form not known here; type a model's id.",
            )
        self._emit(ModelsListed(endpoint=endpoint.name, models=tuple(models) if not failure else (), failure=failure))

    async def _client(self, endpoint: Endpoint) -> Client | Failure:
        key = await self._keys.of(endpoint)
        if isinstance(key, Failure):
            return key
        try:
            client = self._clients.of(endpoint, key, _SLOT)
        except OSError as error:
            return failures.unusable_ca_file(endpoint, error)
        except ValueError:
            return failures.unusable_address(endpoint)
        observer.set(Exchange(0, _nothing, _at_once))
        return client


def _is_unsupported(error: anthropic.AnthropicError) -> bool:
    """True for the clients of clouds, which refuse by themselves what their service does not have."""
    return not isinstance(error, anthropic.APIError)


def _listed(model: object) -> ListedModel | None:
    """A model of the list; None for what cannot be one. The SDK does not check what a server sends."""
    name = _text(getattr(model, "id", None))
    if name is None:
        return None
    able = getattr(model, "capabilities", None)
    thinking = getattr(able, "thinking", None)
    return ListedModel(
        id=name,
        display_name=_text(getattr(model, "display_name", None)),
        line=_text(getattr(model, "line", None)),
        lifecycle=_text(getattr(model, "lifecycle", None)),
        deprecated_on=_date(getattr(model, "deprecated_at", None)),
        retires_on=_date(getattr(model, "retires_at", None)),
        context_tokens=_count_of(getattr(model, "max_input_tokens", None)) or None,
        max_output_tokens=_count_of(getattr(model, "max_tokens", None)) or None,
        thinking=_supported(getattr(thinking, "types", None), ("adaptive", "enabled", "disabled", "between_tools")),
        effort=_supported(getattr(able, "effort", None), ("low", "medium", "high", "xhigh", "max")),
    )


def _supported(capability: object, names: tuple[str, ...]) -> tuple[str, ...] | None:
    if capability is None:
        return None
    return tuple(name for name in names if getattr(getattr(capability, name, None), "supported", None) is True)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT else None


def _date(value: object) -> date | None:
    return value.date() if isinstance(value, datetime) else None


def _count_of(value: object) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS
    return value if is_count else None  # type: ignore[return-value]


def _nothing(event: Event) -> None:
    """Nobody measures a question."""


async def _at_once() -> None:
    """No gate."""
