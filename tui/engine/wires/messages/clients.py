"""The SDK's clients: one per endpoint, key and connection."""

from typing import Any

import anthropic
import httpx2

from tui.core.target import Endpoint
from tui.engine.transport.http_transport import HttpClients

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
        headers[endpoint.key_header] = key
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
