"""Encoding of plans and records: decoding gives back the same."""

import zlib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tui.core.events import Kind, Status
from tui.core.plan import Plan
from tui.core.record import Attempt, RequestRecord
from tui.core.timeline import Timeline
from tui.history.codec import pack_record, unpack, unpack_record

from .making import plan, stored


@given(
    st.lists(st.tuples(st.sampled_from(Kind), st.text(), st.integers(0, 10**10))),
    st.integers(-(2**61), 2**61),
)
def test_a_record_comes_out_as_it_was(pieces: list[tuple[Kind, str, int]], first_ns: int) -> None:
    record = stored().requests[0]
    record.pieces = [(kind, text) for kind, text, _ in pieces]
    stamp = first_ns
    record.timeline.content_ns = [stamp := stamp + gap for _, _, gap in pieces]
    failure = stored(statuses=(Status.FAILED, Status.DONE)).requests[0].failure
    assert failure is not None
    attempt = Attempt(timeline=Timeline(content_ns=[3]), failure=failure, http_status=529, api_request_id=None)
    record.earlier.append(attempt)
    assert unpack_record(pack_record(record), record.spec) == record


def test_a_plan_of_an_older_version_takes_the_defaults() -> None:
    older = msgspec.to_builtins(plan())
    del older["retries"], older["timeouts"], older["prompt"]["system"]
    read = unpack(zlib.compress(msgspec.msgpack.encode(older | {"gone": 1})), Plan)
    assert read.targets == plan().targets
    assert read.prompt.system == ""


def test_a_record_without_an_answer_comes_out_as_it_was() -> None:
    record = RequestRecord(spec=plan().requests(1)[0])
    assert unpack_record(pack_record(record), record.spec) == record
