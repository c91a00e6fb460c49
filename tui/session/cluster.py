"""Engines on the workers of a Dask cluster: `latency-tui load --cluster`. No other module knows Dask.

The cluster only places engines and carries their bytes: each worker starts an ordinary engine, which stamps there and
keeps its stamps there, and is to this side the engine of a host. What goes through the scheduler is commands, and a
summary of each request.
"""

import asyncio
import contextlib
import importlib.metadata
import logging
import os
import platform
import re
import signal
import subprocess
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

import dask
import distributed
import msgspec

from tui import __version__, child
from tui.config import paths
from tui.core.host import Host
from tui.core.sanitize import clean
from tui.core.target import Endpoint, is_this_machine
from tui.core.wording import counted
from tui.engine.client import spawn
from tui.engine.protocol import KEEP_STAMPS
from tui.errors import UsageError

_PACKAGE = "latency-tui"
MAX_WORKERS = 256
"""Most workers of a load."""
_LOCAL = re.compile(r"local:(\d{1,3})")
_ADDRESS = re.compile(r"(?P<protocol>tcp|tls)://(?P<host>\[[0-9a-fA-F:.]+\]|[^/:@\s]+):\d{1,5}")
# Dask asks for it, of a program that would see the keys of the environment.
vars(platform.uname()).setdefault("processor", "")

_CONNECT_WITHIN_S = 15.0
_VERSION_WITHIN_S = 30.0
"""Longest that a worker may take to say which version it has, s."""
_READ_WITHIN_S = 1.0
"""Time for which a worker holds a question for output back, s."""
_ANSWER_WITHIN_S = 60.0
"""Longest that a worker may take for anything, s; its engine is given up for silence sooner."""
_MOST_BYTES = 1024 * 1024
"""Most output in one answer."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """Output of an engine on a worker, from one place of it on."""

    offset: int
    data: bytes
    """Packed (zlib): what requests have in common is most of what they say. All of the output is one stream."""
    status: int | None = None
    """Exit status, once all output is read and the engine has ended."""
    words: bytes = b""
    """The last of its standard error, with the status."""


class _Gathered:
    """A pipe that is read by a thread of its own, and kept until it was taken."""

    def __init__(self, pipe: IO[bytes], most: int | None = None) -> None:
        """With `most`, only so much of the end is kept, as it is; else all is, packed."""
        self.offset = 0
        """Place of the first byte that is kept."""
        self.is_over = False
        self._data = bytearray()
        self._most = most
        self._changed = threading.Condition()
        threading.Thread(target=self._read, args=(pipe,), daemon=True).start()

    def _read(self, pipe: IO[bytes]) -> None:
        packer = zlib.compressobj()
        while data := pipe.read(65_536):
            with self._changed:
                if self._most is None:
                    self._data += packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
                else:
                    self._data = (self._data + data)[-self._most :]
                self._changed.notify_all()
        with self._changed:
            self.is_over = True
            self._changed.notify_all()

    def since(self, seen: int, within_s: float) -> tuple[int, bytes]:
        """Bytes from a place on, as soon as there are any; those before it are not needed any more."""
        with self._changed:
            del self._data[: max(0, seen - self.offset)]
            self.offset = max(self.offset, seen)
            self._changed.wait_for(lambda: self._data or self.is_over, within_s)
            return self.offset, bytes(self._data[:_MOST_BYTES])


class EngineOnWorker:
    """An engine as a worker has it: started with its history beside those of other workers, and ended with this.

    Every call may come twice, and changes nothing then.
    """

    def __init__(self, worker: str) -> None:
        own = paths.state_dir() / "workers" / re.sub(r"[^\w.-]", "_", worker)
        environment = os.environ | {"XDG_DATA_HOME": str(own)}
        self._process = child.spawn("engine", "engine", KEEP_STAMPS, environment=environment)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._output, self._words = _Gathered(self._process.stdout), _Gathered(self._process.stderr, 4096)
        self._written = 0
        self._writing = asyncio.Lock()

    async def read(self, seen: int) -> Output:
        """Its output from a place on."""
        offset, data = await asyncio.to_thread(self._output.since, seen, _READ_WITHIN_S)
        if data or not self._output.is_over:
            return Output(offset=offset, data=data)
        status = await asyncio.to_thread(child.wait_or_kill, self._process)
        _, words = await asyncio.to_thread(self._words.since, 0, _READ_WITHIN_S)
        return Output(offset=offset, data=b"", status=status, words=words)

    async def write(self, offset: int, data: bytes) -> None:
        """Give it input, whose first byte has this place; what it has already is left out. Raises OSError."""
        async with self._writing:
            new = data[max(0, self._written - offset) :]
            if new and offset <= self._written:
                self._written += len(new)
                await asyncio.to_thread(_write_all, self._process.stdin, new)

    async def close(self) -> None:
        """End its input, and with that the engine."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            child.kill(self._process)


