"""Rows of the database: store runs and their requests, delete runs, and prune to the limits on age and size.

A start prunes no more than a few runs. Storing happens inside a transaction of the caller; deleting makes its own.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from tui.config.schema import HistorySettings
from tui.core.events import Status
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord, State
from tui.core.run import RunInfo
from tui.core.wording import part_of
from tui.history.codec import digest, pack, pack_record
from tui.history.database import transaction

EXCERPT_CHARACTERS = 200

_UNWELL = f"'{Status.FAILED}', '{Status.INTERRUPTED}'"


MOST_AT_START = 0.1
"""Share of the runs that a start may delete by itself, one at least. Beyond it, a clock that is wrong or a limit that
was meant otherwise is likelier."""

_NS_PER_DAY = 86_400_000_000_000
_BYTES_PER_MB = 1_000_000
_BY_HAND = "`latency-tui history prune` deletes them"

_FREE = "NOT EXISTS (SELECT 1 FROM snapshot_runs WHERE snapshot_runs.run = number)"
"""Condition for runs that no snapshot names; those that one names stay."""


def prompt_text(plan: Plan) -> str:
    """Return the text that a search of the history looks in: the plan's prompts and the values of their variables."""
    prompts = dict.fromkeys([plan.prompt, *map(plan.prompt_of, plan.lanes)])
    texts = (*(text for prompt in prompts for text in prompt.texts()), *plan.values().values())
    return "\n".join(filter(None, texts))


def excerpt(prompt: Prompt) -> str:
    """Return the beginning of the user's turn, on one line."""
    return " ".join(prompt.user[: EXCERPT_CHARACTERS * 2].split())[:EXCERPT_CHARACTERS]


def put_run(connection: sqlite3.Connection, info: RunInfo, plan: Plan) -> int:
    """Store a run, or update what is known of it, and return its number."""
    # Not an upsert: that would use up a number each time, and people type these numbers.
    known = connection.execute(
        "UPDATE runs SET started_unix_ns = ?, info = ? WHERE uid = ? RETURNING number",
        (info.started_unix_ns, msgspec.msgpack.encode(info), info.uid),
    ).fetchone()
    if known is not None:
        return int(known[0])
    row = connection.execute(
        """INSERT INTO runs (uid, started_unix_ns, series, repeat, warm_up, simulated, plan, excerpt, info)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number""",
        (
            info.uid,
            info.started_unix_ns,
            info.series,
            info.repeat,
            2 if info.sweep and not info.warm_up else info.warm_up,
            any(plan.endpoint_of(target).simulated for target in plan.targets),
            _put_once(connection, "plans", plan, prompt=prompt_text(plan)),
            excerpt(plan.prompt),
            msgspec.msgpack.encode(info),
        ),
    ).fetchone()
    return int(row[0])


def put_open_requests(connection: sqlite3.Connection, run: int, specs: Sequence[RequestSpec], writer: str) -> None:
    """Store the requests that a run is about to send, as in flight in the program `writer`."""
    for lane, spec in enumerate(specs):
        record = RequestRecord(spec=spec)
        _put_request(connection, run, lane, record, writer, None)


def put_request(connection: sqlite3.Connection, run: int, lane: int, record: RequestRecord) -> None:
    """Store a finished request, in place of its row as one in flight."""
    _put_request(connection, run, lane, record, None, pack_record(record))
    connection.execute(
        f"""UPDATE runs SET (unwell, ttft_ns, total_ns) = (
            SELECT max(status IN ({_UNWELL})), min(CASE WHEN total_ns IS NOT NULL THEN ttft_ns END), min(total_ns)
            FROM requests WHERE run = number) WHERE number = ?""",  # noqa: S608 - our own words
        (run,),
    )


