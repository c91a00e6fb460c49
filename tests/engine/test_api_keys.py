"""Keys from the environment and from commands: found, refused, and never said."""

import asyncio
import os
import sys
from pathlib import Path

import msgspec
import pytest
from canary import KEY

from engine.driver import fresh
from engine.wires.messages.test_wire import Received, serving
from tui.core.events import Failure, FailureKind
from tui.core.target import Endpoint
from tui.engine.api_keys import Keys

HTTPS = "https://example.org"


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *arguments)


def at(command: tuple[str, ...] = (), *, url: str = HTTPS, variable: str | None = None) -> Endpoint:
    return Endpoint(name="far", base_url=url, api_key_env=variable, key_command=command)


def failed(outcome: str | Failure | None, kind: FailureKind, *words: str) -> None:
    assert isinstance(outcome, Failure)
    assert outcome.kind is kind
    for word in ("far", *words):
        assert word in outcome.message
    assert KEY not in outcome.message
    assert "canary" not in outcome.message
    assert outcome.message.endswith(".")


async def test_a_variable_goes_before_a_command_and_neither_is_no_key() -> None:
    command = python(f"print('{KEY}')")
    keys = Keys({"FAR_KEY": " from-variable\n"})
    assert await keys.of(at(command, variable="FAR_KEY")) == "from-variable"
    assert await keys.of(at(command, variable="OTHER_KEY")) == KEY
    assert await keys.of(at()) is None
    failed(await keys.of(at(variable="OTHER_KEY")), FailureKind.NO_KEY, "set OTHER_KEY")


