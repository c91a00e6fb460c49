"""Arbitrary stored runs."""

from typing import Any

from hypothesis import strategies as st

from tui.core.checks import CheckFinding
from tui.core.engine_events import StampSource
from tui.core.events import Failure, FailureKind, Instrument, Kind, Status, Usage
from tui.core.parameters import Parameters
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt, Turn
from tui.core.record import Attempt, RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.core.target import Endpoint, Retries, Target, TimeoutOverrides, Timeouts
from tui.core.timeline import Timeline

texts = st.text(max_size=20)
stamps = st.integers(0, 2**63 - 1)
maybe_stamp = st.none() | stamps
counts = st.none() | st.integers(0, 10**9)
free = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
parameters = st.builds(
    Parameters,
    max_tokens=st.none() | st.integers(1, 1_000_000),
    stop_sequences=st.none() | st.lists(texts, max_size=2).map(tuple),
    effort=st.none() | st.sampled_from(["low", "max"]),
    cache=st.sampled_from([None, True, False, "5m", "1h"]),
    temperature=st.none() | st.floats(0, 1),
    extra=st.none() | st.dictionaries(texts, free, max_size=3),
)
turns = st.builds(Turn, role=st.sampled_from(["user", "assistant"]), text=texts)
prompts = st.builds(
    Prompt, system=texts, user=texts, turns=st.lists(turns, max_size=2).map(tuple), prefill=texts, name=texts
)
endpoints = st.builds(
    Endpoint,
    name=st.sampled_from(["a", "b"]),
    base_url=st.sampled_from(["http://127.0.0.1:1", "https://user:pass@example.com/x", "http://[", ""]),
    api_key_env=st.none() | texts,
    key_command=st.lists(texts, max_size=2).map(tuple),
    api_version=st.none() | texts,
    headers=st.dictionaries(st.sampled_from(["x-team", "x-api-key"]) | texts, texts, max_size=3),
    ca_file=st.none() | texts,
    proxy=st.none() | texts,
    timeouts=st.builds(TimeoutOverrides, connect=st.none() | st.floats(0.1, 100)),
    simulated=st.booleans(),
)
failures = st.builds(
    Failure,
    kind=st.sampled_from(FailureKind),
    message=texts,
    http_status=st.none() | st.integers(100, 599),
    retry_after_s=st.none() | st.floats(0, 1e6),
)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    content = sorted(draw(st.lists(stamps, max_size=6)))
    thinking = draw(st.integers(0, len(content)))
    others: dict[str, Any] = {
        name: draw(maybe_stamp)
        for name in Timeline.__struct_fields__
        if name.endswith("_ns") and name not in ("content_ns", "first_text_ns")
    }
    return Timeline(
        **others,
        content_ns=content,
        thinking_pieces=thinking,
        first_text_ns=content[thinking] if thinking < len(content) else None,
    )


attempts = st.builds(
    Attempt,
    timeline=timelines(),
    failure=failures,
    http_status=st.none() | st.integers(100, 599),
    api_request_id=st.none() | texts,
)
instruments = st.builds(
    Instrument,
    request_id=st.integers(0, 10**6),
    stamp_source=st.sampled_from(StampSource),
    reads=st.integers(0, 10**6),
    shared=st.integers(0, 10),
    delay_p50_ns=st.none() | stamps,
    delay_p99_ns=st.none() | stamps,
    delay_max_ns=st.none() | stamps,
)
usages = st.builds(Usage, input_tokens=counts, output_tokens=counts, cache_read_input_tokens=counts)
infos = st.builds(
    RunInfo,
    uid=texts,
    started_unix_ns=st.integers(0, 2**62),
    app_version=texts,
    sdk_version=texts,
    series=st.none() | texts,
    repeat=st.integers(1, 1000),
    warm_up=st.booleans(),
    in_turn=st.booleans(),
    seed=st.none() | st.integers(0, 2**63 - 1),
    send_spread_ns=st.none() | st.integers(0, 10**12),
)


findings = st.lists(
    st.builds(CheckFinding, kind=texts, passed=st.none() | st.booleans(), reason=texts), max_size=2
).map(tuple)


@st.composite
def records(draw: st.DrawFn, plan: Plan) -> RequestRecord:
    endpoint = draw(st.sampled_from(plan.endpoints) | endpoints)
    return RequestRecord(
        spec=RequestSpec(
            request_id=draw(st.integers(0, 10**6)),
            target=draw(texts),
            model=draw(texts),
            endpoint=endpoint,
            prompt=draw(st.just(plan.prompt) | prompts),
            parameters=draw(parameters),
            timeouts=draw(st.builds(Timeouts, request=st.floats(1, 1000))),
            retries=Retries(max=draw(st.integers(0, 10))),
        ),
        timeline=draw(timelines()),
        pieces=draw(st.lists(st.tuples(st.sampled_from(Kind), texts), max_size=4)),
        usage=draw(usages),
        status=draw(st.sampled_from(Status)),
        checks=draw(findings),
        stop_reason=draw(st.none() | texts),
        failure=draw(st.none() | failures),
        instrument=draw(st.none() | instruments),
        earlier=draw(st.lists(attempts, max_size=2)),
        http_status=draw(st.none() | st.integers(100, 599)),
        api_request_id=draw(st.none() | texts),
    )


@st.composite
def stored_runs(draw: st.DrawFn) -> StoredRun:
    known = draw(st.lists(endpoints, min_size=1, max_size=2, unique_by=lambda endpoint: endpoint.name))
    target = st.builds(
        Target,
        model=texts,
        endpoint=st.none() | st.sampled_from([endpoint.name for endpoint in known]),
        name=st.none() | texts,
        variant=st.none() | texts,
        parameters=parameters,
    )
    plan = Plan(
        prompt=draw(prompts),
        variants=tuple(draw(st.lists(prompts, max_size=2))),
        rows=tuple(draw(st.lists(st.dictionaries(st.sampled_from(["a", "b c"]), texts), max_size=1))),
        parameters=draw(parameters),
        targets=tuple(draw(st.lists(target, max_size=2))),
        endpoints=tuple(known),
        default_endpoint=known[0].name,
    )
    return StoredRun(
        info=draw(infos),
        plan=plan,
        requests=draw(st.lists(records(plan), max_size=3)),
        number=draw(st.none() | st.integers(1, 10**6)),
        note=draw(texts),
        tags=tuple(draw(st.lists(texts, max_size=2))),
    )
