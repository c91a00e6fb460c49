"""Files that go with prompts: read where the plan is, handed to the engine once, and kept there by their digest."""

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

from tui.core.attachment import MOST_BYTES, Attachment
from tui.core.plan import Plan, RequestSpec

_MOST_KEPT = 256 * 1024 * 1024
"""Bytes of files that the engine keeps; beyond, the oldest go."""

_kept: dict[str, bytes] = {}


def attached_to(specs: Iterable[RequestSpec]) -> dict[str, Attachment]:
    """The files that requests need, by digest."""
    prompts = [spec.prompt for spec in specs]
    files = [file for prompt in prompts for file in (*prompt.attached, *(f for t in prompt.turns for f in t.attached))]
    return {file.sha256: file for file in files}


def needed(command: object) -> dict[str, Attachment]:
    """The files that the requests of a command need, by digest."""
    plan: Plan | None = getattr(command, "plan", None)
    of_plan = {} if plan is None else {file.sha256: file for file in plan.files.values()}
    return of_plan | attached_to(getattr(command, "requests", ()))


def read(files: Iterable[Attachment]) -> dict[str, bytes]:
    """The bytes of files, by digest. A file that is gone or has changed since the plan was read is left out."""
    found = {}
    for file in files:
        try:
            with Path(file.path).open("rb") as opened:
                data = opened.read(MOST_BYTES + 1)
        except OSError:
            continue
        if hashlib.sha256(data).hexdigest() == file.sha256:
            found[file.sha256] = data
    return found


def keep(files: dict[str, bytes]) -> None:
    """Keep files for the requests that follow. In the engine's process."""
    _kept.update(files)
    while sum(map(len, _kept.values())) > _MOST_KEPT and len(_kept) > len(files):
        del _kept[next(iter(_kept))]


def missing(spec: RequestSpec) -> str | None:
    """The reason why the request cannot be sent: a file of it is not here. None if all are."""
    lost = [file.name for digest, file in attached_to([spec]).items() if digest not in _kept]
    return f"{lost[0]} is gone or has changed since the plan was read; open the plan again" if lost else None


def base64_of(file: Attachment) -> str:
    """The file as a request has it; its digest where it is not kept: outside of the engine."""
    data = _kept.get(file.sha256)
    return f"sha256:{file.sha256}" if data is None else base64.b64encode(data).decode()


def data_url(file: Attachment) -> str:
    """The file as a `data:` URL."""
    return f"data:{file.media_type};base64,{base64_of(file)}"
