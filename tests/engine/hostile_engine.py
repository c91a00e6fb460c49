"""A program in the place of another machine's engine, which begins like one and then does what it likes.

`python hostile_engine.py BEHAVIOUR`, for which see `_BEHAVIOURS`.
"""

import os
import sys
import time
from collections.abc import Callable

from tui.core.engine_events import Armed, Hello, Ponged, StampSource
from tui.core.events import Content, EngineReady, Event, Failure, FailureKind, Kind, RequestEnded, RunEnded, Status
from tui.engine.protocol import Fire, FrameSplitter, Ping, StartRun, decode_command, encode_events, greeting

HOUR_NS = 3_600_000_000_000
CONTROL = "\x1b[2J\x1b]0;owned\x07\u202e"
DIFFERENT_VERSION = "9.9.9"


def say(*events: Event) -> None:
    write(encode_events(list(events)))


def write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def text(number: int, later_ns: int = 0) -> Content:
    return Content(request_id=number, kind=Kind.TEXT, t_ns=[time.monotonic_ns() + later_ns], texts=["owned"])


def failed(number: int, words: str) -> RequestEnded:
    failure = Failure(kind=FailureKind.CONNECTION, message=words)
    return RequestEnded(request_id=number, t_ns=time.monotonic_ns(), status=Status.FAILED, failure=failure)


def endless(number: int) -> None:
    while True:
        say(*[text(number)] * 100)


def politely_wrong(number: int) -> None:
    """Says what it may, with words that would harm a terminal, and another host's name."""
    say(text(number), failed(number, f"gone {CONTROL}"), RunEnded(run_id=1, t_ns=time.monotonic_ns()))


_BEHAVIOURS: dict[str, Callable[[int], None]] = {
    "future": lambda number: say(text(number, HOUR_NS)),
    "endless": endless,
    "torn": lambda number: write(encode_events([text(number)])[:-3] + b"\xff" * 64),
    "stranger": lambda _number: say(text(1), failed(1, "all is lost")),
    "polite": politely_wrong,
    "idle": lambda _number: None,
}
"""What it does when it is to send a request of this number."""


def hello() -> Hello:
    return Hello(
        app_version=DIFFERENT_VERSION,
        sdk_version=CONTROL,
        python="3",
        platform=CONTROL,
        hostname="desk",
        pid=os.getpid(),
        stamp_source=StampSource.READ,
        resolution_ns=1,
        unix_ns=1,
        mono_ns=time.monotonic_ns(),
        host="desk",
    )


def main(behaviour: str) -> None:
    write(greeting(DIFFERENT_VERSION))
    say(hello(), EngineReady(pid=1, sdk_version=CONTROL, host="desk"))
    splitter = FrameSplitter()
    numbers: list[int] = []
    while data := os.read(0, 65536):
        for payload in splitter.feed(data):
            match decode_command(payload):
                case Ping(number=number):
                    say(Ponged(number=number, t_ns=time.monotonic_ns()))
                case StartRun() as run:
                    numbers = [spec.request_id for spec in run.requests]
                    if behaviour != "unarmed":
                        say(Armed(run_id=run.run_id))
                case Fire():
                    _BEHAVIOURS[behaviour](numbers[0])


if __name__ == "__main__":
    main(sys.argv[1])
