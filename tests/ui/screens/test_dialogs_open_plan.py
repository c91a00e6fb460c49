"""Plans and drafts on the screen: saved, opened, told apart from their file, kept, and left behind."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from attached_files import png
from textual.widgets import OptionList, TextArea

from tui.config.known_models import load_models
from tui.config.load import Flags, Loaded, build_plan, load
from tui.config.schema import UiSettings
from tui.core.objectives import parse
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.record import State
from tui.core.series import SeriesSettings
from tui.core.target import Target
from tui.session.draft_on_disk import DraftOnDisk
from tui.session.drafts import Drafts
from tui.session.session import Session
from tui.simulator.process import SimulatorProcess
from tui.ui.app import LatencyApp
from tui.ui.screens.dialogs import OpenScreen

from .driving import WIDE, AppDriver, draft_of, plan_of
from .engine import SharedEngine


class Start:
    """Starts the program on one engine, again and again, with the same drafts."""

    def __init__(self, engine: SharedEngine, base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._engine = engine
        self._base_url = base_url
        monkeypatch.setattr("tui.ui.controllers.plans._PAUSE_S", 0.01)

    @asynccontextmanager
    async def __call__(self, prompt: str = "Why?", file: Path | None = None) -> AsyncIterator[AppDriver]:
        plan = plan_of([Target(model="sim-fast")], self._base_url, prompt, 100)
        with self._engine.lend() as engine:
            session = Session(engine)
            draft = draft_of(plan)
            drafts = Drafts("usual")
            on_disk = DraftOnDisk(draft, session.live, load_models(), drafts, None, file)
            on_disk.take_up(drafts.claim())
            app = LatencyApp(session, draft, UiSettings(frame_rate=30.0), load_models(), on_disk=on_disk)
            try:
                async with app.run_test(size=WIDE, notifications=True) as pilot:
                    driver = AppDriver(app, pilot)
                    await driver.until(lambda: driver.live.engine_ready, "an engine that is ready")
                    yield driver
            finally:
                on_disk.close()
                await session.close()


@pytest.fixture
def start(shared_engine: SharedEngine, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> Start:
    return Start(shared_engine, simulator.base_url, monkeypatch)


def user(s: AppDriver) -> str:
    return s.app.main.query_one("#user", TextArea).text


def first_row(s: AppDriver) -> str:
    return s.shown.splitlines()[0]


async def save_as(s: AppDriver, name: str) -> None:
    await s.press("ctrl+s")
    await s.until_shown("Save the plan as")
    await s.type_into("#answer", name)
    await s.press("enter")


def write(name: str, text: str) -> None:
    Path(name).write_text(text)


def text_of(name: str) -> str:
    return Path(name).read_text()


def loaded_from(name: str) -> Loaded:
    return load(Flags(config=Path(name)), {}, Path.cwd())


def asked_by(name: str) -> Plan | None:
    """The plan that a command makes of the file."""
    return build_plan(loaded_from(name).settings, {}, "http://127.0.0.1:1") if Path(name).exists() else None


def asks(name: str, user: str) -> bool:
    plan = asked_by(name)
    return plan is not None and plan.prompt.user == user


async def test_a_screen_is_saved_as_a_plan_that_a_command_takes(start: Start) -> None:
    async with start("Why {{what}}?") as s:
        s.app.draft.book.set_value(0, "what", "not")
        s.app.draft.series = SeriesSettings(repeats=7, until_sure="total")
        s.live.judge_by((parse("ttft.p95 < 800ms"),))
        await save_as(s, "mine")
        await s.until(lambda: asked_by("mine.toml"), "the file")
        await s.until(lambda: "mine.toml" in first_row(s), "its name in the first row")
        assert "changed" not in first_row(s)
    loaded = loaded_from("mine.toml")
    assert loaded.settings.prompt.user == "Why {{what}}?"
    assert loaded.settings.variables.rows == ({"what": "not"},)
    assert loaded.settings.series == SeriesSettings(repeats=7, until_sure="total")
    assert [objective.text for objective in loaded.settings.objectives] == ["ttft.p95 < 800ms"]
    assert [target.model for target in loaded.settings.targets] == ["sim-fast"]
    assert loaded.settings.parameters == Parameters(max_tokens=100, stop_sequences=())


async def test_the_first_row_says_when_the_screen_differs_from_its_file(start: Start) -> None:
    async with start("Why?") as s:
        await save_as(s, "mine.toml")
        await s.until(lambda: "mine.toml" in first_row(s), "its name")
        await s.focus("#user")
        await s.press("x")
        await s.until(lambda: "mine.toml changed" in first_row(s), "the change")
        await s.press("backspace")
        await s.until(lambda: "changed" not in first_row(s), "no change")
        await s.press("y", "ctrl+s")
        await s.until(lambda: asks("mine.toml", "yWhy?"), "the file")
        await s.until(lambda: "changed" not in first_row(s), "no change")


async def test_another_file_is_replaced_only_after_a_question(start: Start) -> None:
    write("mine.toml", '# by hand\n\n[prompt]\nuser = "Old"\n\n[ui]\n# dim\ntheme = "dark"\n')
    async with start("New") as s:
        await save_as(s, "mine.toml")
        await s.until_shown("is there already")
        await s.press("n")
        assert asks("mine.toml", "Old")
        await save_as(s, "mine.toml")
        await s.until_shown("is there already")
        await s.press("y")
        await s.until(lambda: asks("mine.toml", "New"), "the file")
    text = text_of("mine.toml")
    assert "# by hand" in text
    assert '# dim\ntheme = "dark"' in text


async def test_a_place_that_cannot_be_written_is_said_and_nothing_is_lost(start: Start) -> None:
    async with start("Why?") as s:
        await save_as(s, "nowhere/mine.toml")
        await s.until(lambda: any("cannot be saved" in notice for notice in s.notices), "the sentence")
        await s.until_shown("nowhere/mine.toml")
        await s.press(*["home"], *["delete"] * len("nowhere/"), "enter")
        await s.until(lambda: asks("mine.toml", "Why?"), "the file, by the name that was mended")


async def test_a_plan_is_opened_and_what_was_there_is_set_aside(start: Start) -> None:
    write("other.toml", 'objectives = ["errors < 1%"]\n\n[prompt]\nuser = "Other"\n\n[series]\nrepeats = 3\n')
    async with start("Why?") as s:
        await s.focus("#user")
        await s.press("x", "ctrl+o")
        await s.until(lambda: isinstance(s.app.screen, OpenScreen), "the choice")
        await s.press(*"other.toml", "enter")
        await s.until(lambda: s.on_main and user(s) == "Other", "the plan")
        assert s.app.draft.series.repeats == 3
        assert [objective.text for objective in s.live.objectives] == ["errors < 1%"]
        await s.until(lambda: "other.toml" in first_row(s), "its name")
        assert "changed" not in first_row(s)
        assert [target.model for target in s.app.draft.plan().targets] == ["sim-fast"]
        await s.press("ctrl+o")
        await s.until(lambda: isinstance(s.app.screen, OpenScreen), "the choice")
        await s.until_shown("xWhy?")
        s.app.screen.query_one(OptionList).focus()
        await s.press("end", "enter")
        await s.until(lambda: s.on_main and user(s) == "xWhy?", "the draft of before")
        assert s.live.objectives == ()


async def test_a_file_that_is_no_plan_changes_nothing(start: Start) -> None:
    write("bad.toml", "[prompt\n")
    async with start("Why?") as s:
        await s.press("ctrl+o")
        for name in ("bad.toml", "missing.toml"):
            await s.until(lambda: isinstance(s.app.screen, OpenScreen), "the choice, again with what was typed")
            await s.type_into("#plan-name", name)
            await s.press("enter")
            await s.until(lambda name=name: any(name in notice for notice in s.notices), "the sentence")  # type: ignore[misc]
        await s.until_shown("missing.toml")
        await s.press("escape")
        assert user(s) == "Why?"


async def test_what_was_typed_is_there_at_the_next_start_with_a_way_back(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start("Why?") as s:
        await s.focus("#user")
        await s.press(*"But ")
    async with start("Why?") as s:
        assert user(s) == "But Why?"
        await s.until_shown("what you wrote last")
        await s.press("alt+shift+e")
        # The editor is made anew meanwhile.
        await s.until(lambda: s.app.main.query("#user") and user(s) == "Why?", "a fresh start")
        await s.until(lambda: s.app.focused is s.app.main.query_one("#user"), "the focus in the editor")
        await s.pilot.pause()
    async with start("Why?") as s:
        assert user(s) == "Why?"
        assert not any("wrote last" in notice for notice in s.notices)
        await s.press("ctrl+o")
        await s.until_shown("But Why?")
        await s.press("escape")
        # Where an editor is taken away as the program is left, there is nothing left to paint it with.
        with s.app.batch_update(), monkeypatch.context() as patched:
            patched.setattr(s.app.main._compositor, "render_update", lambda **_: pytest.fail("painted"))
            s.app.main._compositor_refresh()


def put_files() -> None:
    Path("a.png").write_bytes(png(75, 10))
    Path("b.txt").write_text("no picture")


async def test_a_file_is_attached_sent_kept_saved_and_removed(start: Start) -> None:
    put_files()
    async with start("What is it?") as s:
        await s.press("f6", "K")
        await s.until_shown("No file goes with the user's turn")
        await s.press("a", *"c.png", "enter")
        await s.until_shown("c.png cannot be read: no such file")
        await s.press(*["backspace"] * 5, *"b.txt", "enter")
        await s.until_shown("b.txt is neither PNG")
        await s.press(*["backspace"] * 5, *"a.png", "enter")
        await s.until_shown("a.png · image · 1 KB · 75 × 10 · ~1 tok")
        await s.press("escape")
        await s.until_shown("1 image 1 KB")
        await s.run()
        record = s.lanes[0].record
        assert record is not None
        assert [file.name for file in record.spec.prompt.attached] == ["a.png"]
        assert s.states == [State.DONE]
    async with start("What is it?") as s:
        await s.until_shown("1 image 1 KB")
        await save_as(s, "mine.toml")
        await s.until(lambda: asked_by("mine.toml"), "the file")
        assert 'attach = ["a.png"]' in text_of("mine.toml")
        await s.press("f6", "K", "delete")
        await s.until_shown("Removed.")
        await s.press("escape")
        await s.until(lambda: "1 image" not in s.shown, "no file")
        assert s.app.draft.plan().prompt.attach == ()
        await s.app.dispatcher.plans._open("mine.toml")
        await s.until_shown("1 image 1 KB")
        assert s.app.draft.plan().problem() is None


async def test_a_draft_is_kept_on_a_pause_and_not_only_at_the_end(start: Start) -> None:
    async with start("Why?") as s:
        await s.focus("#user")
        await s.press("x")
        other = Drafts("other")
        other.claim()
        await s.until(lambda: [stored.draft.excerpt for stored in other.others()] == ["xWhy?"], "the draft on disk")
        other.close()


async def test_a_restored_draft_is_told_apart_from_its_file(start: Start) -> None:
    async with start("Why?") as s:
        await save_as(s, "mine.toml")
        await s.until(lambda: "mine.toml" in first_row(s), "its name")
        await s.focus("#user")
        await s.press("x")
    async with start("Why?") as s:
        assert user(s) == "xWhy?"
        await s.until(lambda: "mine.toml changed" in first_row(s), "the change")


async def test_a_draft_that_cannot_be_kept_is_said_once(start: Start, sealed: Path) -> None:
    async with start("Why?") as s:
        drafts = sealed / "latency-tui" / "drafts"
        shutil.rmtree(drafts, ignore_errors=True)
        drafts.write_text("a file stands where the directory should")
        await s.focus("#user")
        await s.press("x")
        await s.until(lambda: any("cannot be kept" in notice for notice in s.notices), "the sentence")
