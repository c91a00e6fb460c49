"""Endpoints in a configuration: the values that their keys may hold, and guards on the secrets among them."""

import ipaddress
import re
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from tui.config.keys import keys_of, looks_secret, shown
from tui.core.protocol import MESSAGES_KIND, PROTOCOLS, Protocol
from tui.core.target import ANTHROPIC_HOST, Endpoint, TimeoutOverrides, is_this_machine
from tui.errors import ConfigError
from tui.secret_names import is_secret_name

ANTHROPIC = "anthropic"
"""Name of the API's own endpoint."""
BASE_URL_VARIABLE = "ANTHROPIC_BASE_URL"
CUSTOM_HEADERS_VARIABLE = "ANTHROPIC_CUSTOM_HEADERS"
KEY_REMEDY = "a key itself never belongs in a file"
_HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+(?:%\w+)?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_OWN_HEADERS = {
    "anthropic-version": "set api_version",
    **dict.fromkeys(
        ("host", "connection", "content-length", "content-type", "transfer-encoding", "accept-encoding", "te"),
        "it belongs to the connection",
    ),
}
_PRIVATE = ("local", "localdomain", "lan", "internal", "intranet", "private", "corp", "home", "home.arpa")
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


def refuse_base_url(url: str) -> str | None:
    """The complaint about `url` as a base URL, as the end of a sentence; None for a good one.

    Credentials inside the URL are refused, and no part of such a URL is repeated.
    """
    wanted = "must be an http:// or https:// URL with a host, such as https://api.anthropic.com"
    if not url.isprintable() or " " in url:
        return f"{wanted}, but contains spaces or control characters"
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.netloc:
        return f"{wanted}, but is {shown(url)}"
    if "@" in parts.netloc:
        return "must not contain a user name or password: name the key's environment variable in api_key_env"
    if not parts.hostname or not _HOST.fullmatch(parts.hostname):
        return f"{wanted}, but is {shown(url)}"
    if parts.query or parts.fragment:
        return "must end before any ? or #"
    path = parts.path.rstrip("/")
    if path.endswith(("/v1/messages", "/chat/completions")):
        return "must end before /v1/messages or /chat/completions, which is added to every request"
    return None


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        return None
    return parts


def is_open(endpoint: Endpoint) -> bool:
    """True when a key sent there could be read on the way: plain http to a host that is not this machine.

    In a private network the person may allow that (`plain_http`).
    """
    parts = urlsplit(endpoint.base_url)
    host = (parts.hostname or "").rstrip(".")
    return parts.scheme == "http" and not is_this_machine(host) and not (endpoint.plain_http and _is_private(host))


