"""Timeline of one request: raw stamps and the sizes of what they stamp, nothing derived."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from tui.core.arrivals import Arrivals, ContentSummed, GapSketch, arrivals
from tui.core.events import Content, Event, Kind, Mark, Marked, RequestEnded, Responded
from tui.core.load import RequestBegun


class Timeline(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The stamps of one request, CLOCK_MONOTONIC nanoseconds; absent (`None`) where the thing did not happen."""

    due_ns: int | None = None
    """Moment at which a load was to send the request; absent outside of a load."""
    queued_ns: int | None = None
    connect_started_ns: int | None = None
    resolved_ns: int | None = None
    connected_ns: int | None = None
    tls_started_ns: int | None = None
    tls_done_ns: int | None = None
    reused_ns: int | None = None
    """Moment at which an open connection was taken instead of a new one."""
    sent_ns: int | None = None
    acked_ns: int | None = None
    """Arrival of the acknowledgement of the request's last byte."""
    headers_ns: int | None = None
    message_start_ns: int | None = None
    thinking_started_ns: int | None = None
    thinking_withheld_ns: int | None = None
    message_stop_ns: int | None = None
    ended_ns: int | None = None
    content_ns: list[int] = msgspec.field(default_factory=list)
    """Arrival of every non-empty piece of content of any kind, ascending."""
    thinking_pieces: int = 0
    """Count of thinking pieces among `content_ns`."""
    characters: int = 0
    """Characters of all content; 0 in records that were made before they were counted."""
    first_characters: int = 0
    """Characters of the first piece of content."""
    first_text_ns: int | None = None
    first_other_ns: int | None = None
    """Arrival of the first content that is neither text nor thinking."""
    summed: ContentSummed | None = None
    """Summary of the content where only the first and the last of its stamps are here."""

    @property
    def pieces(self) -> int:
        """Count of the pieces of content."""
        return len(self.content_ns) if self.summed is None else self.summed.arrivals.pieces

    @property
    def all_content_ns(self) -> list[int]:
        """The arrivals of all pieces of content; none where it was summed up."""
        return self.content_ns if self.summed is None else []

    @property
    def arrivals(self) -> Arrivals | None:
        """See `held_back.arrivals`."""
        return arrivals(self.content_ns) if self.summed is None else self.summed.arrivals

    @property
    def first_answer_ns(self) -> int | None:
        """Arrival of the first content that is not thinking."""
        found = [stamp for stamp in (self.first_text_ns, self.first_other_ns) if stamp is not None]
        return min(found, default=None)

    def moved(self, by_ns: int) -> "Timeline":
        """The same on a clock that is so much ahead: to be drawn beside one of another host, and for no figure."""
        changed: dict[str, object] = {
            name: value + by_ns
            for name in self.__struct_fields__
            if name.endswith("_ns") and isinstance(value := getattr(self, name), int)
        }
        return msgspec.structs.replace(self, content_ns=[stamp + by_ns for stamp in self.content_ns], **changed)

    def summary(self, request_id: int) -> ContentSummed | None:
        """The content as it is told where its stamps are not; None without any."""
        if (found := self.arrivals) is None:
            return None
        stamps = self.content_ns
        gaps = [later - earlier for earlier, later in pairwise(stamps)]
        return ContentSummed(
            request_id=request_id,
            arrivals=found,
            first_ns=stamps[0],
            last_ns=stamps[-1],
            gaps=GapSketch.of(gaps),
            in_order=min(gaps, default=0) >= 0,
            **{name: getattr(self, name) for name in _SUMMED},
        )

    def apply(self, event: Event) -> None:
        """Take in one event of this request; events without a stamp for it change nothing."""
        match event:
            case Marked(mark=mark, t_ns=t_ns):
                setattr(self, _FIELD_OF[mark], t_ns)
            case Responded(t_ns=t_ns):
                self.headers_ns = t_ns
            case Content(kind=kind, t_ns=stamps, texts=texts):
                self.count(texts)
                self.content_ns.extend(stamps)
                if kind is Kind.THINKING:
                    self.thinking_pieces += len(stamps)
                elif kind is Kind.TEXT and self.first_text_ns is None and stamps:
                    self.first_text_ns = stamps[0]
                elif kind is Kind.OTHER and self.first_other_ns is None and stamps:
                    self.first_other_ns = stamps[0]
            case ContentSummed():
                self.summed = event
                self.content_ns = [event.first_ns, event.last_ns][: event.arrivals.pieces]
                for name in _SUMMED:
                    setattr(self, name, getattr(event, name))
            case RequestEnded(t_ns=t_ns):
                self.ended_ns = t_ns
            case RequestBegun(due_ns=due_ns):
                self.due_ns = due_ns
            case _:
                pass

    def count(self, texts: Sequence[str]) -> None:
        """Add the characters of pieces that follow those counted so far."""
        if not self.characters and texts:
            self.first_characters = len(texts[0])
        self.characters += sum(map(len, texts))


_SUMMED = ("thinking_pieces", "characters", "first_characters", "first_text_ns", "first_other_ns")
"""Fields that a summary of the content has too."""
_FIELD_OF = {mark: f"{mark.value}_ns" for mark in Mark}
