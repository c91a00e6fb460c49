"""Thrift among hundreds of applications in one process, which takes a third of the time that their tests take.

A style sheet is parsed once, and garbage is collected with every twentieth application: a person's process has one.
And painting is put off, to at most five times a second, since nobody looks: `AppDriver.shown` and pictures paint the
screen as it is whatever was put off.
"""

import asyncio
import gc
import time
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import pytest
from rich.console import RenderableType
from textual._compositor import Compositor
from textual._context import visible_screen_stack
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.screen import Screen

_parse_rules, _render_update = Stylesheet._parse_rules, Compositor.render_update
_parsed: dict[object, list[RuleSet]] = {}
_SELDOM_S = 0.2
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
    early_s = 0.0 if full else _painted_at.get(self, 0.0) + _SELDOM_S - time.monotonic()
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


def apply(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the applications of this test be thrifty."""
    monkeypatch.setattr(Stylesheet, "_parse_rules", _parsed_once)
    monkeypatch.setattr(Compositor, "render_update", _seldom_painted)
    monkeypatch.setattr("tui.ui.app.gc", _GARBAGE)