def _is_private(host: str) -> bool:
    """True for an address of a private network, and for a name that no public server has."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(tuple(f".{name}" for name in _PRIVATE))
    return address.is_private and not address.is_unspecified


def way_out(endpoint: Endpoint) -> str:
    """The remedy for a key that could be read on the way."""
    is_private = _is_private((urlsplit(endpoint.base_url).hostname or "").rstrip("."))
    return "use https, set plain_http = true in the endpoint for this private network" if is_private else "use https"


def words(command: str | tuple[str, ...]) -> tuple[str, ...]:
    """The program and its arguments; a text is split as a shell would, but nothing else of it is done."""
    return tuple(shlex.split(command)) if isinstance(command, str) else command


def _refuse_variable(value: str) -> str | None:
    # Upper case only, and never repeated: what stands here by mistake is most often the key itself.
    if value and not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", value):
        return f"must be the name of an environment variable (upper-case letters, digits and _); {KEY_REMEDY}"
    return None


def refuse_command(value: str | tuple[str, ...]) -> str | None:
    """The complaint about a command, as the end of a sentence; None for a good one."""
    try:
        command = words(value)
    except ValueError:
        return "must be a command, but its quotes are not closed"
    if not command or not command[0] or any("\0" in word for word in command):
        return "must be a program and its arguments"
    if any(word.startswith("sk-") or looks_secret(word.rpartition("=")[2]) for word in command):
        return f"must be a command whose output is the key; {KEY_REMEDY}"
    return None


def _refuse_version(value: str) -> str | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return f"must be a text such as 2026-10-21, but is {shown(value)}"
    return None


def _refuse_headers(value: dict[str, Any]) -> str | None:
    names = [name.lower() for name in value]
    for name, text in value.items():
        low = name.lower()
        if not _HEADER.fullmatch(name):
            return f"must have names of letters, digits and -, but one is {shown(name)}"
        if low in _OWN_HEADERS:
            return f"must not set {low}: {_OWN_HEADERS[low]}"
        if is_secret_name(low):
            return f'must not set {low}; {KEY_REMEDY}: name its variable, as secret_headers = {{ {low} = "VARIABLE" }}'
        if names.count(low) > 1:
            return f"must not set {low} twice"
        if not isinstance(text, str) or not text.isascii() or not text.isprintable():
            return f"must hold printable ASCII texts, but {low} does not"
    return None


def _refuse_key_header(value: str) -> str | None:
    low = value.lower()
    if not _HEADER.fullmatch(value) or looks_secret(value):
        return f"must be the name of a header, such as api-key, but is {shown(value)}"
    return f"must not be {low}: {_OWN_HEADERS[low]}" if low in _OWN_HEADERS else None


def _refuse_secret_headers(value: dict[str, str]) -> str | None:
    names = [name.lower() for name in value]
    for name, variable in value.items():
        if complaint := _refuse_key_header(name):
            return f"holds a name that {complaint}"
        if names.count(name.lower()) > 1:
            return f"must not set {name.lower()} twice"
        if not variable or _refuse_variable(variable):
            return f"must hold names of environment variables (upper-case letters, digits and _); {KEY_REMEDY}"
    return None


def _refuse_place(value: str) -> str | None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,62}", value):
        return f"must be a name of letters, digits and -, but is {shown(value)}"
    return None


def refuse_path(value: str) -> str | None:
    """The same of the path of a PEM file."""
    return None if value.strip() and value.isprintable() else "must be the path of a PEM file"


def refuse_proxy(value: str) -> str | None:
    """The same of a proxy's URL."""
    if not value:
        return None
    wanted = "must be a URL such as http://proxy.example:3128 or socks5://127.0.0.1:1080, or empty for none"
    try:
        parts = urlsplit(value)
        host = parts.hostname
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        return wanted
    if "@" in parts.netloc:
        return "must not contain a user name or password: leave it out and set HTTPS_PROXY in the environment"
    if parts.scheme not in _PROXY_SCHEMES or not host or not value.isprintable() or " " in value:
        return f"{wanted}, but is {shown(value)}"
    return None


ENDPOINT = keys_of(
    Endpoint,
    types={"key_command": str | tuple[str, ...], "headers": dict[str, Any]},
    refuse={
        "base_url": refuse_base_url,
        "api_key_env": _refuse_variable,
        "key_command": refuse_command,
        "region": _refuse_place,
        "project": _refuse_place,
        "api_version": _refuse_version,
        "key_header": _refuse_key_header,
        "secret_headers": _refuse_secret_headers,
        "headers": _refuse_headers,
        "ca_file": refuse_path,
        "proxy": refuse_proxy,
    },
)
"""The keys of [endpoints.NAME], except its table of timeouts."""


def refuse_version_path(given: Mapping[str, Any]) -> str | None:
    """The complaint about an endpoint's base URL that ends in /v1, where its kind adds that; None for a good one."""
    url = str(given.get("base_url", "")).rstrip("/")
    if PROTOCOLS[given.get("kind", MESSAGES_KIND)] is not Protocol.MESSAGES or not url.endswith("/v1"):
        return None
    return 'must end before /v1, which is added to every request; a server of OpenAI\'s protocols has kind = "openai"'


def refuse_combination(given: Mapping[str, Any]) -> str | None:
    """The complaint about values of an endpoint that are missing or exclude each other; None when there is none."""
    if "base_url" not in given:
        return "has no base_url"
    if given.get("kind") == "vertex" and not (given.get("region") and given.get("project")):
        return 'has kind = "vertex", which needs a region and a project'
    if given.get("kind") == "bedrock" and not given.get("region"):
        return 'has kind = "bedrock", which needs a region'
    names = {name.lower() for table in ("headers", "secret_headers") for name in given.get(table, {})}
    if str(given.get("key_header", "authorization")).lower() in names or _in_both(given):
        return "sets a header twice: one name is for the key, a secret header or a header"
    if given.get("aws_credentials") and given.get("kind") != "bedrock":
        return 'has aws_credentials, which only kind = "bedrock" can use'
    return None


