"""Checks on the screen: typed in, complained about, judged by, saved, and kept in the draft."""

from tui.core.checks import AnswerCheck
from tui.ui.screens.settings import ChecksScreen

from .conftest import OpenApp
from .driving import AppDriver, fast, keys_of


async def open_checks(s: AppDriver) -> ChecksScreen:
    await s.press(keys_of("checks")[0])
    await s.until(lambda: isinstance(s.app.screen, ChecksScreen))
    screen = s.app.screen
    assert isinstance(screen, ChecksScreen)
    return screen


def marked_rows(s: AppDriver) -> list[str]:
    """The stretches of the first lane's text that are marked as failing."""
    stream = s.views[0].stream
    strips = [stream.render_line(y) for y in range(stream.size.height)]
    return [one.text for strip in strips for one in strip if one.style and one.style.bold and one.style.underline]


async def test_checks_are_typed_in_and_answers_judged_by_them(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        screen = await open_checks(s)
        await s.press(*"max_words = 1", "enter", *"max_wordz = 3", "tab", "enter")
        await s.until(lambda: "Line 2: max_wordz is no check" in s.shown)
        await s.press("shift+tab", *["backspace"] * len("max_wordz = 3"), *"json = false", "tab", "enter")
        await s.until(lambda: "exactly one of" in s.shown)
        more = ["enter", *'judge = "a", judge_target = "claude-haiku-5-5"']
        await s.press("shift+tab", *["backspace"] * len("false"), *"true", *more, "tab", "enter")
        await s.until(lambda: s.app.screen is not screen)
        contents = AnswerCheck(judge="a", judge_target="claude-haiku-5-5")
        assert s.app.draft.book.prompt.checks == (AnswerCheck(max_words=1), AnswerCheck(json=True), contents)
        await s.run()
        await s.until(lambda: "not passed" in s.shown)
        (record,) = s.live.records
        assert (record.checks[2].passed, record.checks[2].model) == (True, "claude-haiku-5-5")
        await s.until_shown("(judges $0.0000")
        await s.until(lambda: "0 of 1" in s.shown, "the ranked table")
        assert marked_rows(s)
        await s.press("f4")
        await s.until_shown("max_words fails here:")
        await s.press("o")
        await s.until_shown("overruled by hand: passed")
        await s.press("escape", "f6", "m")
        await s.until_shown("max_words fails here:")
        await s.press("escape")
        await s.until_shown("1 of 1 ✎1")
        await s.press(keys_of("overrule")[0])
        await s.until_shown("0 of 1 ")
        assert s.live.lanes[0].current[0].passed is False
        (kept,) = s.app.draft.kept(s.app.draft.series, (), None).contents.prompts
        assert kept.checks == s.app.draft.book.prompt.checks


async def test_escape_changes_nothing_and_an_empty_text_takes_them_away(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        s.app.draft.book.check((AnswerCheck(contains="x"),))
        screen = await open_checks(s)
        assert 'contains = "x"' in s.shown
        await s.press("backspace", "escape")
        await s.until(lambda: s.app.screen is not screen)
        assert s.app.draft.book.prompt.checks == (AnswerCheck(contains="x"),)
        again = await open_checks(s)
        await s.press(*["backspace"] * 14, "tab", "enter")
        await s.until(lambda: s.app.screen is not again)
        assert not s.app.draft.book.prompt.checks
