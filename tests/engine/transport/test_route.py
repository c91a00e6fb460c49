"""The proxy between: who names it, what goes past it, and what a connection's steps say of a failure."""

import os

import httpx2
import pytest

from tui.engine.transport.route import route_to

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A proxy for all, and nothing else of the kind."""
    for name in [*os.environ]:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", "http://corporate.test:3128")
    return monkeypatch


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("10.10.10.0/24", "https://10.10.10.77", True),
        ("10.10.10.0/24", "https://10.10.11.77", False),
        ("192.0.2.128/25,fd00::/8", "https://[fd12:3456::1]:8443", True),
        ("fd00::/8", "https://[fe80::1]", False),
        ("[fd00::]/8", "https://[fd00::7]", True),
        ("10.0.0.0/33", "https://10.0.0.1", False),
        ("[fd00::1]", "https://[fd00::1]", True),
        ("fd00:0::1", "https://[fd00::1]:9", True),
        ("[fd00::1]:9", "https://[fd00::1]:9", True),
        ("[fd00::1]:9", "https://[fd00::1]:10", False),
        ("10.1.2.3:8000", "https://10.1.2.3:8000", True),
        ("10.1.2.3:8000", "https://10.1.2.3", False),
        ("models.corp:443", "https://models.corp", True),
        ("models.corp:8443", "https://models.corp", False),
        ("*.corp", "https://a.b.corp", True),
        (".corp", "https://a.corp", True),
        ("corp", "https://a.corp", True),
        ("corp", "https://acorp", False),
        ("MODELS.corp.", "https://models.CORP", True),
        ("models.corp", "https://models.corp.", True),
        ("a.test b.test,c.test", "https://b.test", True),
        ("other.test, *", "https://anything.test", True),
        ("*.", "https://anything.test", False),
        ("", "https://anything.test", False),
    ],
)
def test_what_no_proxy_names(variables: pytest.MonkeyPatch, no_proxy: str, url: str, direct: bool) -> None:
    variables.setenv("NO_PROXY", no_proxy)
    assert (route_to(httpx2.URL(url), None).label is None) is direct


@pytest.mark.parametrize(
    ("names", "label"),
    [
        ({}, "http://corporate.test:3128 (from HTTPS_PROXY)"),
        ({"https_proxy": "https://other.test"}, "https://other.test (from https_proxy)"),
        (
            {"HTTPS_PROXY": "", "ALL_PROXY": "socks5h://n:secret@[fd00::2]:1080"},
            "socks5h://[fd00::2]:1080 (from ALL_PROXY)",
        ),
    ],
)
def test_it_is_named_without_its_password(variables: pytest.MonkeyPatch, names: dict[str, str], label: str) -> None:
    for name, value in names.items():
        variables.setenv(name, value)
    assert route_to(httpx2.URL("https://api.test"), None).label == label


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost.", "127.1", "0.0.0.0", "[::1]", "[::]"])
def test_this_machine_is_reached_past_the_environments_proxy_and_through_the_plans(host: str) -> None:
    url = httpx2.URL(f"https://{host}:8080")
    assert route_to(url, None).label is None
    assert route_to(url, "http://127.0.0.1:8888").label == "http://127.0.0.1:8888 (from the endpoint's proxy)"


def test_an_empty_one_of_the_plan_is_none() -> None:
    assert route_to(httpx2.URL("https://api.test"), "").label is None
