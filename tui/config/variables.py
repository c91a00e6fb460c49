"""Files beside a plan: the values of its variables, from a CSV or JSONL file, and what its prompts attach."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec

from tui.config.files import read_text
from tui.config.keys import SetValue, shown
from tui.core.attachment import MOST_BYTES, MOST_FILES, Attachment, attachment_of
from tui.core.prompt import Prompt, is_variable_name
from tui.core.setting import open_setting, setting
from tui.errors import ConfigError, reason_of

MAX_ROWS = 10_000
"""Most rows of values."""

Row = dict[str, str]

_NAME_RULE = "a variable's name is a letter or _, then up to 63 letters, digits, spaces, _, - or dots"


class Variables(msgspec.Struct, frozen=True):
    """The table [variables]."""

    rows: Annotated[tuple[Row, ...], open_setting("The rows of values, a table each.")] = ()
    """With the same names each."""
    file: Annotated[
        str | None,
        setting("A CSV or JSONL file with the rows, relative to the file that names it.", set_by="chosen files"),
    ] = None
    """Here its absolute path."""


def refuse_name(name: str) -> str | None:
    """The complaint about `name` as a variable's, as the end of a sentence, or None."""
    return None if is_variable_name(name) else f"is no name that can stand in {{{{…}}}}: {_NAME_RULE}"


def value_text(value: object) -> str | None:
    """The text of a single value, a number as it is written; None for anything else."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def read_rows(path: Path, name: str) -> tuple[Row, ...]:
    """The rows of a CSV file, whose first line has the names, or of a JSONL file of objects.

    `name` is what errors call the file. Raises ConfigError, one sentence with the line, for a file that cannot be
    used: unreadable, of another kind, without rows, with more than `MAX_ROWS` of them, or with rows that differ in
    their names.
    """
    kinds = {".csv": _csv_rows, ".jsonl": _jsonl_rows, ".ndjson": _jsonl_rows}
    read = kinds.get(path.suffix.lower())
    if read is None:
        raise ConfigError(f"{name}: is neither a CSV nor a JSONL file: its name must end in .csv or .jsonl.")
    text = read_text(path, name)
    if text is None:
        raise ConfigError(f"{name}: cannot be read: no such file.")
    rows: list[Row] = []
    for line, row in read(text, name):
        _check_names(row, rows[0] if rows else None, f"{name}, line {line}")
        rows.append(row)
        if len(rows) > MAX_ROWS:
            raise ConfigError(f"{name}: holds more than {MAX_ROWS} rows.")
    if not rows:
        raise ConfigError(f"{name}: holds no rows.")
    return tuple(rows)


def differing_name(row: Mapping[str, object], first: Mapping[str, object]) -> str | None:
    """The difference between the names of `row` and those of the first one, as the end of a sentence, or None."""
    for missing in first:
        if missing not in row:
            return f"has no {shown(missing)}, which the first row has"
    for extra in row:
        if extra not in first:
            return f"has {shown(extra)}, which the first row has not"
    return None


def _csv_rows(text: str, name: str) -> Iterator[tuple[int, Row]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names: list[str] = []
    try:
        for values in reader:
            if not values:
                continue
            if not names:
                names = [heading.strip() for heading in values]
                _check_headings(names, f"{name}, line {reader.line_num}")
            elif len(values) != len(names):
                complaint = f"must have {len(names)} values, as many as the first line names, but has {len(values)}"
                raise ConfigError(f"{name}, line {reader.line_num}: {complaint}.")
            else:
                yield reader.line_num, dict(zip(names, values, strict=True))
    except csv.Error as problem:
        raise ConfigError(f"{name}, line {reader.line_num}: cannot be read as CSV: {problem}.") from None


def _check_headings(names: Sequence[str], where: str) -> None:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise ConfigError(f"{where}: names {shown(name)} twice.")
        if complaint := refuse_name(name):
            raise ConfigError(f"{where}: {shown(name)} {complaint}.")


def _jsonl_rows(text: str, name: str) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = msgspec.json.decode(line.encode(), type=dict[str, object])
        except (msgspec.DecodeError, RecursionError):
            raise ConfigError(f"{name}, line {number}: must be a JSON object.") from None
        row: Row = {}
        for key, value in values.items():
            as_text = value_text(value)
            if as_text is None:
                raise ConfigError(f"{name}, line {number}: {shown(key)} must be a text or a number.")
            row[key] = as_text
        yield number, row


def _check_names(row: Row, first: Row | None, where: str) -> None:
    if first is None:
        if not row:
            raise ConfigError(f"{where}: has no values.")
        for name in row:
            complaint = refuse_name(name)
            if complaint:
                raise ConfigError(f"{where}: {shown(name)} {complaint}.")
    elif complaint := differing_name(row, first):
        raise ConfigError(f"{where}: {complaint}.")


def with_places(entries: Mapping[str, SetValue], directory: Path) -> dict[str, SetValue]:
    """The entries with the paths of attachments as seen from `directory`, where the file with them is."""
    found = dict(entries)
    if (given := entries.get("prompt.attach")) is not None:
        found["prompt.attach"] = msgspec.structs.replace(given, value=_placed(given.value, directory))
    if (given := entries.get("prompts")) is not None:
        variants = [
            {**variant, "attach": _placed(variant["attach"], directory)} if "attach" in variant else variant
            for variant in cast(tuple[dict[str, Any], ...], given.value)
        ]
        found["prompts"] = msgspec.structs.replace(given, value=tuple(variants))
    return found


def _placed(paths: object, directory: Path) -> tuple[str, ...]:
    return tuple(str(directory / Path(path).expanduser()) for path in cast(tuple[str, ...], paths))


def files_of(prompts: Sequence[Prompt], rows: Sequence[Mapping[str, str]]) -> dict[str, Attachment]:
    """The files that the prompts attach with any row of values, by path. Raises ConfigError for one that cannot be."""
    return {path: _looked_at(Path(path)) for path in _paths_in(prompts, rows)}


def found_files(
    prompts: Sequence[Prompt], rows: Sequence[Mapping[str, str]]
) -> tuple[dict[str, Attachment], tuple[str, ...]]:
    """The same of those that can be attached, and a sentence on each of the others."""
    found: dict[str, Attachment] = {}
    problems = []
    for path in _paths_in(prompts, rows):
        try:
            found[path] = _looked_at(Path(path))
        except ConfigError as error:
            problems.append(str(error))
    return found, tuple(problems)


def _paths_in(prompts: Sequence[Prompt], rows: Sequence[Mapping[str, str]]) -> Iterable[str]:
    found: dict[str, None] = {}
    for prompt in prompts:
        for values in rows or ({},) if prompt.attach else ():
            try:
                paths = msgspec.structs.replace(Prompt(), attach=prompt.attach).filled(values).attach
            except KeyError:
                continue  # the plan says which variable has no value
            found |= dict.fromkeys(paths)
    return found


def _looked_at(path: Path) -> Attachment:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ValueError("is no ordinary file")  # a pipe would be waited for
        with path.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
        return attachment_of(data, path.name, str(path.resolve()))
    except OSError as error:
        reason = f"cannot be read: {reason_of(error)}"
    except ValueError as error:
        reason = str(error)
    raise ConfigError(f"attach: {path} {reason}.")


def attach_complaint(paths: Sequence[str]) -> str | None:
    """The complaint about a list of attachments, as the end of a sentence, or None."""
    return f"must name at most {MOST_FILES} files, but names {len(paths)}" if len(paths) > MOST_FILES else None
