"""The Messages API through Anthropic's SDK, which builds and signs requests and knows the clouds' routes."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import date, datetime
from functools import partial
from typing import Any

import anthropic
import httpx2

from tui.core.events import FailureKind
from tui.core.model import ListedModel
from tui.core.plan import RequestSpec
from tui.core.target import Endpoint, as_header
from tui.engine import failures
from tui.engine.failures import Refusal, UnsentError
from tui.engine.reporter import RequestReporter
from tui.engine.server_words import error_in
from tui.engine.transport.http_transport import HttpClients, lookup_timeout
from tui.engine.wires import LOOKUP_SLOT, NoAnswerError, count_of, word_of
from tui.engine.wires.messages import request_body
from tui.engine.wires.messages.answer import MessageReader, refusal_of

_MOST_MODELS = 1000


class MessagesWire:
    """The Messages API, at every kind of endpoint that serves it. See `Wire`."""

    title = "Messages API"
    request_id_header = "request-id"
    kept = staticmethod(request_body.kept)

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
        refusal = refusal_of(*error_in(body))
        return refusal._replace(kind=FailureKind.THREAD_LOST) if request_body.is_thread_lost(body) else refusal

    async def list_models(self, endpoint: Endpoint, key: str | None) -> list[ListedModel]:
        """See `Wire.list_models`."""
        client = self._clients.of(endpoint, key, LOOKUP_SLOT)
        if isinstance(client, anthropic.AsyncAnthropicVertex | BedrockClient):
            raise NoAnswerError  # the SDK's client has no such route
        models: list[ListedModel] = []
        with _lookup_errors():
            listing = client.models.list(
                limit=_MOST_MODELS, timeout=lookup_timeout(endpoint), extra_headers=_headers(endpoint)
            )
            async for model in listing:
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
        tokens = count_of(getattr(counted, "input_tokens", None))
        if tokens is None:
            raise NoAnswerError
        return tokens

    async def knock(self, endpoint: Endpoint, key: str | None) -> httpx2.Response:
        """See `Wire.knock`."""
        client = self._clients.of(endpoint, key, LOOKUP_SLOT)
        # Vertex has a route per model, which nobody has named; that of counts is of the same project and region.
        path = "/v1/messages/count_tokens" if isinstance(client, anthropic.AsyncAnthropicVertex) else "/v1/messages"
        options: Any = {"headers": _headers(endpoint), "timeout": lookup_timeout(endpoint)}
        try:
            with _connection_errors():
                return await client.post(path, cast_to=httpx2.Response, body={}, options=options)
        except anthropic.APIStatusError as error:
            return error.response
        except SigningError as error:
            raise UnsentError(failures.unsigned(endpoint, str(error))) from error


def _headers(endpoint: Endpoint) -> dict[str, str]:
    """Headers of a request that no specification of a run stands behind."""
    version = {"anthropic-version": endpoint.api_version} if endpoint.api_version else {}
    return {**endpoint.headers, **version}


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
        raise NoAnswerError(error.response) from error
    except (anthropic.AnthropicError, ValueError, TypeError, AttributeError) as error:
        # Clients of clouds refuse by themselves what their service lacks; nobody checks what a server sends.
        raise NoAnswerError from error


def _listed(model: object) -> ListedModel | None:
    """A model of the list; None for what cannot be one. The SDK does not check what a server sends."""
    name = word_of(getattr(model, "id", None))
    if name is None:
        return None
    able = getattr(model, "capabilities", None)
    thinking = getattr(able, "thinking", None)
    return ListedModel(
        id=name,
        display_name=word_of(getattr(model, "display_name", None)),
        line=word_of(getattr(model, "line", None)),
        lifecycle=word_of(getattr(model, "lifecycle", None)),
        deprecated_on=_date(getattr(model, "deprecated_at", None)),
        retires_on=_date(getattr(model, "retires_at", None)),
        context_tokens=count_of(getattr(model, "max_input_tokens", None)) or None,
        max_output_tokens=count_of(getattr(model, "max_tokens", None)) or None,
        thinking=_supported(getattr(thinking, "types", None), ("adaptive", "enabled", "disabled", "between_tools")),
        effort=_supported(getattr(able, "effort", None), ("low", "medium", "high", "xhigh", "max")),
    )


def _supported(capability: object, names: tuple[str, ...]) -> tuple[str, ...] | None:
    if capability is None:
        return None
    return tuple(name for name in names if getattr(getattr(capability, name, None), "supported", None) is True)


def _date(value: object) -> date | None:
    return value.date() if isinstance(value, datetime) else None


SDK_VERSION = anthropic.__version__

_INSTALL = "Install AWS's library (pip install 'latency-tui[bedrock]'), or name a Bedrock API key with api_key_env."


class SigningError(anthropic.AnthropicError):
    """A request that could not be signed, and so was not sent. The words hold no secret."""


class BedrockClient(anthropic.AsyncAnthropicBedrockMantle):
    """Client of the Messages API on Amazon Bedrock, with a bearer token of Bedrock's or signed (SigV4)."""

    async def _prepare_request(self, request: httpx2.Request) -> None:
        try:
            await super()._prepare_request(request)
        except ImportError:
            raise SigningError(f"AWS's library is not installed. {_INSTALL}") from None
        except Exception as error:
            # boto3 and botocore raise errors of many kinds, for profiles, expired sign-ins and roles.
            raise SigningError(f"{error}. Sign in to AWS, or name a Bedrock API key with api_key_env.") from error


