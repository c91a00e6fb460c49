"""The commands of docs/scale.md as they stand there, on machines of their own: a cluster by SSH, and two with Slurm.

Asked for by `FIELD_CLUSTERS=1`, since it takes minutes and root. Slurm is Debian's `slurm-wlm`, with `munge`.
"""

import json
import os
import shutil
import signal
import statistics
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from docs.pages import ROOT, blocks

from .machines import DESK, Machines, refused

REFUSED = refused()
pytestmark = [pytest.mark.skipif(REFUSED is not None, reason=str(REFUSED)), pytest.mark.timeout(600)]

SHOWN = {block.comment: block.text for block in blocks(ROOT / "docs" / "scale.md", "")}
"""What the page says to type, by the comment before it."""
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
SERVER = ROOT / "tests" / "benchmarks" / "fidelity_server.py"
PLAN = """
endpoint = "far"
[prompt]
user = "Why is the sky blue?"
[[targets]]
model = "lane-000"
[endpoints.far]
base_url = "http://desk:{port}"
plain_http = true
[load]
levels = [4]
seconds = {seconds}
ramp = 0.2
warm_up = 0.2
"""
JOINED = "import distributed; distributed.Client('{}', timeout=5).wait_for_workers({}, timeout=60)"


class Person:
    """Whoever sits at the desk, and types what the page says."""

    def __init__(self, machines: Machines) -> None:
        self.machines = machines
        self.home = machines.home(DESK)
        self._open: list[subprocess.Popen[bytes]] = []

    def makes_certificates(self, hosts: Sequence[str]) -> None:
        own = self.home / ".config" / "dask"
        own.mkdir(parents=True)
        (own / "tls.yaml").write_text(SHOWN["field settings"].replace("/path/", "/root/.config/dask/"))
        copy = "".join(f" && ssh {host} mkdir -p .config && scp -qr .config/dask {host}:.config/" for host in hosts)
        made = self.machines.run(DESK, f"(cd .config/dask; {SHOWN['field certificates'].strip()}){copy}")
        assert made.returncode == 0, made.stderr

    def opens(self, line: str) -> "subprocess.Popen[bytes]":
        """A terminal in which a line is typed."""
        terminal = self.machines.start(DESK, f"exec script -qefc {json.dumps(line)} /dev/null")
        self._open.append(terminal)
        return terminal

    def waits_for(self, address: str, workers: int) -> None:
        """Workers that have joined."""
        self.machines.until(DESK, f'python -c "{JOINED.format(address, workers)}"', 120)

    def serves(self) -> int:
        """A server of the API, which logs every request: its port."""
        self.machines.run(DESK, "rm -f port log.json load.log")
        self.machines.start(DESK, f"echo $$ > pid; exec python {SERVER} 20 1 log.json --host 0.0.0.0 > port")
        return int(self.machines.until(DESK, "grep . port"))

    def loads(self, line: str, seconds: int) -> "subprocess.Popen[bytes]":
        """The page's line, with the plan that it names."""
        (self.home / "plan.toml").write_text(PLAN.format(port=self.serves(), seconds=seconds))
        return self.machines.start(DESK, f"{line} --json out.json 2> load.log")

    def has(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """What the load said, and the server."""
        self.machines.run(DESK, "kill $(cat pid)")
        self.machines.until(DESK, "grep -q . log.json")
        return json.loads((self.home / "out.json").read_text()), json.loads((self.home / "log.json").read_text())

    def closes(self) -> None:
        """Each terminal, with all that runs in it."""
        for terminal in self._open:
            ours = subprocess.run(
                ["pgrep", "-P", str(terminal.pid)], capture_output=True, text=True, check=False
            ).stdout
            for pid in map(int, ours.split()):  # `script`: without it its terminal hangs up
                os.kill(pid, signal.SIGKILL)
            terminal.wait(30)
        self._open.clear()


@contextmanager
def person_at(directory: Path, *, have_one_home: bool = False) -> Iterator[Person]:
    with Machines(directory, ("head", "one", "two"), have_one_home=have_one_home) as machines:
        yield Person(machines)


def check(
    told: dict[str, Any], log: list[dict[str, Any]], hosts: set[str], lost: frozenset[str] | set[str] = frozenset()
) -> None:
    """Every request that the server saw is one of ours, from these hosts; times are the server's and the way's."""
    requests = told["requests"]
    # Of what a lost one began last nobody but itself may have heard.
    assert 20 < len(requests) <= len(log) <= len(requests) + len(lost)
    assert {one["host"] for one in requests} == hosts
    assert {one["host"] for one in requests if one["status"] == "interrupted"} == lost
    assert Counter(one["status"] for one in requests).keys() <= {"done", "interrupted"}
    server_ms = statistics.median(
        (one["before_ns"][0] - one["kernel_received_ns"]) / 1e6 for one in log if one["before_ns"]
    )
    (level,) = told["levels"]
    assert level["ttft_ms"]["median"] == pytest.approx(server_ms, abs=20)


def test_by_ssh(tmp_path: Path) -> None:
    with person_at(tmp_path) as person:
        machines = person.machines
        person.makes_certificates(("head", "one", "two"))
        *others, load = SHOWN["field ssh"].replace("--nworkers 7", "--nworkers 2").splitlines()
        for line in others:
            person.opens(line)
        person.waits_for(load.split()[-1], 4)
        assert person.loads(load, seconds=5).wait(120) == 0
        all_of_them = {"one-0", "one-1", "two-0", "two-1"}
        check(*person.has(), all_of_them)
        for host in ("one", "two"):  # the stamps are where they were taken
            kept = machines.until(host, "cd .local/state/latency-tui/workers && ls").split()
            assert kept == [f"{host}-0", f"{host}-1"]

        # A machine whose link is cut takes its own requests with it, after 20 s, and nothing else.
        running = person.loads(load, seconds=40)
        machines.until(DESK, "grep -q ', counted' load.log")
        machines.run("one", "ip link set eth0 down")
        assert running.wait(180) == 3
        check(*person.has(), all_of_them, lost={"one-0", "one-1"})
        machines.run("one", "ip link set eth0 up")
        person.closes()
        for host in ("head", "two"):
            machines.until(host, "! pgrep -f '[b]in/dask'")


SLURM = """
ClusterName=field
SlurmctldHost=head
SlurmUser=root
SlurmdUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmdSpoolDir=/var/spool/slurmd
StateSaveLocation=/var/spool/slurmctld
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
NodeName=one,two CPUs=8 RealMemory=16000
PartitionName=all Nodes=one,two Default=YES State=UP
"""
SLURM_BEGINS = """
set -e
mkdir -p /run/munge /var/log/munge /var/lib/munge /var/spool/slurmd /var/spool/slurmctld
chown munge: /run/munge /var/log/munge
mount --bind {etc} /etc/slurm
munged --force --key-file=/etc/slurm/munge.key
case $(hostname) in head) slurmctld;; one|two) slurmd;; esac
"""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Slurm with a controller, two nodes, and a login node where the person is."""
    missing = [name for name in ("slurmctld", "slurmd", "sbatch", "munged") if not shutil.which(name, path=PATH)]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed (Debian: slurm-wlm, munge)")
    directory = tmp_path_factory.mktemp("slurm")
    etc = directory / "etc"
    etc.mkdir()
    (etc / "slurm.conf").write_text(SLURM)
    (etc / "munge.key").write_bytes(os.urandom(128))
    (etc / "munge.key").chmod(0o600)
    with person_at(directory, have_one_home=True) as person:
        for name in ("head", "one", "two", DESK):
            begun = person.machines.run(name, SLURM_BEGINS.format(etc=etc))
            assert begun.returncode == 0, begun.stderr
        person.machines.until(DESK, "test $(sinfo -h -t idle -o %D) = 2")
        person.makes_certificates(())
        yield person


def test_with_dask_jobqueue(slurm: Person) -> None:
    pytest.importorskip("dask_jobqueue", reason="pip install dask-jobqueue")
    script = SHOWN["field jobqueue"].replace("=8,", "=2,").replace("16GB", "4GB").replace("jobs=10", "jobs=2")
    (slurm.home / "cluster.py").write_text(script)
    slurm.opens("python cluster.py")
    slurm.waits_for("tls://desk:8786", 4)
    load = script.partition('input("')[2].partition(";")[0].replace("THIS-NODE", DESK)
    assert slurm.loads(load, seconds=5).wait(120) == 0
    check(*slurm.has(), {f"SLURMCluster-{job}-{each}" for job in (0, 1) for each in (0, 1)})
    slurm.closes()
    slurm.machines.run(DESK, "scancel -u root")
    slurm.machines.until(DESK, 'test -z "$(squeue -h)"')


def test_with_an_array_of_jobs(slurm: Person) -> None:
    machines = slurm.machines
    shown = (
        SHOWN["field sbatch"]
        .replace("=1-10", "=1-2")
        .replace("-c 8", "-c 8 --exclusive")
        .replace("nworkers 8", "nworkers 2")
    )
    scheduler, rest = shown.replace("THIS-NODE", DESK).split("\n", 1)
    batch, load = rest.strip().rsplit("\n", 1)
    slurm.opens(scheduler)
    assert "Submitted batch job" in machines.run(DESK, batch).stdout
    slurm.waits_for("tls://desk:8786", 4)
    names = {f"job-{job}-{each}" for job in (1, 2) for each in (0, 1)}

    # A node that drains goes on; one that is down takes its job, and so its workers.
    running = slurm.loads(load, seconds=30)
    machines.until(DESK, "grep -q ', counted' load.log")
    machines.run(DESK, "scontrol update nodename=one state=drain reason=test")
    machines.run(DESK, "scontrol update nodename=two state=down reason=test")
    assert running.wait(180) == 3
    told, log = slurm.has()
    lost = {one["host"] for one in told["requests"] if one["status"] == "interrupted"}
    assert lost in ({"job-1-0", "job-1-1"}, {"job-2-0", "job-2-1"})
    check(told, log, names, lost)
    machines.run(DESK, "scancel -u root")
    slurm.closes()
    machines.until(DESK, 'test -z "$(squeue -h)"')
