"""Failures, one sentence each: the cause, in the server's own words where it gave any, and the remedy."""

import os
import re
import ssl
from collections.abc import Mapping
from typing import NamedTuple

from tui.config.endpoints import way_out
from tui.core.events import Failure, FailureKind
from tui.core.parameters import Parameters
from tui.core.sanitize import clean
from tui.core.target import Endpoint
from tui.errors import reason_of

_LONGEST_QUOTE = 600
"""Characters of a server's own words that are quoted."""

_SAID: dict[FailureKind, tuple[str, str]] = {
    FailureKind.BAD_KEY: ("The server refused the key", ""),
    FailureKind.FORBIDDEN: ("The server does not allow this", "Check what this key may use."),
    FailureKind.UNKNOWN_MODEL: (
        "The server does not know this model or route",
        "Choose another model, or check its spelling.",
    ),
    FailureKind.BAD_REQUEST: ("The server refused the request", "Change the parameter it names."),
    FailureKind.TOO_LARGE: ("The request is too large", "Shorten the prompt."),
    FailureKind.THREAD_LOST: ("The thread of the conversation is gone", "The transcript is sent again as a whole."),
    FailureKind.RATE_LIMITED: ("Rate limited", ""),
    FailureKind.OVERLOADED: ("The server is overloaded", "Run it again in a moment."),
    FailureKind.SERVER_ERROR: ("The server failed", "Run it again; if it stays, look at the server's own log."),
    FailureKind.PROTOCOL: ("The server does not answer this", "Check the base URL."),
}
"""Cause and remedy of each kind of refusal; the remedies left empty depend on the case."""

_SAID_IN_FRONT: dict[FailureKind, str] = {
    FailureKind.BAD_KEY: "Check what it wants besides the API's key, and the base URL.",
    FailureKind.FORBIDDEN: "Check what it lets through, and the base URL.",
    FailureKind.UNKNOWN_MODEL: "Check the path of the base URL.",
    FailureKind.TOO_LARGE: "Raise its limit for the size of requests (nginx: client_max_body_size), or shorten the "
    "prompt.",
    FailureKind.RATE_LIMITED: "",
    FailureKind.OVERLOADED: "Check that what is behind it runs, and run it again.",
    FailureKind.SERVER_ERROR: "Check that what is behind it runs, and run it again.",
}
"""Remedies where it was not the API that refused; for the other kinds the base URL is to be checked."""

_TLS_WANTED = re.compile(r"plain HTTP .*HTTPS port|HTTP request to an HTTPS server|plain HTTP to an SSL", re.IGNORECASE)
"""The words of nginx, Go and Apache for plain http at a port of TLS."""

_names = "|".join([*Parameters.__struct_fields__, "messages", "model", "system", "tools"])
_word = r"(?:[a-z]\w*\.)*[a-z][a-z0-9]*(?:_[a-z0-9]+)+"
_PARAMETER = re.compile(
    rf"""[`'"](?:{_names}|{_word})[`'"]|\b(?:{_names}|{_word})\s*[:.]\s*\w"""
    rf"""|\b(?:parameters?|fields?|arguments?|propert(?:y|ies)|values? (?:of|for))\b\W*{_word}\b"""
    rf"""|\b{_word}\s+(?:is|are|was|must|should|can|cannot|may|not|exceeds|has|required|>|<)\b"""
    rf"""|\b(?:{"|".join(name for name in Parameters.__struct_fields__ if "_" in name)})\b"""
)
"""The name of a parameter in a server's words: set apart, or what the sentence is about."""
_NO_PARAMETER = re.compile(r"\b\w+_(?:error|exception|id|key|token)\b")

_KIND_OF_STATUS: dict[int, FailureKind] = {
    400: FailureKind.BAD_REQUEST,
    401: FailureKind.BAD_KEY,
    402: FailureKind.FORBIDDEN,
    403: FailureKind.FORBIDDEN,
    404: FailureKind.UNKNOWN_MODEL,
    405: FailureKind.UNKNOWN_MODEL,
    410: FailureKind.UNKNOWN_MODEL,
    413: FailureKind.TOO_LARGE,
    415: FailureKind.BAD_REQUEST,
    422: FailureKind.BAD_REQUEST,
    501: FailureKind.UNKNOWN_MODEL,
    429: FailureKind.RATE_LIMITED,
    529: FailureKind.OVERLOADED,
}


