"""From settings to a plan: who is asked where."""

from pathlib import Path

import msgspec
import pytest
from canary import KEY as API_KEY

from tui.config.load import Flags, build_plan, load, needs_simulator
from tui.config.schema import Settings
from tui.core.target import Endpoint, Target
from tui.errors import ConfigError

URL = "http://127.0.0.1:4242"
KEY = {"ANTHROPIC_API_KEY": API_KEY}


@pytest.fixture
def settings(sealed: Path) -> Settings:
    return load(Flags(), {}, sealed).settings


def _with(settings: Settings, *targets: Target, **endpoints: Endpoint) -> Settings:
    return msgspec.structs.replace(
        settings, targets=targets or settings.targets, endpoints=settings.endpoints | endpoints
    )


@pytest.mark.parametrize("environ", [{}, {"ANTHROPIC_API_KEY": ""}, {"ANTHROPIC_API_KEY": " \n"}])
def test_auto_without_a_key_is_the_simulator(settings: Settings, environ: dict[str, str]) -> None:
    plan = build_plan(settings, environ, URL)
    endpoint = plan.endpoint_of(plan.targets[0])
    assert endpoint == Endpoint(name="simulator", base_url=URL, api_key_env=None, simulated=True)
    assert needs_simulator(settings, environ)


def test_auto_with_a_key_is_the_api(settings: Settings) -> None:
    plan = build_plan(settings, KEY, None)
    assert plan.default_endpoint == "anthropic"
    assert plan.endpoint_of(plan.targets[0]).base_url == "https://api.anthropic.com"
    assert not any(endpoint.simulated for endpoint in plan.endpoints)
    assert not needs_simulator(settings, KEY)


def test_no_plan_holds_a_key(settings: Settings) -> None:
    assert API_KEY.encode() not in msgspec.json.encode(build_plan(settings, KEY, URL))


def test_one_target_at_the_simulator_needs_it(settings: Settings) -> None:
    mixed = _with(settings, Target(model="a"), Target(model="b", endpoint="simulator"))
    assert needs_simulator(mixed, KEY)
    plan = build_plan(mixed, KEY, URL)
    assert [plan.endpoint_of(target).simulated for target in plan.targets] == [False, True]
    with pytest.raises(ValueError, match="needs the simulator"):
        build_plan(mixed, KEY, None)


def test_unknown_endpoint_of_a_target(settings: Settings) -> None:
    with pytest.raises(ConfigError, match=r'^"antropic" is not an endpoint; did you mean anthropic\?$'):
        build_plan(_with(settings, Target(model="a", endpoint="antropic")), {}, URL)


@pytest.mark.parametrize(
    "url",
    ["http://example.org", "http://93.184.216.34:80", "http://127.0.0.1.example.org", "http://localhost.example.org",
     "http://[2a00::2]:1", "http://2130706434.example"],
)  # fmt: skip
def test_key_never_travels_in_the_clear(settings: Settings, url: str) -> None:
    remote = _with(settings, far=Endpoint(name="far", base_url=url, api_key_env="FAR_KEY"))
    with pytest.raises(ConfigError) as caught:
        build_plan(remote, {"FAR_KEY": API_KEY}, URL)
    assert str(caught.value) == (
        "endpoints.far.base_url is plain http to another machine, so the key in FAR_KEY could be read on the way: "
        "use https, or unset FAR_KEY."
    )
    build_plan(remote, {}, URL)


def test_headers_of_the_environment_never_travel_in_the_clear(settings: Settings) -> None:
    remote = _with(settings, anthropic=Endpoint(name="anthropic", base_url="http://example.org"))
    moved = {"ANTHROPIC_BASE_URL": "http://example.org"}
    with pytest.raises(ConfigError, match="use https, or unset ANTHROPIC_CUSTOM_HEADERS"):
        build_plan(remote, {"ANTHROPIC_CUSTOM_HEADERS": f"x-gateway-key: {API_KEY}", **moved}, URL)
    build_plan(remote, {"ANTHROPIC_CUSTOM_HEADERS": "no header", **moved}, URL)
    build_plan(remote, {"ANTHROPIC_CUSTOM_HEADERS": f"x-gateway-key: {API_KEY}"}, URL)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:1", "http://127.0.0.1", "http://127.8.9.1:1", "http://[::1]:1", "https://example.org"],
)
def test_key_to_this_machine_or_over_tls(settings: Settings, url: str) -> None:
    near = _with(settings, near=Endpoint(name="near", base_url=url, api_key_env="NEAR_KEY"))
    build_plan(near, {"NEAR_KEY": "x"}, URL)


def test_every_lane_has_a_name_of_its_own(settings: Settings) -> None:
    alike = _with(
        settings, Target(model="a"), Target(model="a"), Target(model="b", name="a (2)"), Target(model="a")
    )  # fmt: skip
    labels = [target.label for target in build_plan(alike, {}, URL).targets]
    assert labels == ["a", "a (3)", "a (2)", "a (4)"]
