"""Events on the wire and in the record file: names that scripts depend on."""

from typing import get_args

import msgspec
import pytest

from tui.core.events import Content, Event, Kind, RequestEvent, RunEnded, Usage

TYPES = {
    "hello",
    "engine_ready",
    "ponged",
    "armed",
    "clock_read",
    "run_started",
    "request_begun",
    "level_ended",
    "load_ended",
    "marked",
    "responded",
    "message_opened",
    "answer_checked",
    "attempt_failed",
    "answered",
    "content",
    "content_summed",
    "instrument",
    "network_seen",
    "usage_reported",
    "request_ended",
    "run_ended",
    "engine_failed",
    "tokens_counted",
    "models_listed",
    "endpoint_examined",
}


def test_every_event_is_named_by_its_class_in_snake_case() -> None:
    assert {event.__struct_config__.tag for event in get_args(Event)} == TYPES


def test_every_event_of_a_request_says_which() -> None:
    for event in get_args(RequestEvent):
        assert "request_id" in event.__struct_fields__


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            Content(request_id=1, kind=Kind.TEXT, t_ns=[2], texts=["é"]),
            '{"type":"content","request_id":1,"kind":"text","t_ns":[2],"texts":["é"]}',
        ),
        (
            RunEnded(run_id=1, t_ns=2),
            '{"type":"run_ended","run_id":1,"t_ns":2,"send_spread_ns":null,"spread_error_ns":null,"hosts":[],"sent_ns":null}',
        ),
    ],
)
def test_as_json(event: Event, line: str) -> None:
    assert msgspec.json.encode(event).decode() == line
    assert msgspec.json.decode(line, type=Event) == event


def test_absent_counts_are_left_out() -> None:
    assert msgspec.json.encode(Usage(output_tokens=0)) == b'{"output_tokens":0}'
