"""Putting runs and their requests into the database. All of it inside a transaction of the caller's."""

import sqlite3
from collections.abc import Sequence

import msgspec

from tui.core.events import Status
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord, State
from tui.core.run import RunInfo
from tui.history.codec import digest, pack, pack_record

EXCERPT_CHARACTERS = 200

_UNWELL = f"'{Status.FAILED}', '{Status.INTERRUPTED}'"


def prompt_text(plan: Plan) -> str:
    """The whole text of what the plan asks, with the values of its variables, as the history is searched."""
    prompts = dict.fromkeys([plan.prompt, *map(plan.prompt_of, plan.asked)])
    texts = (*(text for prompt in prompts for text in prompt.texts()), *plan.values().values())
    return "\n".join(filter(None, texts))


def excerpt(prompt: Prompt) -> str:
    """The beginning of what the user says, on one line."""
    return " ".join(prompt.user[: EXCERPT_CHARACTERS * 2].split())[:EXCERPT_CHARACTERS]


def put_run(connection: sqlite3.Connection, info: RunInfo, plan: Plan) -> int:
    """Store a run, or what is newly known of it; its number."""
    # Not an upsert: each would use up a number, and numbers are typed by people.
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
            _put_plan(connection, plan),
            excerpt(plan.prompt),
            msgspec.msgpack.encode(info),
        ),
    ).fetchone()
    return int(row[0])


def put_open_requests(connection: sqlite3.Connection, run: int, specs: Sequence[RequestSpec], writer: str) -> None:
    """Store what a run is about to ask; `writer` answers for it."""
    for lane, spec in enumerate(specs):
        record = RequestRecord(spec=spec)
        _put_request(connection, run, lane, record, writer, None)


def put_request(connection: sqlite3.Connection, run: int, lane: int, record: RequestRecord) -> None:
    """Store a request that is over, in place of what there was of it."""
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
            record.usage.output_tokens if record.complete else None,
            _put_spec(connection, spec),
            data,
        ),
    )


def _put_plan(connection: sqlite3.Connection, plan: Plan) -> int:
    key = digest(plan)
    row = connection.execute("SELECT id FROM plans WHERE digest = ?", (key,)).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO plans (digest, prompt, data) VALUES (?, ?, ?) RETURNING id",
            (key, prompt_text(plan), pack(plan)),
        ).fetchone()
    return int(row[0])


def _put_spec(connection: sqlite3.Connection, spec: RequestSpec) -> int:
    """Stored without its id, by which alone repeats differ."""
    bare = msgspec.structs.replace(spec, request_id=0)
    key = digest(bare)
    row = connection.execute("SELECT id FROM specs WHERE digest = ?", (key,)).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO specs (digest, data) VALUES (?, ?) RETURNING id", (key, pack(bare))
        ).fetchone()
    return int(row[0])


def drop_unused(connection: sqlite3.Connection) -> None:
    """Delete plans and specifications that no run has any more."""
    connection.execute("DELETE FROM plans WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.plan = plans.id)")
    connection.execute("DELETE FROM specs WHERE NOT EXISTS (SELECT 1 FROM requests WHERE requests.spec = specs.id)")
