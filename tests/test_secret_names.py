"""Names that tell secrets."""

import pytest

from tui.secret_names import is_secret_name, is_secret_variable

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("x-api-key", True),
        ("Ocp-Apim-Subscription-Key", True),
        ("cf-aig-authorization", True),
        ("x-auth", True),
        ("x-litellm-token", True),
        ("Cookie", True),
        ("x-author", False),
        ("x-authorized-by", True),
        ("x-team", False),
    ],
)
def test_names_of_headers(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("A_API_KEY", True),
        ("github_token", True),
        ("AWS_BEARER_TOKEN_BEDROCK", True),
        ("DB_PASSWORD", True),
        ("apikey", True),
        ("KEYBOARD", False),
        ("TOKENS", False),
        ("PATH", False),
    ],
)
def test_names_of_variables(name: str, secret: bool) -> None:
    assert is_secret_variable(name) is secret
