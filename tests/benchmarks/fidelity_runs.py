"""One load, measured by the real program on a terminal or in the usual way, beside the server's own log of it."""

import math
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from fidelity_server import TOKEN_EVERY_NS, Answer
from fidelity_usual import Timed, Usual
from harness import LATENCY_TUI, Terminal, sealed

from tui.core.events import Instrument

ROUND_WITHIN_S = 60.0
"""Longest that a round may take beyond its streams' own length."""
_HERE = Path(__file__).parent
_F5 = b"\x1b[15~"
_ENGINES = """\
import sys
if "--run" in sys.orig_argv:
    from tui.session import engines
    engines.most_here = lambda: {0}
    engines.STREAMS_PER_ENGINE = {1}
"""
"""A sitecustomize for the screen alone: so many engines, for so many streams each."""
_STAMP_READS = """\
import sys
if sys.orig_argv[-2:] == ["tui", "engine"]:
    from tui.engine.transport import socket_stream
    socket_stream._KERNEL_STAMPS = False
"""
"""A sitecustomize for the engine alone: it then does what it does where the kernel gives no stamps."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What the server streams, and to how many at once."""

    streams: int
    seconds: float
    rounds: int
    tls: bool
    aligned: bool = False
    """All streams' tokens at the same instants instead of spread evenly."""

    @property
    def tokens(self) -> int:
        """Tokens per answer."""
        return max(2, round(self.seconds * 1e9 / TOKEN_EVERY_NS))


class Measured(msgspec.Struct, kw_only=True):
    """What one subject measured, what the server did, and what it cost."""

    pairs: list[tuple[Timed, Answer]]
    cpu: str
    """CPU of the processes during the rounds, percent of one core."""
    cpu_s: float
    """That of the processes that read, show and store the streams, s."""
    memory: str
    """Their peak resident sizes, MB."""
    instruments: list[Instrument] = msgspec.field(default_factory=list)


class _Result(msgspec.Struct, tag_field="type", tag="result"):
    """Of a record file's `result` lines, what is needed here."""

    model: str
    status: str
    stamps: "_Stamps"


class _Stamps(msgspec.Struct):
    sent_ns: int
    content_ns: list[int]


