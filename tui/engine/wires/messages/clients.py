"""The SDK's clients: one per endpoint, key and slot, each with connections of its own."""

import ssl
from typing import Any

import anthropic
import httpx2

from tui.core.target import Endpoint
from tui.engine.exchange import Exchange
from tui.engine.transport.http_transport import StampedTransport, tls_context
from tui.engine.transport.stamped_stream import observer
from tui.engine.wires.messages.bedrock import BedrockClient

Client = anthropic.AsyncAnthropic | anthropic.AsyncAnthropicFoundry | anthropic.AsyncAnthropicVertex | BedrockClient


class Clients:
    """Makes clients and keeps them."""

    def __init__(self) -> None:
        self._clients: dict[tuple[object, ...], Client] = {}
        self._tls: dict[str | None, ssl.SSLContext] = {}

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()

    def of(self, endpoint: Endpoint, key: str | None, slot: int) -> Client:
        """The client for this endpoint, key and slot.

        Raises OSError if the certificate authorities cannot be read, ValueError if the URL or the proxy is none.
        """
        where = (endpoint.kind, endpoint.base_url, endpoint.region, endpoint.project, endpoint.ca_file, endpoint.proxy)
        client_id = (*where, endpoint.key_header, endpoint.aws_credentials, key, slot)
        if (client := self._clients.get(client_id)) is None:
            client = self._clients[client_id] = self._make(endpoint, key)
        return client

    def _make(self, endpoint: Endpoint, key: str | None) -> Client:
        if (tls := self._tls.get(endpoint.ca_file)) is None:
            tls = self._tls[endpoint.ca_file] = tls_context(endpoint.ca_file)
        http_client = httpx2.AsyncClient(
            transport=StampedTransport(endpoint.base_url, tls, endpoint.proxy),
            event_hooks={"request": [_attach_trace]},
            follow_redirects=False,
            trust_env=False,
        )
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
            # With a token of ours the SDK needs none of Google's libraries.
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


async def _attach_trace(request: httpx2.Request) -> None:
    exchange = observer.get()
    assert isinstance(exchange, Exchange)
    request.extensions["trace"] = exchange.trace
