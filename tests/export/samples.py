"""Fixed runs for the golden files: one of every way a request can end, and texts that mean harm."""

from collections.abc import Sequence
from typing import Any

from tried_samples import TRIED

from tui.advice.suggestion import Change, PromptEdit, Trial
from tui.advice.trial import TrialResult, TrialVerdict
from tui.core.checks import AnswerCheck, CheckFinding
from tui.core.engine_events import StampSource
from tui.core.events import Failure, FailureKind, Instrument, Kind, NetworkSeen, Response, Status, Usage
from tui.core.figures import Figure
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import Attempt, RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.core.target import Endpoint, Retries, Target
from tui.core.timeline import Timeline
from tui.export.formats import Format, render

MS = 1_000_000
START = 1_000_000_000_000
HOSTILE = [
    "\x1b[31mred\x1b]52;c;aGk=\x07",
    "=cmd|'/c calc'!A1",
    "@SUM(1+1)",
    "\t=1+1",
    "\u200b=1+1",
    "＝1+1",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "]]></title></style></pre></details>\"'&lt;",
    "| a | b |\n|---|---|",
    "```\n# not a heading\n````",
    "[link](javascript:alert(1)) ![x](http://e.example/x.png) <http://e.example>",
    "\u202eevil\u2066\u2069",
    "half \ud83d of a pair, \udc00 and another",
    "NUL \x00, DEL \x7f, C1 \x9b31m, BEL \x07",
    "one\r\ntwo\rthree\u2028four",
    "zero\u200bwidth\u2060 tags \U000e0041\U000e0042",
    "- item\n1. item\n\n---",
]

SIMULATOR = Endpoint(name="simulator", base_url="http://127.0.0.1:8099", simulated=True)
GATEWAY = Endpoint(
    name="gateway",
    base_url="https://gateway.example",
    api_version="2023-06-01",
    headers={"x-team": "search", "anthropic-beta": "fine-grained-tool-streaming-2025-05-14"},
)


def timeline(at: int, chunks: list[int], *, thinking: int = 0, ended: int, reused: bool = False) -> Timeline:
    """Stamps of a request sent `at` ms; content, the end and the rest in ms after that."""
    base = START + at * MS
    opened: dict[str, Any] = (
        {"reused_ns": base - 1 * MS}
        if reused
        else {
            "connect_started_ns": base - 30 * MS,
            "resolved_ns": base - 25 * MS,
            "connected_ns": base - 15 * MS,
            "tls_started_ns": base - 15 * MS,
            "tls_done_ns": base - 4 * MS,
        }
    )
    content = [base + chunk * MS for chunk in chunks]
    return Timeline(
        queued_ns=base - 40 * MS,
        **opened,
        sent_ns=base,
        headers_ns=base + 20 * MS,
        message_start_ns=base + 21 * MS,
        thinking_started_ns=base + 22 * MS if thinking else None,
        message_stop_ns=base + ended * MS - 1 if content else None,
        ended_ns=base + ended * MS,
        content_ns=content,
        thinking_pieces=thinking,
        first_text_ns=content[thinking] if len(content) > thinking else None,
    )


def instrument(request_id: int) -> Instrument:
    return Instrument(
        request_id=request_id,
        stamp_source=StampSource.KERNEL,
        reads=12,
        shared=1,
        delay_p50_ns=41_000,
        delay_p99_ns=1_250_000,
        delay_max_ns=2_000_000,
    )


def plan(*targets: Target, prompt: Prompt) -> Plan:
    return Plan(
        prompt=prompt,
        parameters=Parameters(max_tokens=256, effort="low", extra={"metadata": {"user_id": "u-1"}}),
        targets=targets,
        endpoints=(SIMULATOR, GATEWAY),
        default_endpoint="simulator",
        retries=Retries(max=2),
    )