class ProcessCost:
    """A running process's cost, from /proc."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._cpu_s = self._read_cpu_s()
        self._began = time.monotonic()

    def _read_cpu_s(self) -> float:
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def cpu_s(self) -> float:
        """CPU since this was made, s."""
        return self._read_cpu_s() - self._cpu_s

    @property
    def cpu_percent(self) -> float:
        """CPU since this was made, of one core."""
        return 100 * self.cpu_s / (time.monotonic() - self._began)

    @property
    def peak_mb(self) -> float:
        """The largest resident size so far."""
        status = Path(f"/proc/{self._pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


class LoadServer:
    """The load server's process, from `with` to `answers`."""

    def __init__(self, load: Load, home: Path) -> None:
        self._log = home / "log.json"
        command = [sys.executable, str(_HERE / "fidelity_server.py"), str(load.tokens), str(load.streams)]
        command.append(str(self._log))
        if load.aligned:
            command.append("--aligned")
        if load.tls:
            command += ["--tls", *_certificate(home)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.base_url = f"{'https' if load.tls else 'http'}://127.0.0.1:{int(self._process.stdout.readline())}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def answers(self) -> list[Answer]:
        """End the server; its log."""
        self._process.terminate()
        self._process.wait(30)
        return msgspec.json.decode(self._log.read_bytes(), type=list[Answer])


def ours(load: Load, *, stamp_reads: bool = False, engines: int | None = None) -> Measured:
    """The real program, painting a real terminal. With `stamp_reads` it does without the kernel's stamps.

    With `engines` it has so many; else as many as it takes by itself.
    """
    with sealed() as (home, environment), LoadServer(load, home) as server:
        record = home / "record.jsonl"
        record.touch(0o600)
        environment |= access(home, load)
        if stamp_reads or engines:
            changed = _ENGINES.format(engines, math.ceil(load.streams / engines)) if engines else _STAMP_READS
            (home / "sitecustomize.py").write_text(changed)
            environment["PYTHONPATH"] = f"{home}:{environment.get('PYTHONPATH', '')}"
        with Terminal(_command(load, home, server.base_url, record), environment) as terminal:
            # By then all engines have been imported, which is no cost of a piece.
            _wait_for(record, "run_started", 1, ROUND_WITHIN_S)
            engine, screen = [ProcessCost(pid) for pid in _engines_of(terminal.pid)], ProcessCost(terminal.pid)
            for number in range(1, load.rounds + 1):
                if number > 1:
                    terminal.send(_F5)
                _wait_for(record, "run_ended", number, load.seconds + ROUND_WITHIN_S)
            cpu = f"{sum(one.cpu_percent for one in engine):.0f} + {screen.cpu_percent:.0f}"
            cpu_s = screen.cpu_s + sum(one.cpu_s for one in engine)
            memory = f"{sum(one.peak_mb for one in engine):.0f} + {screen.peak_mb:.0f}"
        lines = record.read_bytes().splitlines()
        return Measured(
            pairs=paired([_timed(line) for line in lines if line.startswith(b'{"type":"result"')], server.answers()),
            cpu=cpu,
            cpu_s=cpu_s,
            memory=memory,
            instruments=[
                msgspec.json.decode(line, type=Instrument) for line in lines if line.startswith(b'{"type":"instrument"')
            ],
        )


def usual(load: Load) -> Measured:
    """The SDK in a process of its own, with nothing else to do."""
    with sealed() as (home, environment), LoadServer(load, home) as server:
        result = home / "usual.json"
        script = [sys.executable, str(_HERE / "fidelity_usual.py"), server.base_url]
        subprocess.run(
            [*script, str(load.streams), str(load.rounds), str(result)],
            env=environment | access(home, load),
            check=True,
            timeout=load.rounds * (load.seconds + ROUND_WITHIN_S),
        )
        found = msgspec.json.decode(result.read_bytes(), type=Usual)
        return Measured(
            pairs=paired(found.timed, server.answers()),
            cpu=f"{found.cpu_percent:.0f}",
            cpu_s=found.cpu_s,
            memory=f"{found.peak_mb:.0f}",
        )


def access(home: Path, load: Load) -> dict[str, str]:
    trust = {"SSL_CERT_FILE": str(home / "certificate.pem")} if load.tls else {}
    return {"ANTHROPIC_API_KEY": "sk-ant-not-a-key"} | trust


def _command(load: Load, home: Path, base_url: str, record: Path) -> list[str]:
    plan = home / "lanes.toml"
    lanes = (f'[[targets]]\nmodel = "lane-{number:03}"\n' for number in range(load.streams))
    plan.write_text('[prompt]\nuser = "Go on."\n[parameters]\nmax_tokens = 100000\n' + "".join(lanes))
    return [LATENCY_TUI, "--base-url", base_url, "--config", str(plan), "--run", "--record", str(record)]


def _engines_of(pid: int) -> list[int]:
    """The engines that a process has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in children if b"\0engine\0" in Path(f"/proc/{one}/cmdline").read_bytes()]


def _certificate(home: Path) -> tuple[str, str]:
    """A certificate for loopback that vouches for itself, and its key."""
    certificate, key = str(home / "certificate.pem"), str(home / "key.pem")
    made_with = "openssl req -x509 -nodes -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=127.0.0.1"
    options = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run([*made_with.split(), *options], check=True, capture_output=True)
    return certificate, key


def _wait_for(record: Path, kind: str, count: int, timeout_s: float) -> bytes:
    """The `count`th line of this type in a record file that is still being written.

    Raises TimeoutError, and RuntimeError if the engine dies.
    """
    start = b'{"type":"%s"' % kind.encode()
    deadline = time.monotonic() + timeout_s
    with record.open("rb") as file:
        unfinished = b""
        while time.monotonic() < deadline:
            *lines, unfinished = (unfinished + file.read()).split(b"\n")
            for line in lines:
                if line.startswith(b'{"type":"engine_failed"'):
                    raise RuntimeError(line.decode())
                count -= line.startswith(start)
                if count == 0:
                    return line
            time.sleep(0.1)
    raise TimeoutError(f"no {kind} in the record file within {timeout_s:g} s")


def _timed(line: bytes) -> Timed:
    result = msgspec.json.decode(line, type=_Result)
    if result.status != "done":
        raise RuntimeError(f"a request failed: {line[:500]!r}")
    return Timed(model=result.model, sent_ns=result.stamps.sent_ns, content_ns=result.stamps.content_ns)


def paired(timed: list[Timed], answers: list[Answer]) -> list[tuple[Timed, Answer]]:
    """Each measured answer with the server's, by lane and round."""
    by_lane: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_lane[answer.model].append(answer)
    pairs = [(one, by_lane[one.model].pop(0)) for one in sorted(timed, key=lambda one: one.sent_ns)]
    for one, answer in pairs:
        if len(one.content_ns) != len(answer.before_ns):
            raise RuntimeError(f"{one.model}: {len(answer.before_ns)} tokens sent, {len(one.content_ns)} measured")
    return pairs
