"""`latency-tui doctor`: what a measurement rests on, checked one by one."""

import argparse
import asyncio
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tui import __version__
from tui.config import paths
from tui.config.endpoints import is_key_set
from tui.config.load import Flags, build_plan, load, needs_simulator
from tui.core.events import EngineFailed, EngineReady, Event, FailureKind, ModelsListed, StampSource
from tui.core.metrics import NS_PER_MS
from tui.core.sanitize import clean
from tui.core.target import Endpoint
from tui.engine.client import EngineClient, spawn
from tui.engine.protocol import ListModels
from tui.errors import ExitCode, HistoryError
from tui.history.store import Store
from tui.simulator.process import SimulatorProcess

_WITHIN_S = 40.0
"""How long the engine may take to start and to ask."""
_NO_LIST = frozenset({FailureKind.UNKNOWN_MODEL, FailureKind.BAD_REQUEST, FailureKind.PROTOCOL})
"""How an endpoint answers that can be reached and lists no models: many compatible servers."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at."""

    name: str
    ok: bool
    found: str
    """What is so, and, where that is wrong, what to do; without a full stop."""


def main(arguments: Sequence[str]) -> int:
    """Run all checks; the exit status is 0 when all is well, else 1."""
    options = _parser().parse_args(arguments)
    loaded = load(Flags(config=options.config, demo=options.demo, base_url=options.base_url), os.environ, Path.cwd())
    settings = loaded.settings
    simulator = SimulatorProcess.start() if needs_simulator(settings, os.environ) else None
    try:
        plan = build_plan(settings, os.environ, simulator.base_url if simulator is not None else None)
        endpoints = tuple({endpoint.name: endpoint for endpoint in map(plan.endpoint_of, plan.targets)}.values())
        checks = [
            *_program(),
            *asyncio.run(_engine(endpoints)),
            *map(_key, endpoints),
            _terminal(),
            *_locations(),
        ]
    finally:
        if simulator is not None:
            simulator.stop()
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(checks)).decode() + "\n")
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            print(f"{'ok   ' if check.ok else 'WRONG'}  {check.name:<{width}}  {clean(check.found)}")
    return ExitCode.OK if all(check.ok for check in checks) else ExitCode.ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="latency-tui doctor",
        description="Check keys, endpoints, clocks, the terminal and files. Sends no prompt and costs nothing.",
        allow_abbrev=False,
    )
    parser.add_argument("--config", type=Path, metavar="PATH", help="a configuration or plan file (TOML)")
    parser.add_argument("--base-url", metavar="URL", help="ask a server that speaks the Messages API at URL")
    parser.add_argument("--demo", action="store_true", help="use the simulator even if a key is set")
    parser.add_argument("--json", choices=["-"], help="- prints JSON")
    return parser


def _program() -> Iterator[Check]:
    yield Check(name="program", ok=True, found=f"latency-tui {__version__}, Python {platform.python_version()}")
    clock = time.get_clock_info("monotonic")
    yield Check(
        name="clock",
        ok=clock.monotonic and clock.resolution <= 1e-6,
        found=f"{clock.implementation}, resolution {clock.resolution * 1e9:g} ns",
    )


async def _engine(endpoints: tuple[Endpoint, ...]) -> list[Check]:
    """Whether it starts, who stamps arrivals and how late it reads, and whether the endpoints answer it."""
    answers: asyncio.Queue[Event] = asyncio.Queue()

    def take(events: list[Event]) -> None:
        for event in events:
            answers.put_nowait(event)

    checks: list[Check] = []
    client = EngineClient(spawn(), take)
    await client.connect()
    waiting = {endpoint.name: endpoint for endpoint in endpoints}
    try:
        client.ask_aside(ListModels(endpoints=endpoints))
        async with asyncio.timeout(_WITHIN_S):
            while waiting or not checks:
                match await answers.get():
                    case EngineReady() as ready:
                        checks += _stamps(ready)
                    case EngineFailed(message=message):
                        return [*checks, Check(name="engine", ok=False, found=message.removesuffix("."))]
                    case ModelsListed() as listed if listed.endpoint in waiting:
                        checks.append(_reached(waiting.pop(listed.endpoint), listed))
                    case _:
                        pass
    except TimeoutError:
        late = ", ".join(waiting) or "the engine"
        checks.append(Check(name="endpoints", ok=False, found=f"no answer in time from {late}; try again"))
    finally:
        await client.stop()
    return checks