def simple_run() -> StoredRun:
    """Done, thinking, truncated, cancelled, failed after a retry, and interrupted; all on the simulator."""
    asked = plan(
        *(Target(model=f"claude-{name}-5-5") for name in ("haiku", "sonnet", "opus")),
        Target(model="claude-haiku-5-5", name="cancelled"),
        Target(model="claude-haiku-5-5", name="failing", parameters=Parameters(max_tokens=5)),
        Target(model="claude-haiku-5-5", name="interrupted"),
        prompt=Prompt(
            system="You answer in one sentence.",
            user="Why is the sky blue?",
            checks=(AnswerCheck(contains="blue"), AnswerCheck(max_words=3)),
        ),
    )
    done, thought, cut, cancelled, failed, interrupted = (RequestRecord(spec=spec) for spec in asked.requests(1))
    for record in (done, thought, cut, cancelled):
        record.instrument = instrument(record.spec.request_id)
        record.http_status, record.api_request_id = 200, f"req_{record.spec.request_id}"
    done.timeline = timeline(0, [120, 140, 190, 210], ended=215)
    done.pieces = [(Kind.TEXT, "Air scatters "), (Kind.TEXT, "blue light.")]
    done.usage, done.status, done.stop_reason = Usage(input_tokens=14, output_tokens=9), Status.DONE, "end_turn"
    done.checks = (
        CheckFinding(kind="contains", passed=True, reason='"blue" is in it'),
        CheckFinding(kind="max_words", passed=False, reason="4 words, at most 3 are wanted", span=(5, 9)),
    )
    done.overruled = True
    done.response = Response(
        proxy="http://proxy.test:3128 (from HTTPS_PROXY)",
        redirected_to="https://api.test/v1/messages",
        streamed=False,
        headers={"via": "1.1 proxy.test", "anthropic-ratelimit-requests-remaining": "49"},
    )
    thought.timeline = timeline(1, [200, 260, 420, 480], thinking=2, ended=490, reused=True)
    thought.timeline.acked_ns = START + 85 * MS
    thought.network = NetworkSeen(
        request_id=2,
        rtt_ns=82 * MS,
        min_rtt_ns=80 * MS,
        sent_bytes=900,
        segment_bytes=1_448,
        out_of_order=1,
        stalled_ns=160 * MS,
    )
    thought.pieces = [(Kind.THINKING, "Rayleigh, I think."), (Kind.TEXT, "Rayleigh scattering.")]
    thought.usage = Usage(input_tokens=14, output_tokens=31, thinking_tokens=20, cache_read_input_tokens=2)
    thought.status, thought.stop_reason = Status.DONE, "end_turn"
    cut.timeline = timeline(2, [333], ended=340)
    cut.pieces, cut.usage = [(Kind.TEXT, "The sky is")], Usage(input_tokens=14, output_tokens=3)
    cut.status, cut.stop_reason = Status.TRUNCATED, "max_tokens"
    cancelled.timeline = timeline(3, [150, 170], ended=180)
    cancelled.pieces, cancelled.usage = [(Kind.TEXT, "Becau")], Usage(input_tokens=14, output_tokens=1)
    cancelled.status = Status.CANCELLED
    overloaded = Failure(kind=FailureKind.OVERLOADED, message="Overloaded; try later.", http_status=529)
    failed.earlier = [
        Attempt(timeline=timeline(4, [], ended=50), failure=overloaded, http_status=529, api_request_id="req_5")
    ]
    failed.timeline = timeline(1004, [], ended=60)
    failed.failure, failed.http_status, failed.api_request_id = overloaded, 529, "req_6"
    failed.status = Status.FAILED
    interrupted.timeline = timeline(5, [160], ended=0)
    interrupted.timeline.ended_ns = interrupted.timeline.message_stop_ns = None
    interrupted.pieces = [(Kind.TEXT, "Blue")]
    interrupted.status = Status.INTERRUPTED
    for record in (done, thought, cut, cancelled, failed, interrupted):
        record.count_characters()
    return StoredRun(
        info=RunInfo(
            uid="run-1",
            started_unix_ns=1_795_000_000_123_456_789,
            app_version="0.1.0",
            sdk_version="2.12.0",
            send_spread_ns=5 * MS,
        ),
        plan=asked,
        requests=[done, thought, cut, cancelled, failed, interrupted],
        number=7,
        note="before the change",
        tags=("baseline", "sky"),
    )


