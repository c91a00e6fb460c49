"""Who takes the streams in `capacity.py`: engines alone, and a bare asyncio Protocol, each in its own process.

    python capacity_subjects.py protocol BASE_URL STREAMS ROUNDS RESULT

The protocol is the least that Python can do: it stamps in `data_received`, splits chunks and events, decodes the JSON
of each, and keeps the words. It knows no deadline, no redaction, no retry, and tells nobody.
"""

import asyncio
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from fidelity_runs import Load, LoadServer, Measured, ProcessCost, access, paired
from fidelity_usual import Timed, Usual
from harness import sealed

from tui.core.events import (
    Content,
    EngineReady,
    Event,
    Instrument,
    Mark,
    Marked,
    RequestEnded,
    RunEnded,
    RunStarted,
    Status,
)
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Timeouts
from tui.session import engines
from tui.session.engines import Engines

_READY_WITHIN_S = 60.0


class _EnginesAlone:
    """Engines of this machine as a session has them, and what they report of one run."""

    def __init__(self) -> None:
        self._engines = Engines(None, self._receive, _fail)
        self._ready, self._over = asyncio.Event(), asyncio.Event()
        self._sent_ns: dict[int, int] = {}
        self._content_ns: dict[int, list[int]] = {}
        self._costs: list[ProcessCost] = []
        self._began = 0.0
        self.instruments: list[Instrument] = []

    async def connect(self) -> None:
        await self._engines.connect()
        async with asyncio.timeout(_READY_WITHIN_S):
            await self._ready.wait()

    async def run(self, specs: tuple[RequestSpec, ...], within_s: float) -> list[Timed]:
        self._over.clear()
        self._content_ns = {spec.request_id: [] for spec in specs}
        self._engines.start_run(1, specs)
        async with asyncio.timeout(within_s):
            await self._over.wait()
        return [
            Timed(
                model=spec.model,
                sent_ns=self._sent_ns[spec.request_id],
                content_ns=self._content_ns[spec.request_id],
            )
            for spec in specs
        ]

    def cost(self) -> tuple[float, float, float]:
        """CPU of all engines since the first run began, s, how long that is, and their peak sizes together, MB."""
        wall_s = time.monotonic() - self._began
        return sum(one.cpu_s for one in self._costs), wall_s, sum(one.peak_mb for one in self._costs)

    async def stop(self) -> None:
        await self._engines.stop()

    def _receive(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Content():
                    self._content_ns[event.request_id] += event.t_ns
                case Marked(mark=Mark.SENT):
                    self._sent_ns[event.request_id] = event.t_ns
                case Instrument():
                    self.instruments.append(event)
                case EngineReady():
                    self._ready.set()
                case RunStarted() if not self._costs:
                    # All of them have been imported by now, which is no cost of a piece.
                    self._costs = [ProcessCost(one.pid) for one in self._engines._clients.values()]
                    self._began = time.monotonic()
                case RequestEnded() if event.status is not Status.DONE:
                    raise RuntimeError(f"a request failed: {event}")
                case RunEnded():
                    self._over.set()
                case _:
                    pass


def _fail(problem: str) -> None:
    raise RuntimeError(problem)


def several(count: int) -> Callable[[Load], Measured]:
    """So many engines, driven as the program drives them; nothing is shown and nothing stored."""

    def measured(load: Load) -> Measured:
        engines.most_here = lambda: count
        engines.STREAMS_PER_ENGINE = math.ceil(load.streams / count)
        with sealed() as (home, _), LoadServer(load, home) as server:
            return asyncio.run(_alone(load, server))

    return measured


async def _alone(load: Load, server: LoadServer) -> Measured:
    subject = _EnginesAlone()
    await subject.connect()
    prompt, parameters = Prompt(user="Go on."), Parameters(max_tokens=100_000)
    endpoint = Endpoint(name="load", base_url=server.base_url)
    specs = tuple(
        RequestSpec(
            request_id=number,
            target=f"lane-{number:03}",
            model=f"lane-{number:03}",
            endpoint=endpoint,
            prompt=prompt,
            parameters=parameters,
            timeouts=Timeouts(),
        )
        for number in range(load.streams)
    )
    timed: list[Timed] = []
    try:
        for _ in range(load.rounds):
            timed += await subject.run(specs, load.seconds + _READY_WITHIN_S)
        cpu_s, wall_s, peak = subject.cost()
    finally:
        await subject.stop()
    return Measured(
        pairs=paired(timed, server.answers()),
        cpu=f"{100 * cpu_s / wall_s:.0f}",
        cpu_s=cpu_s,
        memory=f"{peak:.0f}",
        instruments=subject.instruments,
    )


def protocol(load: Load) -> Measured:
    """The bare protocol."""
    with sealed() as (home, environment), LoadServer(load, home) as server:
        result = home / "protocol.json"
        script = [sys.executable, __file__, "protocol", server.base_url, str(load.streams), str(load.rounds)]
        subprocess.run([*script, str(result)], env=environment | access(home, load), check=True, timeout=120)
        found = msgspec.json.decode(result.read_bytes(), type=Usual)
        return Measured(
            pairs=paired(found.timed, server.answers()),
            cpu=f"{found.cpu_percent:.0f}",
            cpu_s=found.cpu_s,
            memory=f"{found.peak_mb:.0f}",
        )


def _itself(taking: "_Taking") -> "_Taking":
    return taking


class _Taking(asyncio.Protocol):
    """One answer over one connection."""

    def __init__(self, model: str, over: "asyncio.Future[None]") -> None:
        self.timed = Timed(model=model, sent_ns=0, content_ns=[])
        self._words: list[str] = []
        self._over = over
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        message = {"role": "user", "content": "Go on."}
        body = json.dumps({"model": self.timed.model, "stream": True, "max_tokens": 100_000, "messages": [message]})
        head = f"POST /v1/messages HTTP/1.1\r\nhost: load\r\ncontent-length: {len(body)}\r\n\r\n"
        self.timed.sent_ns = time.monotonic_ns()
        transport.write(f"{head}{body}".encode())

    def data_received(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        *events, self._buffer = (self._buffer + data).split(b"\n\n")
        for event in events:
            line = event.rpartition(b"\ndata: ")[2]
            if b"content_block_delta" in line:
                self.timed.content_ns.append(now_ns)
                self._words.append(json.loads(line)["delta"]["text"])
            elif b"message_stop" in line and self._transport is not None:
                self._over.set_result(None)
                self._transport.close()
                self._transport = None


async def _protocol(base_url: str, streams: int, rounds: int) -> Usual:
    address = urlsplit(base_url)
    loop = asyncio.get_running_loop()
    timed: list[Timed] = []
    began, cpu = time.monotonic(), time.process_time()
    for _ in range(rounds):
        overs = [loop.create_future() for _ in range(streams)]
        taking = [_Taking(f"lane-{number:03}", over) for number, over in enumerate(overs)]
        host, port = str(address.hostname), int(address.port or 80)
        await asyncio.gather(*(loop.create_connection(partial(_itself, one), host, port) for one in taking))
        await asyncio.gather(*overs)
        timed += [one.timed for one in taking]
    cpu_s = time.process_time() - cpu
    return Usual(
        timed=timed,
        cpu_percent=100 * cpu_s / (time.monotonic() - began),
        cpu_s=cpu_s,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


if __name__ == "__main__":
    _, _, url, how_many, how_often, path = sys.argv
    Path(path).write_bytes(msgspec.json.encode(asyncio.run(_protocol(url, int(how_many), int(how_often)))))
