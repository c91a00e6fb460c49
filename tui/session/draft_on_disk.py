"""The draft on disk: nothing that was typed is lost. It is kept for the next start, and knows its plan file."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from tui.config.variables import found_files
from tui.core.attachment import Attachment
from tui.core.model import KnownModel
from tui.core.objectives import parse
from tui.core.plan_contents import PlanContents, seen_from
from tui.errors import LatencyTuiError
from tui.session.draft import Draft
from tui.session.drafts import Drafts, KeptDraft, StoredDraft
from tui.session.live import LiveState
from tui.session.plan_files import OpenedPlan, PlanFiles, SavedPlan


class DraftOnDisk:
    """The draft on screen, as it stands on disk: in the place of drafts, and in a plan file."""

    def __init__(
        self,
        draft: Draft,
        live: LiveState,
        models: Sequence[KnownModel],
        drafts: Drafts | None = None,
        files: PlanFiles | None = None,
        file: Path | None = None,
    ) -> None:
        """`draft` is as the settings make it. Without `drafts` none is kept. `file` is the plan it was started with."""
        self.files = files or PlanFiles()
        self.restored: StoredDraft | None = None
        """The draft of the last start that was taken up."""
        self.unknown: tuple[str, ...] = ()
        """Endpoints of the draft that was taken up last which are not here."""
        self.unread: tuple[str, ...] = ()
        """Sentences on files of the draft that was taken up last which cannot be attached."""
        self._draft = draft
        self._live = live
        self._models = models
        self._drafts = drafts
        self._path = file
        self._in_file: PlanContents | None = None
        """Contents of the plan file, where they are known."""
        self._begun, self._begun_files = self._kept(), draft.book.files

    @property
    def name(self) -> str:
        """Name of the plan file; empty without one."""
        return self._path.name if self._path is not None else ""

    @property
    def path(self) -> Path | None:
        """The plan file."""
        return self._path

    @property
    def differs(self) -> bool:
        """True if the plan file says something else than the screen."""
        return self._in_file is not None and self._in_file != self.contents()

    def farewell(self) -> str:
        """Sentence on what was kept, when the program ends; empty where there was nothing to keep."""
        if self._drafts is None or self.is_fresh:
            return ""
        if self.problem:
            return self.problem + self._rescued()
        not_saved = f"{self.name} was not saved. " if self.differs else ""
        return f"{not_saved}What you wrote is kept: it is there when you start again."

    def _rescued(self) -> str:
        """Sentence on the plan that holds, among temporary files, what cannot be kept; empty where none can be made."""
        plan = self._draft.plan()
        with suppress(LatencyTuiError, OSError):
            place = Path(tempfile.mkdtemp(prefix="latency-tui-draft-")) / "draft.toml"
            self.files.save(str(place), self.contents(), plan.endpoints, plan.default_endpoint)
            return f" It is in {place}, which --config opens."
        return ""

    @property
    def problem(self) -> str:
        """Sentence on why the draft cannot be kept; empty while it can."""
        return self._drafts.problem if self._drafts is not None else ""

    def watch(self, on_written: Callable[[], None]) -> None:
        """Have `on_written` called, in another thread, after every attempt to write the draft."""
        if self._drafts is not None:
            self._drafts.on_written = on_written

    @property
    def is_fresh(self) -> bool:
        """True while nothing was changed since a fresh start."""
        return self._kept().says_the_same(self._begun)

    @property
    def is_unread(self) -> bool:
        """True for a plan file that was not read yet."""
        return self._path is not None and self._in_file is None

    def contents(self) -> PlanContents:
        """Contents of the plan file that would ask what is on screen."""
        return self._draft.contents(self._draft.series, self._live.objectives)

    def keep(self) -> None:
        """Have the draft written, if it has changed."""
        if self._drafts is not None:
            kept = self._kept()
            self._drafts.keep(None if kept == self._begun else kept)

    def close(self) -> None:
        """Write the draft, and wait for that."""
        if self._drafts is not None:
            self.keep()
            self._drafts.close()

    def take_up(self, stored: StoredDraft | None, *, aside: bool = False) -> None:
        """Go on with the draft of the last start, if there is one; or only keep it `aside`."""
        if stored is None or self._drafts is None:
            return
        if stored.draft.says_the_same(self._begun):
            self._draft.panes = stored.draft.panes
        elif aside:
            self._drafts.set_aside(stored.draft)
        else:
            self.restored = stored
            self._restore(stored.draft, self.read_files(stored))

    def read_files(self, stored: StoredDraft) -> Mapping[str, Attachment]:
        """The files that a draft attaches, as far as they are there. Waits for the disk."""
        contents, foreign = stored.draft.contents, stored.draft.foreign_files
        own = [
            msgspec.structs.replace(prompt, attach=tuple(path for path in prompt.attach if path not in foreign))
            for prompt in contents.prompts
        ]
        files, self.unread = found_files(own, contents.rows)
        return files

    def start_afresh(self) -> None:
        """Begin again as without a draft; what is on screen is set aside."""
        self._set_aside()
        self._restore(self._begun, self._begun_files)

    def take_other(self, stored: StoredDraft, files: Mapping[str, Attachment]) -> None:
        """Go on with another draft and its files; what is on screen is set aside."""
        self._set_aside()
        self._restore(stored.draft, files)

    def others(self) -> Sequence[StoredDraft]:
        """The drafts that were set aside, or left elsewhere, the latest first. Waits for the disk."""
        return self._drafts.others() if self._drafts is not None else ()

    def open(self, opened: OpenedPlan) -> None:
        """Go on with a plan file; what is on screen is set aside."""
        self._set_aside()
        for endpoint in opened.plan.endpoints:
            if all(endpoint.name != known.name for known in self._draft.endpoints):
                self._draft.add_endpoint(endpoint)
        contents = self._here(opened)
        if not opened.has_targets:
            contents = msgspec.structs.replace(contents, targets=self._draft.targets.chosen)
        self._restore(KeptDraft(contents=contents, file=str(opened.path)), opened.plan.files, contents)

    def leave_file(self) -> None:
        """Set aside what is on screen, before something is taken up that no plan file says."""
        self._set_aside()
        self._path = self._in_file = None

    def know(self, opened: OpenedPlan) -> None:
        """Take note of what the plan file says."""
        if opened.path == self._path:
            self._in_file = self._here(opened)

    def _here(self, opened: OpenedPlan) -> PlanContents:
        """Contents of a plan file, as this session's draft would say it."""
        return seen_from(opened.contents, opened.plan.default_endpoint, self._draft.plan().default_endpoint)

    def saved(self, saved: SavedPlan) -> None:
        """Take note that the screen was saved."""
        self._path, self._in_file = saved.path, saved.contents

    def _kept(self) -> KeptDraft:
        file = str(self._path) if self._path is not None else None
        return self._draft.kept(self._draft.series, self._live.objectives, file)

    def _set_aside(self) -> None:
        kept = self._kept()
        is_lost = not self.is_fresh and (self._in_file is None or self.differs)
        if self._drafts is not None and is_lost:
            self._drafts.set_aside(kept)

    def _restore(self, kept: KeptDraft, files: Mapping[str, Attachment], in_file: PlanContents | None = None) -> None:
        self.unknown = self._draft.restore(kept, self._models, files)
        self._draft.series, self._draft.load = kept.contents.series, kept.contents.load
        self._live.judge_by(tuple(map(parse, kept.contents.objectives)))
        self._path = Path(kept.file) if kept.file is not None else None
        self._in_file = in_file
