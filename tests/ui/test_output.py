"""What stands for the screen's shapes in a terminal without them, and how bytes get to a terminal."""

import ast
import asyncio
import os
import pty
import tty
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest
from counts import nodes_of
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.ui.output import ASCII_TWINS, TerminalOutput, encoder, lean

UI = Path(__file__).parents[2] / "tui" / "ui"
_RANGES_OF_LETTERS = {"output.py", "wrapped_text.py", "difference.py", "inputs.py", "steady_cells.py"}
"""They name characters to tell texts or keys apart, not to show them."""


def shown_by(path: Path) -> set[str]:
    """All characters beyond ASCII in a module's texts, its docstrings left out."""
    nodes = nodes_of(path)
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]
    return {character for character in "".join(texts) if not character.isascii()}


MODULES = [
    path
    for path in sorted(UI.rglob("*.py"))
    if path.name not in _RANGES_OF_LETTERS and not path.read_text("utf-8").isascii() and shown_by(path)
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(UI)))
def test_every_shape_has_a_twin(path: Path) -> None:
    assert shown_by(path) <= set(ASCII_TWINS)


def test_a_twin_takes_the_room_of_what_it_stands_for() -> None:
    assert all(twin.isascii() and len(twin) == cell_len(shape) == 1 for shape, twin in ASCII_TWINS.items())


def test_what_has_no_twin_keeps_its_width() -> None:
    assert encoder(utf8=False, glyphs=True)("□ ‹a› 日é") == b". <a> ???"


def test_without_shapes_letters_stay() -> None:
    assert encoder(utf8=True, glyphs=False)("□ 日é") == ". 日é".encode()


def test_with_both_nothing_changes() -> None:
    assert encoder(utf8=True, glyphs=True)("□ ‹a› 日é") == "□ ‹a› 日é".encode()


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a pty that changes nothing: ours to read, the program's to write."""
    ours, programs = pty.openpty()
    tty.setraw(programs)
    yield ours, programs
    os.close(ours)
    os.close(programs)


def read_all(fd: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += os.read(fd, 4096)
    return data


async def test_a_terminal_that_reads_gets_a_frame_whole_before_the_event_loop_goes_on(
    terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pty holds 4 KB: the rest of the first picture once waited until the engine had been started."""
    ours, programs = terminal
    shown = bytearray()

    def reads(_read: object, _write: object, _error: object, timeout: float) -> tuple[list[int], list[int], list[int]]:
        shown.extend(os.read(ours, 4096))
        return [], [programs], []

    output = TerminalOutput(programs, asyncio.get_running_loop(), lambda _: b"?", lambda: None)
    frame = b"frame " * 5_000
    with monkeypatch.context() as patched:
        patched.setattr("tui.ui.output.select.select", reads)
        output.write(frame)
        await asyncio.sleep(0)
    assert output.queued == 0
    assert shown + await asyncio.to_thread(read_all, ours, len(frame) + 1 - len(shown)) == frame + b"?"
    output.close()


async def test_a_frame_goes_out_at_its_end_and_only_once(terminal: tuple[int, int]) -> None:
    ours, programs = terminal
    batches = list[int]()

    def after(size: int) -> bytes:
        batches.append(size)
        return b"?"

    output = TerminalOutput(programs, asyncio.get_running_loop(), after, lambda: None)
    for part in (b"first ", b"frame"):
        output.write(part)
    output.flush()
    assert os.read(ours, 4096) == b"first frame?"
    # What the event loop was to do about it is done, also when it comes round.
    await asyncio.sleep(0)
    output.flush()
    output.write(b"second")
    await asyncio.sleep(0)
    assert os.read(ours, 4096) == b"second?"
    assert batches == [11, 6]
    output.close()


async def test_one_that_stands_still_is_waited_for_once(
    terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, programs = terminal
    waits = list[float]()
    tried_again = asyncio.Event()

    def no_room(
        _read: object, _write: object, _error: object, timeout: float
    ) -> tuple[list[int], list[int], list[int]]:
        waits.append(timeout)
        if len(waits) == 3:
            tried_again.set()
        return [], [], []

    output = TerminalOutput(programs, asyncio.get_running_loop(), lambda _: b"", lambda: None)
    frame = b"frame " * 5_000
    with monkeypatch.context() as patched:
        patched.setattr("tui.ui.output.select.select", no_room)
        output.write(frame)
        await tried_again.wait()
    assert [wait > 0 for wait in waits[:3]] == [True, False, False]
    assert await asyncio.to_thread(read_all, ours, len(frame)) == frame
    output.close()


STYLED = [f"\x1b[{style}m{text}\x1b[0m" for style in ("1;31", "38;5;249;48;5;233") for text in ("red", " ")]


@given(
    st.lists(
        st.tuples(
            st.integers(1, 9),
            st.integers(1, 30),
            st.lists(st.sampled_from(["", "ab", "日é", *STYLED, "\x1b[4m", "\x1b[0m"]), max_size=4).map("".join),
        ),
        min_size=1,
    )
)
def test_lean_data_make_the_same_picture(pieces: list[tuple[int, int, str]]) -> None:
    def shown(data: str) -> tuple[list[list[pyte.screens.Char]], int, int]:
        screen = pyte.Screen(40, 10)
        screen.set_mode(pyte.modes.LNM)
        pyte.Stream(screen).feed(data)
        cells = [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]
        return cells, screen.cursor.y, screen.cursor.x

    data = "".join(f"\x1b[{y};{x}H{text}" for y, x, text in pieces)
    thinner = lean(data)
    assert shown(thinner) == shown(data)
    assert len(thinner) <= len(data)