async def test_a_command_runs_once_for_all_and_again_when_its_key_was_refused(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    endpoint = at(python("import sys; print('key', file=open(sys.argv[1], 'a')); print('key')", str(runs)))
    keys = Keys({})
    assert await asyncio.gather(*(keys.of(endpoint) for _ in range(8))) == ["key"] * 8
    assert await keys.of(endpoint) == "key"
    assert runs.read_text() == "key\n"
    keys.forget(endpoint)
    assert await keys.of(endpoint) == "key"
    assert runs.read_text() == "key\nkey\n"


async def test_one_that_is_cancelled_takes_the_key_from_nobody(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    endpoint = at(python("import sys; print(open(sys.argv[1]).read())", str(fifo)))
    keys = Keys({})
    cancelled, other = (asyncio.create_task(keys.of(endpoint)) for _ in range(2))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.to_thread(fifo.write_text, "key")
    assert await other == "key"
    assert cancelled.cancelled()


async def test_no_shell_sees_the_command() -> None:
    endpoint = at(python("import sys; print(sys.argv[1])", "$(id);`id`"))
    assert await Keys({}).of(endpoint) == "$(id);`id`"


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (f"import sys; print('{KEY}'); sys.exit(3)", FailureKind.NO_KEY, "ended with exit status 3"),
        (f"import sys; print('{KEY}', file=sys.stderr); sys.exit(1)", FailureKind.NO_KEY, "exit status 1"),
        ("import os; os.kill(os.getpid(), 9)", FailureKind.NO_KEY, "was ended by signal 9"),
        ("print('  ')", FailureKind.NO_KEY, "printed nothing"),
        (f"print('{KEY}'); print('second')", FailureKind.BAD_KEY, "line break"),
        ("print('schlüssel-canary')", FailureKind.BAD_KEY, "another character"),
        (f"print('{KEY}' * 100_000)", FailureKind.BAD_KEY, "another character"),
        (f"while True: print('{KEY}')", FailureKind.BAD_KEY, "another character"),
    ],
)
async def test_a_command_that_gives_no_key(
    code: str, kind: FailureKind, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    failed(await Keys({}).of(at(python(code))), kind, words)
    said = "".join(capfd.readouterr())
    assert KEY not in said
    assert "canary" not in said


async def test_a_command_that_does_not_exist() -> None:
    failed(await Keys({}).of(at(("no-such-program",))), FailureKind.NO_KEY, "cannot be run: no such file")


async def test_a_command_that_does_not_end_is_ended_with_its_children() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    failed(await Keys({}, command_within_s=0.2).of(at(python(code))), FailureKind.NO_KEY, "did not end within 0.2 s")


async def test_a_command_that_failed_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "key"
    endpoint = at(python("import sys; print(open(sys.argv[1]).read())", str(path)))
    keys = Keys({})
    failed(await keys.of(endpoint), FailureKind.NO_KEY, "exit status 1")
    path.write_text("key")
    assert await keys.of(endpoint) == "key"


@pytest.mark.parametrize("url", ["http://example.org", "http://10.0.0.1:80", "http://localhost.example.org"])
async def test_no_key_travels_in_the_clear_nor_is_it_looked_for(url: str, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    command = python("import sys; open(sys.argv[1], 'w')", str(mark))
    failed(await Keys({}).of(at(command, url=url)), FailureKind.BAD_KEY, "plain http", "Use https")
    assert not mark.exists()
    failed(await Keys({"K": KEY}).of(at(url=url, variable="K")), FailureKind.BAD_KEY, "was not sent")
    failed(await Keys({}).of(at(url=url, variable="K")), FailureKind.NO_KEY)
    assert await Keys({}).of(at(url=url)) is None


async def test_this_machine_gets_its_key_without_tls() -> None:
    assert await Keys({"K": KEY}).of(at(url="http://127.0.0.1:1", variable="K")) == KEY


GATEWAY = "x-gateway-key: CANARY-A\nnot a header\nHost: evil.example\nX-Team: a: b"


async def test_headers_of_the_environment_go_to_the_api_alone() -> None:
    """The SDK reads the variable by itself, and would send what it holds to every endpoint."""
    received = Received()
    async with serving(received) as port:
        own = {"ANTHROPIC_CUSTOM_HEADERS": GATEWAY, "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}"}
        engine = await fresh(**own, ANTHROPIC_LOG="debug")
        try:
            plain = engine.spec(f"http://127.0.0.1:{port}")
            region = {"region": "us-east-1", "project": "p"}
            for name, kind in (
                ("anthropic", "anthropic"),
                ("evil", "anthropic"),
                ("anthropic", "foundry"),
                ("evil", "vertex"),
                ("evil", "bedrock"),
            ):
                endpoint = msgspec.structs.replace(plain.endpoint, name=name, kind=kind, **region)
                await engine.run(msgspec.structs.replace(plain, endpoint=endpoint))
        finally:
            await engine.close()
    api, *others = received.headers
    assert (api["x-gateway-key"], api["x-team"]) == ("CANARY-A", "a: b")
    assert api["host"].startswith("127.0.0.1")
    assert len(others) == 4
    assert not any("CANARY-A" in str(headers) for headers in others)
    assert "DEBUG" not in engine.client._words.decode()


def test_headers_of_the_environment_go_nowhere_in_plain_sight() -> None:
    keys = Keys({"ANTHROPIC_CUSTOM_HEADERS": GATEWAY})
    open_url = "http://api.anthropic.com"
    far = Endpoint(name="anthropic", base_url=open_url)
    assert keys.with_headers(far) == far
    safe = Endpoint(name="anthropic", base_url="https://api.anthropic.com", headers={"x-team": "mine"})
    assert keys.with_headers(safe).headers == {"x-gateway-key": "CANARY-A", "x-team": "mine"}


@pytest.mark.parametrize("url", [HTTPS, "https://api.anthropic.com.evil.example", "https://127.0.0.1"])
def test_headers_of_the_environment_do_not_follow_a_file_to_another_host(url: str) -> None:
    moved = Endpoint(name="anthropic", base_url=url)
    assert Keys({"ANTHROPIC_CUSTOM_HEADERS": GATEWAY}).with_headers(moved) == moved
    by_variable = {"ANTHROPIC_CUSTOM_HEADERS": GATEWAY, "ANTHROPIC_BASE_URL": f"{url}/ "}
    assert Keys(by_variable).with_headers(moved).headers["x-gateway-key"] == "CANARY-A"
    by_variable["ANTHROPIC_BASE_URL"] = "https://gateway.example"
    assert Keys(by_variable).with_headers(moved) == moved
