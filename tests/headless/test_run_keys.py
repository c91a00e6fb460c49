"""`latency-tui run` at servers with and without keys: who gets which, through the real command and engine."""

import asyncio
import subprocess
from collections.abc import Mapping

import pytest
from canary import KEY
from engine.wires.messages.test_wire import Received, serving

from tui.errors import ExitCode

from .conftest import Run, Workplace

TOKEN = "token-canary-0001"


async def measured(
    run: Run, *arguments: str, environ: Mapping[str, str] | None = None
) -> tuple["subprocess.CompletedProcess[str]", list[dict[str, str]]]:
    """The command's end, and the headers of the requests for a message; `URL` stands for the server's address."""
    received = Received()
    async with serving(received) as port:
        url = f"http://127.0.0.1:{port}"
        given = {name: value.replace("URL", url) for name, value in (environ or {}).items()}
        words = [word.replace("URL", url) for word in arguments]
        done = await asyncio.to_thread(run, "run", "--model", "my-model", *words, **given)
    return done, received.headers


@pytest.mark.parametrize(
    ("arguments", "environ", "sent"),
    [
        (["--base-url", "URL"], {}, None),
        (["--base-url", "URL"], {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_AUTH_TOKEN": TOKEN}, None),
        (["--base-url", "URL", "--api-key-env", "MY_KEY"], {"MY_KEY": TOKEN, "ANTHROPIC_API_KEY": KEY}, TOKEN),
        ([], {"ANTHROPIC_BASE_URL": "URL"}, None),
        ([], {"ANTHROPIC_BASE_URL": "URL", "ANTHROPIC_AUTH_TOKEN": TOKEN}, TOKEN),
    ],
)
async def test_a_server_gets_the_key_that_is_meant_for_it(
    run: Run, arguments: list[str], environ: dict[str, str], sent: str | None
) -> None:
    done, headers = await measured(run, *arguments, environ=environ)
    assert done.returncode == ExitCode.OK, done.stderr
    assert "SIMULATED" not in done.stdout
    assert headers
    for each in headers:
        assert each.get("authorization") == (None if sent is None else f"Bearer {sent}")
        assert KEY not in repr(each)


async def test_a_server_that_wants_one_says_how_to_name_it(run: Run) -> None:
    received = Received()
    received.refuse_with = b'{"error": {"type": "authentication_error", "message": "no key"}}'
    async with serving(received) as port:
        arguments = ("run", "--model", "m", "--base-url", f"http://127.0.0.1:{port}")
        done = await asyncio.to_thread(run, *arguments, ANTHROPIC_API_KEY=KEY)
    assert done.returncode != ExitCode.OK
    assert "--api-key-env" in done.stdout + done.stderr


async def test_secret_headers_and_a_header_of_any_name_come_from_variables(workplace: Workplace) -> None:
    received = Received()
    async with serving(received) as port:
        text = (
            f'endpoint = "gateway"\n[[targets]]\nmodel = "m"\n[endpoints.gateway]\nbase_url = "http://127.0.0.1:{port}"\n'
            'api_key_env = "AZURE"\nkey_header = "api-key"\nsecret_headers = { cf-aig-authorization = "EDGE" }\n'
        )
        (workplace.cwd / "plan.toml").write_text(text)
        environ = {"AZURE": "azure-canary-1", "EDGE": TOKEN}
        done = await asyncio.to_thread(workplace.run, "run", "plan.toml", "--json", "-", **environ)
    assert done.returncode == ExitCode.OK, done.stderr
    assert received.headers[0]["api-key"] == "azure-canary-1"
    assert received.headers[0]["cf-aig-authorization"] == f"Bearer {TOKEN}"
    assert "authorization" not in received.headers[0]
    for written in (done.stdout, done.stderr):
        assert "canary" not in written
        assert "EDGE" not in written
