"""Examination of an endpoint: what stands there, which protocols it speaks, and why a request would fail.

An empty request tells: no server can serve one, so it costs nothing, and a server refuses it only where it knows the
route. Keys are checked before that.
"""

import asyncio
import re
import socket
from typing import NamedTuple

import httpx2
import msgspec

from tui.core.events import EndpointExamined, Event, Failure, FailureKind, Mark, Marked, ProtocolRoute
from tui.core.model import ListedModel
from tui.core.protocol import PROTOCOLS, Protocol
from tui.core.target import Endpoint, Timeouts
from tui.engine import connection_failures, failures
from tui.engine.failures import UnsentError
from tui.engine.reporter import RequestReporter
from tui.engine.request import RequestSender, at_once, refused
from tui.engine.server_words import error_in, is_error
from tui.engine.transport import Exchange, exchange
from tui.engine.transport.tcp_path import min_rtt_ns
from tui.engine.wires import NoAnswerError, Wire

WITHIN_S = 10.0
"""Longest wait for the answer to a look-up, s."""
_NO_SUCH_ROUTE = (404, 405, 410, 501)
_CLOUDS = ("bedrock", "foundry", "vertex")
"""Kinds whose server is known, with its protocol."""
_OF_THE_KEY = re.compile(
    r"\bauthent|\bauthori[sz]|\bunauth|api[-_ ]?key|credential|virtual key|\btoken (passed|expired)|-provider header",
    re.IGNORECASE,
)
_OF_THE_BODY = re.compile(
    r"\b(model|messages?|max_tokens|max_completion_tokens|input|prompt|body|json|fields?)\b", re.IGNORECASE
)
_OF_AN_ANSWER = ("content", "choices", "output")


class _Seen(NamedTuple):
    """Meaning of a response to an empty request for its route."""

    is_there: bool | None
    words: str = ""
    failure: Failure | None = None


async def examine(sender: RequestSender, endpoint: Endpoint, key: str | Failure | None) -> EndpointExamined:
    """Look at one endpoint, with its key, or the reason for which there is none that can be used."""
    own, rtt_ns, proxy = await _asked(sender, endpoint, key)
    models: list[ListedModel] = []
    list_failure: Failure | None = None
    others: list[ProtocolRoute] = []
    if not isinstance(key, Failure) and (own.failure is None or own.failure.http_status is not None):
        models, list_failure = await models_of(sender, endpoint, key)
        if own.failure is None and endpoint.kind not in _CLOUDS:
            asked = await asyncio.gather(*(_asked(sender, view, key) for view in _views(endpoint)))
            others = [route for route, *_ in asked]
    return EndpointExamined(
        endpoint=endpoint.name,
        routes=(own, *others),
        models=len(models),
        list_failure=list_failure,
        proxy=proxy,
        rtt_ns=rtt_ns,
    )


async def _asked(
    sender: RequestSender, endpoint: Endpoint, key: str | Failure | None
) -> tuple[ProtocolRoute, int | None, str | None]:
    """The route of the endpoint's protocol, asked for, the round trip to it, ns, and the proxy on the way."""
    events: list[Event] = []
    rtt_ns = proxy = None
    wire = sender.wire_of(endpoint)
    http_status, seen = None, _Seen(None)
    if isinstance(key, Failure):
        seen = _Seen(None, failure=key)
    else:
        told = Exchange(RequestReporter(0, events.append), at_once, lambda: None, is_aside=True)
        before = exchange.set(told)
        try:
            async with asyncio.timeout(WITHIN_S):
                response = await wire.knock(endpoint, key)
            http_status, seen = response.status_code, _seen(wire, endpoint, response)
            rtt_ns, proxy = _rtt_ns(response) or _connect_ns(events), response.extensions["proxy"]
        except (UnsentError, httpx2.HTTPError, OSError) as error:
            seen = _Seen(None, failure=_failure_of(error, endpoint, "an answer"))
        finally:
            exchange.reset(before)
    route = ProtocolRoute(
        kind=endpoint.kind,
        protocol=wire.title,
        base_url=endpoint.base_url,
        is_there=seen.is_there,
        http_status=http_status,
        words=seen.words,
        failure=seen.failure,
    )
    return route, rtt_ns, proxy