class Refusal(NamedTuple):
    """A server's own words for saying no."""

    error_type: str
    message: str
    kind: FailureKind | None = None
    """The meaning of `error_type`, where the HTTP status does not tell it."""


class Answerer(NamedTuple):
    """Sender of a refusal, as far as it is known."""

    request_id: str | None = None
    """The API's own name for the request; what stands in front of it gives none."""
    server: str = ""
    """Its `server` header."""
    is_in_front: bool = False
    """True for a proxy, a gateway or a web server, which answered instead of the API."""
    location: str = ""
    """Absolute URL to which it points on."""


_THE_API = Answerer()
# Possessive: blanks that are tried both ways take a server's page of blanks, which is 64 KB long, many seconds.
_PAGE = re.compile(rb"\s*+(?:\xef\xbb\xbf)?\s*+<(?:!doctype|html|head|body|h1|\?xml)", re.IGNORECASE)
_IN_FRONT = re.compile(
    r"nginx|openresty|tengine|haproxy|envoy|istio|traefik|caddy|apache|varnish|squid|cloudflare|awselb|cloudfront|"
    r"akamai|google frontend|gws|gfe|fastly|kong|iis|lighttpd|litespeed|bigip|netscaler|tinyproxy",
    re.IGNORECASE,
)
"""Names in `server` headers of what stands in front of others."""
_GATEWAY_STATUSES = (502, 503, 504)


def answerer_of(
    http_status: int, headers: Mapping[str, str], body: bytes, request_id: str | None, location: str = ""
) -> Answerer:
    """The sender of this refusal. A page, or a gateway's words, come from what stands in front of the API."""
    server = headers.get("server", "")
    is_json = "json" in headers.get("content-type", "").lower() or body.lstrip()[:1] in (b"{", b"[")
    is_page = bool(_PAGE.match(body)) or "text/html" in headers.get("content-type", "").lower()
    is_gateways = http_status in _GATEWAY_STATUSES or bool(_IN_FRONT.search(server))
    return Answerer(request_id, server, request_id is None and not is_json and (is_page or is_gateways), location)


class UnsentError(Exception):
    """A request that cannot be sent; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def not_sent(reason: str, remedy: str = " Leave it out for this target.") -> Failure:
    """The endpoint's protocol cannot say a parameter, or a file is gone. It is not left out in silence."""
    return Failure(kind=FailureKind.BAD_REQUEST, message=f"Not sent: {reason}.{remedy}")


def no_key(endpoint: Endpoint) -> Failure:
    """The endpoint wants a key and its environment variable holds none."""
    return Failure(
        kind=FailureKind.NO_KEY,
        message=f"No API key for endpoint {endpoint.name}: set {endpoint.api_key_env} in the environment and start "
        "again, or use the simulator (--demo).",
    )


def no_secret_header(endpoint: Endpoint, header: str, variable: str) -> Failure:
    """A secret header of the endpoint cannot be sent: its variable holds nothing, or what no header can hold."""
    return Failure(
        kind=FailureKind.NO_KEY,
        message=f"No value for the header {header} of endpoint {endpoint.name}: set {variable} in the environment and "
        "start again.",
    )


def no_key_from_command(endpoint: Endpoint, how: str) -> Failure:
    """The endpoint's command gave no key. Its output is never repeated."""
    return Failure(
        kind=FailureKind.NO_KEY,
        message=f"No API key for endpoint {endpoint.name}: its key_command {how}. Run it in a shell to see why.",
    )


