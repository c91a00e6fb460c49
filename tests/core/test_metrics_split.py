"""Upload, network and server: the three parts of TTFT, and how sure they are."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tui.core.events import NetworkSeen, Status
from tui.core.metrics import Split, split
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.remarks import remarks
from tui.core.target import Endpoint, Timeouts
from tui.core.timeline import Timeline

MS = 1_000_000
SPEC = RequestSpec(
    request_id=1,
    target="lane",
    model="model",
    endpoint=Endpoint(name="e", base_url="http://localhost"),
    prompt=Prompt(),
    parameters=Parameters(),
    timeouts=Timeouts(),
)
SMALL, LARGE = 700, 200_000


def seen(*, rtt: float | None = 80, size: int = SMALL, again: int = 0) -> NetworkSeen:
    rtt_ns = None if rtt is None else round(rtt * MS)
    return NetworkSeen(
        request_id=1,
        rtt_ns=rtt_ns,
        min_rtt_ns=rtt_ns,
        sent_bytes=size,
        segment_bytes=1_448,
        retransmissions=again,
    )


def timeline(acked: float | None, first: float | None) -> Timeline:
    """Sent at 1 s; the moments are ms after it."""
    sent_ns = 1_000 * MS
    return Timeline(
        sent_ns=sent_ns,
        acked_ns=None if acked is None else sent_ns + round(acked * MS),
        content_ns=[] if first is None else [sent_ns + round(first * MS), sent_ns + 5_000 * MS],
    )


def in_ms(found: Split | None) -> tuple[float | None, ...]:
    assert found is not None
    parts = (found.upload_ns, found.network_ns, found.server_ns, found.error_ns)
    return tuple(None if part is None else part / MS for part in parts)


def test_a_short_request() -> None:
    assert in_ms(split(timeline(80, 380), seen())) == (0, 80, 300, 0)


def test_the_upload_of_a_long_one_is_neither_the_networks_nor_the_servers() -> None:
    assert in_ms(split(timeline(912, 1_212), seen(size=LARGE))) == (832, 80, 300, 40)


def test_an_acknowledgement_that_was_held_back_is_the_servers_time() -> None:
    # On loopback, of a server that answered the request before at once.
    assert in_ms(split(timeline(42, 300), seen(rtt=0.01))) == (0, 0.01, 299.99, 41.99)


def test_one_that_came_with_the_answer_says_no_more_than_the_round_trip() -> None:
    assert in_ms(split(timeline(85, 85), seen())) == (0, 80, 5, 5)


def test_one_of_a_long_request_that_was_lost_leaves_all_of_the_upload_in_doubt() -> None:
    # The next segment to acknowledge it is the answer's first, 100 ms later.
    late = timeline(250, 350)
    late.headers_ns = (late.sent_ns or 0) + 250 * MS
    assert in_ms(split(late, seen(size=LARGE))) == (170, 80, 100, 170)


def test_a_retransmission_of_the_request_is_the_networks() -> None:
    assert in_ms(split(timeline(370, 670), seen(again=1))) == (0, 370, 300, 40)


def test_the_wait_for_a_short_request_is_the_networks_where_no_peer_waits_so_long() -> None:
    assert in_ms(split(timeline(1_080, 1_380), seen())) == (0, 880, 500, 200)


def test_an_answer_before_the_end_of_the_request() -> None:
    assert in_ms(split(timeline(400, 300), seen(size=LARGE))) == (220, 80, 0, 40)


def test_without_an_answer_the_way_there_is_known() -> None:
    assert in_ms(split(timeline(80, None), seen())) == (0, 80, None, 0)


def test_it_is_absent_and_never_guessed() -> None:
    assert split(timeline(80, 380), None) is None
    assert split(timeline(None, 380), seen()) is None
    assert split(timeline(80, 380), seen(rtt=None)) is None
    assert split(timeline(-1, 380), seen()) is None
    assert split(Timeline(acked_ns=1, content_ns=[2]), seen()) is None


@given(
    st.integers(0, 2_000 * MS), st.integers(0, 2_000 * MS), st.integers(1, 500 * MS), st.sampled_from([SMALL, LARGE])
)
def test_the_parts_are_the_whole(acked: int, first: int, rtt: int, size: int) -> None:
    for again in (0, 2):
        found = split(timeline(acked / MS, first / MS), seen(rtt=rtt / MS, size=size, again=again))
        assert found is not None
        assert found.server_ns is not None
        assert min(found.upload_ns, found.network_ns, found.server_ns, found.error_ns) >= 0
        assert abs(found.upload_ns + found.network_ns + found.server_ns - first) <= 2


def test_what_the_network_lost_is_said_of_it() -> None:
    record = RequestRecord(spec=SPEC, timeline=timeline(80, 380), network=seen(again=1), status=Status.DONE)
    assert any("1 segment of the request" in remark for remark in remarks(record))
    stalled = msgspec.structs.replace(seen(), out_of_order=3, stalled_ns=152 * MS)
    record.network = stalled
    (remark,) = remarks(record)
    assert "152 ms" in remark
    assert "network" in remark
    for quiet in (seen(), msgspec.structs.replace(stalled, stalled_ns=5 * MS), None):
        record.network = quiet
        assert remarks(record) == ()
