"""Finding stored runs: filters, orders, and light rows for lists."""

import sqlite3
from collections.abc import Iterable

from tui.core.stored import RunFilter, RunRow, Sort, TargetRow

_KINDS = ("repeat", "warm-up", "sweep")
_ORDER = {
    # What has no figure comes last, whichever way the others stand.
    (Sort.STARTED, False): "started_unix_ns DESC, number DESC",
    (Sort.STARTED, True): "started_unix_ns, number",
    (Sort.TTFT, False): "ttft_ns IS NULL, ttft_ns, number",
    (Sort.TTFT, True): "ttft_ns DESC, number DESC",
    (Sort.TOTAL, False): "total_ns IS NULL, total_ns, number",
    (Sort.TOTAL, True): "total_ns DESC, number DESC",
}


def count(connection: sqlite3.Connection, wanted: RunFilter) -> int:
    """How many runs there are. Raises sqlite3.Error."""
    where, values = _where(wanted)
    return int(connection.execute(f"SELECT count(*) FROM runs {where}", values).fetchone()[0])  # noqa: S608


def numbers(connection: sqlite3.Connection, wanted: RunFilter, sort: Sort, *, reverse: bool) -> list[int]:
    """The numbers of all runs wanted, in order: the spine of a virtual list. Raises sqlite3.Error."""
    where, values = _where(wanted)
    query = f"SELECT number FROM runs {where} ORDER BY {_ORDER[sort, reverse]}"  # noqa: S608 - see `_where`
    return [number for (number,) in connection.execute(query, values)]


def page(
    connection: sqlite3.Connection, wanted: RunFilter, sort: Sort, *, reverse: bool, limit: int, offset: int
) -> list[RunRow]:
    """Some of the runs wanted, in order. Raises sqlite3.Error."""
    where, values = _where(wanted)
    query = f"SELECT number FROM runs {where} ORDER BY {_ORDER[sort, reverse]} LIMIT ? OFFSET ?"  # noqa: S608
    return rows(connection, [number for (number,) in connection.execute(query, (*values, limit, offset))])


def rows(connection: sqlite3.Connection, wanted: Iterable[int]) -> list[RunRow]:
    """The rows of these runs, in the order asked for; those that are gone are left out. Raises sqlite3.Error."""
    found = [_row(connection, number) for number in wanted]
    return [row for row in found if row is not None]


def _row(connection: sqlite3.Connection, number: int) -> RunRow | None:
    run = connection.execute(
        """SELECT uid, started_unix_ns, series, repeat, warm_up, simulated, excerpt, note
        FROM runs WHERE number = ?""",
        (number,),
    ).fetchone()
    if run is None:
        return None
    uid, started, series, repeat, warm_up, simulated, excerpt, note = run
    requests = connection.execute(
        """SELECT target, model, endpoint, status, ttft_ns, total_ns, output_tokens
        FROM requests WHERE run = ? ORDER BY lane""",
        (number,),
    )
    return RunRow(
        number=number,
        uid=uid,
        started_unix_ns=started,
        series=series,
        repeat=repeat,
        kind=_KINDS[warm_up],
        simulated=bool(simulated),
        excerpt=excerpt,
        note=note,
        tags=tags_of(connection, number),
        targets=tuple(
            TargetRow(**dict(zip(TargetRow.__struct_fields__, request, strict=True))) for request in requests
        ),
    )


def tags_of(connection: sqlite3.Connection, number: int) -> tuple[str, ...]:
    """The tags of a run, in alphabetical order. Raises sqlite3.Error."""
    found = connection.execute("SELECT tag FROM tags WHERE run = ? ORDER BY tag", (number,))
    return tuple(tag for (tag,) in found)


def _where(wanted: RunFilter) -> tuple[str, tuple[object, ...]]:
    """The condition, made of our own words alone, and the values for its question marks."""
    like = r"LIKE ? ESCAPE '\'"
    of_requests = "number IN (SELECT run FROM requests WHERE"
    conditions: list[tuple[str, tuple[object, ...]]] = []
    if wanted.model is not None:
        part = _part(wanted.model)
        conditions.append((f"{of_requests} model {like} OR target {like})", (part, part)))
    if wanted.endpoint is not None:
        conditions.append((f"{of_requests} endpoint {like})", (_part(wanted.endpoint),)))
    if wanted.since_unix_ns is not None:
        conditions.append(("started_unix_ns >= ?", (wanted.since_unix_ns,)))
    if wanted.until_unix_ns is not None:
        conditions.append(("started_unix_ns < ?", (wanted.until_unix_ns,)))
    if wanted.text is not None:
        conditions.append((f"plan IN (SELECT id FROM plans WHERE prompt {like})", (_part(wanted.text),)))  # noqa: S608 - our own words
    if wanted.tag is not None:
        conditions.append(("number IN (SELECT run FROM tags WHERE tag = ?)", (wanted.tag,)))
    if wanted.failed is not None:
        conditions.append(("unwell" if wanted.failed else "NOT unwell", ()))
    if wanted.simulated is not None:
        conditions.append(("simulated = ?", (wanted.simulated,)))
    if wanted.series is not None:
        conditions.append(("series = ?", (wanted.series,)))
    if not conditions:
        return "", ()
    return (
        "WHERE " + " AND ".join(condition for condition, _ in conditions),
        tuple(value for _, values in conditions for value in values),
    )


def _part(text: str) -> str:
    """The LIKE pattern for any text that holds this one."""
    for character in "\\%_":
        text = text.replace(character, f"\\{character}")
    return f"%{text}%"
