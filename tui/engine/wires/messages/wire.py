"""The Messages API through Anthropic's SDK, which builds and signs requests and knows the clouds' routes."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import date, datetime
from functools import partial

import anthropic
import httpx2

from tui.core.model import ListedModel
from tui.core.plan import RequestSpec
from tui.core.target import Endpoint
from tui.engine import failures
from tui.engine.failures import Refusal, UnsentError
from tui.engine.reporter import RequestReporter
from tui.engine.server_words import error_in
from tui.engine.transport.http_transport import HttpClients
from tui.engine.wires import LONGEST_WORD, LOOKUP_SLOT, NoAnswerError, is_count
from tui.engine.wires.messages import request_body
from tui.engine.wires.messages.answer import MessageReader, refusal_of
from tui.engine.wires.messages.clients import BedrockClient, SdkClients, SigningError

_MOST_MODELS = 1000


class MessagesWire:
    """The Messages API, at every kind of endpoint that serves it. See `Wire`."""

    title = "Messages API"
    request_id_header = "request-id"

    def __init__(self, connections: HttpClients) -> None:
        self._clients = SdkClients(connections)
        self._last_message: dict[tuple[str, str], str] = {}
        """Id of the last answer to a cached prompt, by base URL and target: the next is compared with it."""

    @asynccontextmanager
    async def open(self, spec: RequestSpec, key: str | None, slot: int) -> AsyncIterator[httpx2.Response]:
        """See `Wire.open`."""
        client = self._clients.of(spec.endpoint, key, slot)
        arguments = request_body.arguments(spec, previous_message_id=self._last_message.get(_lane_of(spec)))
        create = client.messages.with_streaming_response.create
        timeout = httpx2.Timeout(None, connect=spec.timeouts.connect)
        async with AsyncExitStack() as stack:
            try:
                with _connection_errors():
                    answered = await stack.enter_async_context(create(**arguments, timeout=timeout))
                response = answered.http_response
            except anthropic.APIStatusError as error:
                response = error.response
            except SigningError as error:
                raise UnsentError(failures.unsigned(spec.endpoint, str(error))) from error
            yield response

    def reader(self, spec: RequestSpec, reporter: RequestReporter) -> MessageReader:
        """See `Wire.reader`."""
        is_cached = bool(spec.parameters.cache)
        return MessageReader(reporter, partial(self._last_message.__setitem__, _lane_of(spec)) if is_cached else None)

    def refusal(self, http_status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
        """See `Wire.refusal`."""
        return refusal_of(*error_in(body))

    async def list_models(self, endpoint: Endpoint, key: str | None) -> list[ListedModel]:
        """See `Wire.list_models`."""
        client = self._clients.of(endpoint, key, LOOKUP_SLOT)
        if isinstance(client, anthropic.AsyncAnthropicVertex | BedrockClient):
            raise NoAnswerError  # the SDK's client has no such route
        headers = dict(endpoint.headers)
        if endpoint.api_version:
            headers["anthropic-version"] = endpoint.api_version
        models: list[ListedModel] = []
        with _lookup_errors():
            async for model in client.models.list(limit=_MOST_MODELS, timeout=None, extra_headers=headers):
                if (listed := _listed(model)) is not None:
                    models.append(listed)
                if len(models) >= _MOST_MODELS:
                    break
        return models

    async def count_tokens(self, spec: RequestSpec, key: str | None) -> int:
        """See `Wire.count_tokens`."""
        client = self._clients.of(spec.endpoint, key, LOOKUP_SLOT)
        with _lookup_errors():
            counted = await client.messages.count_tokens(**request_body.count_arguments(spec), timeout=None)
        tokens = _count_of(getattr(counted, "input_tokens", None))
        if tokens is None:
            raise NoAnswerError
        return tokens


def _lane_of(spec: RequestSpec) -> tuple[str, str]:
    return spec.endpoint.base_url, spec.target


@contextmanager
def _connection_errors() -> Iterator[None]:
    """Turn the SDK's errors of a connection into the HTTP library's."""
    try:
        yield
    except anthropic.APITimeoutError as error:
        raise httpx2.ConnectTimeout(str(error)) from error
    except anthropic.APIConnectionError as error:
        raise httpx2.NetworkError(str(error)) from error


@contextmanager
def _lookup_errors() -> Iterator[None]:
    """Turn whatever a look-up raises into what `Wire` promises."""
    try:
        with _connection_errors():
            yield
    except anthropic.APIStatusError as error:
        raise NoAnswerError(error.status_code) from error
    except (anthropic.AnthropicError, ValueError, TypeError, AttributeError) as error:
        # Clients of clouds refuse by themselves what their service lacks; nobody checks what a server sends.
        raise NoAnswerError from error


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
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_WORD else None


def _date(value: object) -> date | None:
    return value.date() if isinstance(value, datetime) else None


def _count_of(value: object) -> int | None:
    return value if is_count(value) else None
