"""Loads from the workers of a Dask cluster: a real one on this machine, with real engines."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from waiting import in_time

pytest.importorskip("distributed", reason="needs the extra: pip install 'latency-tui[cluster]'")

import dask
import distributed
import psutil

from tui import __version__, child
from tui.core.arrivals import ContentSummed
from tui.core.events import Content, Event, Status
from tui.core.load import LoadEnding, LoadSettings
from tui.errors import UsageError
from tui.history.store import Store
from tui.session import cluster as subject
from tui.session.cluster import Cluster, EngineOnWorker
from tui.simulator.process import SimulatorProcess

from .test_engines import Several, several
from .test_shared_run_load import Loaded, load, plan_at, start

pytestmark = [
    pytest.mark.process,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]
ON_ONE_LOOP = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module", autouse=True)
def _environment() -> Iterator[None]:
    """Take back what Dask puts into this process's environment: Python reads it at its start, so no later test's
    processes could be started warm."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with SimulatorProcess.start() as simulator:
        yield simulator.base_url


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where workers keep what they measure."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def cluster(state: Path) -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(state))
        found = Cluster("local:3")
        yield found
        found.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(cluster: Cluster) -> AsyncIterator[Several]:
    gather = cluster._client._gather_remote

    async def from_afar(*given: Any) -> Any:
        """Dask's own, over a longer way: engines of several workers are placed by one."""
        await asyncio.sleep(0.6)
        return await gather(*given)

    cluster._client._gather_remote = from_afar
    async with several() as found:
        found.engines.spawn = cluster.launch
        found.engines.expect(cluster.hosts, ())
        yield found


def test_nothing_listens_to_others_and_no_worker_hears_the_terminal(cluster: Cluster) -> None:
    own = psutil.Process()
    listening = [
        found
        for process in (own, *own.children(recursive=True))
        for found in process.net_connections("tcp")
        if found.status == psutil.CONN_LISTEN
    ]
    assert len(listening) > 3
    assert {found.laddr.ip for found in listening} == {"127.0.0.1"}
    assert sorted(host.name for host in cluster.hosts) == ["worker 0", "worker 1", "worker 2"]
    assert not any(host.is_here for host in cluster.hosts)
    # A terminal's Ctrl+C is not for the workers.
    assert cluster._client.run(os.getsid, 0) == cluster._client.run(os.getpid)


@ON_ONE_LOOP
async def test_workers_share_a_load_and_keep_its_stamps(
    running: Several, cluster: Cluster, url: str, state: Path
) -> None:
    settings = LoadSettings(levels=(6,), requests=12, ramp=0, warm_up=0)
    done = await load(running, plan_at(url, rows=12, tokens=8, model="sim-fast"), settings, cluster.hosts)
    assert done.ending is LoadEnding.COMPLETE
    assert sorted(one.row for one in done.begun) == list(range(12))
    assert {one.host for one in done.counted} == {host.name for host in cluster.hosts}
    # What came is a summary of each answer, and nothing of its text.
    summed = {one.request_id: one for one in running.events if isinstance(one, ContentSummed)}
    assert summed.keys() == {one.request_id for one in done.begun}
    assert not any(isinstance(one, Content) for one in running.events)
    assert all(one.characters > 0 and one.first_ns <= one.last_ns for one in summed.values())
    assert {one.status for one in done.ended.values()} <= {Status.DONE, Status.TRUNCATED}
    assert running.problems == []
    # The stamps and the texts are in the history of whoever measured them.
    asked = Counter(one.host for one in done.begun)
    for host in cluster.hosts:
        path = state / "latency-tui" / "workers" / host.name.replace(" ", "_") / "latency-tui" / "history.db"
        async with in_time(f"the history {path}", lambda: running.problems):
            while len(runs := kept(path)) < asked[host.name]:  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.05)
        for run in runs:
            (record,) = run.requests
            assert len(record.timeline.content_ns) == summed[record.spec.request_id or run.info.repeat].arrivals.pieces
            assert record.text()
            assert run.info.load is not None


