"""Keys go where somebody said they should: the API's own, the flag's, the variable's, the plan's, and nowhere else."""

from pathlib import Path

import pytest

from tui.config.load import Flags, build_plan, default_endpoint, load
from tui.core.target import Endpoint
from tui.errors import ConfigError

pytestmark = pytest.mark.unit

KEY, TOKEN = {"ANTHROPIC_API_KEY": "sk-ant-1"}, {"ANTHROPIC_AUTH_TOKEN": "token-1"}
LAN = "http://192.168.7.7:11434"
MOVED = {"ANTHROPIC_BASE_URL": LAN}


def asked(sealed: Path, environ: dict[str, str], flags: Flags | None = None) -> Endpoint:
    """The endpoint of a target that names none."""
    settings = load(flags or Flags(), environ, sealed).settings
    plan = build_plan(settings, {}, "http://127.0.0.1:1")
    name = default_endpoint(settings, environ)
    return next(endpoint for endpoint in plan.endpoints if endpoint.name == name)


@pytest.mark.parametrize(
    ("environ", "name", "url", "variable"),
    [
        ({}, "simulator", "http://127.0.0.1:1", None),
        (KEY, "anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY"),
        (TOKEN, "anthropic", "https://api.anthropic.com", "ANTHROPIC_AUTH_TOKEN"),
        (KEY | TOKEN, "anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY"),
        (MOVED, "anthropic", LAN, None),
        (MOVED | TOKEN, "anthropic", LAN, "ANTHROPIC_AUTH_TOKEN"),
        (MOVED | TOKEN | KEY, "anthropic", LAN, "ANTHROPIC_AUTH_TOKEN"),
        (MOVED | KEY, "anthropic", LAN, "ANTHROPIC_API_KEY"),
        (MOVED | {"ANTHROPIC_API_KEY": " "}, "anthropic", LAN, None),
        ({"ANTHROPIC_BASE_URL": " "}, "simulator", "http://127.0.0.1:1", None),
        ({"ANTHROPIC_AUTH_TOKEN": ""}, "simulator", "http://127.0.0.1:1", None),
    ],
)
def test_variables_choose_the_endpoint_and_its_key(
    sealed: Path, environ: dict[str, str], name: str, url: str, variable: str | None
) -> None:
    endpoint = asked(sealed, environ)
    assert (endpoint.name, endpoint.base_url, endpoint.api_key_env) == (name, url, variable)
    assert endpoint.key_header == "authorization"


@pytest.mark.parametrize(
    ("flags", "variable"),
    [
        (Flags(base_url=LAN), None),
        (Flags(base_url="https://gateway.example"), None),
        (Flags(base_url="https://api.anthropic.com.example"), None),
        (Flags(base_url="https://api.anthropic.com"), "ANTHROPIC_API_KEY"),
        (Flags(base_url="https://gateway.example", api_key_env="GATEWAY_KEY"), "GATEWAY_KEY"),
        (Flags(base_url="https://gateway.example", api_key_env="ANTHROPIC_API_KEY"), "ANTHROPIC_API_KEY"),
    ],
)
def test_a_server_of_the_flag_gets_the_key_that_the_flag_names(
    sealed: Path, flags: Flags, variable: str | None
) -> None:
    endpoint = asked(sealed, KEY | TOKEN, flags)
    assert (endpoint.name, endpoint.api_key_env) == ("custom", variable)


@pytest.mark.parametrize(
    ("table", "variable"),
    [
        ('base_url = "https://gateway.example"', None),
        ('base_url = "https://gateway.example"\napi_key_env = "ANTHROPIC_API_KEY"', "ANTHROPIC_API_KEY"),
        ('base_url = "https://gateway.example"\napi_key_env = "GATEWAY_KEY"', "GATEWAY_KEY"),
        ('base_url = "https://api.anthropic.com/"', "ANTHROPIC_API_KEY"),
    ],
)
def test_a_plan_that_moves_the_apis_endpoint_gets_the_key_only_where_it_says_so(
    sealed: Path, table: str, variable: str | None
) -> None:
    (sealed / "plan.toml").write_text(f"[endpoints.anthropic]\n{table}\n")
    endpoint = asked(sealed, KEY, Flags(config=Path("plan.toml")))
    assert (endpoint.name, endpoint.api_key_env) == ("anthropic", variable)


def test_a_key_for_no_server_is_refused(sealed: Path) -> None:
    with pytest.raises(ConfigError, match="--api-key-env needs --base-url"):
        load(Flags(api_key_env="A_KEY"), {}, sealed)
    with pytest.raises(ConfigError, match=r"^--api-key-env: .*a key itself never belongs in a file\.$"):
        load(Flags(base_url=LAN, api_key_env="sk-ant-secret"), {}, sealed)


@pytest.mark.parametrize("host", ["localhost.", "127.1", "0.0.0.0:8080", "[::1]:8080", "LOCALHOST:1"])
def test_this_machine_by_any_of_its_names_may_get_a_key_over_plain_http(sealed: Path, host: str) -> None:
    settings = load(Flags(base_url=f"http://{host}", api_key_env="A_KEY"), {}, sealed).settings
    build_plan(settings, {"A_KEY": "k-1"}, None)


PRIVATE = ["192.168.1.5:11434", "10.1.2.3", "[fd00::5]:8080", "litellm:4000", "gpu.local", "models.corp"]


@pytest.mark.parametrize("host", PRIVATE)
def test_a_private_network_may_get_one_where_the_endpoint_says_so(sealed: Path, host: str) -> None:
    table = f'[endpoints.lan]\nbase_url = "http://{host}"\napi_key_env = "A_KEY"\n'
    (sealed / "plan.toml").write_text(table)
    refused = load(Flags(config=Path("plan.toml")), {}, sealed).settings
    with pytest.raises(ConfigError, match="set plain_http = true in the endpoint for this private network"):
        build_plan(refused, {"A_KEY": "k-1"}, "http://127.0.0.1:1")
    (sealed / "plan.toml").write_text(f"{table}plain_http = true\n")
    allowed = load(Flags(config=Path("plan.toml")), {}, sealed).settings
    build_plan(allowed, {"A_KEY": "k-1"}, "http://127.0.0.1:1")


@pytest.mark.parametrize("host", ["gateway.example", "93.184.216.34", "[2a00::1]", "192.168.1.5.example"])
def test_no_public_one_gets_any(sealed: Path, host: str) -> None:
    text = f'[endpoints.far]\nbase_url = "http://{host}"\nplain_http = true\nsecret_headers = {{ x-key = "A_KEY" }}\n'
    (sealed / "plan.toml").write_text(text)
    settings = load(Flags(config=Path("plan.toml")), {}, sealed).settings
    with pytest.raises(ConfigError, match="so the key in A_KEY could be read on the way: use https, or unset A_KEY"):
        build_plan(settings, {"A_KEY": "k-1"}, "http://127.0.0.1:1")


@pytest.mark.parametrize("prices", ["3", "[1]", "[1, 2, 3]", "[0, -1]", '["free", 1]', "[nan, 1]"])
def test_prices_are_two_numbers(sealed: Path, prices: str) -> None:
    (sealed / "plan.toml").write_text(f'[endpoints.far]\nbase_url = "https://far.example"\nprices = {prices}\n')
    with pytest.raises(ConfigError, match="prices must be a list of 2, each a number from 0 to 10000, but is"):
        load(Flags(config=Path("plan.toml")), {}, sealed)
