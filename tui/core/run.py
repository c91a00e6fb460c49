"""Stored run: its requests, its plan, and when and with what it was measured."""

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from statistics import median
from typing import Any, TypeVar, overload

import msgspec

from tui.core.events import RunEnded
from tui.core.host import HostFacts
from tui.core.load import LoadPlace
from tui.core.plan import Plan
from tui.core.record import RequestRecord
from tui.core.series import Repeat


class RunInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts of one run beside its requests. A run is all that one key fires, or one repeat of a series."""

    uid: str
    """Unique everywhere; the same before and after an export."""
    started_unix_ns: int
    """Wall-clock time of the start, nanoseconds since 1970."""
    app_version: str
    sdk_version: str
    series: str | None = None
    """Uid of the series it is a repeat of; `None` for a run by itself."""
    repeat: int = 1
    """Number of the repeat in the series, from 1; warm-up runs are counted apart."""
    warm_up: bool = False
    """True for a run before the others of its series."""
    turn: int | None = None
    """The user's turn that it plays; its conversation's other runs have the same series and repeat."""
    sweep: bool = False
    """True for a run over other lengths of prompt and answer than the plan's."""
    in_turn: bool = False
    """True when the targets were asked one after another, false when all at once."""
    seed: int | None = None
    """Seed of the order of the targets; `None` when it was the plan's order."""
    send_spread_ns: int | None = None
    """From the first request's send to the last one's."""
    spread_error_ns: int | None = None
    """Most that the spread is off, where several hosts sent them; absent for one."""
    hosts: tuple[HostFacts, ...] = ()
    """The hosts that it was asked from, as they were; empty where the plan named none."""
    load: LoadPlace | None = None
    """Its place in a load, whose runs have one request each; `None` outside of a load."""

    @property
    def counted(self) -> bool:
        """True if it takes part in statistics. Other runs are only kept."""
        return not (self.warm_up or self.sweep)

    @property
    def kind(self) -> str:
        """Word for a run of a series."""
        return "warm-up" if self.warm_up else "sweep" if self.sweep else "repeat"


def known_at_end(event: RunEnded) -> dict[str, Any]:
    """The fields of a run's info that its end tells."""
    return {name: getattr(event, name) for name in ("send_spread_ns", "spread_error_ns", "hosts")}


def new_run(
    app_version: str, sdk_version: str, repeat: Repeat | None, conversation: str | None = None, turn: int | None = None
) -> RunInfo:
    """Info of a run that is fired now, `repeat` of its series if it has one, or a turn of the `conversation`.

    The engine says the start more exactly later; see `events.RunStarted`.
    """
    now = time.time_ns()
    info = RunInfo(uid=new_uid(now), started_unix_ns=now, app_version=app_version, sdk_version=sdk_version, turn=turn)
    if repeat is None:
        return msgspec.structs.replace(info, series=conversation)
    return msgspec.structs.replace(
        info,
        series=repeat.series,
        repeat=repeat.number,
        warm_up=repeat.warm_up,
        sweep=repeat.cell is not None,
        in_turn=repeat.in_turn,
        seed=repeat.seed,
    )


class StoredRun(msgspec.Struct, kw_only=True):
    """One run with everything that is kept of it. Every figure can be computed again from it."""

    info: RunInfo
    plan: Plan
    requests: list[RequestRecord]
    """In the order of the plan's lanes; with several at once per lane, first the first of each lane."""
    number: int | None = None
    """Its number in this machine's history; `None` outside of it."""
    note: str = ""
    tags: tuple[str, ...] = ()

    def on_one_clock(self) -> list[RequestRecord]:
        """The requests with their stamps on the clock of the machine that the program ran on, as far as it is known.

        To be drawn beside each other, and for no figure: an offset is off by `HostFacts.error_ns`.
        """
        offsets = {host.name: host.offset_ns for host in self.info.hosts if host.offset_ns}
        if not offsets:
            return self.requests
        return [
            msgspec.structs.replace(record, timeline=record.timeline.moved(-offsets.get(record.spec.host or "", 0)))
            for record in self.requests
        ]


_Key = TypeVar("_Key")


