"""Failures of connections, one sentence each: whose they are, the endpoint's or the proxy's, and the remedy."""

import errno
import re
import socket
import ssl
from urllib.parse import urlsplit

from tui.core.events import Failure, FailureKind
from tui.core.target import Endpoint
from tui.engine.failures import quote
from tui.engine.limits import BodyError

_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL")
"""OpenSSL's reasons where what answers speaks no TLS."""


_OTHER_PROTOCOLS = {
    "it answered in TLS": "Write https:// instead of http:// in the base URL.",
    "it answered in HTTP/2": "Requests are sent with HTTP/1.1: have the server accept that.",
}
"""Protocols that are not spoken here, and the remedy."""


def other_protocol(first: bytes) -> str | None:
    """The protocol other than HTTP/1.1 that these first bytes of an answer belong to, in words."""
    if first[:2] == b"\x15\x03":  # an alert
        return "it answered in TLS"
    if first[:2] == b"\0\0" and first[3:4] == b"\x04":  # the settings that a server sends first
        return "it answered in HTTP/2"
    return None


class StepError(Exception):
    """Failure at a step of a connection, with what went wrong as its cause."""

    def __init__(self, proxy: str | None, *, passed: bool, connecting_with: str) -> None:
        """`proxy` is its address and what names it."""
        super().__init__("")
        self.proxy = proxy
        self.passed = passed
        """False as long as it is the proxy that is dealt with, and no longer once it has done its part."""
        self.connecting_with = connecting_with
        """`TCP` or `TLS` while that is being set up."""


def connection_failure(error: BaseException, endpoint: Endpoint, *, in_stream: bool) -> Failure:
    """The connection could not be made, or broke. The cause is looked for in the whole chain of exceptions."""
    chain = _chain(error)
    if in_stream:
        return Failure(
            kind=FailureKind.BROKEN_STREAM,
            message=f"The connection broke off in the middle of the answer ({_words(chain)}); what came is kept. "
            "Run it again.",
        )
    step = _step(chain)
    if step is not None and step.proxy is not None and not step.passed:
        return _of_proxy(chain, step.proxy)
    where = f"{endpoint.base_url}, through the proxy {step.proxy}," if step and step.proxy else endpoint.base_url
    for cause in chain:
        if (failure := _of(cause, endpoint, where)) is not None:
            return failure
    remedy, words = "Check the network and run it again.", _words(chain)
    if words in _OTHER_PROTOCOLS:
        remedy = _OTHER_PROTOCOLS[words]
    elif urlsplit(endpoint.base_url).scheme == "http" and "without sending a response" in words:
        remedy = "Check the server there; if its port speaks TLS, write https:// in the base URL."
    return Failure(kind=FailureKind.CONNECTION, message=f"The connection to {where} failed ({words}). {remedy}")


def connect_timed_out(error: BaseException, endpoint: Endpoint, seconds: float) -> Failure:
    """The time for the connection was over."""
    step = _step(_chain(error))
    what, remedy, kind = f"the connection to {endpoint.base_url}", "", FailureKind.TIMEOUT
    if step is not None and step.proxy is not None and not step.passed:
        what, remedy, kind = f"the proxy {step.proxy}", f" {_remedy_of(step.proxy)}", FailureKind.PROXY
    elif step is not None and step.connecting_with == "TLS":
        what = f"the connection to {endpoint.base_url} (TLS; its port is open)"
        remedy = " If it speaks plain HTTP, write http:// in the base URL."
    return Failure(
        kind=kind,
        message=f"Timed out after {seconds:g} s waiting for {what}. Run it again, or raise timeouts.connect.{remedy}",
    )


def stale_connection(error: BaseException, endpoint: Endpoint) -> Failure:
    """The server had closed a kept connection, which showed only when it was used again."""
    return Failure(
        kind=FailureKind.CONNECTION,
        message=f"The kept connection to {endpoint.base_url} was closed there before it was used again "
        f"({_words(_chain(error))}); the request is sent once more on a fresh one.",
    )


