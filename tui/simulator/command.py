"""The command `latency-tui simulate`."""

import argparse
import asyncio
import gc
import os
import socket
import sys
from pathlib import Path

from tui.arguments import CommandParser, number_of
from tui.errors import ExitCode, LatencyTuiError
from tui.simulator.api import FAULT_HEADER, SimulatedApi
from tui.simulator.connections import serve
from tui.simulator.faults import FAULTS
from tui.simulator.playback import TruthLog
from tui.simulator.profiles import load

_STDIN = 0


def main(argv: list[str]) -> int:
    """Serve until interrupted, and return the exit status."""
    options = _parser().parse_args(argv)
    embedded = options.listen_fd is not None
    profiles = load(options.profiles)
    api = SimulatedApi(profiles, seed=options.seed, fault=options.fault)
    listener = socket.socket(fileno=options.listen_fd) if embedded else _listen(options.port)
    ready = (lambda: None) if embedded else lambda: _announce(listener)
    with TruthLog(options.log) as log, listener:
        # Objects that exist by now live as long as the process: the collector need not look at them again.
        gc.freeze()
        asyncio.run(serve(listener, api, log, watch_fd=_STDIN if embedded else None, ready=ready))
    return ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    width = max(len(name) for name in FAULTS)
    listed = "\n".join(f"  {name:<{width}}  {fault.help}" for name, fault in FAULTS.items())
    parser = CommandParser(
        "simulate",
        "A server on 127.0.0.1 with simulated models, which needs no key and no network: a mock for any\n"
        "program that uses the Messages API, Chat Completions or the Responses API, with the times of real\n"
        "models and with faults on demand. For example, in two terminals:\n"
        "  latency-tui simulate --port 8099 --fault 429-then-ok\n"
        "  OPENAI_BASE_URL=http://127.0.0.1:8099/v1 OPENAI_API_KEY=any python my_program.py",
        f"faults, for all requests with --fault, for one with the header {FAULT_HEADER}:\n{listed}",
    )
    parser.add_argument(
        "--port", type=number_of(0, 65_535), default=0, metavar="N", help="port to listen on (default: any free one)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="same seed, same texts and times (default: 0)")
    parser.add_argument("--profiles", type=Path, metavar="FILE", help="models to simulate (default: the built-in ones)")
    parser.add_argument("--fault", choices=FAULTS, metavar="NAME", help="fault of every message; see below")
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="log of when each event was really sent, appended as JSON lines"
    )
    parser.add_argument("--listen-fd", type=int, help=argparse.SUPPRESS)
    return parser


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port), backlog=1024)
    except OSError as error:
        raise LatencyTuiError(
            f"The simulator cannot listen on 127.0.0.1:{port}: {os.strerror(error.errno or 0)}. "
            "Choose another --port, or leave it out for any free one."
        ) from None


def _announce(listener: socket.socket) -> None:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(  # noqa: T201
        f"Simulating the Messages API at {url} and OpenAI's at {url}/v1 (Ctrl+C stops): latency-tui --base-url {url}",
        file=sys.stdout,
        flush=True,
    )