def unusable_key(endpoint: Endpoint, *, from_command: bool) -> Failure:
    """The key cannot stand in a header. It is not repeated, and not left to a library's exception, which would."""
    what = "holds a line break or another character that no key has."
    if from_command:
        return Failure(
            kind=FailureKind.BAD_KEY,
            message=f"What the key_command of endpoint {endpoint.name} prints {what} Have it print the bare key.",
        )
    return Failure(
        kind=FailureKind.BAD_KEY,
        message=f"The key in {endpoint.api_key_env} {what} Set it to the bare key and start again.",
    )


def unsigned(endpoint: Endpoint, why: str) -> Failure:
    """AWS's credentials could not sign the request."""
    return Failure(
        kind=FailureKind.NO_KEY,
        message=f"The request to endpoint {endpoint.name} could not be signed and was not sent: {quote(why)}",
    )


def open_key(endpoint: Endpoint) -> Failure:
    """The key would travel unencrypted to another machine."""
    way = way_out(endpoint)
    return Failure(
        kind=FailureKind.BAD_KEY,
        message=f"The key of endpoint {endpoint.name} was not sent: {endpoint.base_url} is plain http to another "
        f"machine, where it could be read on the way. {way[0].upper() + way[1:]}.",
    )


def unusable_ca_file(endpoint: Endpoint, error: OSError) -> Failure:
    """The certificates to trust cannot be read: the endpoint's `ca_file`, or those that the environment names.

    `error` may be an ssl.SSLError.
    """
    is_content = isinstance(error, ssl.SSLError)
    reason = "it holds no certificate in PEM form" if is_content else reason_of(error)
    if endpoint.ca_file is not None:
        which = f"The ca_file of endpoint {endpoint.name}, {quote(endpoint.ca_file)},"
    else:
        named = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)]
        which = f"What {' or '.join(named)} names" if named else "The system's list of certificate authorities"
    return Failure(
        kind=FailureKind.TLS, message=f"{which} cannot be used: {quote(reason)}. Correct its path or its content."
    )


def unusable_address(endpoint: Endpoint) -> Failure:
    """The base URL, or the proxy of the configuration or the environment, is no address that can be used.

    The address itself is not repeated: a proxy's may hold a password.
    """
    return Failure(
        kind=FailureKind.CONNECTION,
        message=f"Endpoint {endpoint.name} cannot be reached: its base_url, or the proxy in between, is of a kind not "
        "known here. Check both, and HTTPS_PROXY, HTTP_PROXY and ALL_PROXY in the environment.",
    )


def api_failure(
    *,
    http_status: int,
    refusal: Refusal,
    endpoint: Endpoint | None = None,
    retry_after_s: float | None = None,
    answerer: Answerer = _THE_API,
) -> Failure:
    """The server refused: with an error status, or with an error inside an answer (`http_status` 200)."""
    kind = _KIND_OF_STATUS.get(http_status) or refusal.kind or FailureKind.SERVER_ERROR
    kind = FailureKind.THREAD_LOST if refusal.kind is FailureKind.THREAD_LOST else kind
    named = quote(refusal.error_type)
    where = f"{http_status} {named}".strip() if http_status != 200 else f"{named} in the answer".strip()
    words = quote(refusal.message)
    cause, remedy = _SAID[kind]
    if answerer.is_in_front:
        where += f", {quote(answerer.server)}" if answerer.server else ""
        cause, remedy = "Something in front of the API answered", _SAID_IN_FRONT.get(kind, "Check the base URL.")
    elif kind is FailureKind.BAD_KEY:
        remedy = _key_remedy(endpoint)
    elif kind is FailureKind.BAD_REQUEST and not _names_parameter(words):
        remedy = "Compare the parameters with what this server takes."
    elif kind is FailureKind.SERVER_ERROR and answerer.request_id:
        remedy = f"Run it again; if it stays, report {quote(answerer.request_id)} to the API's support."
    if kind is FailureKind.RATE_LIMITED:
        remedy = (
            f"The server asks to wait {retry_after_s:g} s." if retry_after_s is not None else "Wait a little and rerun."
        )
    if endpoint is not None and endpoint.base_url.startswith("http://") and _TLS_WANTED.search(words):
        remedy = "The port speaks TLS: write https:// instead of http:// in the base URL."
    sentence = f"{cause} ({where}){': ' + words.rstrip('.') if words else ''}."
    return Failure(
        kind=kind,
        message=f"{sentence} {remedy}".strip(),
        http_status=http_status if http_status != 200 else None,
        retry_after_s=retry_after_s,
    )


