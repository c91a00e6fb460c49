"""Events of an engine that somebody else may have written."""

import pytest

from tui.core.clocks import ClockOffset
from tui.core.engine_events import ClockRead, EngineFailed
from tui.core.events import (
    AnswerChecked,
    Content,
    EngineReady,
    Event,
    Failure,
    FailureKind,
    Kind,
    Mark,
    Marked,
    RequestEnded,
    Status,
    Usage,
    UsageReported,
)
from tui.engine.remote_events import believed
from tui.errors import ChildError


def test_words_are_cleaned_and_an_answers_text_stays_as_it_came() -> None:
    failure = Failure(kind=FailureKind.CONNECTION, message="\x1b[2Jgone\u202e")
    content = Content(request_id=1, kind=Kind.TEXT, t_ns=[1], texts=["\x1b[31m"])
    ready, ended, kept = believed(
        [
            EngineReady(pid=1, sdk_version="2\x07"),
            RequestEnded(request_id=1, t_ns=1, status=Status.FAILED, failure=failure),
            content,
        ]
    )
    assert isinstance(ready, EngineReady)
    assert ready.sdk_version == "2\u2407"
    assert isinstance(ended, RequestEnded)
    assert ended.failure is not None
    assert ended.failure.message == "\u241b[2Jgone\ufffd"
    assert kept is content


@pytest.mark.parametrize(
    "event",
    [
        ClockRead(host="other", clock=ClockOffset()),
        EngineFailed(t_ns=1, message="all hosts are down", host="other"),
        AnswerChecked(request_id=1, findings=()),
    ],
)
def test_what_only_this_side_may_say_is_refused(event: Event) -> None:
    with pytest.raises(ChildError, match="no engine has to say"):
        believed([event])


@pytest.mark.parametrize(
    "event",
    [
        Marked(request_id=1, mark=Mark.SENT, t_ns=2**63),
        Marked(request_id=1, mark=Mark.SENT, t_ns=-(2**63)),
        Content(request_id=1, kind=Kind.TEXT, t_ns=[1, 2**64 - 1], texts=["a", "b"]),
        UsageReported(request_id=1, usage=Usage(output_tokens=2**63)),
    ],
)
def test_numbers_that_nothing_could_take_are_refused(event: Event) -> None:
    with pytest.raises(ChildError, match="no clock and no counter"):
        believed([event])


def test_pieces_need_a_stamp_each() -> None:
    with pytest.raises(ChildError, match="a stamp each"):
        believed([Content(request_id=1, kind=Kind.TEXT, t_ns=[1], texts=["a", "b"])])
