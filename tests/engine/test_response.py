"""Headers of responses: the few that are kept, and what they ask."""

from datetime import UTC, datetime

import pytest

from tui.engine.response import kept, retry_after_s

pytestmark = pytest.mark.unit

KEPT = {
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-input-tokens-reset": "2026-11-28T21:00:00Z",
    "x-ratelimit-remaining-tokens": "149984",
    "ratelimit-policy": "10;w=1",
    "server": "nginx/1.22.1",
    "server-timing": "edge;dur=3.1, origin;dur=290",
    "via": "1.1 varnish",
    "x-litellm-overhead-duration-ms": "9.9",
    "x-envoy-upstream-service-time": "301",
    "x-kong-upstream-latency": "280",
    "x-kong-proxy-latency": "2",
    "openai-processing-ms": "212",
    "cf-ray": "8f0-TPE",
    "retry-after": "3",
}
DROPPED = (
    "set-cookie",
    "authorization",
    "anthropic-organization-id",
    "date",
    "content-type",
    "x-api-key",
    "x-latency\x1b[31m",
    "x-" + "latency" * 20,
)


def test_those_that_tell_the_api_from_what_stands_before_it() -> None:
    headers = {name.title(): value for name, value in KEPT.items()} | dict.fromkeys(DROPPED, "secret")
    assert kept(headers) == KEPT


def test_they_are_few_short_and_safe_to_show() -> None:
    hostile = "\x1b]52;c;aGFja2Vk\x07\r\nnext\u202eline" * 100
    found = kept({f"x-ratelimit-{number}": hostile for number in range(100)})
    assert len(found) == 32
    for value in found.values():
        assert len(value) <= 256
        assert value.isprintable()
        assert "\u202e" not in value


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
        ({"retry-after": "Wednesday, 21-Oct-26 07:28:00 GMT"}, 30),
        ({"retry-after": "Wed Oct 21 07:28:00 2026"}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 -0000"}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:20:00 GMT"}, 0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Wed, 99 Oct 2026 07:20:00 GMT"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_a_wait_is_seconds_milliseconds_or_a_date(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], seconds: float | None
) -> None:
    now_s = datetime(2026, 10, 21, 7, 27, 30, tzinfo=UTC).timestamp()
    assert retry_after_s(headers, now_s) == seconds
