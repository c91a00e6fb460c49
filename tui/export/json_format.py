"""JSON and JSON Lines: everything, for scripts and for other machines."""

import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from tui.advice.trial import TrialResult
from tui.core.figures import Figure
from tui.core.frontier import frontier_of
from tui.core.grouping import measured_in
from tui.core.host_difference import host_differences
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.errors import UsageError, reason_of
from tui.export.document import (
    FORMAT,
    VERSION,
    Export,
    ExportedRequest,
    fits_of,
    head_of,
    loads_of,
    prices_of,
    request_of,
    run_of,
    runs_of,
    started,
)
from tui.export.portable import Contents, portable, portable_ledger

_PERHAPS_UNSEEN = re.compile(r"[^\x20-\x7e\n]")


class Line(ExportedRequest, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the JSON Lines export: a request that needs no other line to be understood."""

    version: int
    info: RunInfo
    started: str
    note: str = ""
    tags: tuple[str, ...] = ()


def render_json(contents: Contents) -> Iterator[str]:
    """The document of `tui.export.document`: one line per run, request and trial, between lines of their own."""
    document, runs = head_of(contents), contents.runs
    named = ((name, getattr(document, name)) for name in document.__struct_fields__ if name not in _LISTS)
    fields = [(name, value) for name, value in named if value is not None]
    yield visible("{\n" + ",\n".join(f'"{name}":{_json(value)}' for name, value in fields))
    yield from _list("runs", map(run_of, runs))
    yield from _list("requests", (request_of(run, record) for run in runs for record in run.requests))
    measured = measured_in(runs, prices_of(runs))
    asked = [one.from_host for one in measured if one.from_host is not None]
    if differences := host_differences(asked):
        yield from _list("host_differences", differences)
    if fits := fits_of(measured):
        yield from _list("fits", fits)
    asked_at_all = [one for one in measured if one.requests]
    for name, by in (("frontier", Figure.TOTAL), ("frontier_by_ttft", Figure.TTFT)):
        if points := frontier_of(asked_at_all, by):
            yield from _list(name, points)
    levels, found = loads_of(runs, contents.objectives)
    if levels:
        yield from _list("levels", levels)
        yield from _list("knees", found)
    if document.tried:
        yield from _list("tried", document.tried)
    yield "\n}\n"


_LISTS = ("runs", "requests", "host_differences", "fits", "frontier", "frontier_by_ttft", "levels", "knees", "tried")


def _list(name: str, members: Iterable[object]) -> Iterator[str]:
    yield f',\n"{name}":['
    between = "\n"
    for member in members:
        yield f"{between}{visible(_json(member))}"
        between = ",\n"
    yield "\n]"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def render_jsonl(contents: Contents) -> Iterator[str]:
    """One request per line, with what its run has to say; for `grep`, `jq` and tables."""
    for run in contents.runs:
        for record in run.requests:
            request = request_of(run, record)
            fields = {name: getattr(request, name) for name in request.__struct_fields__}
            fields |= {
                "version": VERSION,
                "info": run.info,
                "started": started(run),
                "note": run.note,
                "tags": run.tags,
                "prompt": record.spec.prompt if contents.with_texts else Prompt(),
                "endpoint_settings": record.spec.endpoint,
            }
            yield visible(_json(Line(**fields)) + "\n")


def visible(json: str) -> str:
    """`json`, which means the same, with every character escaped that is not seen or that moves others.

    So it can be printed on a terminal: control and format characters, which stand in texts only, become `\\uXXXX`.
    """
    return _PERHAPS_UNSEEN.sub(_escaped, json)


def _escaped(match: re.Match[str]) -> str:
    char = match[0]
    if char.isprintable():
        return char
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


_LARGEST = 1 << 30
_LARGEST_INTEGER = 1 << 63


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """Contents of an export, as `tui.export.portable` leaves them."""

    runs: list[StoredRun]
    tried: list[TrialResult]
    """The ledger of what was tried on them, the latest first."""


def read(path: Path) -> Imported:
    """Contents of the export at `path`.

    Raises UsageError, one sentence, when the file cannot be read, is no export, is of a newer version or is damaged.
    """
    name = _shown(str(path))
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{name}: is larger than 1 GiB, which is more than can be imported: export fewer runs.")
        return parse(path.read_bytes(), name)
    except OSError as problem:
        raise UsageError(f"{name}: cannot be read: {reason_of(problem)}.") from None


def parse(data: bytes, name: str) -> Imported:
    """Contents of an export that was read already; errors call it `name`. Raises UsageError as `read`."""
    tree = _tree(data, name)
    version = tree.get("version")
    if type(version) is not int or version != VERSION:
        newer = type(version) is int and version > VERSION
        remedy = "update latency-tui" if newer else "export it again"
        shown = version if type(version) is int and abs(version) < _LARGEST_INTEGER else "unknown"
        raise UsageError(f"{name}: is an export of version {shown}, but this program reads {VERSION}: {remedy}.")
    try:
        _check_sizes(tree)
        export = msgspec.convert(tree, Export)
        runs = runs_of(export)
        for run in runs:
            _check(run)
        for entry in export.tried:
            _check_tried(entry)
    except (ValueError, RecursionError) as problem:
        reason = _shown(str(problem))
        raise UsageError(
            f"{name}: does not follow the schema of exports ({reason}): it was changed or damaged; export it again."
        ) from None
    return Imported(runs=list(portable(runs)), tried=portable_ledger(export.tried))


def _tree(data: bytes, name: str) -> dict[str, Any]:
    try:
        tree = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as problem:
        reason = _shown(str(problem))
        raise UsageError(f"{name}: is not JSON ({reason}): it is damaged or another kind of file.") from None
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise UsageError(f"{name}: is not an export of latency-tui: choose a file that was exported as .json.")
    return tree


def _check_sizes(tree: Any) -> None:
    """Raise ValueError for an integer that no clock and no counter gives, and that could not be computed with."""
    if isinstance(tree, dict):
        for value in tree.values():
            _check_sizes(value)
    elif isinstance(tree, list):
        for value in tree:
            _check_sizes(value)
    elif isinstance(tree, int) and not -_LARGEST_INTEGER <= tree < _LARGEST_INTEGER:
        raise ValueError("a number is too large")


def _check(run: StoredRun) -> None:
    """Raise ValueError for a run that could not be shown."""
    _check_moment(run.info.started_unix_ns)
    names = {endpoint.name for endpoint in run.plan.endpoints}
    wanted = {target.endpoint or run.plan.default_endpoint for target in run.plan.targets}
    if not wanted <= names:
        raise ValueError("a target's endpoint is not in its plan")
    for record in run.requests:
        _check_stamps(record)


def _check_tried(entry: TrialResult) -> None:
    _check_moment(entry.begun_unix_ns)
    if entry.trial.figure.declared.sample is None:
        raise ValueError("a trial was judged by a figure that is not summed up")


def _check_moment(unix_ns: int) -> None:
    if not 0 <= unix_ns <= 253_402_300_799 * 1_000_000_000:
        raise ValueError("a start is not between 1970 and 9999")


def _check_stamps(record: RequestRecord) -> None:
    stamps = record.timeline.content_ns
    if any(later < earlier for earlier, later in itertools.pairwise(stamps)):
        raise ValueError("stamps of content are not in order")
    if stamps and stamps[0] < 0:
        raise ValueError("a stamp of content is negative")
    if not 0 <= record.timeline.thinking_pieces <= record.timeline.pieces:
        raise ValueError("more pieces of thinking than of content")


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in text[:300])