def _put_request(
    connection: sqlite3.Connection, run: int, lane: int, record: RequestRecord, writer: str | None, data: bytes | None
) -> None:
    spec = record.spec
    connection.execute(
        """INSERT OR REPLACE INTO requests (run, lane, writer, request_id, target, model, endpoint, simulated, status,
            ttft_ns, total_ns, output_tokens, spec, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            run,
            lane,
            writer,
            spec.request_id,
            spec.target,
            spec.model,
            spec.endpoint.name,
            spec.endpoint.simulated,
            State.IDLE.value if data is None else record.state.value,
            record.ttft_ns,
            record.total_ns,
            record.output_tokens,
            _put_once(
                connection, "specs", msgspec.structs.replace(spec, request_id=0)
            ),  # so that repeats share one row
            data,
        ),
    )


def _put_once(connection: sqlite3.Connection, table: str, value: Plan | RequestSpec, **columns: str) -> int:
    """Return the id of the row with this value, which is made if there is none."""
    key = digest(value)
    row = connection.execute(f"SELECT id FROM {table} WHERE digest = ?", (key,)).fetchone()  # noqa: S608 - our own words
    if row is None:
        names = ", ".join(("digest", "data", *columns))
        marks = ", ".join("?" * (2 + len(columns)))
        row = connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING id",  # noqa: S608 - our own words
            (key, pack(value), *columns.values()),
        ).fetchone()
    return int(row[0])


def drop_unused(connection: sqlite3.Connection) -> None:
    """Delete plans and specifications that no run uses any more."""
    connection.execute("DELETE FROM plans WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.plan = plans.id)")
    connection.execute("DELETE FROM specs WHERE NOT EXISTS (SELECT 1 FROM requests WHERE requests.spec = specs.id)")


def delete(connection: sqlite3.Connection, numbers: Iterable[int]) -> int:
    """Delete runs with everything that belongs to them, and return how many there were. Raises sqlite3.Error."""
    with transaction(connection):
        deleted = sum(connection.execute("DELETE FROM runs WHERE number = ?", (number,)).rowcount for number in numbers)
        drop_unused(connection)
    # A script, because one step of this statement frees one page, and a cursor takes a single step.
    connection.executescript("PRAGMA incremental_vacuum")
    return deleted


def prune(connection: sqlite3.Connection, settings: HistorySettings, now_unix_ns: int | None = None) -> int:
    """Delete runs beyond the limits on age and size, and return how many. Raises sqlite3.Error."""
    deleted = 0
    if old := _expired(connection, settings, _now(now_unix_ns)):
        deleted += delete(connection, old)
    while (surplus := _surplus(connection, settings)) and (oldest := _oldest(connection, max(1, surplus // 2))):
        # At most half the estimated surplus per round: run sizes vary, and no run should go that need not.
        deleted += delete(connection, oldest)
    return deleted


def prune_at_start(
    connection: sqlite3.Connection,
    settings: HistorySettings,
    say: Callable[[str], None],
    now_unix_ns: int | None = None,
) -> int:
    """Delete runs beyond the limits if they are few, and say so; otherwise say why nothing was deleted.

    Raises sqlite3.Error.
    """
    if not (settings.keep_days or settings.keep_mb):
        return 0
    now = _now(now_unix_ns)
    expired, surplus = len(_expired(connection, settings, now)), _surplus(connection, settings)
    if not (expired or surplus):
        return 0
    count, newest = connection.execute("SELECT count(*), max(started_unix_ns) FROM runs").fetchone()
    beyond = _beyond(settings, expired, surplus)
    if newest > now + _NS_PER_DAY:
        say(f"The latest run is later than the clock of this machine: no runs {beyond} were deleted; {_BY_HAND}.")
        return 0
    if max(expired, surplus) > max(1, count * MOST_AT_START):
        say(
            f"{part_of(max(expired, surplus), count, 'run')} {beyond}, more than a start deletes by itself: all were "
            f"kept; {_BY_HAND}."
        )
        return 0
    deleted = prune(connection, settings, now)
    if deleted:
        say(f"Deleted from the history: {part_of(deleted, count, 'run')} {beyond}.")
    return deleted


def bytes_used(connection: sqlite3.Connection) -> int:
    """Return the size of the stored runs in the database, bytes."""
    size, pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
    )
    return int(size * (pages - free))


def _now(given: int | None) -> int:
    return time.time_ns() if given is None else given


def _expired(connection: sqlite3.Connection, settings: HistorySettings, now_unix_ns: int) -> list[int]:
    """Numbers of the runs that are too old."""
    if not settings.keep_days:
        return []
    before = now_unix_ns - settings.keep_days * _NS_PER_DAY
    rows = connection.execute(f"SELECT number FROM runs WHERE started_unix_ns < ? AND {_FREE}", (before,))  # noqa: S608
    return [number for (number,) in rows]


def _surplus(connection: sqlite3.Connection, settings: HistorySettings) -> int:
    """Estimated number of runs above the limit on size; at least one if it is exceeded."""
    limit = settings.keep_mb * _BYTES_PER_MB
    if not limit or (used := bytes_used(connection)) <= limit:
        return 0
    (stored,) = connection.execute("SELECT count(*) FROM runs").fetchone()
    return max(1, int(stored * (used - limit) // used))


def _oldest(connection: sqlite3.Connection, count: int) -> list[int]:
    rows = connection.execute(
        f"SELECT number FROM runs WHERE {_FREE} ORDER BY started_unix_ns LIMIT ?",  # noqa: S608
        (count,),
    )
    return [number for (number,) in rows]


def _beyond(settings: HistorySettings, expired: int, surplus: int) -> str:
    """The limits that are exceeded, in words."""
    age = f"older than history.keep_days ({settings.keep_days})" if expired else ""
    size = f"above history.keep_mb ({settings.keep_mb})" if surplus else ""
    return " or ".join(filter(None, (age, size)))
