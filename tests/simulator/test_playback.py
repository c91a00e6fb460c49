"""Playback: the log of when events were really written, and clients that go away or do not read."""

from itertools import pairwise
from typing import Any

import pytest

from tui.simulator.process import SimulatorProcess

from .raw import Truth, Wire, body

Logged = tuple[SimulatorProcess, Truth]
_END = b"0\r\n\r\n"


def test_the_log_tells_when_each_event_was_planned_and_written(logged: Logged) -> None:
    process, truth = logged
    with Wire(process.base_url) as wire:
        wire.post(body("sim-chunked", max_tokens=11, stream=True))
        answer = wire.until(_END)
    line = truth.line()
    assert line["path"] == "/v1/messages"
    assert line["model"] == "sim-chunked"
    assert line["ordinal"] == 0
    assert line["status"] == 200
    assert line["end"] == "complete"
    assert f"request-id: {line['request_id']}\r\n".encode() in answer
    names = [name for name, _, _ in line["events"]]
    assert names.count("content_block_delta") == 3
    assert names[-1] == "message_stop"
    assert all(planned <= written for _, planned, written in line["events"])
    assert all(earlier[2] <= later[2] for earlier, later in pairwise(line["events"]))
    offsets = [planned - line["received_ns"] for name, planned, _ in line["events"] if name == "content_block_delta"]
    assert offsets == [200_000_000, 250_000_000, 300_000_000]
    assert line["end_ns"] >= line["events"][-1][2]


def test_the_log_tells_of_a_client_that_went_away(logged: Logged) -> None:
    process, truth = logged
    with Wire(process.base_url) as wire:
        wire.post(body("sim-steady", stream=True, max_tokens=1_000_000))
        wire.until(b"text_delta")
    line = truth.line()
    assert line["end"] == "cancelled"
    assert "message_stop" not in [name for name, _, _ in line["events"]]


@pytest.mark.parametrize("fault", ["silent", "half-event-then-silence", "endless-pings"])
def test_going_away_from_a_silent_server_is_seen(logged: Logged, fault: str) -> None:
    process, truth = logged
    with Wire(process.base_url) as wire:
        wire.post(body(stream=True), x_simulator_fault=fault)
        if fault != "silent":
            wire.until(b"ping")
    line = truth.line()
    assert line["end"] == "cancelled"
    assert line["fault"] == fault
    assert (line["status"] is None) == (fault == "silent")


def test_the_log_tells_what_the_simulator_broke_off_and_refused(logged: Logged) -> None:
    process, truth = logged
    lines: list[dict[str, Any]] = []
    for headers in (
        {"x_simulator_fault": "close-mid-event"},
        {"x_simulator_fault": "error-529", "connection": "close"},
    ):
        with Wire(process.base_url) as wire:
            wire.post(body(stream=True), **headers)
            wire.rest()
        lines.append(truth.line())
    assert [line["end"] for line in lines] == ["fault", "complete"]
    assert [line["status"] for line in lines] == [200, 529]


def test_a_client_that_does_not_read_holds_the_stream_back_and_still_gets_all(logged: Logged) -> None:
    process, truth = logged
    with Wire(process.base_url) as wire:
        wire.post(body(stream=True), x_simulator_fault="huge-event")
        with Wire(process.base_url) as other:
            other.post(body(max_tokens=1), connection="close")
            assert other.rest().startswith(b"HTTP/1.1 200 ")
        # The other answer, begun later, is over first: the simulator waits for one client without blocking the rest.
        assert truth.line()["events"][0][0] == "response"
        assert len(wire.until(_END)) > 5_000_000
    assert truth.line()["end"] == "complete"
