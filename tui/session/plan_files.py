"""Plan files as the screen saves and opens them. What is done here waits for the disk: call it in a thread."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tui.config.files import read_text
from tui.config.keys import Layer
from tui.config.load import Flags, Loaded, build_plan, load
from tui.config.paths import write_private
from tui.config.schema import SIMULATOR
from tui.core.objectives import Objective
from tui.core.plan import Plan
from tui.core.plan_contents import PlanContents, contents_of, seen_from
from tui.core.series import SeriesSettings
from tui.core.target import Endpoint
from tui.errors import ConfigError, reason_of

_MODE = 0o777
"""Bits of a file's mode that stay when it is written over."""


class OpenedPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan file as it was read, under the person's settings."""

    path: Path
    plan: Plan
    """Its endpoints are those of the settings and of the file, without the simulator."""
    has_targets: bool
    """False where the file names none."""
    series: SeriesSettings
    objectives: tuple[Objective, ...]
    contents: PlanContents
    """Contents of the file."""


class SavedPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan file as it was written."""

    path: Path
    contents: PlanContents
    """Contents of the screen that it holds."""
    warnings: tuple[str, ...] = ()
    """Sentences on what it does not hold, or what other settings add when it is opened."""


class PlanFiles:
    """Reads and writes plan files as one start of the program does."""

    def __init__(self, *, is_demo: bool = False, environ: Mapping[str, str] | None = None) -> None:
        """`is_demo` as in the flag. `environ` is this process' own where it is not given."""
        self._is_demo = is_demo
        self._environ = os.environ if environ is None else environ

    def read(self, name: str) -> OpenedPlan:
        """The plan file called `name`. Raises ConfigError, one sentence."""
        path = placed(name)
        loaded = self._load(Path(name).expanduser())
        return OpenedPlan(
            path=path,
            plan=self._plan(loaded),
            has_targets=loaded.provenance["targets"].layer is Layer.CONFIG,
            series=loaded.settings.series,
            objectives=loaded.settings.objectives,
            contents=self.contents(loaded),
        )

    def contents(self, loaded: Loaded) -> PlanContents:
        """Contents of a plan file that says what these settings ask."""
        settings = loaded.settings
        plan = msgspec.structs.replace(self._plan(loaded), targets=settings.targets)
        return contents_of(plan, settings.series, settings.objectives, settings.load)

    def save(
        self, name: str, contents: PlanContents, endpoints: Sequence[Endpoint], default: str = SIMULATOR
    ) -> SavedPlan:
        """Write `contents` into the file called `name`, in one step.

        Targets that name no endpoint are asked at `default`. Of the `endpoints` that it asks, the file defines those
        that the settings without it do not know. What else stands in a file that is written over stays there. Raises
        ConfigError, one sentence.
        """
        from tui.export.plan_file import plan_text
        from tui.export.portable import without_keys

        path = placed(name)
        before = read_text(path, name, regular=True) or ""
        elsewhere = self._load(None).settings.endpoints
        own = [one for one in endpoints if not one.simulated and one.name not in elsewhere]
        text = plan_text(_beside(contents, path.parent), own, before, default)
        harmless = without_keys(text, self._environ, [one.api_key_env for one in endpoints])
        try:
            mode = path.stat().st_mode & _MODE if path.exists() else None
            write_private(path.resolve(), harmless.encode())
            if mode is not None:
                path.chmod(mode)
        except OSError as problem:
            raise ConfigError(f"{name}: the plan cannot be saved: {reason_of(problem)}.") from None
        warnings = ["A key stood in it, which was left out."] if harmless != text else []
        if harmless == text:
            warnings += self._differences(path, contents, default)
        return SavedPlan(path=path, contents=contents, warnings=tuple(warnings))

    def _differences(self, path: Path, contents: PlanContents, default: str) -> list[str]:
        """Say in what the file, opened with the person's settings, asks something else than the screen."""
        try:
            loaded = self._load(path)
        except ConfigError as problem:
            return [f"It cannot be opened as it is: {problem}"]
        again = seen_from(self.contents(loaded), self._plan(loaded).default_endpoint, default)
        names = [name for name in contents.__struct_fields__ if getattr(contents, name) != getattr(again, name)]
        return [f"Your settings change {', '.join(names)} when it is opened."] if names else []

    def _load(self, config: Path | None) -> Loaded:
        return load(Flags(config=config, demo=self._is_demo), self._environ, Path.cwd())

    def _plan(self, loaded: Loaded) -> Plan:
        plan = build_plan(loaded.settings, self._environ, "http://127.0.0.1")
        own = tuple(endpoint for endpoint in plan.endpoints if endpoint.name != SIMULATOR)
        return msgspec.structs.replace(plan, endpoints=() if self._is_demo else own)


def _beside(contents: PlanContents, directory: Path) -> PlanContents:
    """The same with files in this directory and below named from there."""

    def short(path: str) -> str:
        return str(Path(path).relative_to(directory)) if Path(path).is_relative_to(directory) else path

    prompts = (msgspec.structs.replace(one, attach=tuple(map(short, one.attach))) for one in contents.prompts)
    return msgspec.structs.replace(contents, prompts=tuple(prompts))


def placed(name: str) -> Path:
    """The place of a file that was typed: absolute, `~` for the home directory."""
    # Path's own raises for a user who is not there.
    return Path(os.path.expanduser(name)).absolute()  # noqa: PTH111
