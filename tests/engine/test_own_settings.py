"""Endpoints as the host knows them that an engine runs on."""

from pathlib import Path

import msgspec
import pytest

from tui.core.host import Host, endpoint_at, lent_variable
from tui.core.load import LoadSettings
from tui.core.parameters import Parameters
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Timeouts
from tui.engine.api_keys import Keys, lent_to
from tui.engine.own_settings import OwnSettings
from tui.engine.protocol import CancelRequests, Examine, StartLoad, StartRun
from tui.errors import ConfigError

URL = "https://gateway.example"
GIVEN = Endpoint(name="gateway", base_url=URL, api_key_env="GATEWAY_KEY")
LENT = "lent-key-0123456789"
THEIRS = """
[endpoints.gateway]
base_url = "https://gateway.example"
api_key_env = "THEIR_KEY"
key_command = ["vault", "read"]
proxy = "http://127.0.0.1:3128"
ca_file = "/etc/theirs.pem"
secret_headers = { x-extra = "THEIR_EXTRA" }
"""


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the host that the engine runs on."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "latency-tui" / "config.toml"
    file.parent.mkdir()
    file.write_text(THEIRS)
    return file


def seen(endpoint: Endpoint, *, lent: dict[str, str] | None = None, settled: bool = True) -> Endpoint:
    own = OwnSettings({}, Keys({}))
    if settled:
        own.settle(lent or {})
    examine = own.completed(Examine(endpoints=(endpoint,)))
    assert isinstance(examine, Examine)
    spec = RequestSpec(
        request_id=1, target="t", model="m", endpoint=endpoint, prompt=Prompt(), parameters=Parameters(),
        timeouts=Timeouts(),
    )  # fmt: skip
    run = own.completed(StartRun(run_id=1, requests=(spec,)))
    assert isinstance(run, StartRun)
    assert run.requests[0].endpoint == examine.endpoints[0]
    plan = Plan(
        prompt=Prompt(), parameters=Parameters(), targets=(), endpoints=(endpoint,), default_endpoint=endpoint.name
    )
    load = own.completed(StartLoad(run_id=1, plan=plan, settings=LoadSettings(), seed=1, first_request=1))
    assert isinstance(load, StartLoad)
    assert load.plan.endpoints == examine.endpoints
    return examine.endpoints[0]


def test_this_hosts_own_file_completes_what_it_is_told(there: Path) -> None:
    found = seen(GIVEN)
    assert (found.api_key_env, found.key_command) == ("THEIR_KEY", ("vault", "read"))
    assert (found.proxy, found.ca_file) == ("http://127.0.0.1:3128", "/etc/theirs.pem")
    assert found.secret_headers == {"x-extra": "THEIR_EXTRA"}


def test_what_was_named_for_the_host_and_what_was_lent_come_first(there: Path) -> None:
    named = msgspec.structs.replace(GIVEN, key_command=("pass",), proxy="", ca_file="/named.pem")
    found = seen(named, lent={"GATEWAY_KEY": LENT})
    assert (found.key_command, found.proxy, found.ca_file) == (("pass",), "", "/named.pem")
    assert found.api_key_env == "GATEWAY_KEY"


@pytest.mark.parametrize("changed", [{"base_url": "https://evil.example"}, {"kind": "openai"}, {"name": "other"}])
def test_a_key_of_this_host_goes_to_no_other_server(there: Path, changed: dict[str, str]) -> None:
    other = msgspec.structs.replace(GIVEN, **changed)
    assert seen(other) == other


def test_the_engine_of_this_machine_reads_no_file_again(there: Path) -> None:
    assert seen(GIVEN, settled=False) == GIVEN
    there.write_text("endpoint = 5")
    assert seen(GIVEN, settled=False) == GIVEN
    with pytest.raises(ConfigError, match="endpoint must be"):
        seen(GIVEN)


def test_commands_without_endpoints_pass() -> None:
    command = CancelRequests(request_ids=(1,))
    assert OwnSettings({}, Keys({})).completed(command) is command


@pytest.mark.process
async def test_a_key_is_lent_only_where_the_host_says_so_and_found_under_its_variable() -> None:
    environ = {"GATEWAY_KEY": LENT, "X_EXTRA": "extra-0123456789", "OTHER_KEY": "other-0123456789"}
    endpoint = msgspec.structs.replace(GIVEN, secret_headers={"x-extra": "X_EXTRA"})
    commanded = Endpoint(name="second", base_url=URL, key_command=("echo", LENT))
    host = Host(name="tokyo", ssh="tokyo")
    assert await lent_to(host, (endpoint, commanded), environ) == {}
    lending = msgspec.structs.replace(host, forward_key=True)
    lent = await lent_to(lending, (endpoint, commanded), environ)
    assert lent == {"GATEWAY_KEY": LENT, "X_EXTRA": environ["X_EXTRA"], lent_variable(commanded): LENT}
    keys = Keys({})
    keys.lend(lent)
    assert await keys.of(endpoint_at(lending, endpoint)) == LENT
    assert await keys.of(endpoint_at(lending, commanded)) == LENT
    assert LENT in keys.known, "so that it is redacted"