def _stamps(ready: EngineReady) -> list[Check]:
    engine = Check(name="engine", ok=True, found=f"anthropic SDK {ready.sdk_version}")
    calibration = ready.calibration
    if calibration is None:
        return [engine, Check(name="stamps", ok=False, found="the rehearsal on loopback failed; is loopback blocked?")]
    if calibration.stamp_source is not StampSource.KERNEL or calibration.delay_p99_ns is None:
        found = "taken after the read: the kernel gives none here, so that the instrument's delay is part of all times"
        return [engine, Check(name="stamps", ok=True, found=found)]
    late = calibration.delay_p99_ns / NS_PER_MS
    return [engine, Check(name="stamps", ok=True, found=f"the kernel's; reads were {late:.2f} ms behind them (p99)")]


def _reached(endpoint: Endpoint, listed: ModelsListed) -> Check:
    name = f"endpoint {clean(endpoint.name)}"
    mark = " (SIMULATED)" if endpoint.simulated else ""
    if listed.failure is None:
        return Check(name=name, ok=True, found=f"answers{mark}, lists {len(listed.models)} models")
    if listed.failure.kind in _NO_LIST and listed.failure.http_status is not None:
        return Check(name=name, ok=True, found=f"answers with HTTP {listed.failure.http_status}, lists no models")
    return Check(name=name, ok=False, found=listed.failure.message.removesuffix("."))


def _key(endpoint: Endpoint) -> Check:
    name = f"key {clean(endpoint.name)}"
    variable = endpoint.api_key_env
    if is_key_set(endpoint, os.environ):
        return Check(name=name, ok=True, found=f"in {variable}")
    if endpoint.key_command:
        return Check(name=name, ok=True, found=f"from the command {endpoint.key_command[0]}")
    if endpoint.aws_credentials:
        return Check(name=name, ok=True, found="signed with AWS's own credentials, where no key is set")
    if variable is None:
        return Check(name=name, ok=True, found="none needed")
    return Check(name=name, ok=False, found=f"{variable} is not set: export it, or use another endpoint")


def _terminal() -> Check:
    size = shutil.get_terminal_size()
    kind = os.environ.get("TERM", "")
    is_terminal = sys.stdin.isatty() and sys.stderr.isatty()
    encoding = (sys.stdout.encoding or "").lower()
    found = f"TERM={clean(kind) or 'not set'}, {size.columns} columns, {size.lines} rows, {encoding}"
    if not is_terminal:
        return Check(name="terminal", ok=True, found="none here: `latency-tui run` needs none")
    if kind in ("", "dumb"):
        return Check(
            name="terminal", ok=False, found=f"{found}: the screen cannot be shown, use `latency-tui run --plain`"
        )
    return Check(name="terminal", ok=True, found=found)


def _locations() -> Iterator[Check]:
    for name, path in (("configuration", paths.user_config_file()), ("state", paths.state_file())):
        yield Check(name=name, ok=_is_writable(path), found=f"{path}{'' if path.exists() else ' (not there yet)'}")
    history = paths.history_file()
    if not history.exists():
        yield Check(name="history", ok=_is_writable(history), found=f"{history} (not there yet)")
        return
    try:
        with Store(history) as store:
            runs, used = store.count(), store.bytes_used()
    except HistoryError as error:
        yield Check(name="history", ok=False, found=str(error).removesuffix("."))
        return
    yield Check(name="history", ok=_is_writable(history), found=f"{history}, {runs} runs, {used / 1e6:.1f} MB")


def _is_writable(path: Path) -> bool:
    """Whether the file, or the first directory above it that is there, can be written."""
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    return os.access(place, os.W_OK)
