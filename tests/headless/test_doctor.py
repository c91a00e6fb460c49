"""`latency-tui doctor`: every check, and the exit code."""

import json
from pathlib import Path

import pytest
from canary import KEY

from tui.core.events import EndpointExamined, Failure, FailureKind, ProtocolRoute
from tui.core.target import Endpoint
from tui.errors import ExitCode
from tui.headless.doctor import checks_of, locations
from tui.simulator.process import SimulatorProcess

from .conftest import Run

NAMED = ("--api-key-env", "ANTHROPIC_API_KEY")
URL = "http://127.0.0.1:8080"
HERE = Endpoint(name="here", base_url=URL)
MESSAGES = ProtocolRoute(kind="anthropic", protocol="Messages API", base_url=URL, is_there=True, http_status=400)
CHAT = ProtocolRoute(
    kind="openai", protocol="Chat Completions API", base_url=f"{URL}/v1", is_there=True, http_status=400
)


def said(*routes: ProtocolRoute, **more: object) -> tuple[bool, str, bool]:
    """The endpoint's check with its words, and whether the check of the key is well."""
    endpoint, key = checks_of(HERE, EndpointExamined(endpoint="here", routes=routes, **more))  # type: ignore[arg-type]
    return endpoint.ok, endpoint.found, key.ok


def test_an_endpoint_says_what_it_speaks_lists_and_how_far_it_is() -> None:
    ok, found, _ = said(MESSAGES, CHAT, models=19, rtt_ns=80_200_000)
    assert ok
    assert found == "speaks Messages API and Chat Completions API; a round trip takes about 80.2 ms; lists 19 models"


def test_a_server_of_another_protocol_is_wrong_and_the_settings_for_it_are_named() -> None:
    absent = ProtocolRoute(kind="anthropic", protocol="Messages API", base_url=URL, is_there=False, http_status=404)
    ok, found, _ = said(absent, CHAT, models=19)
    assert not ok
    assert "no Messages API" in found
    assert f'kind = "openai" and base_url = "{URL}/v1"' in found
    assert "check the base URL" in said(absent)[1]


def test_what_makes_requests_fail_is_wrong_and_a_refused_key_twice() -> None:
    refused = Failure(kind=FailureKind.BAD_KEY, message="Refused (401).", http_status=401)
    broken = Failure(kind=FailureKind.SERVER_ERROR, message="Failed (502).", http_status=502)
    assert said(ProtocolRoute(kind="anthropic", protocol="Messages API", base_url=URL, failure=refused)) == (
        False,
        "Refused (401)",
        False,
    )
    assert said(ProtocolRoute(kind="anthropic", protocol="Messages API", base_url=URL, failure=broken)) == (
        False,
        "Failed (502)",
        True,
    )
    # The list of models tells of a wrong key where a server reads the body first.
    assert said(MESSAGES, list_failure=refused)[0] is False
    ok, found, _ = said(MESSAGES, list_failure=broken)
    assert ok
    assert "lists no models (HTTP 502)" in found


def test_a_wrong_key_is_wrong_and_the_exit_status_tells(run: Run) -> None:
    with SimulatorProcess.start() as simulator:
        done = run("doctor", "--base-url", simulator.base_url, *NAMED, ANTHROPIC_API_KEY="invalid")
    assert done.returncode == ExitCode.ERROR, done.stdout
    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
    assert any("endpoint custom" in line and "401" in line for line in wrong)
    assert any("key custom" in line and "refused" in line for line in wrong)


def test_all_is_well_on_the_simulator(run: Run) -> None:
    done = run("doctor", "--json", "-")
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert all(check["ok"] for check in checks.values())
    assert "SIMULATED" in checks["endpoint simulator"]["found"]
    assert set(checks) >= {"program", "clock", "engine", "stamps", "terminal", "configuration", "state", "history"}


def test_what_is_wrong_is_named_with_its_remedy(run: Run) -> None:
    done = run("doctor", "--base-url", "https://127.0.0.1:9", *NAMED, ANTHROPIC_API_KEY=KEY)
    assert done.returncode == ExitCode.ERROR
    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
    assert any("endpoint custom" in line and "127.0.0.1:9" in line for line in wrong)


def test_a_key_is_named_by_its_variable_and_never_shown(run: Run) -> None:
    done = run("doctor", "--base-url", "https://127.0.0.1:9", *NAMED, ANTHROPIC_API_KEY=KEY)
    assert "in ANTHROPIC_API_KEY" in done.stdout
    assert KEY not in done.stdout + done.stderr


def test_a_proxy_on_the_way_is_named() -> None:
    proxy = "http://proxy.test:3128 (from HTTPS_PROXY)"
    assert f"a round trip to the proxy {proxy} takes about 5 ms" in said(MESSAGES, proxy=proxy, rtt_ns=5_000_000)[1]


@pytest.mark.parametrize(("fault", "status"), [(None, ExitCode.OK), ("buffered", ExitCode.ERROR)])
def test_a_probe_shows_whether_an_answer_is_held_back_and_its_cost(
    run: Run, tmp_path: Path, fault: str | None, status: ExitCode
) -> None:
    with SimulatorProcess.start(fault=fault) as simulator:
        config = tmp_path / "probe.toml"
        config.write_text(
            f'endpoint = "here"\n[endpoints.here]\nbase_url = "{simulator.base_url}"\n'
            '[[targets]]\nmodel = "claude-haiku-5-5"\n'
            # What the plan's answers must be says nothing of this one, and a judge would cost.
            '[[checks]]\njudge = "Is it {{want}}?"\n[[checks]]\ncommand = ["touch", "asked"]\n[variables]\nwant = "x"\n'
        )
        done = run("doctor", "--probe", "--json", "-", "--config", str(config))
        assert not list(tmp_path.rglob("asked"))
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    probe = checks["probe claude-haiku-5-5"]
    assert done.returncode == status, done.stdout + done.stderr
    assert probe["ok"] is (fault is None)
    # A machine that is too busy to tell says so; it never says that all is well.
    assert ("one by one" if fault is None else "held back") in probe["found"].lower()
    assert "it cost about $" in probe["found"]
    # It is no run: nothing is kept of it.
    assert "not there yet" in checks["history"]["found"]


def test_the_help_says_what_a_probe_costs(run: Run) -> None:
    said = " ".join(run("doctor", "--help").stdout.split())
    assert "at most 64 output tokens" in said


def test_a_place_that_cannot_be_written_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for kind in ("CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path))
    assert [check.ok for check in locations()] == [True, True, True]
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    _, state, history = locations()
    assert (state.ok, history.ok) == (False, True)
    assert "cannot be written" in state.found
    assert "XDG_STATE_HOME" in state.found
