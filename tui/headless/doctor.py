"""`latency-tui doctor`: checks one by one all that a measurement rests on."""

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
from tui.arguments import CommandParser
from tui.config import paths
from tui.config.endpoints import is_key_set, unset_headers
from tui.config.load import Loaded
from tui.config.schema import HistorySettings
from tui.config.variables import Variables
from tui.core.engine_events import ClockRead, EngineFailed, Hello, StampSource
from tui.core.events import EndpointExamined, EngineReady, Event, FailureKind, ProtocolRoute
from tui.core.host import Host
from tui.core.metrics import NS_PER_MS
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.remarks import remarks
from tui.core.sanitize import clean
from tui.core.series import SeriesSettings
from tui.core.target import Endpoint
from tui.core.wording import aligned, counted, dollars, format_duration
from tui.engine.client import HERE
from tui.engine.protocol import Examine
from tui.errors import ChildError, ExitCode, HistoryError, UsageError
from tui.headless.arguments import add_target_options, endpoints_of, load_from, print_json
from tui.headless.measure import measure
from tui.headless.models import ask_endpoints
from tui.headless.narration import Narrator
from tui.history.store import Store
from tui.session.lane import Lane

_MARKS = {True: "ok", False: "WRONG"}
_PROBE_TOKENS = 64
_REFUSED_KEY = (FailureKind.BAD_KEY, FailureKind.FORBIDDEN)


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at."""

    name: str
    ok: bool
    found: str
    """The finding, and the remedy where it is wrong; without a full stop."""


def main(arguments: Sequence[str]) -> int:
    """Run all checks; the exit status is 0 when all is well, else 1."""
    options = _parser().parse_args(arguments)
    loaded = load_from(options)
    host = _host(options.host, loaded.settings.hosts)
    with endpoints_of(loaded) as endpoints:
        engine = asyncio.run(_engine(endpoints, host))
    checks = [*_program(), *engine, *([_terminal(), *locations()] if host.is_here else [])]
    if options.probe:
        hosts = loaded.settings.hosts if host.is_here else (host,)
        settings = msgspec.structs.replace(loaded.settings, hosts=hosts)
        checks += _probes(msgspec.structs.replace(loaded, settings=settings))
    if options.json:
        print_json(checks)
    else:
        print("\n".join(aligned([(_MARKS[check.ok], check.name, clean(check.found)) for check in checks], labels=3)))
    return ExitCode.OK if all(check.ok for check in checks) else ExitCode.ERROR


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        "doctor",
        "Check keys, endpoints, clocks, the terminal and files. Costs nothing, and sends no prompt without --probe.",
    )
    add_target_options(parser, takes_plan=False)
    parser.add_argument(
        "--probe",
        action="store_true",
        help="also stream one short answer from each endpoint, to see whether anything holds it back: about 30 input "
        f"and at most {_PROBE_TOKENS} output tokens, at the price of the first model there",
    )
    parser.add_argument(
        "--host", metavar="NAME", help="check one of [[hosts]]: the way to it, its engine, and keys and endpoints there"
    )
    parser.add_argument("--json", choices=["-"], help="- prints JSON")
    return parser


def _host(name: str | None, hosts: Sequence[Host]) -> Host:
    """The host of that name. Raises UsageError for one that is not there."""
    if name is None:
        return HERE
    if (found := next((host for host in hosts if host.name == name), None)) is None:
        known = f"known are {', '.join(host.name for host in hosts)}" if hosts else "there are no [[hosts]]"
        raise UsageError(f"{clean(name)} is no host: {known}; name the plan with --config.")
    return found


def _program() -> Iterator[Check]:
    yield Check(name="program", ok=True, found=f"latency-tui {__version__}, Python {platform.python_version()}")
    clock = time.get_clock_info("monotonic")
    yield Check(
        name="clock",
        ok=clock.monotonic and clock.resolution <= 1e-6,
        found=f"{clock.implementation}, resolution {clock.resolution * 1e9:g} ns",
    )


async def _engine(endpoints: tuple[Endpoint, ...], host: Host) -> list[Check]:
    """Start the engine on `host`, look at its stamps and its delay, and have it ask the endpoints."""
    checks: list[Check] = []
    by_name = {endpoint.name: endpoint for endpoint in endpoints}

    def hear(event: Event) -> None:
        match event:
            case Hello() if not host.is_here:
                checks.append(_greeted(host, event))
            case ClockRead(clock=clock):
                error, way = format_duration(clock.error_ns), format_duration(clock.rtt_ns)
                found = f"known to ± {error}; a round trip over the link takes {way}"
                checks.append(Check(name=f"clock of {clean(host.name)}", ok=True, found=found))
            case EngineReady():
                checks.extend(_stamps(event))
            case EngineFailed(message=message):
                checks.append(Check(name="engine", ok=False, found=message.removesuffix(".")))
            case EndpointExamined(endpoint=name):
                checks.extend(checks_of(by_name[name], event, host))
            case _:
                pass

    try:
        late = await ask_endpoints(Examine(endpoints=endpoints), hear, host)
    except ChildError as error:
        return [Check(name="engine", ok=False, found=str(error).removesuffix("."))]
    if late:
        found = f"no answer in time from {', '.join(late) if checks else 'the engine'}; try again"
        checks.append(Check(name="endpoints", ok=False, found=found))
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


def _greeted(host: Host, hello: Hello) -> Check:
    """The check of an engine on another machine."""
    found = f"{hello.hostname}, {hello.platform}, latency-tui {hello.app_version}, Python {hello.python}"
    if hello.app_version != __version__:
        found += f"; this one has {__version__}"
    return Check(name=f"host {clean(host.name)}", ok=True, found=found)


def checks_of(endpoint: Endpoint, examined: EndpointExamined, host: Host = HERE) -> Iterator[Check]:
    """The checks of one endpoint, as it was asked from `host`: what stands there, and its key."""
    own = examined.routes[0]
    spoken = [route for route in examined.routes if route.is_there]
    failure = own.failure
    if failure is None and examined.list_failure is not None and examined.list_failure.kind is FailureKind.BAD_KEY:
        failure = examined.list_failure
    name = f"endpoint {clean(endpoint.name)}"
    if failure is not None:
        yield Check(name=name, ok=False, found=failure.message.removesuffix("."))
    elif own.is_there is False:
        found = f"no {own.protocol} at {own.base_url} (HTTP {own.http_status})"
        yield Check(name=name, ok=False, found=f"{found}; {_other_way(spoken)}")
    else:
        mark = " (SIMULATED)" if endpoint.simulated else ""
        said = " and ".join(route.protocol for route in spoken) or f"{own.protocol}, which was not tried"
        parts = [f"speaks {said}{mark}", *_distance(examined), _list(examined)]
        if own.words:
            parts.append(f"refuses an empty request with: {own.words}")
        yield Check(name=name, ok=True, found="; ".join(parts))
    if host.is_here:
        yield _key(endpoint, is_refused=failure is not None and failure.kind in _REFUSED_KEY)
    elif failure is not None and failure.kind in (FailureKind.NO_KEY, *_REFUSED_KEY):
        found = f"on {host.name}: {failure.message.removesuffix('.')}"
        yield Check(name=f"key {clean(endpoint.name)}", ok=False, found=found)
    elif endpoint.key_variables or host.key_command:
        whose = "lent by this machine" if host.forward_key else f"of {host.name}'s own"
        yield Check(name=f"key {clean(endpoint.name)}", ok=True, found=whose)


def _probes(loaded: Loaded) -> Iterator[Check]:
    """Stream one short answer from each endpoint, by its first target, and look at how it came. Nothing is stored."""
    settings = loaded.settings
    first = {target.endpoint or "": target for target in reversed(settings.targets)}
    targets = tuple(
        msgspec.structs.replace(target, parameters=Parameters(), variant=None) for target in reversed(first.values())
    )
    tiny = msgspec.structs.replace(
        settings,
        prompt=Prompt(user="Count from 1 to 40 in words."),
        variants=(),
        variables=Variables(),
        parameters=Parameters(max_tokens=_PROBE_TOKENS),
        targets=targets,
        objectives=(),
        checks=(),
        history=HistorySettings(enabled=False),
    )
    once = SeriesSettings(repeats=1, warm_ups=0)
    measured = measure(msgspec.structs.replace(loaded, settings=tiny), once, Narrator(quiet=True))
    return map(probe_of, measured.lanes)


def probe_of(lane: Lane) -> Check:
    """The check of how one answer came."""
    name, record = f"probe {clean(lane.label)}", lane.record
    if record is None or not record.complete:
        why = record.failure.message if record is not None and record.failure is not None else "nothing was sent"
        return Check(name=name, ok=False, found=why.removesuffix("."))
    cost = f"; it cost about {dollars(lane.cost.usd)}" if lane.cost is not None else "; its price is not known"
    if record.has_no_pace:
        said = next((one for one in remarks(record) if one.startswith("Held back")), "held back on the way, or sent so")
        return Check(name=name, ok=False, found=f"{said.removesuffix('.')}{cost}")
    if record.held_back is None:
        said = "whether it was held back cannot be told: reads were late or segments were lost; run it again"
        return Check(name=name, ok=False, found=f"{said}{cost}")
    came = record.timeline.arrivals
    pieces = f"{came.pieces:,} pieces of content came one by one" if came is not None and came.pieces > 1 else "it came"
    return Check(name=name, ok=True, found=f"{pieces}, the first after {format_duration(record.ttft_ns)}{cost}")


def _other_way(spoken: Sequence[ProtocolRoute]) -> str:
    if not spoken:
        return "check the base URL"
    kinds = " or ".join(f'kind = "{route.kind}" and base_url = "{route.base_url}"' for route in spoken)
    return f"it speaks {' and '.join(route.protocol for route in spoken)}: set {kinds}"


def _distance(examined: EndpointExamined) -> Iterator[str]:
    if examined.rtt_ns is not None:
        where = f"to the proxy {examined.proxy} " if examined.proxy else ""
        yield f"a round trip {where}takes about {examined.rtt_ns / NS_PER_MS:.3g} ms"
    elif examined.proxy:
        yield f"through the proxy {examined.proxy}"


def _list(examined: EndpointExamined) -> str:
    if examined.list_failure is None:
        return f"lists {counted(examined.models, 'model')}"
    status = examined.list_failure.http_status
    return f"lists no models (HTTP {status})" if status else "lists no models"


def _key(endpoint: Endpoint, *, is_refused: bool) -> Check:
    name = f"key {clean(endpoint.name)}"
    variable = endpoint.api_key_env
    found = None
    if unset := unset_headers(endpoint, os.environ):
        return Check(name=name, ok=False, found=f"{', '.join(unset)} is not set: export what its secret headers need")
    if is_key_set(endpoint, os.environ):
        found = f"in {variable}"
    elif endpoint.key_command:
        found = f"from the command {endpoint.key_command[0]}"
    elif endpoint.aws_credentials:
        found = "signed with AWS's own credentials, where no key is set"
    elif variable is None:
        found = f"in {', '.join(endpoint.key_variables)}" if endpoint.secret_headers else "none needed"
    if found is None:
        return Check(name=name, ok=False, found=f"{variable} is not set: export it, or use another endpoint")
    if is_refused:
        found = "none given, and the server wants one" if found == "none needed" else f"{found}, refused by the server"
    return Check(name=name, ok=not is_refused, found=found)


def _terminal() -> Check:
    size = shutil.get_terminal_size()
    kind = os.environ.get("TERM", "")
    is_terminal = sys.stdin.isatty() and sys.stderr.isatty()
    encoding = (sys.stdout.encoding or "").lower()
    others = (f"{name}={clean(value)}, " for name in ("COLORTERM", "NO_COLOR") if (value := os.environ.get(name)))
    found = f"TERM={clean(kind) or 'not set'}, {''.join(others)}{size.columns} × {size.lines} cells, {encoding}"
    if not is_terminal:
        return Check(name="terminal", ok=True, found="none here: `latency-tui run` needs none")
    if kind in ("", "dumb"):
        return Check(
            name="terminal", ok=False, found=f"{found}: the screen cannot be shown, use `latency-tui run --plain`"
        )
    return Check(name="terminal", ok=True, found=found)


def locations() -> Iterator[Check]:
    places = {"configuration": paths.user_config_file(), "state": paths.state_file(), "history": paths.history_file()}
    for (name, path), kind in zip(places.items(), ("CONFIG", "STATE", "DATA"), strict=True):
        ok, found = _is_writable(path), f"{path}{'' if path.exists() else ' (not there yet)'}"
        try:
            if name == "history" and path.exists():
                with Store(path) as store:
                    found += f", {counted(store.count(), 'run')}, {store.bytes_used() / 1e6:.1f} MB"
            found += "" if ok else f": cannot be written; make its directory writable, or set XDG_{kind}_HOME"
        except HistoryError as error:
            ok, found = False, str(error).removesuffix(".")
        yield Check(name=name, ok=ok, found=found)


def _is_writable(path: Path) -> bool:
    """True if the file, or the first directory above it that is there, can be written. Below a file nothing can."""
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    return os.access(place, os.W_OK) and (place == path or place.is_dir())
