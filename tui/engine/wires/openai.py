"""Parameters, fields, counts and refusals in which OpenAI's protocols are alike, and the servers that imitate them."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec

from tui.core.events import FailureKind, MessageOpened
from tui.core.model import ListedModel, ListedPrices
from tui.core.parameters import PARAMETERS
from tui.core.plan import RequestSpec
from tui.core.target import Endpoint, as_header
from tui.engine.failures import Refusal, api_failure
from tui.engine.limits import BodyError
from tui.engine.server_words import error_in, words_of
from tui.engine.transport.http_transport import HttpClients, lookup_timeout
from tui.engine.wires import LOOKUP_SLOT, AnswerReader, NoAnswerError, Wire, count_of, merged, word_of

_KINDS: dict[str, FailureKind] = {
    "400": FailureKind.BAD_REQUEST,
    "401": FailureKind.BAD_KEY,
    "402": FailureKind.FORBIDDEN,
    "403": FailureKind.FORBIDDEN,
    "404": FailureKind.UNKNOWN_MODEL,
    "429": FailureKind.RATE_LIMITED,
    "503": FailureKind.OVERLOADED,
    "invalid_request_error": FailureKind.BAD_REQUEST,
    "invalid_prompt": FailureKind.BAD_REQUEST,
    "context_length_exceeded": FailureKind.TOO_LARGE,
    "invalid_api_key": FailureKind.BAD_KEY,
    "insufficient_quota": FailureKind.RATE_LIMITED,
    "rate_limit_exceeded": FailureKind.RATE_LIMITED,
    "rate_limit_error": FailureKind.RATE_LIMITED,
    "overloaded_error": FailureKind.OVERLOADED,
    "server_is_overloaded": FailureKind.OVERLOADED,
    "capacity_exceeded": FailureKind.OVERLOADED,
    "model_not_found": FailureKind.UNKNOWN_MODEL,
}
"""Kinds of failure by the word or the number that an error gives as its code or type."""


def with_parameters(built: dict[str, Any], spec: RequestSpec, renamed: Mapping[str, str]) -> dict[str, Any]:
    """The body with every parameter that is set, where its declaration says; `extra` is merged into it last.

    `renamed` are other fields for some of them, by name, for a server that knows only those.
    """
    for name, value in spec.parameters.set_ones():
        declared = PARAMETERS[name]
        place = renamed.get(name) or declared.elsewhere.get(spec.endpoint.protocol)
        if not place or name == "extra" or value == ():
            continue
        said: Any = list(value) if isinstance(value, tuple) else declared.words.get(value, value)
        for part in reversed(place.split(".")):
            said = {part: said}
        built = _with(built, said)
    return _with(built, spec.parameters.extra or {})


def _with(built: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    return {**built, **{name: merged(built.get(name), value) for name, value in more.items()}}


def refusal_of(answer: object) -> Refusal:
    """The refusal in an error's JSON, in any of the forms that servers of these protocols use."""
    if isinstance(answer, list) and answer:  # Google's
        answer = answer[0]
    if not isinstance(answer, dict):
        return Refusal("", str(answer or ""))
    error = answer.get("error") or answer
    if not isinstance(error, dict):
        return Refusal("", str(error))
    names = [str(error[name]) for name in ("code", "type") if error.get(name) not in (None, "", "error")]
    kind = next((_KINDS[name] for name in names if name in _KINDS), None)
    return Refusal(names[-1] if names else "", words_of(answer), kind)


def opened_by(answer: Mapping[str, Any], request_id: int) -> MessageOpened | None:
    """The head of an answer: its id and the model that gives it; None without an id that can be believed."""
    name, model = word_of(answer.get("id")), word_of(answer.get("model"))
    return None if name is None else MessageOpened(request_id=request_id, message_id=name, model=model)


def counts_of(
    prompt: object, output: object, *, reasoning: object, cached: object, written: object
) -> dict[str, int | None]:
    """Token counts as this program has them: input without what a cache held or took, output with the reasoning."""
    asked, read, kept = count_of(prompt), count_of(cached), count_of(written)
    if asked is not None:
        read = None if read is None else min(read, asked)
        kept = None if kept is None else min(kept, asked - (read or 0))
        asked -= (read or 0) + (kept or 0)
    return {
        "input_tokens": asked,
        "output_tokens": count_of(output),
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": kept,
        "thinking_tokens": count_of(reasoning),
    }


_MOST_MODELS = 1000
_PRICES = ("prompt", "completion", "request", "input_cache_read", "input_cache_write")
_MOST_DOLLARS = 10_000
"""Per million tokens: more is a mistake."""
_CONTEXT = ("context_length", "context_window", "max_context_length", "max_model_len")
"""Fields in which servers list a model's context, which the protocol itself does not say."""