async def models_of(
    sender: RequestSender, endpoint: Endpoint, key: str | None
) -> tuple[list[ListedModel], Failure | None]:
    """The models that the endpoint lists, or why it lists none."""
    wire = sender.wire_of(endpoint)
    try:
        async with asyncio.timeout(WITHIN_S):
            return await wire.list_models(endpoint, key), None
    except NoAnswerError as error:
        return [], _no_list(wire, endpoint, error)
    except (UnsentError, httpx2.HTTPError, OSError) as error:
        return [], _failure_of(error, endpoint, "the list of models")


def _failure_of(error: Exception, endpoint: Endpoint, waiting_for: str) -> Failure:
    """The failure of a look-up that got no answer."""
    if isinstance(error, UnsentError):
        return error.failure
    if isinstance(error, httpx2.ConnectTimeout):
        return failures.timed_out("the connection", endpoint.timeouts.over(Timeouts()).connect, "connect")
    if isinstance(error, TimeoutError):
        return failures.timed_out(waiting_for, WITHIN_S)
    return connection_failures.connection_failure(error, endpoint, in_stream=False)


def _no_list(wire: Wire, endpoint: Endpoint, error: NoAnswerError) -> Failure:
    """The endpoint answers the question for its models with none."""
    status = error.http_status
    if error.response is not None and status not in _NO_SUCH_ROUTE:
        return refused(wire, endpoint, error.response)
    if status is not None:
        message = f"does not list its models (HTTP {status}); type a model's id instead."
    else:
        message = "lists its models in a form not known here; type a model's id."
    return Failure(kind=FailureKind.PROTOCOL, message=f"Endpoint {endpoint.name} {message}", http_status=status)


def _views(endpoint: Endpoint) -> list[Endpoint]:
    """The same server as endpoints of the other protocols, one each."""
    seen = {endpoint.protocol}
    views = []
    for kind, protocol in PROTOCOLS.items():
        base = endpoint.base_url.rstrip("/").removesuffix("/v1")
        if protocol is not Protocol.MESSAGES:
            base = f"{base}/v1" if endpoint.protocol is Protocol.MESSAGES else endpoint.base_url
        view = msgspec.structs.replace(endpoint, kind=kind, base_url=base)
        if kind not in _CLOUDS and protocol not in seen:
            seen.add(protocol)
            views.append(view)
    return views


def _seen(wire: Wire, endpoint: Endpoint, response: httpx2.Response) -> _Seen:
    status, body = response.status_code, response.content
    if status in _NO_SUCH_ROUTE:
        return _Seen(False, failures.quote(error_in(body)[1]))
    value = _json(body)
    words = failures.quote(error_in(body)[1])
    if response.is_success:
        if isinstance(value, dict) and not is_error(value) and any(value.get(name) for name in _OF_AN_ANSWER):
            return _Seen(True)
        if value is None:
            content_type = response.headers.get("content-type", "")
            return _Seen(None, failure=failures.not_an_answer(content_type, streamed=False, wire=wire.title))
        return _Seen(False, words)
    names_the_body = bool(_OF_THE_BODY.search(words))
    is_of_the_server = isinstance(value, dict | list) or (names_the_body and not _is_html(response))
    if 400 <= status < 500 and status not in (401, 403, 407, 429) and is_of_the_server:
        if _OF_THE_KEY.search(words):
            return _Seen(None, failure=failures.key_doubted(status, words, endpoint))
        return _Seen(True, "" if names_the_body else words)
    if status == 500 and isinstance(value, dict) and names_the_body:
        return _Seen(True)  # a server that does not check what it reads
    return _Seen(None, failure=refused(wire, endpoint, response))


def _is_html(response: httpx2.Response) -> bool:
    return "html" in response.headers.get("content-type", "") or response.content.lstrip()[:1] == b"<"


def _json(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None


def _rtt_ns(response: httpx2.Response) -> int | None:
    """The kernel's shortest round trip of the connection, ns, where it has one and the connection stands."""
    connection = response.extensions.get("network_stream")
    sock = connection.get_extra_info("socket") if connection is not None else None
    return min_rtt_ns(sock) if isinstance(sock, socket.socket) else None


def _connect_ns(events: list[Event]) -> int | None:
    """Time that the connection took, without the look-up of its name."""
    marks = {event.mark: event.t_ns for event in events if isinstance(event, Marked)}
    start = marks.get(Mark.RESOLVED, marks.get(Mark.CONNECT_STARTED))
    end = marks.get(Mark.CONNECTED)
    return end - start if start is not None and end is not None else None
