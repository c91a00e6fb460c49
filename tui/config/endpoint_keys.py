"""The keys of [endpoints.NAME], but its table of timeouts."""

import re
import shlex
from typing import Any
from urllib.parse import urlsplit

from tui.config import urls
from tui.config.keys import KEY_REMEDY, Key
from tui.config.wording import looks_secret, shown
from tui.core.setting import type_of
from tui.core.target import Endpoint

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_SECRET_HEADER = re.compile(r"(?:^|-)(?:api-?key|key|token|secret|password|cookie|authorization)$")
_OWN_HEADERS = {
    "anthropic-version": "set api_version",
    **dict.fromkeys(
        ("host", "connection", "content-length", "content-type", "transfer-encoding", "accept-encoding", "te"),
        "it belongs to the connection",
    ),
}
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


def words(command: str | tuple[str, ...]) -> tuple[str, ...]:
    """The program and its arguments; a text is split as a shell would, but nothing else of it is done."""
    return tuple(shlex.split(command)) if isinstance(command, str) else command


def _refuse_variable(value: str) -> str | None:
    # Upper case only, and never repeated: what stands here by mistake is most often the key itself.
    if value and not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", value):
        return f"must be the name of an environment variable (upper-case letters, digits and _); {KEY_REMEDY}"
    return None


def _refuse_command(value: str | tuple[str, ...]) -> str | None:
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
        if _SECRET_HEADER.search(low):
            return f"must not set {low}; {KEY_REMEDY}"
        if names.count(low) > 1:
            return f"must not set {low} twice"
        if not isinstance(text, str) or not text.isascii() or not text.isprintable():
            return f"must hold printable ASCII texts, but {low} does not"
    return None


def _refuse_place(value: str) -> str | None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,62}", value):
        return f"must be a name of letters, digits and -, but is {shown(value)}"
    return None


def _refuse_path(value: str) -> str | None:
    return None if value.strip() and value.isprintable() else "must be the path of a PEM file"


def _refuse_proxy(value: str) -> str | None:
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


ENDPOINT = (
    Key(
        name="base_url",
        type=str,
        help="Scheme, host and port of a server that speaks the Messages API, without /v1.",
        refuse=urls.complaint,
    ),
    Key(
        name="api_key_env",
        type=str,
        help="Name of the environment variable that holds the key; empty or absent: no key is sent.",
        chosen_files_only=True,
        refuse=_refuse_variable,
    ),
    Key(
        name="key_command",
        type=str | tuple[str, ...],
        help="Command whose standard output is the key, run when the variable is not set; no shell sees it.",
        chosen_files_only=True,
        refuse=_refuse_command,
    ),
    Key(
        name="key_header",
        type=type_of(Endpoint, "key_header"),
        help="Header that holds the key: authorization (as a bearer token) or x-api-key.",
    ),
    Key(
        name="kind",
        type=type_of(Endpoint, "kind"),
        help="anthropic for the API and what speaks like it; bedrock, foundry or vertex for those clouds.",
    ),
    Key(name="region", type=str, help="Region of Bedrock or Vertex, such as us-east-1.", refuse=_refuse_place),
    Key(name="project", type=str, help="Project of Vertex.", refuse=_refuse_place),
    Key(
        name="aws_credentials",
        type=bool,
        help="Without a key, sign for Bedrock with AWS's own credentials: environment, profile or role.",
        chosen_files_only=True,
    ),
    Key(
        name="api_version",
        type=str,
        help="What is sent as anthropic-version; absent: the newest that takes the parameters.",
        refuse=_refuse_version,
    ),
    Key(name="headers", type=dict[str, Any], help="Further request headers.", refuse=_refuse_headers),
    Key(
        name="ca_file",
        type=str,
        help="PEM file of certificate authorities to trust besides the usual ones.",
        chosen_files_only=True,
        refuse=_refuse_path,
    ),
    Key(
        name="proxy",
        type=str,
        help="URL of the proxy; empty: none; absent: what HTTPS_PROXY and its like say.",
        chosen_files_only=True,
        refuse=_refuse_proxy,
    ),
)
