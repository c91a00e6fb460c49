"""Events of the engine: the one stream from which everything shown and stored is derived.

Every `*_ns` is an integer of CLOCK_MONOTONIC nanoseconds on the engine's machine, except where the name says
`unix`. They are also the lines of a record file (`--record`): JSON, its `type` naming the class in snake case.
"""

from enum import StrEnum

import msgspec

from tui.core.arrivals import ContentSummed
from tui.core.checks import CheckFinding
from tui.core.engine_events import Armed, ClockRead, EngineFailed, Hello, Ponged, StampSource, TaggedEvent
from tui.core.host import HostFacts
from tui.core.load import LevelEnded, LoadEnded, RequestBegun
from tui.core.model import ListedModel
from tui.core.prompt import KeptAnswer


class Mark(StrEnum):
    """A point in a request's timeline other than the arrival of content."""

    QUEUED = "queued"
    CONNECT_STARTED = "connect_started"
    RESOLVED = "resolved"
    """The name was looked up."""
    CONNECTED = "connected"
    """TCP connection open."""
    TLS_STARTED = "tls_started"
    TLS_DONE = "tls_done"
    REUSED = "reused"
    """An open connection was taken; the three marks above stay absent."""
    SENT = "sent"
    """The last byte of the request was handed to the kernel."""
    ACKED = "acked"
    """The peer's acknowledgement of that byte arrived, by the kernel's stamp."""
    MESSAGE_START = "message_start"
    THINKING_STARTED = "thinking_started"
    """The first thinking block was opened; with its text omitted this is all that is seen of it."""
    THINKING_WITHHELD = "thinking_withheld"
    """A thinking block was over of which no text had come: its tokens are counted, but never arrived. The latest."""
    MESSAGE_STOP = "message_stop"


class Kind(StrEnum):
    """Kind of a piece of content."""

    TEXT = "text"
    THINKING = "thinking"
    OTHER = "other"
    """Neither: the input of tools, results of the server's tools, citations, and what is newer than this program."""


class Status(StrEnum):
    """End of a request."""

    DONE = "done"
    TRUNCATED = "truncated"
    """The answer was cut, at max_tokens or where the model's context ends."""
    REFUSED = "refused"
    """The model declined to answer, or to go on."""
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """The measuring process, or the whole program, ended before the answer did."""


class FailureKind(StrEnum):
    """Cause of a failure, as a word that a script can match."""

    NO_KEY = "no_key"
    BAD_KEY = "bad_key"
    FORBIDDEN = "forbidden"
    UNKNOWN_MODEL = "unknown_model"
    BAD_REQUEST = "bad_request"
    TOO_LARGE = "too_large"
    THREAD_LOST = "thread_lost"
    """The server no longer has the conversation's thread."""
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    CONNECTION_REFUSED = "connection_refused"
    NAME_NOT_FOUND = "name_not_found"
    TLS = "tls"
    CONNECTION = "connection"
    PROXY = "proxy"
    """The proxy between failed or refused; the endpoint was not reached."""
    TIMEOUT = "timeout"
    BROKEN_STREAM = "broken_stream"
    PROTOCOL = "protocol"
    ENGINE = "engine"
    """The measuring process itself ended or failed."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Failure of a request or an attempt."""

    kind: FailureKind
    message: str
    """One sentence: the cause and the remedy."""
    http_status: int | None = None
    retry_after_s: float | None = None
    """Seconds the server asked to wait."""


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Token counts as the API reported them; absent where it reported none."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    thinking_tokens: int | None = None
    cache_5m_input_tokens: int | None = None
    cache_1h_input_tokens: int | None = None
    """Parts of `cache_creation_input_tokens` that are kept for 5 minutes and for an hour."""
    service_tier: str | None = None
    """The tier that served the request: standard, priority or batch."""
    speed: str | None = None
    """The speed it was served at: standard or fast."""
    inference_geo: str | None = None
    """Region in which the model ran."""

    @property
    def prompt_tokens(self) -> int | None:
        """Tokens of the whole prompt: uncached, read from the cache and written to it; absent without any count."""
        counts = (self.input_tokens, self.cache_read_input_tokens, self.cache_creation_input_tokens)
        return None if self.input_tokens is None else sum(count or 0 for count in counts)


