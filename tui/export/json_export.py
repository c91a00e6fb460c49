"""JSON and JSON Lines: everything, for scripts and for other machines."""

import re

import msgspec

from tui.core.prompt import Prompt
from tui.core.run import RunInfo
from tui.export.document import VERSION, ExportedRequest, export_of, request_of, started
from tui.export.portable import Contents

_PERHAPS_UNSEEN = re.compile(r"[^\x20-\x7e\n]")


class Line(ExportedRequest, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the JSON Lines export: a request that needs no other line to be understood."""

    version: int
    info: RunInfo
    started: str
    note: str = ""
    tags: tuple[str, ...] = ()


def render_json(contents: Contents) -> str:
    """The document of `tui.export.document`: one line per run, request and trial, between lines of their own."""
    encode = msgspec.json.encode
    document = export_of(contents)
    fields = [
        f'"{name}":{encode(getattr(document, name)).decode()}'
        for name in document.__struct_fields__
        if name not in ("runs", "requests", "tried")
    ]
    lists = (("runs", document.runs), ("requests", document.requests), ("tried", document.tried))
    for name, members in lists if document.tried else lists[:-1]:
        lines = ",\n".join(encode(member).decode() for member in members)
        fields.append(f'"{name}":[\n{lines}\n]')
    return visible("{\n" + ",\n".join(fields) + "\n}\n")


def render_jsonl(contents: Contents) -> str:
    """One request per line, with what its run has to say; for `grep`, `jq` and tables."""
    lines = []
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
            lines.append(msgspec.json.encode(Line(**fields)).decode())
    return visible("".join(f"{line}\n" for line in lines))


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