def _write_all(pipe: "IO[bytes] | None", data: bytes) -> None:
    while pipe is not None and data:
        data = data[pipe.write(data) or 0 :]


class WorkerProcess:
    """An engine on a worker, in the place of the process that `EngineClient` has: three pipes, and an end."""

    def __init__(self, name: str, placed: Any) -> None:
        """`placed` is Dask's promise of an `EngineOnWorker` there."""
        self.pid = 0
        self._name = name
        self._placed = placed
        self._actor: Any = None
        inner_in, outer_in = os.pipe()
        outer_out, inner_out = os.pipe()
        outer_err, inner_err = os.pipe()
        self.stdin = os.fdopen(outer_in, "wb", buffering=0)
        self.stdout = os.fdopen(outer_out, "rb", buffering=0)
        self.stderr = os.fdopen(outer_err, "rb", buffering=0)
        self._status: int | None = None
        self._over = threading.Event()
        self._start(self._carry_out, inner_out, inner_err, inner_in)

    def poll(self) -> int | None:
        """The exit status, once it has ended."""
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end. Raises subprocess.TimeoutExpired."""
        if not self._over.wait(timeout):
            raise subprocess.TimeoutExpired(self._name, timeout or 0.0)
        return self._status or 0

    def kill(self) -> None:
        """End it, or give it up: a worker may be frozen, or gone."""
        if self._status is None:
            self._status = -signal.SIGKILL
            if self._actor is not None:
                with contextlib.suppress(Exception):
                    self._actor.close()
        self._over.set()

    def _start(self, work: Callable[..., None], *descriptors: int) -> None:
        threading.Thread(target=work, args=descriptors, daemon=True, name=f"engine on {self._name}").start()

    def _carry_out(self, output: int, errors: int, commands: int) -> None:
        """Have it placed, then carry its output here."""
        seen, words, status, packed = 0, b"", 1, zlib.decompressobj()
        try:
            # In one wait: Dask fetches those of several workers together, and where one wait runs out all of them end.
            self._actor = self._placed.result(timeout=_ANSWER_WITHIN_S)
            self._start(self._carry_in, commands)
            while not self._over.is_set():
                found: Output = self._answer(self._actor.read(seen))
                data = found.data[seen - found.offset :]
                seen += len(data)
                while (part := packed.decompress(data, _MOST_BYTES)) and not self._over.is_set():
                    data = packed.unconsumed_tail
                    while part and not self._over.is_set():
                        part = part[os.write(output, part) :]
                if found.status is not None:
                    status, words = found.status, found.words
                    break
        except Exception as error:  # whatever Dask raises, the engine is out of reach
            words = f"the worker is out of reach: {_first_line(error)}".encode()
        with contextlib.suppress(OSError):
            os.write(errors, words[-4096:])
        os.close(errors)
        os.close(output)
        if self._status is None:
            self._status = status
        self._over.set()

    def _carry_in(self, commands: int) -> None:
        """Carry commands there."""
        offset = 0
        with contextlib.suppress(Exception):  # the other thread meets it too, and says so
            while data := os.read(commands, _MOST_BYTES):
                self._answer(self._actor.write(offset, data))
                offset += len(data)
            self._answer(self._actor.close())
        os.close(commands)

    def _answer(self, promise: Any) -> Any:
        """Result of a call of it; no longer waited for once the engine was given up."""
        until = time.monotonic() + _ANSWER_WITHIN_S
        while True:
            try:
                return promise.result(timeout=0.5)
            except TimeoutError:
                if self._over.is_set() or time.monotonic() > until:
                    raise


class Cluster:
    """A Dask cluster, one engine on each of its workers."""

    def __init__(self, address: str) -> None:
        """`address` is `local:N`, or that of a scheduler. Raises UsageError for one that cannot be used."""
        # What it warns of are other versions of packages on the workers; of ours the version is checked.
        warnings.filterwarnings("ignore", module="distributed")
        # Each of its loggers has a level of its own, and what it meets is said in sentences.
        for logger in filter(lambda name: name.startswith("distributed"), [*logging.root.manager.loggerDict]):
            logging.getLogger(logger).setLevel(logging.CRITICAL)
        count = _local_workers(address)
        if address.startswith("tls://"):
            _check_certificates(address)
        self._local: Any = None
        self._client: Any = None
        try:
            if count:
                self._local = _local_cluster(count)
            self._client = distributed.Client(self._local or address, timeout=_CONNECT_WITHIN_S, name="latency-tui")
            self._workers = self._checked(address)
        except BaseException as error:
            self.close()
            if isinstance(error, UsageError) or not isinstance(error, Exception):
                raise
            raise UsageError(f"No Dask scheduler can be used at {address}: {_first_line(error)}.") from None
        self.hosts = tuple(Host(name=name, command=("dask", address)) for name in self._workers)
        """The workers, as hosts."""

    def launch(self, host: Host, endpoints: Iterable[Endpoint], socket: str | None) -> "subprocess.Popen[bytes]":
        """Start the engine of a worker, or that of another host as ever."""
        if host not in self.hosts:
            return spawn(host, endpoints, socket)
        placed = self._client.submit(
            EngineOnWorker,
            host.name,
            workers=[self._workers[host.name]],
            allow_other_workers=False,
            actor=True,
            pure=False,
            retries=0,
        )
        return WorkerProcess(host.name, placed)  # type: ignore[return-value]  # as much of one as is used

    def close(self) -> None:
        """Leave the cluster; what was started here ends."""
        for each in (self._client, self._local):
            if each is not None:
                with contextlib.suppress(Exception):
                    each.close(timeout=5)

    def _checked(self, address: str) -> dict[str, str]:
        """Addresses of the workers by their names. Raises UsageError where one has not this version."""
        workers = self._client.scheduler_info()["workers"]
        if not workers:
            raise UsageError(f"The cluster at {address} has no workers: start some, and try again.")
        if len(workers) > MAX_WORKERS:
            raise UsageError(
                f"The cluster at {address} has {counted(len(workers), 'worker')}, and a load at most {MAX_WORKERS}."
            )
        names = {each: _name_of(each, found["name"]) for each, found in workers.items()}
        ask = {"on_error": "return", "callback_timeout": _VERSION_WITHIN_S}
        try:
            found = self._client.run(importlib.metadata.version, _PACKAGE, **ask)
        except TimeoutError:
            raise UsageError(
                f"Not every worker of the cluster says within {_VERSION_WITHIN_S:g} s which version it has: end those "
                "that are frozen, and try again."
            ) from None
        for each, name in names.items():
            if (complaint := _refuse_version(name, found.get(each))) is not None:
                raise UsageError(complaint)
        return {name: each for each, name in names.items()}


def _name_of(address: str, name: object) -> str:
    """Name of a worker: its own where it was given one, else its address."""
    words = clean(str(name))
    return f"worker {words}" if words.isdecimal() else words or address


def _refuse_version(worker: str, found: object) -> str | None:
    """Sentence on a worker that has not this version; `found` is its own, or why it told none."""
    if found == __version__:
        return None
    if not isinstance(found, str | importlib.metadata.PackageNotFoundError):
        return f"{worker} of the cluster has left it, or does not answer: try again."
    has = f"has latency-tui {clean(found)}" if isinstance(found, str) else "has no latency-tui"
    return f"{worker} of the cluster {has}, and this is {__version__}: install the same version on all workers."


def _first_line(error: BaseException) -> str:
    return clean(str(error)).strip().split("\n")[0].rstrip(".") or type(error).__name__


def _local_workers(address: str) -> int:
    """Count of workers to start here; 0 for the address of a scheduler. Raises UsageError for what may not be used."""
    if (local := _LOCAL.fullmatch(address)) is not None and 1 <= int(local[1]) <= MAX_WORKERS:
        return int(local[1])
    if (found := _ADDRESS.fullmatch(address)) is None:
        raise UsageError(f"--cluster {address}: give tls://HOST:PORT, tcp://127.0.0.1:PORT or local:4.")
    if found["protocol"] == "tcp" and not is_this_machine(found["host"]):
        raise UsageError(
            f"--cluster {address}: without TLS whoever reaches a scheduler runs programs on its workers. Off this "
            "machine it has to be tls:// (see docs/scale.md)."
        )
    return 0


def _check_certificates(address: str) -> None:
    """Name what of this side's certificates is missing, which Dask does not. Raises UsageError."""
    for name in ("ca-file", "client.cert", "client.key"):
        found = dask.config.get(f"distributed.comm.tls.{name}", None)
        if not found and name != "client.key":  # which the certificate's file may have
            raise UsageError(
                f"--cluster {address}: Dask's settings here have no distributed.comm.tls.{name}: docs/scale.md shows "
                "how certificates are made, and where they are named."
            )
        if found and "\n" not in found and not Path(found).is_file():
            raise UsageError(f"--cluster {address}: there is no file {clean(found)} (distributed.comm.tls.{name}).")


def dask_setup(_worker: object) -> None:
    """Leave the terminal, as a worker that was started here: its Ctrl+C is for this side, which ends all in order."""
    with contextlib.suppress(OSError):
        os.setsid()


def _local_cluster(count: int) -> Any:
    """Workers of this machine, all on loopback, without the dashboard that Dask opens to everybody."""
    return distributed.LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
        preload=[__name__],
    )