class CacheMiss(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The API's diagnosis: why the prompt cache could not serve what the request before it left there."""

    reason: str
    """The API's word: model_changed, system_changed, tools_changed, messages_changed, previous_message_not_found,
    unavailable, or one that is newer than this program."""
    missed_input_tokens: int | None = None
    """About how many input tokens would have been read from the cache."""


class EngineReady(TaggedEvent, frozen=True, kw_only=True):
    """The engine has imported the SDK, warmed up, and waits for runs."""

    pid: int
    sdk_version: str
    calibration: "Instrument | None" = None
    """The instrument's delay in the engine's rehearsal; absent if that failed."""
    host: str = ""
    """Name of the host it runs on, as this side knows it; empty for this machine."""


class RunStarted(TaggedEvent, frozen=True, kw_only=True):
    """A run was taken; its requests are being fired."""

    run_id: int
    t_ns: int
    unix_ns: int
    """Wall-clock time of the same moment, nanoseconds since 1970."""
    request_ids: tuple[int, ...]


class Marked(TaggedEvent, frozen=True, kw_only=True):
    """A request passed a point of its timeline."""

    request_id: int
    mark: Mark
    t_ns: int


class Response(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The way that a response took, and what its headers say of that."""

    proxy: str | None = None
    """The proxy between, without a password, and what names it; absent without one."""
    redirected_to: str | None = None
    """The address that answered, where the one that was asked pointed on to it."""
    streamed: bool | None = None
    """True for a stream in place of one piece, False for the reverse; absent where it came as asked."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    """Those that tell the API from what stands before it, and what is left of its limits; names in lower case."""


class Responded(TaggedEvent, frozen=True, kw_only=True):
    """The response's status and headers arrived."""

    request_id: int
    t_ns: int
    http_status: int
    api_request_id: str | None = None
    """The `request-id` header, which names the request to the API's support."""
    response: Response = Response()


class Content(TaggedEvent, frozen=True, kw_only=True):
    """Pieces of content of one kind in order of arrival: `texts[i]` arrived at `t_ns[i]`.

    One piece is one delta of the stream and may hold several tokens.
    """

    request_id: int
    kind: Kind
    t_ns: list[int]
    texts: list[str]


class UsageReported(TaggedEvent, frozen=True, kw_only=True):
    """The API reported token counts; the latest report counts."""

    request_id: int
    usage: Usage


class MessageOpened(TaggedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The API named its answer, and said what it knows of the prompt cache."""

    request_id: int
    message_id: str
    model: str | None = None
    """The model that answers, in the server's word; it may be another than the one asked."""
    cache_miss: CacheMiss | None = None


class Instrument(TaggedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The instrument's own part in a request's times: how long data waited between arrival and read.

    With the kernel's stamps this delay is in none of the times; without them it is in all, and is not known. One
    exception: of several TCP segments that waited for one read the kernel stamps only the last, so that pieces of
    content in the others carry its time. Those are counted as `shared`, and the delay of such a read is taken from
    the engine's last look at its sockets, the longest it can have been.
    """

    request_id: int
    stamp_source: StampSource
    reads: int
    shared: int = 0
    """Pieces of content that arrived before their stamp, by less than the read's delay."""
    refused: int = 0
    """Reads without the kernel's stamp, or with one that fits no offset of the clocks: the time of the read counts."""
    delay_p50_ns: int | None = None
    delay_p99_ns: int | None = None
    delay_max_ns: int | None = None
    late_max_ns: int | None = None
    """Without the kernel's stamps: longest that data can have waited for a read, by the engine's looks."""

    @property
    def latest_ns(self) -> int | None:
        """Longest that data can have waited for a read, whoever stamped them; None where that is not known."""
        return self.late_max_ns if self.delay_max_ns is None else self.delay_max_ns


class NetworkSeen(TaggedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The network's part in a request, as the kernel of this machine saw it. Absent where the kernel tells nothing."""

    request_id: int
    rtt_ns: int | None = None
    """The round trip, smoothed by the kernel."""
    min_rtt_ns: int | None = None
    """The shortest round trip of the last minutes: the way alone, without queues and delayed acknowledgements."""
    sent_bytes: int = 0
    """Bytes of the request on the wire, TLS included."""
    segment_bytes: int = 0
    """Largest segment of the connection."""
    retransmissions: int = 0
    """Segments of the request that were sent again."""
    out_of_order: int = 0
    """Segments of the answer that arrived before an earlier one: that one was lost, or overtaken."""
    stalled_ns: int = 0
    """Time in which nothing could be used because a segment was missing, with the pause before it."""
    to_proxy: bool = False
    """True if the peer is a proxy: what lies behind it counts as the server's."""


class AttemptFailed(TaggedEvent, frozen=True, kw_only=True):
    """An attempt failed before any content, and another follows; what comes next belongs to that one."""

    request_id: int
    t_ns: int
    failure: Failure
    wait_s: float
    """Seconds until the next attempt."""


class AnswerChecked(TaggedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Findings of the prompt's checks in a request's answer. Made by the session, right before the request's end."""

    request_id: int
    findings: tuple[CheckFinding, ...]
    overruled: bool | None = None
    """A person's word that counts in their place. In replays alone: it is given later."""


class RequestEnded(TaggedEvent, frozen=True, kw_only=True):
    """A request is over, one way or another. Nothing follows for it. `kept` is there in a conversation that goes on."""

    request_id: int
    t_ns: int
    status: Status
    stop_reason: str | None = None
    stop_details: str | None = None
    """The API's explanation of a refusal."""
    failure: Failure | None = None
    kept: KeptAnswer | None = None


class RunEnded(TaggedEvent, frozen=True, kw_only=True):
    """The end of a run: all its requests are over."""

    run_id: int
    t_ns: int
    send_spread_ns: int | None = None
    """From the first request's send to the last one's; absent with fewer than two sent."""
    spread_error_ns: int | None = None
    """Most that the spread is off, where engines with clocks of their own sent them."""
    hosts: tuple[HostFacts, ...] = ()
    """The hosts that it was asked from. Put in by this side, where the plan named any."""
    sent_ns: tuple[int, int] | None = None
    """Moments of the first and the last send, by the engine's clock; absent where they were not meant as one start."""


class TokensCounted(TaggedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a question for a prompt's length; never part of a run."""

    count_id: int
    input_tokens: int | None = None
    """Absent where the endpoint did not say."""
    has_counter: bool = True
    """False if the endpoint has no such route, so that asking again is useless."""


class Answered(TaggedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a question beside runs, such as that of a judge; never part of a run, and without any time."""

    ask_id: int
    text: str = ""
    usage: Usage = Usage()
    failure: Failure | None = None
    """The reason for which there is no whole answer."""


class ModelsListed(TaggedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a question for an endpoint's models; never part of a run."""

    endpoint: str
    """Its name."""
    models: tuple[ListedModel, ...] = ()
    failure: Failure | None = None


class ProtocolRoute(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The route of one protocol at a server, as an empty request found it."""

    kind: str
    """The kind of endpoint that speaks the protocol (`Endpoint.kind`)."""
    protocol: str
    """The protocol's name."""
    base_url: str
    """The base URL that such an endpoint needs."""
    is_there: bool | None = None
    """Absent where that was not to be seen: `failure` says why, or the route cannot be asked without a model."""
    http_status: int | None = None
    words: str = ""
    """The server's, where they are not the ones that an empty request should meet."""
    failure: Failure | None = None


class EndpointExamined(TaggedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to the question what stands at an endpoint; never part of a run."""

    endpoint: str
    """Its name."""
    routes: tuple[ProtocolRoute, ...]
    """The endpoint's own first, then those of other protocols, where they were asked."""
    models: int = 0
    """Number of models that it lists."""
    list_failure: Failure | None = None
    """The reason for which it lists none."""
    proxy: str | None = None
    """The proxy that it is asked through and what names that, without a password; absent where there is none."""
    rtt_ns: int | None = None
    """The shortest round trip to the hop that the connection goes to, ns: the kernel's, else the connect's time."""


_OfAnswer = RequestBegun | Marked | Responded | MessageOpened | Content | ContentSummed | UsageReported
RequestEvent = _OfAnswer | Instrument | NetworkSeen | AttemptFailed | AnswerChecked | RequestEnded
LookupEvent = TokensCounted | ModelsListed | EndpointExamined
"""Answers to questions beside runs; neither recorded nor part of any figure."""
EngineEvent = Hello | EngineReady | Ponged | Armed | ClockRead | EngineFailed
Event = EngineEvent | RunStarted | RequestEvent | RunEnded | LevelEnded | LoadEnded | LookupEvent | Answered
