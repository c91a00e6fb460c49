"""Replay: the main screen on live state that a stored run drives."""

import time
from typing import ClassVar

from textual.binding import BindingType
from textual.geometry import Size

from tui.session.draft import Draft
from tui.session.replay import Replay
from tui.session.target_choice import TargetChoice
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.pace import Pacer
from tui.ui.screens.main import MainScreen


class ReplayScreen(MainScreen):
    """Plays a run. What is asked is shown and cannot be edited; nothing is sent, and nothing is stored."""

    AUTO_FOCUS: ClassVar[str | None] = "StreamView"
    BINDINGS: ClassVar[list[BindingType]] = bound("replay")

    def __init__(self, replay: Replay, pacer: Pacer, size: Size, keys: KeyNames) -> None:
        """`size` is the terminal's."""
        self.replay = replay
        plan, requests = replay.run.plan, replay.run.requests
        draft = Draft(plan, TargetChoice(plan.targets, ()))
        super().__init__(replay.live, draft, pacer, size, {"": keys.of("replay")}, keys, pane="lanes")
        self.status.endpoints = tuple(dict.fromkeys(record.spec.endpoint.name for record in requests))
        self.status.simulated = any(record.spec.endpoint.simulated for record in requests)
        self._what = "a run from a file" if replay.run.number is None else f"run {replay.run.number}"
        self.charts.mark = "REPLAY: "
        self.history.border_title = "REPLAY"

    def on_mount(self) -> None:
        """Show what was asked, to be read only."""
        self.query_one("#edit").disabled = True
        self._advanced_ns = time.monotonic_ns()

    def now_ns(self) -> int:
        """The recorded moment that is shown."""
        return self.replay.now_ns

    def before_tick(self) -> None:
        """Move the replay on by the time that has passed."""
        now = time.monotonic_ns()
        if self.is_current:  # under another screen it stands still
            self.replay.advance(now - self._advanced_ns)
        self._advanced_ns = now
        self.status.replaying = self._describe()

    def _describe(self) -> str:
        replay = self.replay
        again = f"over, {self._key_names('replay.pause')} plays again"
        doing = again if replay.over else "paused" if replay.paused else ""
        at = f"{replay.passed_s:.1f} of {replay.length_s:.1f} s"
        return ", ".join(filter(None, (f"{self._what}: {at} at {replay.speed:g}x", doing)))

    def action_pause(self) -> None:
        """Pause, or go on; from the end begin again."""
        if self.replay.over:
            self.replay.restart()
        else:
            self.replay.paused = not self.replay.paused
        self._advanced_ns = time.monotonic_ns()
        self.painter.repaint()

    def action_step(self) -> None:
        """Show the next event, and pause."""
        self.replay.step()
        self.painter.repaint()

    def action_speed(self, step: int) -> None:
        """Play faster, or more slowly."""
        self.replay.change_speed(step)
        self.painter.repaint()