class LazyRuns(Sequence[StoredRun]):
    """Runs that are read or made one by one as they are used, so that a long series need not fit into the memory."""

    def __init__(self, keys: Sequence[_Key], read: Callable[[_Key], StoredRun]) -> None:
        """`read` gives the run of a key, each time that it is used."""
        self._at: Callable[[int], StoredRun] = lambda position: read(keys[position])
        self._length = len(keys)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, position: int) -> StoredRun: ...

    @overload
    def __getitem__(self, position: slice) -> Sequence[StoredRun]: ...

    def __getitem__(self, position: int | slice) -> StoredRun | Sequence[StoredRun]:
        positions = range(self._length)[position]
        return self._at(positions) if isinstance(positions, int) else LazyRuns(positions, self._at)


def new_uid(unix_ns: int) -> str:
    """A uid for a run or a series begun at this wall-clock time: 32 hexadecimal digits that sort by time.

    The first 12 are milliseconds, the rest are random, much as in RFC 9562's version 7.
    """
    return f"{unix_ns // 1_000_000:012x}{secrets.token_hex(10)}"


class Sort(StrEnum):
    """Order of a list; the latest, or the shortest, comes first unless it is reversed."""

    STARTED = "started"
    TTFT = "ttft"
    TOTAL = "total"


class RunFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Filter of runs; a field that is not set does not restrict. Texts are found regardless of ASCII case."""

    model: str | None = None
    """Part of a model's id or of a target's name."""
    endpoint: str | None = None
    """Part of an endpoint's name."""
    since_unix_ns: int | None = None
    until_unix_ns: int | None = None
    """Runs begun before this moment."""
    text: str | None = None
    """Part of the prompt, system text included."""
    tag: str | None = None
    """A whole tag."""
    failed: bool | None = None
    """True: runs of which a request failed or was interrupted; false: the others."""
    simulated: bool | None = None
    series: str | None = None
    """Uid of a series."""


class TargetRow(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a run, in a list."""

    target: str
    model: str
    endpoint: str
    status: str
    """A `Status`, or `idle` while it is in flight in some program."""
    ttft_ns: int | None
    total_ns: int | None
    output_tokens: int | None


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run, in a list."""

    number: int
    uid: str
    started_unix_ns: int
    series: str | None
    repeat: int
    kind: str
    """Word for a run of a series: repeat, warm-up or sweep."""
    turn: int | None = None
    """The user's turn that it plays."""
    simulated: bool
    excerpt: str
    """The beginning of the user's turn, on one line."""
    note: str
    tags: tuple[str, ...]
    targets: tuple[TargetRow, ...]
    runs: int = 1
    """Runs that the entry stands for: those of a whole series, where it is folded. Then `targets` have the medians of
    those that are counted, and the worst that became of any."""

    @property
    def fastest(self) -> TargetRow | None:
        """The target with the shortest TTFT; None without a finished answer."""
        timed = [(one.ttft_ns, at, one) for at, one in enumerate(self.targets) if one.ttft_ns and one.total_ns]
        return min(timed)[2] if timed else None


WORST_FIRST = ("failed", "interrupted", "idle", "cancelled", "refused", "truncated", "done")
"""States of the requests of a list's entry: the first of them that there is stands for the entry."""


def folded(rows: Sequence[RunRow]) -> RunRow:
    """The list entry of a series: its latest run's, with the medians of its counted runs of the same turn."""
    latest = rows[-1]
    alike = [row for row in rows if row.turn == latest.turn]
    counted = [row for row in alike if row.kind == "repeat"] or alike
    targets = []
    for name in dict.fromkeys(target.target for row in rows for target in row.targets):
        of_all = [target for row in rows for target in row.targets if target.target == name]
        timed = [target for row in counted for target in row.targets if target.target == name]
        targets.append(
            msgspec.structs.replace(
                of_all[-1],
                status=min((target.status for target in of_all), key=WORST_FIRST.index),
                ttft_ns=_median(target.ttft_ns for target in timed if target.total_ns is not None),
                total_ns=_median(target.total_ns for target in timed),
            )
        )
    return msgspec.structs.replace(
        latest,
        runs=len(rows),
        note=next((row.note for row in reversed(rows) if row.note), ""),
        tags=tuple(dict.fromkeys(tag for row in rows for tag in row.tags)),
        targets=tuple(targets),
    )


def _median(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return round(median(known)) if known else None


class StoredTrial(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the ledger of what was tried."""

    number: int
    at_unix_ns: int
    what: str
    data: dict[str, Any]


class StoredSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A name for some runs, which are then never pruned."""

    name: str
    made_unix_ns: int
    uids: tuple[str, ...]
    """Uids of the runs, in the order given."""
