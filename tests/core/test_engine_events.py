"""Events of engines, as files and pipes name them."""

import msgspec

from tui.core.engine_events import ClockOffset, ClockRead, EngineFailed
from tui.core.events import Event


def test_they_are_part_of_the_one_stream() -> None:
    events: list[Event] = [
        ClockRead(host="tokyo", clock=ClockOffset(offset_ns=5, error_ns=1, rtt_ns=2)),
        EngineFailed(t_ns=1, message="gone", host="tokyo"),
    ]
    assert msgspec.json.decode(msgspec.json.encode(events), type=list[Event]) == events