def kept(path: Path) -> list[Any]:
    if not path.exists():
        return []
    store = Store(path)
    try:
        runs = [store.run(row.number) for row in store.runs(limit=50)]
    finally:
        store.close()
    return [run for run in runs if run.requests and run.requests[0].status is not None]


@ON_ONE_LOOP
async def test_a_worker_that_is_killed_and_one_that_freezes_interrupt_their_shares(
    running: Several, cluster: Cluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("worker 0", "worker 1", "worker 2")
    await running.until(lambda: all(map(running.engines.is_ready, names)), "all engines")
    monkeypatch.setattr("tui.engine.pinger.PONG_WITHIN_S", 3.0)
    monkeypatch.setattr("tui.engine.pinger.PING_EVERY_S", 0.5)
    pids = cluster._client.run(os.getpid)
    dead, frozen = (pids[cluster._workers[name]] for name in ("worker 0", "worker 1"))
    for name in names:  # the one that freezes is to be found out soon, and no other for being slow
        running.engines.client(name)._pinger.stop()
    running.engines.client("worker 1")._pinger.start()
    start(running, plan_at(url, tokens=40), LoadSettings(levels=(6,), seconds=2, ramp=0, warm_up=0), cluster.hosts)
    await running.until(lambda: len(begun_at(running.events)) == 3, "requests of all")
    os.kill(dead, signal.SIGKILL)
    os.kill(frozen, signal.SIGSTOP)
    try:
        await running.over()
    finally:
        os.kill(frozen, signal.SIGKILL)
    done = Loaded(running.events)
    assert done.ending is LoadEnding.COMPLETE
    by_host = {one.request_id: one.host for one in done.begun}
    interrupted = {by_host[one.request_id] for one in done.ended.values() if one.status is Status.INTERRUPTED}
    assert interrupted == {"worker 0", "worker 1"}
    assert len({one.part for one in done.levels}) == 1, "the third came to its end"
    first, second = sorted(running.problems)
    assert re.match("The link to worker 0 ended with status .* out of reach", first)
    assert re.match("worker 1 has not answered for 3 s", second)


def begun_at(events: list[Event]) -> set[str]:
    return {str(getattr(event, "host", None)) for event in events if type(event).__name__ == "RequestBegun"}


@ON_ONE_LOOP
async def test_what_comes_twice_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "spawn", lambda *_, **__: child.launch("echo", ["cat"]))
    engine = EngineOnWorker("worker")
    for _ in range(2):
        await engine.write(0, b"one ")
    await engine.write(2, b"e two ")
    await engine.write(99, b"nothing of this is its turn")
    alike = b"".join(b"what request %d has in common with all others; " % number for number in range(100))
    await engine.write(8, alike)
    await engine.close()
    found, seen = b"", 0
    while (output := await engine.read(seen)).status is None:
        again = await engine.read(seen)
        assert again.data.startswith(output.data)
        assert again.offset == output.offset == seen
        found += output.data
        seen += len(output.data)
    assert (zlib.decompressobj().decompress(found), output.status) == (b"one two " + alike, 0)
    assert len(found) < len(alike) / 4


