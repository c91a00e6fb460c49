"""Hosts at the far ends of long links, each a network of its own with an sshd and another clock; truth from the server.

The links are of user space (`wan_link.py`): a packet takes its time there, which nothing makes shorter.
"""

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from canary import KEY
from session.test_engines import Several
from ssh_server import MISSING, SshServer
from test_hosts import Person, their_host

from tui.core.events import Content, Status
from tui.core.host import Host
from tui.core.target import Endpoint
from tui.engine import pinger

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
DELAY_MS = {"tokyo": 60, "frankfurt": 5}
"""Each way."""
AHEAD_S = {"tokyo": 100_000, "frankfurt": 5_000}
"""Distance of the clocks there from ours."""
RUNS = 3
PLAN = """
endpoint = "far"
[prompt]
user = "Why is the sky blue?"
[[targets]]
name = "sky"
model = "lane-000"
[endpoints.far]
base_url = "{url}"
api_key_env = "FAR_KEY"
plain_http = true
[[hosts]]
name = "desk"
[[hosts]]
name = "tokyo"
ssh = "tokyo"
forward_key = true
[[hosts]]
name = "frankfurt"
ssh = "frankfurt"
forward_key = true
[series]
repeats = {runs}
warm_ups = 1
"""


def refused() -> str | None:
    """The reason for which this machine gives no networks and clocks of their own; None where it does."""
    if MISSING is not None:
        return f"{MISSING} is not installed (Debian: openssh-server)"
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "network namespaces need Linux, and root"
    try:
        with Path("/dev/net/tun").open("r+b", buffering=0) as tun:
            fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH14x", b"ltprobe%d", 0x1001))
        for options in ("-n", "-T --monotonic 1"):
            subprocess.run(["unshare", *options.split(), "ip", "link"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"this kernel or container gives no TUN device, network or clock of its own: {error}"
    return None


REFUSED = refused()
pytestmark = pytest.mark.skipif(REFUSED is not None, reason=str(REFUSED))


class World:
    """Two far hosts, a server here that all reach, and a person who knows them."""

    def __init__(self, directory: Path, environ: dict[str, str], stack: ExitStack) -> None:
        there = their_host(environ, directory)
        self.address = f"10.77.{_net(1)}.1"
        self.links: dict[str, SshServer] = {}
        configuration = ""
        for at, host in enumerate(DELAY_MS, 1):
            link = [sys.executable, str(BENCHMARKS / "wan_link.py"), f"--delay={DELAY_MS[host]}", f"--net={_net(at)}"]
            clock = ["unshare", "-T", "--monotonic", str(AHEAD_S[host])]
            place = f"10.77.{_net(at)}.2"
            server = SshServer(directory / host, there, ("PATH",), address=place, within=[*link, "--", *clock])
            self.links[host] = stack.enter_context(server)
            configuration += server.configuration(host)
        self.person = Person(environ, directory, configuration)
        self._directory = directory

    @contextmanager
    def serving(self, tokens: int) -> Iterator[tuple[str, Path]]:
        """A server of the API: its URL, and the log that it writes at the end."""
        log = self._directory / f"log-{tokens}.json"
        command = [sys.executable, str(BENCHMARKS / "fidelity_server.py"), str(tokens), "1", str(log)]
        command += ["--host", "0.0.0.0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                yield f"http://{self.address}:{int(server.stdout.readline())}", log
            finally:
                server.terminate()


def _net(number: int) -> int:
    """Part of a link's addresses: others on this machine may test at the same time."""
    return 2 * (os.getpid() % 100) + number


@pytest.fixture
def world(environ: dict[str, str], tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path, environ, stack)


async def test_far_hosts_are_told_apart_by_their_ways_and_a_dead_link_takes_only_its_own(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tmp_path / "plan.toml"
    with world.serving(2) as (url, log):
        plan.write_text(PLAN.format(url=url, runs=RUNS))
        ran = world.person.runs("run", str(plan), "--json", str(tmp_path / "out.json"), FAR_KEY=KEY)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads((tmp_path / "out.json").read_text())
    check_differences(told, ran.stdout)
    check_clocks(told)
    check_starts(told, json.loads(log.read_text()))

    monkeypatch.setenv("PATH", world.person.environ["PATH"])
    monkeypatch.setenv("KEY_GOOD", KEY)
    with world.serving(120) as (url, _log):
        await lose_a_link(world, url, monkeypatch)


async def lose_a_link(world: World, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that carries nothing any more, with all processes at both ends alive."""
    monkeypatch.setattr(pinger, "PING_EVERY_S", 0.1)
    running = Several()
    running.endpoint = Endpoint(name="far", base_url=url, api_key_env="KEY_GOOD", plain_http=True)
    hosts = (Host(name="desk"), Host(name="tokyo", ssh="tokyo", forward_key=True))
    running.engines.expect(hosts, (running.endpoint,))
    await running.engines.connect()
    link = world.links["tokyo"].process.pid
    try:
        numbers = running.start(url, [host.name for host in hosts], model="lane-000")
        await running.until(
            lambda: {*numbers} <= {event.request_id for event in running.events if isinstance(event, Content)},
            "content of both",
        )
        monkeypatch.setattr(pinger, "PONG_WITHIN_S", 0.8)
        pings, before = running.engines.client("tokyo")._pinger, running.engines.client("tokyo")._pinger._number
        await running.until(lambda: pings._number > before, "a ping that is waited for so long")
        os.kill(link, signal.SIGSTOP)
        await running.over()
        assert running.statuses(numbers) == [Status.DONE, Status.INTERRUPTED]
        assert running.records[numbers[1]].text() != ""
        assert running.problems == ["tokyo has not answered for 0.8 s, so the link to it is given up."]
    finally:
        os.kill(link, signal.SIGCONT)
        await running.engines.stop()


def check_differences(told: dict[str, Any], said: str) -> None:
    """The network's part is what the links take, whatever else the machine was busy with."""
    found = {each["host"]: each for each in told["host_differences"]}
    assert found.keys() == DELAY_MS.keys()
    for host, each in found.items():
        assert each["against"] == "desk"
        assert each["runs"] == RUNS
        assert each["network_ms"] >= 2 * DELAY_MS[host] - 0.5
        parts = each["network_ms"] + each["upload_ms"] + each["server_ms"]
        assert parts == pytest.approx(each["ttft_ms"])
        assert f"{each['sentence']}." in said
    assert "sky: tokyo was 1" in said
    assert "slower than desk: 1" in said
    assert found["tokyo"]["network_ms"] > 0.5 * found["tokyo"]["ttft_ms"]


def check_clocks(told: dict[str, Any]) -> None:
    """The kernel was told how far the clocks are apart: what was read is off by no more than is said."""
    for run in told["runs"]:
        for host in run["info"]["hosts"]:
            away_ns = AHEAD_S.get(host["name"], 0) * 1_000_000_000
            assert abs(host.get("offset_ns", 0) - away_ns) <= host.get("error_ns", 0)
            if host["name"] in DELAY_MS:
                assert host["rtt_ns"] >= 2 * DELAY_MS[host["name"]] * 1_000_000


def check_starts(told: dict[str, Any], log: list[dict[str, Any]]) -> None:
    """Requests that left at one moment arrive apart by their ways; what is said of the moment holds that."""
    runs = sorted(told["runs"], key=lambda run: run["info"]["started_unix_ns"])
    arrived = sorted(answer["kernel_received_ns"] for answer in log)
    by_run = [arrived[at : at + 3] for at in range(0, len(arrived), 3)]
    assert len(by_run) == len(runs) == RUNS + 1
    for run, (desk, _frankfurt, tokyo) in zip(runs, by_run, strict=True):
        ends = run["info"]
        doubt_ns = ends["send_spread_ns"] + ends["spread_error_ns"]
        assert tokyo - desk >= DELAY_MS["tokyo"] * 1_000_000 - doubt_ns
