"""Hostile text from models, servers and files, on every part of a running screen: it is shown, and is nothing else."""

import os
import random
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len
from textual.events import Paste

from tui import __version__
from tui.config.known_models import load_models
from tui.core.events import Content, EngineReady, Event, Failure, FailureKind, Kind, RequestEnded, RunEnded, Status
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt, Turn
from tui.core.target import Target
from tui.engine.protocol import greeting
from tui.session.session import Session

from .driving import WIDE, AppDriver, draft_of, plan_of
from .engine import BorrowedEngine
from .test_snapshots import FAST_FRAMES, Told, _App

PIECES = (
    *(
        "\x1b[31m",
        "\x1b]52;c;aGk=\x07",
        "\x1b]0;title\x07",
        "\x1bP1$r\x1b\\",
        "\x9b5n",
        "\x9d",
        "\x07",
        "\r",
        "\x08",
        "\x7f",
    ),
    *("\u202e", "\u2066", "\u2069", "\u200b", "\u200d", "\u2060", "\ufeff", "\u2028", "\x85", "\ufe0f", "\U000e0041"),
    *("[red]", "[/]", "[@click=app.quit]", "[link=x]", "\\[", "]", "{", "%s", ":smile:"),
    *(
        "漢字",
        "👩\u200d💻",
        "e\u0301",
        "नमस्ते",
        "สวัสดี",
        "ﷺ",
        "\ud800",
        "\udfff",
        "\ufffe",
        "\t",
        "\n",
        "a b",
        "word " * 20,
    ),
    "x" * 5_000,
)
FORMAT_THAT_STAYS = "\u200c\u200d\u200e\u200f\u061c"
"""What joins and directs within scripts that need it; see `tui.core.sanitize`."""


def hostile(seed: int, pieces: int) -> str:
    """A text out of what terminals and markup can be driven with."""
    return "".join(random.Random(seed).choices(PIECES, k=pieces))


def check(session: AppDriver) -> None:
    """Every row of the screen is as wide as the screen, and holds nothing that is not to be seen."""
    width = session.app.size.width
    for strip in session.app.screen._compositor.render_strips():
        assert sum(cell_len(segment.text) for segment in strip) == width, repr(strip.text)
        for character in strip.text:
            kind = unicodedata.category(character)
            assert kind not in ("Cc", "Cs", "Zl", "Zp"), repr(strip.text)
            # Tags, overrides, zero-width spaces: but not what Persian or an emoji needs.
            assert kind != "Cf" or character in FORMAT_THAT_STAYS, repr(strip.text)


@asynccontextmanager
async def told(names: list[str], parameters: Parameters | None = None, **plan: Any) -> AsyncIterator[Told]:
    """A session with targets of these names and more of a `plan`, whose engine says what the test does."""
    out, into = os.pipe()
    errors, errors_in = os.pipe()
    commands, commands_in = os.pipe()
    os.write(into, greeting(__version__))
    engine = BorrowedEngine(commands_in, out, errors, os.getpid())
    targets = [Target(model=name) for name in names]
    asked = plan_of(targets, "http://127.0.0.1:1", "Why?", 512)
    asked = msgspec.structs.replace(asked, parameters=parameters or asked.parameters, **plan)
    app = _App(Session(engine), draft_of(asked), FAST_FRAMES, load_models())
    app.engine_end = into
    try:
        async with app.run_test(size=WIDE, notifications=True) as pilot:
            session = Told(app, pilot, into)
            await session.until(lambda: len(session.views) == len(names))
            await session.say(EngineReady(pid=1, sdk_version="1.0"))
            yield session
    finally:
        engine.close()
        os.close(errors_in)
        os.close(commands)


def answer(request_id: int, seed: int) -> list[Event]:
    """One that thinks and answers in hostile pieces, and fails with a hostile sentence."""
    # The wire is UTF-8: what is no text cannot come through it.
    texts = [hostile(seed + step, 6).encode("utf-8", "replace").decode() for step in range(8)]
    failure = Failure(
        kind=FailureKind.SERVER_ERROR, message=hostile(seed, 5).encode("utf-8", "replace").decode(), http_status=500
    )
    return [
        *(
            Content(request_id=request_id, kind=(Kind.THINKING, Kind.TEXT)[step % 2], t_ns=[step + 1], texts=[text])
            for step, text in enumerate(texts)
        ),
        RequestEnded(request_id=request_id, t_ns=100, status=Status.FAILED, failure=failure),
    ]


@pytest.mark.parametrize("seed", range(6))
async def test_it_is_shown_and_does_nothing(seed: int) -> None:
    names = [hostile(1_000 * seed + lane, 3)[:200].encode("utf-8", "replace").decode() for lane in range(3)]
    async with told([name or "x" for name in names]) as session:
        check(session)
        await session.press("f5")
        events = [event for lane in (1, 2, 3) for event in answer(lane, 100 * seed + 10 * lane)]
        await session.say(*events, RunEnded(run_id=1, t_ns=200))
        check(session)
        for keys in (("f6", "home"), ("f9",), ("f9",), ("f4",), ("escape",), ("f3", *"word", "enter"), ("escape",)):
            await session.press(*keys)
            check(session)
        # It was text, not markup: the brackets are there to be read, and nothing has quit the program.
        everything = "".join(view.text for view in session.views)
        assert "[" in everything
        assert session.app.is_running


def text(seed: int, pieces: int = 6) -> str:
    """A hostile text as a file can hold it, on several lines."""
    return hostile(seed, pieces).encode("utf-8", "replace").decode()


@pytest.mark.parametrize("seed", range(0, 2_000, 1_000))
async def test_files_and_the_clipboard_put_nothing_into_fields_that_acts(seed: int) -> None:
    """Names, prompts, variables and parameters from files, in every field and list; then the same pasted."""
    prompts = [
        Prompt(
            name=text(seed + number, 3)[:80],
            system=text(seed + 10 + number),
            user=text(seed + 20 + number) + "{{a}}",
            turns=(Turn(role="user", text=text(seed + 30)), Turn(role="assistant", text=text(seed + 31))),
            prefill=text(seed + 40, 2).strip() or "x",
        )
        for number in range(2)
    ]
    rows = ({"a": text(seed + 50), "b": text(seed + 51)}, {"a": text(seed + 52), "b": ""})
    parameters = Parameters(max_tokens=9, stop_sequences=(text(seed + 60, 3), "end"))
    names = [text(seed + 70 + lane, 3)[:200] or "x" for lane in range(2)]
    async with told(names, parameters, prompt=prompts[0], variants=tuple(prompts), rows=rows) as session:
        check(session)
        for keys in (
            *(("alt+e",), ("tab",), ("escape",), ("alt+t",), ("tab",), ("escape",)),
            *(("alt+v",), ("enter",), ("escape",), ("alt+v",), ("enter",), ("escape",), ("alt+v",), ("enter",)),
            *(("escape",), ("escape",), ("alt+o",), ("escape",), ("alt+n",), ("alt+shift+c",)),
        ):
            await session.press(*keys)
            check(session)
        await session.press("escape")
        for selector in ("#user", "#system", "#max-tokens", "#target-search"):
            if selector == "#system":
                session.app.main.prompt_pane.show_part("system")
            await session.focus(selector)
            # As much as a person may have copied, in one line too.
            session.app.post_message(Paste(text(seed + 80) + "y" * 20_000))
            await session.press("right", "end", "home", "down")
            check(session)
        assert session.app.is_running