class OpenAIReader(AnswerReader):
    """Base of readers of OpenAI's protocols: their heads and their errors are alike."""

    def _report_head(self, answer: Mapping[str, Any]) -> None:
        if (opened := opened_by(answer, self._reporter.request_id)) is not None:
            self._reporter.report(opened)

    def _refuse(self, answer: object) -> None:
        refusal = refusal_of(answer)
        message, error_type = refusal.message or words_of(answer), refusal.error_type or "error"
        self.failure = api_failure(http_status=200, refusal=refusal._replace(message=message, error_type=error_type))


class OpenAIWire(Wire):
    """One of OpenAI's protocols, at any server that speaks it. See `Wire`."""

    title: str
    path: str
    """Route of its requests below the base URL."""
    request_id_header = "x-request-id"

    def __init__(self, connections: HttpClients) -> None:
        self._connections = connections

    @abstractmethod
    def body(self, spec: RequestSpec) -> dict[str, Any]:
        """The body of a request."""

    @asynccontextmanager
    async def open(self, spec: RequestSpec, key: str | None, slot: int) -> AsyncIterator[httpx2.Response]:
        """See `Wire.open`."""
        client = self._connections.of(spec.endpoint, slot)
        request = client.build_request(
            "POST",
            f"{spec.endpoint.base_url}/{self.path}",
            content=msgspec.json.encode(self.body(spec)),
            headers={"content-type": "application/json", **_headers(spec.endpoint, key)},
            timeout=httpx2.Timeout(None, connect=spec.timeouts.connect),
        )
        response = await client.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()

    def refusal(self, http_status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
        """See `Wire.refusal`."""
        try:
            return refusal_of(msgspec.json.decode(body))
        except (ValueError, RecursionError):
            return Refusal(*error_in(body))

    async def list_models(self, endpoint: Endpoint, key: str | None) -> list[ListedModel]:
        """See `Wire.list_models`."""
        client = self._connections.of(endpoint, LOOKUP_SLOT)
        try:
            response = await client.get(
                f"{endpoint.base_url}/models", headers=_headers(endpoint, key), timeout=lookup_timeout(endpoint)
            )
        except BodyError as error:
            raise httpx2.NetworkError(str(error)) from error
        if not response.is_success:
            raise NoAnswerError(response)
        try:
            answer = msgspec.json.decode(response.content)
        except (ValueError, RecursionError) as error:
            raise NoAnswerError from error
        models = answer.get("data") if isinstance(answer, dict) else answer  # Together sends a bare list
        if not isinstance(models, list):
            raise NoAnswerError
        return [listed for model in models[:_MOST_MODELS] if (listed := _listed(model)) is not None]

    async def count_tokens(self, spec: RequestSpec, key: str | None) -> int:
        """See `Wire.count_tokens`. Compatible servers count nothing ahead: an estimate stands."""
        raise NoAnswerError

    async def knock(self, endpoint: Endpoint, key: str | None) -> httpx2.Response:
        """See `Wire.knock`."""
        client = self._connections.of(endpoint, LOOKUP_SLOT)
        headers = {"content-type": "application/json", **_headers(endpoint, key)}
        url = f"{endpoint.base_url}/{self.path}"
        return await client.post(url, content=b"{}", headers=headers, timeout=lookup_timeout(endpoint))


def _headers(endpoint: Endpoint, key: str | None) -> dict[str, str]:
    headers = {"accept-encoding": "gzip, deflate", **endpoint.headers}
    if key:
        headers[endpoint.key_header] = as_header(endpoint.key_header, key)
    return headers


def _listed(model: object) -> ListedModel | None:
    """A model of the list; None for what cannot be one."""
    if not isinstance(model, dict) or (name := word_of(model.get("id"))) is None:
        return None
    provider = model.get("top_provider")  # OpenRouter's
    most = provider.get("max_completion_tokens") if isinstance(provider, dict) else model.get("max_completion_tokens")
    return ListedModel(
        id=name,
        display_name=word_of(model.get("name") or model.get("display_name")),
        context_tokens=next((count for field in _CONTEXT if (count := _count_of(model.get(field)))), None),
        max_output_tokens=_count_of(most),
        prices=_prices_of(model.get("pricing")),
    )


def _prices_of(pricing: object) -> ListedPrices | None:
    """Prices as OpenRouter lists them, US dollars per token as texts; None where they are not known.

    That is so for a router whose price depends on the request (-1), and where every request has a price of its own.
    """
    if not isinstance(pricing, dict):
        return None
    usd = {name: _dollars_per_million(pricing.get(name)) for name in _PRICES}
    if usd["prompt"] is None or usd["completion"] is None or usd["request"]:
        return None
    return ListedPrices(
        input=usd["prompt"],
        output=usd["completion"],
        cache_read=usd["input_cache_read"],
        cache_write=usd["input_cache_write"],
    )


def _dollars_per_million(price: object) -> float | None:
    """A price per token, as a text, in US dollars per million tokens; None for what is no price.

    Numbers are not read: servers that list those mean other units.
    """
    try:
        usd = float(price) * 1_000_000 if isinstance(price, str) else -1.0
    except ValueError:
        return None
    return round(usd, 9) if 0 <= usd <= _MOST_DOLLARS else None


def _count_of(value: object) -> int | None:
    return count_of(value) or None