@pytest.fixture
def worker_of_old(cluster: Cluster, tmp_path: Path) -> Iterator[int]:
    """A worker called "old one", with another version."""
    other = tmp_path / "latency_tui-0.0.9.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: latency-tui\nVersion: 0.0.9\n")
    address = cluster._client.scheduler.address
    command = [sys.executable, "-m", "dask", "worker", address, "--no-nanny", "--no-dashboard", "--name", "old one"]
    process = subprocess.Popen(
        [*command, "--local-directory", str(tmp_path), "--host", "127.0.0.1"],
        env={name: value for name, value in os.environ.items() if name != "KEY_GOOD"} | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield process.pid
    process.kill()
    process.wait()


async def test_a_worker_of_another_version_is_refused_by_name_and_a_frozen_one_is_not_waited_for(
    cluster: Cluster, worker_of_old: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names() -> set[str]:
        return {str(one["name"]) for one in cluster._client.scheduler_info()["workers"].values()}

    # The number of workers does not tell: one that was killed may only now be back.
    async with in_time("the old worker", names):
        while "old one" not in names():  # noqa: ASYNC110 - nothing tells of a new worker
            await asyncio.sleep(0.05)
    os.kill(worker_of_old, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(subject, "_VERSION_WITHIN_S", 0.5)
        with pytest.raises(UsageError, match=r"within .* which version it has"):
            Cluster(cluster._client.scheduler.address)
    os.kill(worker_of_old, signal.SIGCONT)
    words = f"old one of the cluster has latency-tui 0.0.9, and this is {__version__}: install the same version"
    with pytest.raises(UsageError, match=re.escape(words)):
        Cluster(cluster._client.scheduler.address)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (PackageNotFoundError("latency-tui"), "one of the cluster has no latency-tui, and this is"),
        (OSError("Address removed."), "one of the cluster has left it, or does not answer: try again."),
        (None, "one of the cluster has left it"),
    ],
)
def test_a_worker_that_does_not_answer_is_not_said_to_lack_the_program(found: object, words: str) -> None:
    assert (subject._refuse_version("one", found) or "").startswith(words)


def test_a_cluster_with_certificates_is_joined_with_them_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    security = distributed.Security.temporary()
    here = {"protocol": "tls://", "security": security, "processes": False, "n_workers": 1}
    with distributed.LocalCluster(**here, host="127.0.0.1", dashboard_address="127.0.0.1:0") as guarded:
        own = {"client.key": security.tls_client_key, "client.cert": security.tls_client_cert}
        tls = own | {"ca-file": security.tls_ca_file}
        with dask.config.set({f"distributed.comm.tls.{name}": value for name, value in tls.items()}):
            found = Cluster(guarded.scheduler_address)
            assert len(found.hosts) == 1
            found.close()
        # Anybody's certificate is not one of this cluster's.
        other = distributed.Security.temporary()
        own = {"client.key": other.tls_client_key, "client.cert": other.tls_client_cert, "ca-file": other.tls_ca_file}
        monkeypatch.setattr(subject, "_CONNECT_WITHIN_S", 0.5)
        with (
            dask.config.set({f"distributed.comm.tls.{name}": value for name, value in own.items()}),
            pytest.raises(UsageError, match="No Dask scheduler can be used at tls://"),
        ):
            Cluster(guarded.scheduler_address)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "Dask's settings here have no distributed.comm.tls.ca-file: docs/scale.md"),
        ({"ca-file": "{there}"}, "have no distributed.comm.tls.client.cert"),
        ({"ca-file": "gone.pem"}, "there is no file gone.pem (distributed.comm.tls.ca-file)"),
        ({"ca-file": "{there}", "client.cert": "{there}", "client.key": "k.pem"}, "there is no file k.pem"),
    ],
)
def test_what_is_missing_of_the_certificates_is_named(settings: dict[str, str], words: str, tmp_path: Path) -> None:
    (tmp_path / "cert.pem").touch()
    named = {
        f"distributed.comm.tls.{name}": value.format(there=tmp_path / "cert.pem") for name, value in settings.items()
    }
    with dask.config.set(named), pytest.raises(UsageError, match=re.escape(words)):
        Cluster("tls://127.0.0.1:1")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://10.1.2.3:8786", "without TLS whoever reaches a scheduler runs programs on its workers"),
        ("tcp://scheduler.example:8786", "without TLS"),
        ("tcp://[2001:db8::1]:8786", "without TLS"),
        ("tcp://127.0.0.1", "give tls://HOST:PORT"),
        ("ucx://127.0.0.1:1", "give tls://HOST:PORT"),
        ("tcp://me@127.0.0.1:1", "give tls://HOST:PORT"),
        ("local:0", "give tls://HOST:PORT"),
        ("local:257", "give tls://HOST:PORT"),
        ("tcp://127.0.0.1:1", "No Dask scheduler can be used at tcp://127.0.0.1:1: "),
    ],
)
def test_what_may_not_be_used_is_refused_in_a_sentence(
    address: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "_CONNECT_WITHIN_S", 0.2)
    with pytest.raises(UsageError, match=re.escape(words)):
        Cluster(address)
