"""What may stand as an endpoint's base URL."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from tui.config.wording import shown

_HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+(?:%\w+)?")


def complaint(url: str) -> str | None:
    """What is wrong with `url` as a base URL, as the end of a sentence; None when nothing is.

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
    if path.endswith(("/v1", "/v1/messages")):
        return "must end before /v1, which is added to every request"
    return None


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        return None
    return parts


def is_plain_and_remote(url: str) -> bool:
    """True when a key sent to `url` could be read on the way: http to a host that is not this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address == ipaddress.IPv6Address("::1") or (address.version == 4 and address.is_loopback)