def _of(cause: BaseException, endpoint: Endpoint, where: str) -> Failure | None:
    """The failure that this cause alone explains."""
    if isinstance(cause, BodyError):
        return Failure(
            kind=FailureKind.PROTOCOL, message=f"What {where} sent cannot be read: {cause}. Check the server there."
        )
    if isinstance(cause, ssl.SSLError):
        return Failure(kind=FailureKind.TLS, message=f"TLS to {where} failed: {_of_tls(cause)}")
    if isinstance(cause, socket.gaierror):
        return Failure(
            kind=FailureKind.NAME_NOT_FOUND,
            message=f"The name in {where} was not found ({cause.strerror}). Check the base URL and the network.",
        )
    if _is_refused(cause):
        remedy = "Start the server there, or correct the base URL."
        if endpoint.simulated:
            remedy = "The built-in simulator has ended: leave the program and start it again."
        return Failure(kind=FailureKind.CONNECTION_REFUSED, message=f"Nothing accepts connections at {where}. {remedy}")
    return None


def _of_tls(error: ssl.SSLError) -> str:
    """The reason and the remedy."""
    reason = str(getattr(error, "verify_message", "") or getattr(error, "reason", "") or error).rstrip(".")
    if any(word in reason.upper().replace(" ", "_") for word in _NO_TLS):
        return f"what answers there speaks no TLS ({reason}). If it is plain HTTP, write http:// in the base URL."
    if getattr(error, "verify_message", ""):
        remedy = "Check the host's name and the clock; an authority of your own goes into the endpoint's ca_file."
        return f"{reason}. {remedy}"
    return f"{reason}. Check the URL's scheme, the certificate and the clock."


def refused_by_proxy(http_status: int, reason: str, proxy: str) -> Failure:
    """The proxy answered in place of the endpoint: it does not forward without a password."""
    return _of_proxy([OSError(f"{http_status} {reason}")], proxy)


def _of_proxy(chain: list[BaseException], proxy: str) -> Failure:
    """The proxy did not do its part: it cannot be reached, does not let us, or does not get through itself."""
    words = _words(chain)
    remedy = _remedy_of(proxy)
    if any(isinstance(cause, socket.gaierror) for cause in chain):
        what = "has a name that was not found"
    elif any(map(_is_refused, chain)):
        what, remedy = "does not accept connections", f"Start it, or {_lower(remedy)}"
    elif any(isinstance(cause, ssl.SSLError) for cause in chain):
        what, remedy = f"failed at its own TLS ({words})", f"Check its scheme and certificate. {remedy}"
    elif re.match(r"407\b", words) or "NO ACCEPTABLE METHODS" in words:
        what, remedy = f"wants a user name and a password, or other ones ({words})", _password_in(proxy)
    elif "username/password" in words.lower() or "but got" in words or words.startswith("401"):
        what, remedy = f"does not take the user name and the password ({words})", _password_in(proxy)
    elif (refused := re.match(r"([45]\d\d)\b", words)) is not None:
        what = "does not allow this" if refused[1] in ("403", "405") else "could not get through to the endpoint"
        what, remedy = f"{what} ({words})", f"Ask who runs it, or {_lower(remedy)}"
    elif "could not connect" in words:
        what = f"could not get through to the endpoint ({words.rpartition(': ')[2].rstrip('.')})"
    else:
        what = f"broke off before the endpoint was reached ({words})"
    return Failure(kind=FailureKind.PROXY, message=f"The proxy {proxy} {what}. {remedy}")


def _remedy_of(proxy: str) -> str:
    source = proxy.rpartition("(from ")[2].removesuffix(")")
    if "_" in source:
        return f"Correct {source}, or name the endpoint's host in NO_PROXY to go without it."
    return "Correct proxy in the endpoint, or leave it empty to go without one."


def _password_in(proxy: str) -> str:
    source = proxy.rpartition("(from ")[2].removesuffix(")")
    if "_" in source:
        return f"Set both in {source}, as in http://name:password@host:port."
    return "Take proxy out of the endpoint, and set it with both in HTTPS_PROXY: a password does not belong in a file."


def _is_refused(cause: BaseException) -> bool:
    return isinstance(cause, ConnectionRefusedError) or (
        isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED
    )


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _step(chain: list[BaseException]) -> StepError | None:
    return next((cause for cause in chain if isinstance(cause, StepError)), None)


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo:
        current = todo.pop(0)
        if current is None or current in chain:
            continue
        chain.append(current)
        todo += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            todo += current.exceptions
    return chain


def _words(chain: list[BaseException]) -> str:
    """The innermost words there are."""
    return next((quote(str(error)) for error in reversed(chain) if str(error)), type(chain[0]).__name__)
