"""A comparison to take along: Markdown for the clipboard or a file, and the plans of both sides."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tui.core.sanitize import clean
from tui.core.snapshot import Snapshot
from tui.core.target import Endpoint
from tui.errors import UsageError
from tui.export.formats import unused, write_text
from tui.export.markdown import comparison_markdown
from tui.export.plan_file import contents_of_snapshot
from tui.export.portable import without_keys
from tui.session.plan_files import PlanFiles, placed

_SUFFIXES = ".md, .toml"


class Takeaway:
    """Two snapshots that are compared on the screen."""

    name = "comparison.md"
    """The usual name of its file."""
    hint = "A name in .md, or in .toml for the plans of both, which `run A.toml --against B.toml` asks in turn."

    def __init__(
        self,
        before: Snapshot,
        now: Snapshot,
        files: PlanFiles,
        endpoints: Sequence[Endpoint],
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Both have lanes. `endpoints` are those that they may have asked."""
        self._before, self._now = before, now
        self._files = files
        self._endpoints = endpoints
        self._environ = os.environ if environ is None else environ

    @property
    def text(self) -> str:
        """The comparison in Markdown."""
        named = [name for endpoint in self._endpoints for name in endpoint.key_variables]
        return without_keys(comparison_markdown(self._before, self._now), self._environ, named)

    async def save(self, name: str) -> str:
        """Write it into a file, or two for plans; a sentence that says where. Raises LatencyTuiError."""
        path = placed(name)
        if path.suffix.lower() == ".toml":
            return await asyncio.to_thread(self._save_plans, path)
        if path.suffix.lower() != ".md":
            raise UsageError(f"{name}: a comparison has no such form; name the file with one of {_SUFFIXES}.")
        await asyncio.to_thread(lambda: write_text(unused(path), [self.text]))
        return f"Wrote {clean(str(path))}."

    def _save_plans(self, path: Path) -> str:
        names, sides = [], {"before": self._before, "now": self._now}
        places = [unused(path.with_stem(f"{path.stem}-{side}")) for side in sides]
        for place, snapshot in zip(places, sides.values(), strict=True):
            contents, default = contents_of_snapshot(snapshot)
            asks = {target.endpoint or default for target in contents.targets}
            own = [endpoint for endpoint in self._endpoints if endpoint.name in asks]
            saved = self._files.save(str(place), contents, own, default)
            names.append(clean(saved.path.name))
        before, now = names
        return f"Wrote {before} and {now}: latency-tui run {before} --against {now} asks both in turn."
