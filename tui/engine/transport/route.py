"""Routes to endpoints: directly, or through the proxy that the plan or the environment names."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple
from urllib.request import getproxies, getproxies_environment, proxy_bypass

import httpcore2
import httpx2

from tui.core.sanitize import clean
from tui.core.target import is_this_machine
from tui.engine.connection_failures import StepError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_IN_THE_PLAN = "the endpoint's proxy"
_OF_THE_SYSTEM = "the system's settings"


class Route(NamedTuple):
    """The way to an endpoint."""

    proxy: httpx2.Proxy | None = None
    source: str = ""
    """Origin of the proxy: a variable, or the plan."""

    @property
    def label(self) -> str | None:
        """The proxy's address, without a password, and what names it; None without a proxy."""
        if self.proxy is None:
            return None
        url = self.proxy.url
        host = f"[{url.host}]" if ":" in url.host else url.host
        return clean(f"{url.scheme}://{host}{f':{url.port}' if url.port else ''} (from {self.source})")


class Steps:
    """Steps of one request's connection, as httpcore2's trace tells them: they say whose fault a failure is."""

    def __init__(
        self, route: Route, trace: Callable[[str, Mapping[str, Any]], Awaitable[None]] | None, timer: asyncio.Timeout
    ) -> None:
        """`trace` is told all of them, and `timer` ends with the connection's set-up."""
        self._route = route
        self._timer = timer
        self._told = trace
        self.passed = route.proxy is None
        """True once the proxy has done its part."""
        self._connecting_with = ""
        self._tunnelling = False
        self._stream: httpcore2.AsyncNetworkStream | None = None

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """See `Exchange.trace`."""
        step = name.partition(".")[2]
        if step == "send_request_headers.started":
            self._tunnelling = info["request"].method == b"CONNECT"
            if not self._tunnelling:
                self.passed = True
                self._timer.reschedule(None)
        elif step == "setup_socks5_connection.complete" or (
            step == "receive_response_headers.complete" and self._tunnelling
        ):
            self.passed = True
        elif step in ("connect_tcp.started", "start_tls.started"):
            self._connecting_with = "TLS" if step.startswith("start_tls") else "TCP"
        elif step in ("connect_tcp.complete", "start_tls.complete"):
            self._connecting_with = ""
            self._stream = info["return_value"]
        if self._told is not None:
            await self._told(name, info)

    async def close(self) -> None:
        """Close the connection that was made, if any; httpcore2 leaves it open where a SOCKS proxy refuses."""
        if self._stream is not None:
            await self._stream.aclose()

    def failed(self, error: Exception) -> StepError:
        """The step at which `error` arose, with it as the cause."""
        refused = type(error).__name__ == "ProxyError"
        step = StepError(self._route.label, passed=self.passed and not refused, connecting_with=self._connecting_with)
        step.__cause__ = error
        return step


def route_to(url: httpx2.URL, given: str | None) -> Route:
    """The route to `url`. `given` is a proxy's URL, empty for none; `None` leaves it to the environment.

    The environment's proxy is not asked for this machine, which it could hardly reach; one that is given is, since
    that is how a local server is looked at. Raises ValueError for what is no proxy's address.
    """
    if given is not None:
        return _through(given, _IN_THE_PLAN)
    if is_this_machine(url.host):
        return Route()
    of_environment = getproxies_environment()
    port = url.port or _DEFAULT_PORTS.get(url.scheme)
    if of_environment:
        is_exempt = _is_exempt(of_environment.get("no", ""), url.host, port)
    else:
        is_exempt = bool(proxy_bypass(url.host))
    if is_exempt:
        return Route()
    proxies = getproxies()
    kind = next((name for name in (url.scheme, "all") if proxies.get(name)), None)
    return _through(proxies[kind], _variable(kind)) if kind else Route()


def _through(address: str, source: str) -> Route:
    if not address:
        return Route()
    return Route(httpx2.Proxy(address if "://" in address else f"http://{address}"), source)


def _variable(kind: str) -> str:
    """The variable that names the proxy for this scheme, in the spelling that counts."""
    wanted = f"{kind}_proxy"
    spellings = sorted((name for name in os.environ if name.lower() == wanted), reverse=True)  # lower case first
    return next((name for name in spellings if os.environ[name]), _OF_THE_SYSTEM)


def _is_exempt(no_proxy: str, host: str, port: int | None) -> bool:
    """True if NO_PROXY names the host, as curl reads it: a name with all below it, an address or a network, `*`.

    Beyond curl an entry may end with a port, and a name begin with `*.`.
    """
    host = host.lower().rstrip(".")
    entries = no_proxy.replace(",", " ").split()
    return "*" in entries or any(_names(entry.lower(), host, port) for entry in entries)


def _names(entry: str, host: str, port: int | None) -> bool:
    if "/" in entry:
        return _is_in(entry.replace("[", "").replace("]", ""), host)
    name, given_port = _parted(entry)
    if given_port and given_port != str(port):
        return False
    try:
        return ip_address(name) == ip_address(host)
    except ValueError:
        name = name.removeprefix("*").strip(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))


def _parted(entry: str) -> tuple[str, str]:
    """Host and port of an entry; the port may be absent. An IPv6 address has one only behind brackets."""
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, rest.removeprefix(":")
    host, _, port = entry.partition(":")
    return (entry, "") if ":" in port else (host, port)


def _is_in(network: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False
