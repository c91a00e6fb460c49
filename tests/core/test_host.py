"""Hosts, and what an endpoint is from there."""

import shlex
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from tui import __version__
from tui.core.engine_events import ClockOffset, Hello, StampSource
from tui.core.host import Host, HostFacts, endpoint_at, engine_there, how_to_install, lent_variable
from tui.core.target import Endpoint

ENDPOINT = Endpoint(
    name="gate-way",
    base_url="https://gateway.example",
    api_key_env="GATEWAY_KEY",
    key_command=("pass", "show"),
    ca_file="~/mine.pem",
    proxy="http://127.0.0.1:3128",
)


def test_what_gives_keys_trust_and_the_way_here_stays_here() -> None:
    there = endpoint_at(Host(name="tokyo", ssh="tokyo"), ENDPOINT)
    assert (there.key_command, there.ca_file, there.proxy) == ((), None, None)
    assert (there.api_key_env, there.base_url) == (ENDPOINT.api_key_env, ENDPOINT.base_url)
    assert endpoint_at(Host(name="desk"), ENDPOINT) == ENDPOINT


def test_what_is_named_for_the_host_goes_along() -> None:
    host = Host(name="tokyo", ssh="tokyo", key_command=("vault",), ca_file="/etc/theirs.pem", proxy="")
    there = endpoint_at(host, ENDPOINT)
    assert (there.key_command, there.ca_file, there.proxy) == (("vault",), "/etc/theirs.pem", "")


def test_a_key_that_only_a_command_gives_is_lent_under_a_name_of_its_own() -> None:
    nameless = msgspec.structs.replace(ENDPOINT, api_key_env=None)
    lent = endpoint_at(Host(name="tokyo", ssh="tokyo", forward_key=True), nameless)
    assert lent.api_key_env == lent_variable(nameless)
    assert lent.key_command == ()
    assert endpoint_at(Host(name="tokyo", ssh="tokyo"), nameless).api_key_env is None
    other = msgspec.structs.replace(nameless, name="gate_way")
    assert lent_variable(other) != lent_variable(nameless)


@pytest.mark.parametrize("host", [Host(name="a"), Host(name="b", ssh="b"), Host(name="c", command=("d",))])
def test_a_name_alone_is_this_machine(host: Host) -> None:
    assert host.is_here is (host.name == "a")
    assert bool(host.launch) is not host.is_here


def test_facts_keep_what_the_engine_said_and_its_clock() -> None:
    hello = Hello(
        app_version="1", sdk_version="2", python="3", platform="Linux", hostname="private", pid=1,
        stamp_source=StampSource.KERNEL, resolution_ns=1, unix_ns=1, mono_ns=1,
    )  # fmt: skip
    facts = HostFacts.of("tokyo", hello, ClockOffset(offset_ns=-5, error_ns=2, rtt_ns=4))
    assert (facts.name, facts.offset_ns, facts.error_ns, facts.platform) == ("tokyo", -5, 2, "Linux")
    assert "private" not in msgspec.json.encode(facts).decode(), "the name of the machine is nobody's affair"


def _there(directory: Path, *programs: str) -> dict[str, str]:
    """The environment of a login where these programs are installed, which say how they were called."""
    for name in programs:
        place = directory / "home" / name if "/" in name else directory / "bin" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f'#!/bin/sh\necho {name} "$@"\n')
        place.chmod(0o755)
    (directory / "bin").mkdir(exist_ok=True)
    (directory / "bin" / "sh").symlink_to("/bin/sh")
    return {"PATH": str(directory / "bin"), "HOME": str(directory / "home")}


@pytest.mark.process
@pytest.mark.parametrize(
    ("programs", "called"),
    [
        (("latency-tui", "uvx", "pipx"), "latency-tui engine"),
        (("uvx", "pipx"), f"uvx --quiet --from latency-tui=={__version__} latency-tui engine"),
        (("pipx",), f"pipx run --spec latency-tui=={__version__} latency-tui engine"),
        ((".local/bin/latency-tui", "uvx"), ".local/bin/latency-tui engine"),
        ((".local/latency-tui/bin/latency-tui",), ".local/latency-tui/bin/latency-tui engine"),
        ((), ""),
    ],
)
def test_a_host_starts_what_it_has(tmp_path: Path, programs: tuple[str, ...], called: str) -> None:
    ran = subprocess.run(
        ["/bin/sh", "-c", engine_there()], env=_there(tmp_path, *programs), capture_output=True, text=True, check=False
    )
    assert ran.stdout.strip() == called
    assert ran.returncode == (0 if called else 127)
    assert ran.stderr == ("" if called else "no latency-tui, uvx or pipx\n")


@pytest.mark.process
@pytest.mark.parametrize("shell", ["bash", "busybox", "csh", "dash", "fish", "ksh", "tcsh", "zsh"])
def test_any_login_shell_takes_that_command(tmp_path: Path, shell: str) -> None:
    if (found := shutil.which(shell)) is None:
        pytest.skip(f"{shell} is not installed")
    command = [found, *(["sh"] if shell == "busybox" else []), "-c", engine_there()]
    environ = _there(tmp_path, "uvx")
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == (f"uvx --quiet --from latency-tui=={__version__} latency-tui engine\n", "")


def test_what_installs_the_program_is_one_command() -> None:
    assert how_to_install(Host(name="pod", command=("kubectl",))) == f"pipx install latency-tui=={__version__}"
    words = shlex.split(how_to_install(Host(name="tokyo", ssh="-oProxyCommand=x; y")))
    assert words[:2] == ["ssh", "-oProxyCommand=x; y"]
    assert len(words) == 3
    assert words[2].endswith(f"/bin/pip install latency-tui=={__version__}")
