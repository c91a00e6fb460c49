"""Hosts that are reached by the system's ssh, as a person's configuration of it says, at a real sshd."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from canary import KEY
from ssh_server import MISSING, SshServer

from tui import __version__
from tui.simulator.process import SimulatorProcess

pytestmark = pytest.mark.skipif(MISSING is not None, reason=f"{MISSING} is not installed (Debian: openssh-server)")

PLAN = """
endpoint = "gateway"
[prompt]
user = "Say hello."
[parameters]
max_tokens = 20
[[targets]]
model = "sim-fast"
[endpoints.gateway]
base_url = "{url}"
api_key_env = "GATEWAY_KEY"
[[hosts]]
name = "desk"
[[hosts]]
name = "tokyo"
ssh = "tokyo"
[[hosts]]
name = "lent"
ssh = "tokyo"
forward_key = true
[series]
repeats = 1
warm_ups = 0
"""


@pytest.fixture
def url() -> Iterator[str]:
    with SimulatorProcess.start() as simulator:
        yield simulator.base_url


class Person:
    """Somebody with a configuration of ssh of their own, who runs the program here."""

    def __init__(self, environ: dict[str, str], directory: Path, configuration: str) -> None:
        # The client takes its configuration from the account's home, which no variable moves.
        (directory / "bin").mkdir()
        (directory / "ssh_config").write_text(configuration)
        wrapper = directory / "bin" / "ssh"
        wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {directory / "ssh_config"} "$@"\n')
        wrapper.chmod(0o755)
        self.environ = environ | {"PATH": f"{directory / 'bin'}:{environ['PATH']}"}

    def runs(self, *arguments: str, **also: str) -> "subprocess.CompletedProcess[str]":
        """A command of the program, to its end."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "tui", *arguments],
            env=self.environ | also,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # without a terminal, whatever the tests have
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def their_host(environ: dict[str, str], directory: Path) -> dict[str, str]:
    """The environment of logins on the other host, where the program is installed and other files lie."""
    (directory / "theirs" / "latency-tui").mkdir(parents=True)
    return environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(directory / "their-home"),
        "XDG_CONFIG_HOME": str(directory / "theirs"),
    }


def by_host(text: str) -> dict[str, dict[str, Any]]:
    return {request["host"]: request for request in json.loads(text)["requests"]}


def test_each_host_uses_its_own_key_unless_it_is_lent_one(environ: dict[str, str], tmp_path: Path, url: str) -> None:
    there = their_host(environ, tmp_path)
    theirs = tmp_path / "theirs" / "latency-tui" / "config.toml"
    # The key is not in their environment: their own file says how it is had.
    command = json.dumps([sys.executable, "-c", f"print({KEY[::-1]!r}[::-1])"])
    theirs.write_text(f'[endpoints.gateway]\nbase_url = "{url}"\nkey_command = {command}\n')
    (tmp_path / "plan.toml").write_text(PLAN.format(url=url))
    with SshServer(tmp_path / "sshd", there, ("PATH",)) as server:
        person = Person(environ, tmp_path, server.configuration("tokyo"))
        plan = str(tmp_path / "plan.toml")
        # Here the key is one that the server refuses: what is refused came from here.
        ran = person.runs("run", plan, "--json", "-", "--quiet", GATEWAY_KEY="invalid")
        found = by_host(ran.stdout)
        assert found["tokyo"]["status"] == "done", (found["tokyo"].get("error"), ran.stderr)
        assert found["desk"]["error"]["kind"] == "bad_key"
        assert found["lent"]["error"]["kind"] == "bad_key"
        info = json.loads(ran.stdout)["runs"][0]["info"]
        assert [host["name"] for host in info["hosts"]] == ["desk", "tokyo", "lent"]
        assert 0 < info["hosts"][1]["error_ns"] < 10**9

        doctor = person.runs("doctor", "--config", plan, "--host", "tokyo", GATEWAY_KEY="invalid")
        assert doctor.returncode == 0, doctor.stdout
        assert "of tokyo's own" in doctor.stdout
        theirs.unlink()
        doctor = person.runs("doctor", "--config", plan, "--host", "tokyo", GATEWAY_KEY=KEY)
        assert doctor.returncode == 1
        assert "GATEWAY_KEY" in doctor.stdout
        assert "on tokyo" in doctor.stdout


def test_what_is_missing_there_is_fetched_or_said_with_what_to_type(
    environ: dict[str, str], tmp_path: Path, url: str
) -> None:
    (tmp_path / "plan.toml").write_text(PLAN.format(url=url).replace('name = "lent"', 'name = "twin"'))
    theirs = tmp_path / "their-bin"
    theirs.mkdir()
    (theirs / "sh").symlink_to("/bin/sh")
    with SshServer(tmp_path / "sshd", environ | {"PATH": str(theirs)}, ("PATH",)) as server:
        person = Person(environ, tmp_path, server.configuration("tokyo"))
        ran = person.runs("run", str(tmp_path / "plan.toml"), "--json", "-", "--quiet", GATEWAY_KEY=KEY)
        assert ran.returncode == 3
        found = by_host(ran.stdout)
        assert found["desk"]["status"] == "done"
        assert found["tokyo"]["status"] == found["twin"]["status"] == "interrupted"
        assert "tokyo has no latency-tui that its shell finds" in found["tokyo"]["error"]["message"]
        assert "To install it: ssh tokyo 'python3 -m venv " in found["tokyo"]["error"]["message"]

        # With uv there it is fetched, in this version.
        wanted = f"--quiet --from latency-tui=={__version__} latency-tui engine"
        uvx = theirs / "uvx"
        uvx.write_text(f'#!/bin/sh\n[ "$*" = "{wanted}" ] && exec {sys.executable} -P -m tui engine\n')
        uvx.chmod(0o755)
        doctor = person.runs("doctor", "--config", str(tmp_path / "plan.toml"), "--host", "tokyo", GATEWAY_KEY=KEY)
        assert f"latency-tui {__version__}" in doctor.stdout

        (tmp_path / "ssh_config").write_text(server.configuration("tokyo", is_known=False))
        doctor = person.runs("doctor", "--config", str(tmp_path / "plan.toml"), "--host", "tokyo", GATEWAY_KEY=KEY)
        assert doctor.returncode == 1
        assert "tokyo started no engine (status 255) (Host key verification failed.)" in doctor.stdout
        assert "Where there is a terminal, ssh asks on it" in doctor.stdout, "and here is none"
