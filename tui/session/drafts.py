"""Drafts on disk: what was on screen is there again at the next start, however the program ended."""

import contextlib
import fcntl
import hashlib
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from tui.config import paths
from tui.config.keys import Layer
from tui.config.load import Loaded
from tui.config.paths import open_private, private_directory, write_private
from tui.core.plan_contents import PlanContents
from tui.errors import reason_of

_MOST = 40
"""Drafts that are kept, those in use included; the oldest are deleted."""
_ASIDE = re.compile(r"aside-\d+")
_OF_A_DRAFT = (
    "endpoint",
    "objectives",
    "prompt",
    "prompts",
    "variables",
    "parameters",
    "targets",
    "hosts",
    "series",
    "conversation",
    "load",
)
"""First parts of the settings that say with what a draft begins."""


class PaneSizes(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of panes that were dragged; None for the usual one."""

    prompt: float | None = None
    """Share of the prompt in the width."""
    bottom: int | None = None
    """Rows of the table and the chart."""
    table: float | None = None
    """Share of the table in what it has with the chart."""


class KeptDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A draft as it is stored."""

    contents: PlanContents = msgspec.field(name="asked")
    """All targets of the list among them, also those that are not chosen."""
    current: int = 0
    """Place of the prompt in use."""
    row: int = 0
    """Place of the row of values in use."""
    not_chosen: frozenset[int] = frozenset()
    """Places of the targets that are not chosen."""
    foreign_files: frozenset[str] = frozenset()
    """Paths of attachments that only a stored run named, and nobody chose: they are not read."""
    file: str | None = None
    """The plan file that it was opened from or saved to."""
    panes: PaneSizes = PaneSizes()

    @property
    def excerpt(self) -> str:
        """The beginning of the prompt in use."""
        return " ".join(self.contents.prompts[self.current].user[:200].split())

    def says_the_same(self, other: "KeptDraft") -> bool:
        """True if the other differs in the sizes of panes at most, which nobody wrote."""
        return msgspec.structs.replace(other, panes=self.panes) == self


class StoredDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a draft."""

    draft: KeptDraft
    saved_unix_ns: int
    key: str = ""
    """Name of the file, without its suffix."""


def key_of(loaded: Loaded, contents: PlanContents) -> str:
    """Name of the drafts that begin with these settings: another one for each plan, and for a demo.

    A new version's built-in defaults do not change it. `contents` are what the settings ask.
    """
    given = [
        path
        for path, origin in sorted(loaded.provenance.items())
        if origin.layer is not Layer.BUILT_IN and path.partition(".")[0] in _OF_A_DRAFT
    ]
    if not given:
        return "usual"
    begins = msgspec.json.encode((given, contents, loaded.is_demo))
    return hashlib.sha256(begins).hexdigest()[:16]


class Drafts:
    """The drafts of one start of the program. Writing happens in a thread; only `flush` waits for it."""

    def __init__(self, key: str) -> None:
        """Two programs that run side by side with the same key have a draft each."""
        self.problem = ""
        """Sentence on why the draft cannot be kept; empty while it can."""
        self.on_written: Callable[[], None] = lambda: None
        """Called after every attempt to write, in the thread that made it."""
        self._directory = paths.state_dir() / "drafts"
        self._key = key
        self._slot = key
        self._lock_handle: int | None = None
        self._wanted: KeptDraft | None = None
        self._written: KeptDraft | None = None
        self._has_news = False
        self._guard = threading.Lock()
        self._writing = threading.Lock()

    def claim(self) -> StoredDraft | None:
        """The draft that was left, which is this program's own from now on; None if there is none."""
        try:
            private_directory(self._directory)
            self._slot = self._free_slot()
        except OSError as error:
            self._complain(error)
            return None
        stored = self._read(self._slot)
        self._written = stored.draft if stored is not None else None
        return stored

    def keep(self, draft: KeptDraft | None) -> None:
        """Have the draft written, unless it is what was written last; None deletes it."""
        with self._guard:
            if draft == (self._wanted if self._has_news else self._written):
                return
            self._wanted, self._has_news = draft, True
        threading.Thread(target=self.flush, name="drafts", daemon=True).start()

    def flush(self) -> None:
        """Write what is not written yet, and wait for that."""
        with self._writing:
            with self._guard:
                wanted, has_news, self._has_news = self._wanted, self._has_news, False
            if has_news:
                self._write(self._slot, wanted)
                self._written = wanted
                self.on_written()

    def set_aside(self, draft: KeptDraft) -> None:
        """Store a draft beside the one in use, to be found in `others`."""
        self._write(f"aside-{time.time_ns()}", draft)
        self._prune()

    def others(self) -> list[StoredDraft]:
        """The other drafts, the latest first."""
        found = [self._read(path.stem) for path in self._files() if path.stem != self._slot]
        return sorted(filter(None, found), key=lambda stored: -stored.saved_unix_ns)

    def close(self) -> None:
        """Write the rest, and leave the draft to the next program."""
        self.flush()
        if self._lock_handle is not None:
            os.close(self._lock_handle)
            self._lock_handle = None

    def _free_slot(self) -> str:
        for number in range(1, _MOST):
            slot = self._key if number == 1 else f"{self._key}-{number}"
            handle = open_private(self._directory / f"{slot}.lock", os.O_RDWR)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(handle)
                continue
            self._lock_handle = handle
            return slot
        return f"{self._key}-{os.getpid()}"

    def _files(self) -> list[Path]:
        try:
            return list(self._directory.glob("*.json"))
        except OSError:
            return []

    def _read(self, key: str) -> StoredDraft | None:
        """A stored draft; None for one that is not there, or of another version."""
        try:
            data = (self._directory / f"{key}.json").read_bytes()
            stored = msgspec.json.decode(data, type=StoredDraft)
        except (OSError, UnicodeDecodeError, msgspec.MsgspecError):
            return None
        draft = stored.draft
        contents = draft.contents
        is_whole = 0 <= draft.current < len(contents.prompts) and len(draft.not_chosen) < len(contents.targets)
        return msgspec.structs.replace(stored, key=key) if is_whole else None

    def _write(self, key: str, draft: KeptDraft | None) -> None:
        path = self._directory / f"{key}.json"
        try:
            if draft is None:
                path.unlink(missing_ok=True)
            else:
                private_directory(self._directory)
                stored = StoredDraft(draft=draft, saved_unix_ns=time.time_ns())
                write_private(path, msgspec.json.encode(stored))
            self.problem = ""
        except OSError as error:
            self._complain(error)

    def _prune(self) -> None:
        aside = sorted((path for path in self._files() if _ASIDE.fullmatch(path.stem)), reverse=True)
        for path in aside[_MOST:]:
            with contextlib.suppress(OSError):
                path.unlink()

    def _complain(self, error: OSError) -> None:
        self.problem = f"What you write cannot be kept for the next start: {self._directory}: {reason_of(error)}."
