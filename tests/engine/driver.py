"""The real engine process, driven by a test: commands in, events out, every wait bounded."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from canary import KEY
from waiting import in_time

from tui.core.events import Content, EngineReady, Event, FailureKind, RunEnded, Status
from tui.core.host import Host
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.engine.client import HERE, EngineClient, spawn

KEYS = {"KEY_GOOD": KEY, "KEY_BAD": "invalid", "KEY_TORN": f"{KEY}\nsecond line", "KEY_BLANK": "  "}
"""Keys in the environment of the tests' engine: a good one, one that is refused, and two that cannot be keys."""

WITHIN_S = 30
"""Longest wait for anything: a test that meets it has failed."""


class Driver:
    """One engine; keeps the events of the present run, in order."""

    def __init__(self, host: Host = HERE) -> None:
        self.process = spawn(host)
        self.client = EngineClient(self.process, self._receive, host)
        self.events: list[Event] = []
        self.records: dict[int, RequestRecord] = {}
        self._arrived = asyncio.Event()
        self._last_id = 0
        self._run_id = 0

    async def connect(self) -> EngineReady:
        await self.client.connect()
        event = await self.until(lambda event: isinstance(event, EngineReady))
        assert isinstance(event, EngineReady)
        return event

    async def close(self) -> None:
        await self.client.stop()
        await asyncio.sleep(0)  # the transports close their pipes in the loop's next turn

    def spec(
        self,
        base_url: str,
        model: str = "sim-fast",
        *,
        max_tokens: int = 50,
        key_env: str | None = None,
        user: str = "How does a gateway limit requests?",
        temperature: float | None = None,
        timeouts: Timeouts | None = None,
    ) -> RequestSpec:
        self._last_id += 1
        return RequestSpec(
            request_id=self._last_id,
            target=f"lane {self._last_id}",
            model=model,
            endpoint=Endpoint(name="test", base_url=base_url, api_key_env=key_env),
            prompt=Prompt(user=user),
            parameters=Parameters(max_tokens=max_tokens, temperature=temperature),
            timeouts=timeouts or Timeouts(),
        )

    def start(self, *specs: RequestSpec) -> None:
        self._run_id += 1
        self.events.clear()
        self.records = {spec.request_id: RequestRecord(spec=spec) for spec in specs}
        self.client.start_run(self._run_id, specs)

    async def run(self, *specs: RequestSpec) -> list[RequestRecord]:
        self.start(*specs)
        await self.over()
        return list(self.records.values())

    async def over(self) -> RunEnded:
        event = await self.until(lambda event: isinstance(event, RunEnded) and event.run_id == self._run_id)
        assert isinstance(event, RunEnded)
        return event

    async def until(self, wanted: Callable[[Event], bool]) -> Event:
        """The first event of this run that is wanted, once it is there."""
        async with in_time("an event", lambda: self.seen, WITHIN_S):
            while True:
                for event in self.events:
                    if wanted(event):
                        return event
                self._arrived.clear()
                await self._arrived.wait()

    async def streaming(self, request_id: int) -> None:
        """Wait for the first content of this request."""
        await self.until(lambda event: isinstance(event, Content) and event.request_id == request_id)

    def failing(self, record: RequestRecord, kind: FailureKind, *words: str) -> None:
        """Check that the record failed so, in one line with these words, and that its run ended."""
        assert record.status is Status.FAILED
        failure = record.failure
        assert failure is not None
        assert failure.kind is kind
        for word in words:
            assert word in failure.message
        assert failure.message.isprintable()
        assert record.total_ns is None
        assert isinstance(self.events[-1], RunEnded)

    @property
    def seen(self) -> str:
        """The latest events of this run, and whether the engine's process is alive."""
        alive = "has ended" if self.process.poll() is not None else "is alive"
        return "\n".join([f"the engine {alive}; its latest events:", *map(repr, self.events[-20:])])

    def _receive(self, events: list[Event]) -> None:
        self.events += events
        for event in events:
            record = self.records.get(getattr(event, "request_id", 0))
            if record is not None:
                record.apply(event)
        self._arrived.set()


async def fresh(**environment: str) -> Driver:
    """A connected engine in a sealed environment with `KEYS`, and with `environment`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name.startswith("ANTHROPIC_") or name.lower().endswith("_proxy"):
                patch.delenv(name)
        for name, value in (KEYS | environment).items():
            patch.setenv(name, value)
        driver = Driver()
    await driver.connect()
    return driver


class TruthPipe:
    """The simulator's truth log as a named pipe: its lines can be waited for."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        # For writing too: opening waits for nobody, and reading does not end before the simulator has begun.
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._read = b""

    async def line(self) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        while b"\n" not in self._read:
            readable = loop.create_future()
            loop.add_reader(self._fd, readable.set_result, None)
            try:
                async with in_time("a line of the simulator's log", lambda: self._read, WITHIN_S):
                    await readable
            finally:
                loop.remove_reader(self._fd)
            self._read += os.read(self._fd, 1 << 20)
        line, _, self._read = self._read.partition(b"\n")
        return json.loads(line)  # type: ignore[no-any-return]

    async def lines(self, count: int) -> dict[str, dict[str, Any]]:
        """The next lines, by the request id that the API gave."""
        found = [await self.line() for _ in range(count)]
        return {line["request_id"]: line for line in found}

    def close(self) -> None:
        os.close(self._fd)


def started(*arguments: str) -> "subprocess.Popen[bytes]":
    """A Python process with pipes for its input and output."""
    return subprocess.Popen([sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
