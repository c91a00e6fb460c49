"""A finished request as files have it: who was asked, how it ended, every figure of the table, and its stamps."""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from tui.core.checks import CheckFinding
from tui.core.events import Failure, Response, Status, Usage
from tui.core.figures import FIELDS, figures_of
from tui.core.record import Attempt, RequestRecord
from tui.core.remarks import remarks
from tui.core.timeline import Timeline


class _Ending(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who was asked, and how that ended."""

    request_id: Annotated[int, msgspec.Meta(description="Unique within the session that measured it.")]
    target: Annotated[str, msgspec.Meta(description="What the lane is called.")]
    model: str
    endpoint: Annotated[str, msgspec.Meta(description="The endpoint's name.")]
    host: Annotated[
        str | None, msgspec.Meta(description="The host it was sent from; absent where the plan named no hosts.")
    ] = None
    turn: Annotated[
        int | None, msgspec.Meta(description="The user's turn that it plays, from 1; absent outside of a conversation.")
    ] = None
    call: Annotated[
        int, msgspec.Meta(description="Results of tools that came before it within its turn, one after another.")
    ] = 0
    simulated: Annotated[bool, msgspec.Meta(description="True: measured on the built-in simulator, SIMULATED.")]
    status: Annotated[Status, msgspec.Meta(description="How it ended; interrupted: the program ended before it did.")]
    error: Annotated[Failure | None, msgspec.Meta(description="Why it failed.")] = None
    stop_reason: str | None = None
    stop_details: Annotated[str | None, msgspec.Meta(description="The API's explanation of a refusal.")] = None
    answered_by: Annotated[
        str | None, msgspec.Meta(description="The model that answered, in the server's word; it may be another.")
    ] = None
    passed: Annotated[
        bool | None,
        msgspec.Meta(description="True if it passed all checks of its prompt; absent where that cannot be judged."),
    ] = None
    checks: Annotated[tuple[CheckFinding, ...], msgspec.Meta(description="What the checks found, in their order.")] = ()
    overruled: Annotated[
        bool | None,
        msgspec.Meta(description="A person's word, which is passed then, in place of what the checks found."),
    ] = None
    remarks: Annotated[
        tuple[str, ...], msgspec.Meta(description="What a reader of the figures has to know besides, a sentence each.")
    ] = ()
    attempts: Annotated[
        int, msgspec.Meta(description="How often it was sent; figures and stamps are those of the last attempt.")
    ]
    http_status: int | None = None
    api_request_id: Annotated[
        str | None, msgspec.Meta(description="The request-id header, which names it to the API's support.")
    ] = None
    response: Annotated[
        Response, msgspec.Meta(description="The way that the answer took, and what its headers say of that.")
    ] = Response()


if TYPE_CHECKING:
    _Figures = _Ending
else:
    _Figures = msgspec.defstruct(
        "_Figures", FIELDS, bases=(_Ending,), frozen=True, kw_only=True, omit_defaults=True, module=__name__
    )


class FinishedRequest(_Figures, frozen=True, kw_only=True, omit_defaults=True):
    """One request with its figures and stamps. Figures that are undefined are absent."""

    usage: Annotated[Usage, msgspec.Meta(description="Token counts as the API reported them last.")] = Usage()
    earlier: Annotated[list[Attempt], msgspec.Meta(description="Attempts before the last one, with their stamps.")] = (
        msgspec.field(default_factory=list)
    )
    stamps: Annotated[Timeline, msgspec.Meta(description="When what happened, CLOCK_MONOTONIC nanoseconds.")]


def ending(record: RequestRecord) -> Status:
    """Ending of a request; one without leaves this machine as interrupted."""
    return Status.INTERRUPTED if record.status is None else record.status


def finished_fields(record: RequestRecord) -> dict[str, Any]:
    """The fields of `FinishedRequest` for a request, as far as it has come."""
    spec = record.spec
    return {
        "request_id": spec.request_id,
        "target": spec.target,
        "model": spec.model,
        "endpoint": spec.endpoint.name,
        "host": spec.host,
        "turn": spec.turn,
        "call": spec.call,
        "simulated": spec.endpoint.simulated,
        "status": ending(record),
        "error": record.failure,
        "stop_reason": record.stop_reason,
        "stop_details": record.stop_details,
        "answered_by": record.answered_by,
        "passed": record.passed,
        "checks": record.checks,
        "overruled": record.overruled,
        "remarks": remarks(record),
        "attempts": record.attempt,
        "http_status": record.http_status,
        "api_request_id": record.api_request_id,
        "response": record.response,
        **figures_of(record),
        "usage": record.usage,
        "earlier": record.earlier,
        "stamps": record.timeline,
    }
