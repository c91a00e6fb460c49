"""Lists of the history: filters, orders, and light rows. A whole run is `tui.core.run.StoredRun`."""

from enum import StrEnum
from typing import Any

import msgspec


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
    simulated: bool
    excerpt: str
    """The beginning of the user's turn, on one line."""
    note: str
    tags: tuple[str, ...]
    targets: tuple[TargetRow, ...]


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