def _in_both(given: Mapping[str, Any]) -> bool:
    """True where a header is secret and is not."""
    plain, secret = ({name.lower() for name in given.get(table, {})} for table in ("headers", "secret_headers"))
    return bool(plain & secret)


def endpoint_of(name: str, given: Mapping[str, Any], timeouts: TimeoutOverrides) -> Endpoint:
    """The endpoint of these values, checked before."""
    own = {
        "base_url": given["base_url"].rstrip("/"),
        "api_key_env": given.get("api_key_env") or None,
        "key_command": words(given.get("key_command", ())),
        **{
            table: {header.lower(): value for header, value in given.get(table, {}).items()}
            for table in ("headers", "secret_headers")
        },
        "key_header": given.get("key_header", "authorization").lower(),
    }
    return Endpoint(name=name, timeouts=timeouts, **{**given, **own})


def has_key(endpoint: Endpoint, environ: Mapping[str, str]) -> bool:
    """True when the endpoint's key variable is set to more than blanks, or a command would give a key."""
    return bool(endpoint.key_command) or is_key_set(endpoint, environ)


def unset_headers(endpoint: Endpoint, environ: Mapping[str, str]) -> list[str]:
    """The variables of secret headers that hold nothing."""
    return [variable for variable in endpoint.secret_headers.values() if not environ.get(variable, "").strip()]


def is_key_set(endpoint: Endpoint, environ: Mapping[str, str]) -> bool:
    """True when the endpoint's key variable is set to more than blanks."""
    return endpoint.api_key_env is not None and bool(environ.get(endpoint.api_key_env, "").strip())


def custom_headers(endpoint: Endpoint, environ: Mapping[str, str]) -> dict[str, str]:
    """The headers that the environment adds to requests to the API's own endpoint: often a gateway's key.

    The SDK would send them to every endpoint, which is why its variable is read here. They go to the API's host and to
    the address in `ANTHROPIC_BASE_URL`, which comes from the environment as they do, but not to another that a file
    names for this endpoint. One header a line, as there; what cannot be sent as a header, or belongs to the
    connection, is left out.
    """
    of_variable = endpoint.base_url == environ.get(BASE_URL_VARIABLE, "").strip().rstrip("/")
    is_own = of_variable or urlsplit(endpoint.base_url).hostname == ANTHROPIC_HOST
    if endpoint.name != ANTHROPIC or endpoint.kind != "anthropic" or not is_own:
        return {}
    lines = (line.partition(":") for line in environ.get(CUSTOM_HEADERS_VARIABLE, "").splitlines())
    pairs = ((name.strip().lower(), value.strip()) for name, _, value in lines)
    return {
        name: value
        for name, value in pairs
        if _HEADER.fullmatch(name) and name not in _OWN_HEADERS and value and value.isascii() and value.isprintable()
    }


def refuse_open_key(endpoint: Endpoint, environ: Mapping[str, str]) -> None:
    """Raise ConfigError for an endpoint whose key would travel unencrypted to another machine."""
    if not is_open(endpoint):
        return
    where = f"endpoints.{endpoint.name}.base_url is plain http to another machine"
    if custom_headers(endpoint, environ):
        raise ConfigError(
            f"{where}, so the headers in {CUSTOM_HEADERS_VARIABLE} could be read on the way: {way_out(endpoint)}, or "
            f"unset {CUSTOM_HEADERS_VARIABLE}."
        )
    variable = next((name for name in endpoint.key_variables if environ.get(name, "").strip()), None)
    if variable is not None or endpoint.key_command:
        key, remedy = (f"in {variable}", f"unset {variable}") if variable else ("of key_command", "remove key_command")
        raise ConfigError(f"{where}, so the key {key} could be read on the way: {way_out(endpoint)}, or {remedy}.")
