"""Conversations that are played: the requests of a run, and those that follow when it is over.

All lanes are asked one turn together, so that they are compared in it; a lane whose model has called tools gets their
results before the others go on.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from tui.core.plan import Plan, RequestSpec
from tui.core.played import first_turn, next_turn, requests_at_most
from tui.core.record import RequestRecord
from tui.core.run import new_uid
from tui.core.series import Repeat, busted
from tui.core.sweep import swept

if TYPE_CHECKING:
    from tui.session.live import LiveState

Followed = tuple[RequestRecord, RequestSpec]
"""A request that is over, and the one that follows it."""


def is_played(plan: Plan, repeat: Repeat | None = None) -> bool:
    """True for a run that begins a conversation. A sweep asks its lengths in one request, whatever the plan says."""
    return plan.conversation.play and not (repeat is not None and repeat.sweep)


def specs_of(plan: Plan, repeat: Repeat | None, first_id: int, *, whole: bool = False) -> tuple[RequestSpec, ...]:
    """The requests with which a run of `plan` begins, ids counted up from `first_id`; with `whole` with all turns."""
    specs = plan.requests(first_id)
    if repeat is not None and (cell := repeat.cell) is not None:
        specs = tuple(swept(spec, cell) for spec in specs)
    if buster := (repeat.cache_buster if repeat is not None else None) or plan.cache_buster:
        specs = tuple(busted(spec, buster) for spec in specs)
    return tuple(map(first_turn, specs)) if is_played(plan, repeat) and not whole else specs


def asked_at_most(plan: Plan, repeat: Repeat | None = None) -> tuple[RequestSpec, ...]:
    """All requests that one run of `plan` asks at most, through all turns."""
    specs = plan.requests(0)
    if not is_played(plan, repeat):
        return specs
    return tuple(one for spec in specs for one in requests_at_most(spec, plan.conversation))


class ConversationPlayer:
    """Player of the conversations of one run: it says what follows."""

    def __init__(self, plan: Plan, repeat: Repeat | None) -> None:
        """`plan` is that of the run, with one row of values."""
        self.uid = new_uid(time.time_ns())
        """Keeps its runs together where no series does."""
        self.plan = plan
        self.repeat = repeat
        self._whole = {spec.target: spec for spec in specs_of(plan, repeat, 0, whole=True)}
        self._next: list[Followed] = []

    def go_on(
        self,
        live: "LiveState",
        say: Callable[[str], None],
        begin: Callable[[Plan, Repeat | None, tuple[RequestSpec, ...]], None],
    ) -> bool:
        """Begin the run that follows the one that is over; false at the end. `say` is told what ended before that."""
        if live.engine_problem is not None:
            return False
        followed, sentences = self.follow(live.records, live.next_request)
        for sentence in sentences:
            say(sentence)
        if followed:
            begin(self.plan, self.repeat, live.go_on(self.plan, followed))
        return bool(followed)

    def follow(self, ended: Sequence[RequestRecord], first_id: int) -> tuple[list[Followed], list[str]]:
        """The requests of the next run after these are over, none at the end, and a sentence for each that ended."""
        sentences = []
        for record in ended:
            found = next_turn(self._whole[record.spec.target], record, self.plan.conversation)
            if isinstance(found, RequestSpec):
                self._next.append((record, found))
            elif found is not None:
                sentences.append(found)
        turn = min((spec.turn or 0 for _, spec in self._next), default=0)
        now = [each for each in self._next if each[1].turn == turn]
        self._next = [each for each in self._next if each[1].turn != turn]
        numbers = sorted(before.spec.request_id for before, _ in now)  # the lanes' order
        return [
            (before, msgspec.structs.replace(spec, request_id=first_id + numbers.index(before.spec.request_id)))
            for before, spec in now
        ], sentences
