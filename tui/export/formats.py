"""Formats of exports, one row each: by name or a file's suffix, as text or as a file."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from tui.advice.trial import TrialResult
from tui.config.paths import write_private
from tui.core.choice import Choice
from tui.core.objectives import Objective
from tui.core.run import StoredRun
from tui.errors import UsageError, reason_of
from tui.export.csv_export import render_csv
from tui.export.html_report import render_html
from tui.export.json_format import render_json, render_jsonl
from tui.export.markdown import render_markdown
from tui.export.plan_file import render_plan
from tui.export.portable import Contents, known_keys, portable, portable_choice, portable_ledger


class Format(StrEnum):
    """A kind of file that runs can be exported as; the value is the suffix without its dot."""

    _value_: str
    render: Callable[[Contents], Iterable[str]]
    """The file in pieces, made as they are used."""

    def __new__(cls, suffix: str, render: Callable[[Contents], Iterable[str]] | None = None) -> "Format":
        """A member that is its suffix and knows how it is written."""
        assert render is not None  # `Format("json")` finds a member and makes none
        member = str.__new__(cls, suffix)
        member._value_ = suffix
        member.render = render
        return member

    JSON = "json", render_json
    """Everything, with a schema; the only one that can be imported."""
    JSONL = "jsonl", render_jsonl
    """One request per line."""
    CSV = "csv", render_csv
    """One request per row."""
    MARKDOWN = "md", render_markdown
    HTML = "html", render_html
    PLAN = "toml", render_plan
    """The plan of the latest run, to be run again."""


SUFFIXES = ", ".join(f".{known.value}" for known in Format)
"""The suffixes that files may have, in words."""


def format_of(path: Path) -> Format:
    """The format that a file's suffix asks for. Raises UsageError for another suffix."""
    try:
        return Format(path.suffix.lower().removeprefix("."))
    except ValueError:
        raise UsageError(f"{path}: no export has this suffix; name the file with one of {SUFFIXES}.") from None


def render(
    runs: Sequence[StoredRun],
    wanted: Format,
    *,
    tried: Sequence[TrialResult] = (),
    with_texts: bool = True,
    objectives: Sequence[Objective] = (),
    choice: Choice | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterable[str]:
    """The runs in a format, in pieces: without any key (`tui.export.portable`), in the order given, SIMULATED where so.

    `tried` are the changes that were tried on them, which lists of requests leave out. Markdown and HTML judge the
    runs by `objectives`. `choice` is what was chosen among them. Without texts, prompts and answers are left out.
    `environ` says which keys there are; None is this process' own.

    Raises UsageError without runs.
    """
    if not runs:
        raise UsageError("There is nothing to export: choose at least one run.")
    keys = known_keys(runs, os.environ if environ is None else environ)
    contents = Contents(
        runs=portable(runs, keys, with_texts=with_texts),
        tried=portable_ledger(tried, keys, with_texts=with_texts),
        with_texts=with_texts,
        objectives=objectives,
        choice=portable_choice(choice, keys),
    )
    return wanted.render(contents)


def write(
    path: Path,
    runs: Sequence[StoredRun],
    wanted: Format | None = None,
    *,
    tried: Sequence[TrialResult] = (),
    with_texts: bool = True,
    objectives: Sequence[Objective] = (),
    choice: Choice | None = None,
) -> None:
    """Write the runs to a file that only its owner can read, all or nothing; the suffix says the format.

    Raises UsageError without runs, for an unknown suffix, and when it cannot be written; then what was there stays."""
    text = render(
        runs, wanted or format_of(path), tried=tried, with_texts=with_texts, objectives=objectives, choice=choice
    )
    write_text(path, text)


def unused(path: Path) -> Path:
    """`path`, if nothing is there yet. Raises UsageError."""
    if path.exists():
        raise UsageError(f"{path} is there already; choose another name.")
    return path


def write_text(path: Path, pieces: Iterable[str]) -> None:
    """Write the pieces of an export to a file that only its owner can read, all of it or nothing. Raises as `write`."""
    try:
        place = path.resolve()  # a link stays one
        if place.exists() and not place.is_file():
            raise UsageError(f"The export {path} cannot be written: that is not a file; choose another name.")
        write_private(place, (piece.encode() for piece in pieces))
    except OSError as problem:
        raise UsageError(f"The export {path} cannot be written: {reason_of(problem)}.") from None