def hostile_run() -> StoredRun:
    """Every text of it means harm; a warm-up is not, so that it is in all tables."""
    everything = "\n".join(HOSTILE)
    asked = plan(
        *(Target(model=text, name=f"{text}!", endpoint="gateway") for text in HOSTILE),
        prompt=Prompt(
            system=everything,
            user=everything,
            checks=(AnswerCheck(contains=everything), AnswerCheck(command=("/home/me/check",))),
        ),
    )
    records = [RequestRecord(spec=spec) for spec in asked.requests(101)]
    for index, (record, text) in enumerate(zip(records, HOSTILE, strict=True)):
        record.timeline = timeline(10 + index, [100, 120 + index], ended=130)
        record.pieces = [(Kind.THINKING, text), (Kind.TEXT, text)]
        record.count_characters()
        record.usage = Usage(input_tokens=5, output_tokens=4)
        record.checks = (CheckFinding(kind=text, passed=False, reason=text),)
        record.status, record.stop_reason, record.api_request_id = Status.DONE, text, text
    records[0].status = Status.FAILED
    records[0].failure = Failure(kind=FailureKind.PROTOCOL, message=everything)
    return StoredRun(
        info=RunInfo(
            uid="run-2",
            started_unix_ns=1_795_000_060_000_000_000,
            app_version="0.1.0",
            sdk_version="2.12.0",
            series="series-1",
            repeat=2,
            in_turn=True,
            seed=4,
        ),
        plan=asked,
        requests=records,
        note=everything,
        tags=tuple(HOSTILE),
    )


def warm_up_run() -> StoredRun:
    """One request on a real endpoint that is kept but not counted."""
    asked = plan(
        Target(model="claude-opus-5-5", endpoint="gateway", drop=("effort",)), prompt=Prompt(user="Say hello.")
    )
    record = RequestRecord(spec=asked.requests(200)[0], status=Status.DONE, usage=Usage(input_tokens=4))
    record.timeline = timeline(0, [900, 950], ended=960)
    record.pieces = [(Kind.TEXT, "Hello "), (Kind.TEXT, "文字 héllo 👩‍🚀")]
    record.count_characters()
    return StoredRun(
        info=RunInfo(
            uid="run-0",
            started_unix_ns=1_794_999_990_000_000_000,
            app_version="0.1.0",
            sdk_version="2.11.0",
            warm_up=True,
        ),
        plan=asked,
        requests=[record],
    )


def all_tried() -> list[TrialResult]:
    """A change that was accepted, and one whose every text means harm, that was tried to learn."""
    everything = "\n".join(HOSTILE)
    edit = PromptEdit(append=everything, repeated=tuple(HOSTILE))
    harmful = TrialResult(
        id=everything,
        target=everything,
        headline=everything,
        trial=Trial(change=Change(label=everything, model=everything, edit=edit), figure=Figure.TTFT),
        predicted=None,
        result=TrialVerdict.OPEN,
        repeats=2,
        saved_ns=None,
        interval=None,
        held=None,
        sentence=everything,
        model=everything,
        endpoint="gateway",
        prompt=everything,
    )
    return [TRIED, harmful]


def all_runs() -> list[StoredRun]:
    return [warm_up_run(), simple_run(), hostile_run()]


def rendered(runs: Sequence[StoredRun], wanted: Format, **options: Any) -> str:
    """The export as one text."""
    return "".join(render(runs, wanted, **options))
