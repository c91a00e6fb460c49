"""The record file: lines of JSON that a script can rely on."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tui.core.events import (
    Content,
    EngineReady,
    Event,
    Failure,
    FailureKind,
    Kind,
    Mark,
    Marked,
    RequestEnded,
    Responded,
    Status,
    Usage,
    UsageReported,
)
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.errors import UsageError
from tui.history.record_file import RecordFile

MS = 1_000_000
DONE: list[Event] = [
    Marked(request_id=1, mark=Mark.SENT, t_ns=100 * MS),
    Responded(request_id=1, t_ns=110 * MS, http_status=200, api_request_id="req_1"),
    Content(request_id=1, kind=Kind.TEXT, t_ns=[150 * MS, 400 * MS], texts=["a\u2028\n", "\x1b[31mé"]),
    UsageReported(request_id=1, usage=Usage(input_tokens=3, output_tokens=6)),
    RequestEnded(request_id=1, t_ns=401 * MS, status=Status.DONE, stop_reason="end_turn"),
]
FAILED: list[Event] = [
    RequestEnded(
        request_id=1,
        t_ns=401 * MS,
        status=Status.FAILED,
        failure=Failure(kind=FailureKind.OVERLOADED, message="Overloaded.", http_status=529),
    )
]


def record(events: list[Event]) -> RequestRecord:
    made = RequestRecord(
        spec=RequestSpec(
            request_id=1,
            target="fast one",
            model="claude-haiku-5-5",
            endpoint=Endpoint(name="simulator", base_url="http://127.0.0.1:1", api_key_env="SECRET", simulated=True),
            prompt=Prompt(user="u"),
            parameters=Parameters(max_tokens=50),
            timeouts=Timeouts(),
        )
    )
    for event in events:
        made.apply(event)
    return made


def lines(path: Path) -> list[dict[str, Any]]:
    content = path.read_bytes()
    assert content.endswith(b"\n")
    return [json.loads(line) for line in content.removesuffix(b"\n").split(b"\n")]


def write(path: Path, events: list[Event]) -> dict[str, Any]:
    file = RecordFile(path)
    assert file.write(events, [record(events)]) is None
    file.close()
    return lines(path)[-1]


def test_every_event_is_a_line_and_then_the_result(tmp_path: Path) -> None:
    write(tmp_path / "record", DONE)
    written = lines(tmp_path / "record")
    assert [line["type"] for line in written] == [
        "marked",
        "responded",
        "content",
        "usage_reported",
        "request_ended",
        "result",
    ]
    assert written[2]["texts"] == ["a\u2028\n", "\x1b[31mé"]


def test_the_result_of_an_answer(tmp_path: Path) -> None:
    result = write(tmp_path / "record", DONE)
    assert result["target"] == "fast one"
    assert result["model"] == "claude-haiku-5-5"
    assert result["endpoint"] == "simulator"
    assert result["simulated"] is True
    assert result["status"] == "done"
    assert result["ttft_ms"] == 50.0
    assert result["ttlt_ms"] == 300.0
    assert result["output_tokens"] == 6
    assert result["otps"] == 16.0, "4 of 6 tokens came in the 250 ms, for the first chunk has a third of the characters"
    assert result["api_request_id"] == "req_1"
    assert result["stamps"]["sent_ns"] == 100 * MS
    assert result["stamps"]["content_ns"] == [150 * MS, 400 * MS]


def test_the_result_of_a_failure_has_no_figures(tmp_path: Path) -> None:
    result = write(tmp_path / "record", FAILED)
    assert result["status"] == "failed"
    assert result["error"]["kind"] == "overloaded"
    assert not {"ttft_ms", "ttlt_ms", "otps", "output_tokens"} & set(result)


def test_a_batch_is_in_the_file_when_it_is_written(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "record")
    file.write([EngineReady(pid=1, sdk_version="2")])
    assert lines(tmp_path / "record")[0]["type"] == "engine_ready"
    file.close()


def test_it_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_text('{"earlier":1}\n')
    write(path, DONE)
    write(path, FAILED)
    assert [line.get("status") for line in lines(path) if line.get("type") == "result"] == ["done", "failed"]
    assert lines(path)[0] == {"earlier": 1}


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write(tmp_path / "record", DONE)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "record").stat().st_mode) == 0o600


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.touch(0o644)
    path.chmod(0o644)
    write(path, DONE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("place", ["", "missing/record"])
def test_a_path_that_cannot_be_written_is_one_sentence(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    with pytest.raises(UsageError) as caught:
        RecordFile(path)
    assert str(path) in str(caught.value)
    assert "cannot be written" in str(caught.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_once() -> None:
    file = RecordFile(Path("/dev/full"))
    problem = file.write(DONE, [record(DONE)])
    assert problem == "The record file /dev/full cannot be written (No space left on device); recording has stopped."
    assert file.write(DONE) is None
    file.close()