def redirected(http_status: int, endpoint: Endpoint, answerer: Answerer) -> Failure:
    """The server points to another address, to which the request is not taken."""
    who = f", {quote(answerer.server)}" if answerer.server else ""
    if answerer.location:
        to = f"to {quote(answerer.location)}"
        remedy = "If that is where the API is, make it the base URL; if it is a page to sign in at, do that first."
    else:
        to, remedy = "without saying where", "Check the base URL."
    return Failure(
        kind=FailureKind.PROTOCOL,
        message=f"{endpoint.base_url} redirects ({http_status}{who}) {to}. {remedy}",
        http_status=http_status,
    )


def key_doubted(http_status: int, words: str, endpoint: Endpoint) -> Failure:
    """The server refused in a way that speaks of the key, although its status does not."""
    said = f"The server refused the request for its key ({http_status}): {words.rstrip('.')}."
    return Failure(kind=FailureKind.BAD_KEY, message=f"{said} {_key_remedy(endpoint)}", http_status=http_status)


def _names_parameter(words: str) -> bool:
    return bool(_PARAMETER.search(_NO_PARAMETER.sub("", words)))


def not_an_answer(
    content_type: str,
    *,
    streamed: bool,
    wire: str,
    refusal: Refusal | None = None,
    http_status: int = 200,
    is_empty: bool = False,
) -> Failure:
    """The server answered with a success that holds neither an event stream nor, where none was asked for, a message.

    `wire` is the title of the protocol that it was to speak, `refusal` what the body says, `is_empty` that it has none.
    """
    came = "nothing" if is_empty else quote(content_type) or "no content type"
    words = quote(refusal.message) if refusal is not None else ""
    wanted = "an event stream" if streamed else "a message in JSON, which stream = false asks for"
    return Failure(
        kind=(refusal and refusal.kind) or FailureKind.PROTOCOL,
        message=f"The server answered {http_status} with {came} instead of {wanted}"
        f"{': ' + words.rstrip('.') if words else ''}. Check that the base URL is that of a {wire}.",
    )


def broken_body(how: str) -> Failure:
    """The body of a 200 cannot be decoded."""
    return Failure(
        kind=FailureKind.PROTOCOL,
        message=f"The answer cannot be read: {how}. What came before is kept; check the server or the proxy.",
    )


def timed_out(waiting_for: str, seconds: float, setting: str | None = None) -> Failure:
    """One of our own timeouts struck; `setting` is the configuration key that holds it, `None` for a fixed limit."""
    remedy = f"Run it again, or raise timeouts.{setting}." if setting else "The server may hang: try again."
    return Failure(
        kind=FailureKind.TIMEOUT, message=f"Timed out after {seconds:g} s waiting for {waiting_for}. {remedy}"
    )


def engine_fault(error: BaseException) -> Failure:
    """A fault of the engine; the words help a bug report."""
    return Failure(
        kind=FailureKind.ENGINE,
        message=f"The engine failed inside: {type(error).__name__}: {quote(str(error))}. Please report this.",
    )


def _key_remedy(endpoint: Endpoint | None) -> str:
    variable, command = (endpoint.api_key_env, endpoint.key_command) if endpoint else (None, ())
    if command:
        where = f"{variable}, or what key_command prints" if variable else "what key_command prints"
        return f"Check {where}; it is asked again for the next request."
    if variable:
        return f"Check the key in {variable} and start again."
    return (
        "It wants a key, and none was sent: name the variable that holds it, with --api-key-env beside --base-url or "
        "as api_key_env of the endpoint."
    )


def quote(words: str) -> str:
    """A server's own words, on one line, safe for a terminal, and not longer than a paragraph."""
    line = " ".join(clean(words).split())
    return line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 1] + "…"
