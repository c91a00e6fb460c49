"""Machines of a cluster on this one: each a network, a host name, a process tree and a home of its own, with an sshd.

Nothing of the system is changed: what a machine has of its own lies over it within its namespaces, and ends with them.
Needs root, Linux.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
DESK = "desk"
"""The machine where the person sits, which all others are joined to."""
_UP_WITHIN_S = 30

_BEGIN = """
set -e
mount --make-rprivate /
mount -t proc proc /proc
hostname "$0"
ip link set lo up
mount --bind "$1/hosts" /etc/hosts
mkdir -p "$2"
for each in $3; do  # programs that lie in root's home
    mkdir -p "$2/$each"
    mount --bind "/root/$each" "$2/$each"
done
mount --rbind "$2" /root
for each in /run /var/log /var/tmp /var/spool; do mount -t tmpfs tmpfs $each; done
mkdir -p /run/sshd
echo ready
exec sleep infinity
"""


def refused() -> str | None:
    """The reason for which there can be no machines here; None where there can."""
    if os.environ.get("FIELD_CLUSTERS") is None:
        return "starts clusters: set FIELD_CLUSTERS=1"
    if SSHD is None or not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "machines of their own need Linux, root and an sshd"
    return None


class Machines:
    """Machines that reach each other by their names."""

    def __init__(self, directory: Path, names: Sequence[str], *, have_one_home: bool = False) -> None:
        """`directory` holds what is theirs, and is the same on all of them; so is root's home with `have_one_home`."""
        self.directory = directory
        self._have_one_home = have_one_home
        self._ends = ExitStack()
        self._pids: dict[str, int] = {}
        self._going_on: list[subprocess.Popen[bytes]] = []
        self.addresses = {name: f"10.78.0.{number}" for number, name in enumerate((DESK, *names), 1)}

    def __enter__(self) -> Self:
        lines = "".join(f"{address} {name}\n" for name, address in self.addresses.items())
        (self.directory / "hosts").write_text(f"127.0.0.1 localhost\n{lines}")
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.directory / "person")], check=True
        )
        try:
            for name in self.addresses:
                self._start(name)
            for name in self.addresses:
                self._start_sshd(name)
        except BaseException:
            self._ends.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()
        for process in self._going_on:
            process.communicate()

    def home(self, name: str) -> Path:
        """Home of root on a machine, as it is seen from here."""
        return self.directory / (DESK if self._have_one_home else name) / "home"

    def on(self, name: str, command: Sequence[str]) -> list[str]:
        """The command that runs another on a machine."""
        return ["nsenter", "-t", str(self._pids[name]), "-n", "-u", "-m", "-p", "--", *command]

    def run(self, name: str, line: str, timeout: float = 120) -> "subprocess.CompletedProcess[str]":
        """A line of a shell on a machine, to its end, as whoever logs in there types it."""
        return subprocess.run(
            self.on(name, self._login(line)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def start(self, name: str, line: str) -> "subprocess.Popen[bytes]":
        """A line of a shell on a machine, which goes on, and hears nothing; it ends with the machine."""
        with (self.directory / name / "log").open("ab") as log:
            process = subprocess.Popen(
                self.on(name, self._login(line)), stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
            )
        self._going_on.append(process)
        return process

    def until(self, name: str, line: str, within_s: float = _UP_WITHIN_S) -> str:
        """Output of a line of a shell, as soon as it succeeds."""
        end = time.monotonic() + within_s
        while True:
            tried = self.run(name, line)
            if tried.returncode == 0:
                return tried.stdout
            if time.monotonic() > end:
                log = (self.directory / name / "log").read_text(errors="replace")
                raise AssertionError(f"{line!r} on {name}: {tried.stdout}{tried.stderr}\n{log}")
            time.sleep(0.1)  # there is nothing else to wait on

    def _login(self, line: str) -> list[str]:
        environ = {"HOME": "/root", "PATH": self._path, "LANG": "C.UTF-8", "SHELL": "/bin/bash"}
        return ["env", "-i", "-C", "/root", *(f"{key}={value}" for key, value in environ.items()), "sh", "-c", line]

    @property
    def _path(self) -> str:
        return f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin"

    def _start(self, name: str) -> None:
        (self.directory / name).mkdir()
        base = Path(sys.base_prefix)
        kept = base.relative_to("/root").parts[0] if base.is_relative_to("/root") else ""
        flags = ["--net", "--uts", "--mount", "--pid", "--fork", "--kill-child"]
        process = subprocess.Popen(
            ["unshare", *flags, "sh", "-c", _BEGIN, name, str(self.directory), str(self.home(name)), kept],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ends.callback(_end, process)
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise AssertionError(f"{name} does not start")
        inner = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
        self._pids[name] = int(inner.stdout)
        self._join(name)

    def _join(self, name: str) -> None:
        if name == DESK:
            ways = [["link", "add", "bridge", "type", "bridge"], ["link", "set", "bridge", "up"]]
            device = "bridge"
        else:
            peer = ["peer", "name", "eth0", "netns", str(self._pids[name])]
            ways = [["link", "add", name, "type", "veth", *peer], ["link", "set", name, "master", "bridge", "up"]]
            device = "eth0"
        for way in ways:
            subprocess.run(["nsenter", "-t", str(self._pids[DESK]), "-n", "ip", *way], check=True)
        for way in (["addr", "add", f"{self.addresses[name]}/24", "dev", device], ["link", "set", device, "up"]):
            subprocess.run(self.on(name, ["ip", *way]), check=True)

    def _start_sshd(self, name: str) -> None:
        own = self.directory / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(own / "host")], check=True)
        ssh = self.home(name) / ".ssh"
        ssh.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(self.directory / "person", ssh / "id_ed25519")
        shutil.copy(self.directory / "person.pub", ssh / "authorized_keys")
        (ssh / "config").write_text("StrictHostKeyChecking accept-new\nLogLevel ERROR\n")
        options = [("HostKey", str(own / "host")), ("PermitRootLogin", "yes"), ("StrictModes", "no"), ("UsePAM", "no")]
        options += [("Subsystem", "sftp internal-sftp")]
        config = "".join(f"{key} {value}\n" for key, value in (*options, ("SetEnv", f"PATH={self._path}")))
        (own / "sshd_config").write_text(config)
        self.start(name, f"exec {SSHD} -D -f {own / 'sshd_config'}")
        self.until(name, "ss -ltnH sport = :22 | grep -q .")


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()