Client = anthropic.AsyncAnthropic | anthropic.AsyncAnthropicFoundry | anthropic.AsyncAnthropicVertex | BedrockClient


class SdkClients:
    """Makes clients over the engine's own connections, and keeps them."""

    def __init__(self, connections: HttpClients) -> None:
        self._connections = connections
        self._clients: dict[tuple[object, ...], Client] = {}

    def of(self, endpoint: Endpoint, key: str | None, slot: int) -> Client:
        """The client for this endpoint, key and slot. Raises UnsentError."""
        http_client = self._connections.of(endpoint, slot)
        how = (endpoint.kind, endpoint.base_url, endpoint.region, endpoint.project, endpoint.key_header)
        client_id = (http_client, *how, endpoint.aws_credentials, key)
        if (client := self._clients.get(client_id)) is None:
            client = self._clients[client_id] = _make(endpoint, key, http_client)
        return client


def _make(endpoint: Endpoint, key: str | None, http_client: httpx2.AsyncClient) -> Client:
    headers: dict[str, str] = {}
    if not key or endpoint.key_header != "authorization":
        # With no key the SDK would look for credentials elsewhere; the header is dropped instead.
        headers["Authorization"] = anthropic.Omit()  # type: ignore[assignment]
    if key and endpoint.key_header != "authorization":
        headers[endpoint.key_header] = as_header(endpoint.key_header, key)
    common: dict[str, Any] = {"max_retries": 0, "http_client": http_client, "open_telemetry": False}
    if endpoint.kind == "foundry":
        return anthropic.AsyncAnthropicFoundry(api_key=key or "none", base_url=endpoint.base_url, **common)
    if endpoint.kind == "vertex":
        # With a token given the SDK needs none of Google's libraries.
        return anthropic.AsyncAnthropicVertex(
            access_token=key or "none",
            base_url=f"{endpoint.base_url}/v1",
            region=endpoint.region or "",
            project_id=endpoint.project or "",
            **common,
        )
    if endpoint.kind == "bedrock":
        return BedrockClient(
            api_key=key,
            skip_auth=not key and not endpoint.aws_credentials,
            aws_region=endpoint.region,
            base_url=endpoint.base_url,
            **common,
        )
    return anthropic.AsyncAnthropic(
        api_key=key or "none", base_url=endpoint.base_url, default_headers=headers or None, **common
    )
