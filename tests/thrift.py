"""Thrift among hundreds of applications in one process, which takes half of the time that their tests take.

A style sheet is parsed once, and garbage is collected with every twentieth application: a person's process has one.
Painting is put off, to at most twice a second, since nobody looks: `AppDriver.shown` and pictures paint the screen as
it is whatever was put off. And after a key a test goes on once the application has done all it can, without a pause.
"""

import asyncio
import gc
import time
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import pytest
from rich.console import RenderableType
from textual._compositor import Compositor
from textual._context import active_app, visible_screen_stack
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button

_parse_rules, _render_update = Stylesheet._parse_rules, Compositor.render_update
_parsed: dict[object, list[RuleSet]] = {}
_SELDOM_S = 0.5
_BUSY_S = 10.0
"""How long an application may have something to do without a break."""
_painted_at: WeakKeyDictionary[Compositor, float] = WeakKeyDictionary()
_put_off: WeakSet[Compositor] = WeakSet()


def _parsed_once(self: Stylesheet, *args: Any, **named: Any) -> list[RuleSet]:
    key = (args, *named.items(), *self._variables.items())
    if key not in _parsed:
        _parsed[key] = _parse_rules(self, *args, **named)
    return _parsed[key]


def _seldom_painted(
    self: Compositor, full: bool = False, screen_stack: list[Screen[Any]] | None = None, simplify: bool = False
) -> RenderableType | None:
    early_s = 0.0 if full else _painted_at.setdefault(self, time.monotonic()) + _SELDOM_S - time.monotonic()
    if early_s > 0:
        # What has changed stays noted until then; who looks meanwhile sees through to these.
        visible_screen_stack.set(screen_stack or [])
        if self not in _put_off:
            _put_off.add(self)
            asyncio.get_running_loop().call_later(early_s, _paint_what_was_put_off, self)
        return None
    update = _render_update(self, full, screen_stack, simplify)
    _painted_at[self] = time.monotonic()
    return update


def _paint_what_was_put_off(compositor: Compositor) -> None:
    """Paint it even if nothing else changes: what a list shows is fetched when it is painted."""
    _put_off.discard(compositor)
    screen = compositor.root
    if isinstance(screen, Screen) and screen.is_running and screen in screen.app.screen_stack:
        screen.call_later(screen._compositor_refresh)


async def until_quiet(_min_s: float = 0.0, _most_s: float = 1.0) -> None:
    """Let the application work until all that is left waits for a timer, a thread or another process.

    In place of Textual's wait for the process to take no CPU time: that is as long as 1 s for a screen that moves.
    """
    loop: Any = asyncio.get_running_loop()
    until = time.monotonic() + _BUSY_S
    while time.monotonic() < until:
        await asyncio.sleep(0)
        if loop._ready:
            continue
        app: Any = active_app.get()
        if app._resize_timer is not None:
            app._check_resize()
        elif app.screen._update_timer._active.is_set():
            app.screen._on_timer_update()
        else:
            break


async def _until_heard(pilot: Pilot[Any]) -> bool:
    """Wait until what handles keys has handled what it was sent, however long its handlers wait for threads. Textual
    asks every widget of the screen, at every key twice; the others are done once all is quiet."""
    await until_quiet()
    app = pilot.app
    left, done = 0, asyncio.Event()

    def hear() -> None:
        nonlocal left
        left -= 1
        if not left:
            done.set()

    pumps = {app, *app.screen_stack, app.focused or app}
    left = sum(pump.call_later(hear) for pump in pumps)
    waits = [asyncio.create_task(event.wait()) for event in (done, app._exception_event)]
    if left:
        await asyncio.wait(waits, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    return not left


class _Garbage:
    """What the application calls of `gc` at its start."""

    def __init__(self) -> None:
        self._applications = 0

    def collect(self) -> None:
        if self._applications % 20 == 0:
            gc.collect()
        self._applications += 1

    def freeze(self) -> None:
        if self._applications == 1:
            gc.freeze()

    def enable(self) -> None:
        gc.enable()

    def set_threshold(self, *counts: int) -> None:
        gc.set_threshold(*counts)


_GARBAGE = _Garbage()


def wait_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a test go on once its application has done all it can, and each style sheet be parsed once."""
    monkeypatch.setattr(Stylesheet, "_parse_rules", _parsed_once)
    monkeypatch.setattr(RuleSet, "__hash__", object.__hash__)
    monkeypatch.setattr("textual.app.wait_for_idle", until_quiet)
    monkeypatch.setattr("textual.pilot.wait_for_idle", until_quiet)
    monkeypatch.setattr(Pilot, "_wait_for_screen", _until_heard)


def apply(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the applications of this test be thrifty."""
    wait_no_longer(monkeypatch)
    monkeypatch.setattr(Compositor, "render_update", _seldom_painted)
    # A button takes no second press while it looks pressed, for 0.2 s.
    monkeypatch.setattr(Button, "_start_active_affect", lambda _button: None)
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none")
    # Charts and tables are as they are to be by the next turn, not half a second later.
    monkeypatch.setattr("tui.ui.screens.painter._SLOW_S", 0.0)
    monkeypatch.setattr("tui.ui.app.gc", _GARBAGE)
