"""The history screen on a real database, and replays of what is in it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input, Static

from tui.config.schema import HistorySettings
from tui.core.checks import CheckFinding
from tui.core.events import Content, Event, Kind, Mark, Marked, RequestEnded, Status, Usage, UsageReported
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord, State
from tui.core.run import RunInfo, StoredRun
from tui.core.target import Endpoint, Target
from tui.export import json_format
from tui.history.recorder import Recorder
from tui.history.store import Store
from tui.session.plan_files import PlanFiles
from tui.ui.screens.history import HistoryScreen
from tui.ui.screens.replay import ReplayScreen
from tui.ui.screens.text import TextScreen
from tui.ui.widgets.runs_list import RunsList

from .conftest import OpenApp
from .driving import FAST, AppDriver, fast, keys_of

MS = 1_000_000
T0 = 1_770_000_000 * 10**9


def stored(
    user: str,
    *models: str,
    status: Status = Status.DONE,
    ttft_ms: int = 100,
    endpoint: str = "simulator",
    minute: int = 0,
    max_tokens: int = 300,
    series: str | None = None,
    repeat: int = 1,
) -> StoredRun:
    """A run whose requests have a text in two pieces, the second 200 ms after the first."""
    plan = Plan(
        prompt=Prompt(system="Be brief.", user=user),
        parameters=Parameters(max_tokens=max_tokens),
        targets=tuple(Target(model=model) for model in models),
        endpoints=(Endpoint(name=endpoint, base_url="http://elsewhere:1", simulated=endpoint == "simulator"),),
        default_endpoint=endpoint,
    )
    records = []
    for spec in plan.requests(1):
        record, number = RequestRecord(spec=spec), spec.request_id
        stamps = [10**12 + ttft_ms * MS, 10**12 + (ttft_ms + 200) * MS]
        events: list[Event] = [
            Marked(request_id=number, mark=Mark.SENT, t_ns=10**12),
            Content(request_id=number, kind=Kind.TEXT, t_ns=stamps, texts=["First words. ", "Last words."]),
            UsageReported(request_id=number, usage=Usage(input_tokens=5, output_tokens=4)),
            RequestEnded(request_id=number, t_ns=stamps[-1], status=status),
        ]
        for event in events:
            record.apply(event)
        records.append(record)
    started = T0 + minute * 60 * 10**9
    info = RunInfo(
        uid=f"uid-{minute}", started_unix_ns=started, app_version="0", sdk_version="9", series=series, repeat=repeat
    )
    return StoredRun(info=info, plan=plan, requests=records)


RUNS = (
    stored("Why is the sky blue?", "sim-fast", "sim-steady", minute=1),
    stored("Why is grass green?", "sim-fast", status=Status.FAILED, minute=2),
    stored("Count to ten.", "claude-haiku-5-5", endpoint="gateway", minute=3, ttft_ms=50, max_tokens=77),
)

Opened = Callable[..., AbstractAsyncContextManager[AppDriver]]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.db"


@pytest.fixture
def opened(open_app: OpenApp, database: Path) -> Opened:
    """A session with these runs in its history, whose screen is up and filled."""

    @asynccontextmanager
    async def open_history(*runs: StoredRun) -> AsyncIterator[AppDriver]:
        with Store(database) as store:
            for run in runs or RUNS:
                store.add(run)
        async with open_app([FAST], history=Recorder(database, HistorySettings(keep_days=30_000))) as s:
            await s.press(keys_of("history")[0])
            await s.until(lambda: isinstance(s.app.screen, HistoryScreen))
            await filled(s)
            yield s

    return open_history


def runs_list(s: AppDriver) -> RunsList:
    return s.app.screen.query_one(RunsList)


async def filled(s: AppDriver) -> None:
    """Wait until the list and the detail show what they are to show."""
    await s.until(lambda: runs_list(s).placeholder, "what is stored")
    await s.until(lambda: runs_list(s).current is None or runs_list(s).current_row is not None, "a row")
    number = runs_list(s).current
    if number is not None:
        await s.until(lambda: f"Run {number} · " in detail(s), "the detail")


def detail(s: AppDriver) -> str:
    return str(s.app.screen.query_one("#run", Static).content)


def listed(s: AppDriver) -> list[int]:
    return list(runs_list(s)._numbers)


async def test_runs_are_listed_with_their_state_and_figures(opened: Opened) -> None:
    async with opened() as s:
        await s.until_shown("Count to ten.")
        rows = [line for line in s.shown.splitlines() if " 26-02-0" in line]
        assert [line.split()[0] for line in rows] == ["3", "2", "1"]
        assert "✔ done" in rows[0]
        assert "50.0 ms   250 ms" in rows[0]
        assert "✖ failed" in rows[1]
        assert "SIM 2 lanes Why is the sky blue?" in rows[2]
        await s.until_shown("3 runs, latest first")
        assert "kept for at most 30,000 days" in s.shown
        assert "user: Count to ten." in detail(s)
        await s.press("down", "down")
        await s.until(lambda: "Run 1 · " in detail(s))
        assert "sim-steady @simulator" in detail(s)
        assert "Last words." in detail(s)
        await s.press("escape")
        assert s.on_main


async def test_the_filter_and_the_order(opened: Opened) -> None:
    async with opened() as s:
        await s.press("slash", *"why failed", "enter")
        await s.until(lambda: listed(s) == [2])
        await s.until_shown("1 of 3 runs")
        field = s.app.screen.query_one("#query", Input)
        field.value = "endpoint:gateway"
        await s.until(lambda: listed(s) == [3])
        field.value = "since:soon"
        await s.until_shown("since:soon: give a day such as 2026-11-22.")
        field.value = "tag:nowhere"
        await s.until_shown("No run fits.")
        field.value = ""
        await s.until(lambda: listed(s) == [3, 2, 1])
        await s.press("s")
        await s.until(lambda: listed(s) == [3, 1, 2])
        await s.until_shown("shortest TTFT first")


async def test_notes_and_tags_are_kept(opened: Opened, database: Path) -> None:
    async with opened() as s:
        await s.press("n", *"keep this", "enter")
        await s.until_shown("✎ keep this")
        await s.press("t", *"#x y x", "enter")
        await s.until_shown("#x #y")
        await s.press("n", *" not", "escape")
    with Store(database) as store:
        run = store.run(3)
        assert (run.note, run.tags) == ("keep this", ("x", "y"))


async def test_deleting_asks_first(opened: Opened, database: Path) -> None:
    async with opened() as s:
        await s.press("d")
        await s.until_shown("Delete run 3 for good")
        await s.press("n")
        await s.until(lambda: isinstance(s.app.screen, HistoryScreen))
        await s.press("d", "y")
        await s.until(lambda: isinstance(s.app.screen, HistoryScreen) and listed(s) == [2, 1])
    with Store(database) as store:
        assert store.numbers() == [2, 1]


async def test_exporting_writes_a_file_or_says_why_not(opened: Opened, tmp_path: Path) -> None:
    async with opened() as s:
        await s.press("e")
        s.app.screen.query_one("#answer", Input).value = str(tmp_path / "out.json")
        await s.press("enter")
        await s.until_shown("Wrote ")
        (run,) = json_format.read(tmp_path / "out.json").runs
        assert run.requests[0].pieces == RUNS[2].requests[0].pieces
        await s.press("e")
        s.app.screen.query_one("#answer", Input).value = str(tmp_path / "out.json")
        await s.press("enter")
        await s.until_shown("is there already")
        await s.until(lambda: [*s.app.screen.query("#answer").results(Input)] != [])
        s.app.screen.query_one("#answer", Input).value = "out.doc"
        await s.press("enter")
        await s.until_shown("no export has this suffix")
        await s.until(lambda: [field.value for field in s.app.screen.query("#answer").results(Input)] == ["out.doc"])


async def test_two_runs_are_compared_with_the_diff_of_what_they_asked_and_taken_along(
    opened: Opened, tmp_path: Path
) -> None:
    runs = [
        stored("Why is the sky blue?", "sim-fast", minute=minute, ttft_ms=100 + minute, series="s", repeat=minute + 1)
        for minute in range(6)
    ]
    later = [stored("Why is the sea blue?", "sim-fast", minute=9, ttft_ms=300, max_tokens=200)]
    async with opened(*runs, *later) as s:
        await s.until_shown("series of 6")
        await s.press("c")
        await s.until_shown("Run 7 is marked")
        assert runs_list(s).marked == 7
        await s.press("down", "c")
        await s.until(lambda: isinstance(s.app.screen, TextScreen))
        text = str(s.app.screen.query_one("#text", Static).content)
        assert "runs 1 to 6 → run 7" in s.shown
        assert "max_tokens: 300 → 200" in text
        assert "Why is the [-sky-] {+sea+} blue?" in text
        assert "too few" in text
        await s.press("y")
        assert "| TTFT | 102 ms | 300 ms |" in s.app.clipboard
        await s.press("w")
        s.app.screen.query_one("#answer", Input).value = str(tmp_path / "both.toml")
        await s.press("enter")
        await s.until(lambda: any("asks both in turn" in said for said in s.notices), "both plans")
        plans = [PlanFiles().read(str(tmp_path / f"both-{side}.toml")).contents for side in ("before", "now")]
        assert [plan.prompts[0].user for plan in plans] == ["Why is the sky blue?", "Why is the sea blue?"]
        assert [plan.parameters.max_tokens for plan in plans] == [300, 200]
        assert [plan.series.repeats for plan in plans] == [6, 1]
        await s.press("escape")
        await s.until(lambda: isinstance(s.app.screen, HistoryScreen))
        assert runs_list(s).marked is None


async def test_escape_goes_back_from_the_filter_one_level_at_a_time(opened: Opened) -> None:
    async with opened() as s:
        await s.press("slash", *"since:2030-01-01")
        await s.until_shown("No run fits")
        await s.press("escape")
        assert s.app.focused is runs_list(s)
        await s.press("escape")
        await s.until(lambda: "No run fits" not in s.shown)
        assert isinstance(s.app.screen, HistoryScreen)
        await s.press("escape")
        await s.until(lambda: s.on_main)


async def test_escape_in_a_replay_goes_from_a_zoomed_lane_to_all(opened: Opened) -> None:
    async with opened() as s:
        await s.press("r")
        await s.until(lambda: isinstance(s.app.screen, ReplayScreen))
        await s.press("f9")
        await s.until(lambda: s.app.screen.has_class("-alone"))
        await s.press("escape")
        await s.until(lambda: not s.app.screen.has_class("-alone"))
        assert isinstance(s.app.screen, ReplayScreen)
        await s.press("escape")
        await s.until(lambda: isinstance(s.app.screen, HistoryScreen))


async def test_the_report_of_a_run_is_copied_as_markdown(opened: Opened) -> None:
    async with opened() as s:
        await s.press("y")
        await s.until_shown("Copied the report of run 3")
        assert s.app.clipboard.startswith("# latency-tui report")
        assert RUNS[2].plan.prompt.user in s.app.clipboard


async def test_a_run_is_opened_into_the_editors_and_can_be_run(opened: Opened, database: Path) -> None:
    async with opened(stored("Why is the sea blue?", "sim-fast", max_tokens=40)) as s:
        await s.press("enter")
        await s.until(lambda: s.on_main and s.app.draft.book.prompt.user == "Why is the sea blue?")
        await s.until(lambda: s.app.main.parameters_form.is_attached)
        assert s.app.draft.book.prompt.system == "Be brief."
        assert s.app.main.parameters_form.read().max_tokens == 40
        await s.run()
        assert s.lanes[0].record is not None
        spec = s.lanes[0].record.spec
        assert (spec.prompt.user, spec.parameters.max_tokens) == ("Why is the sea blue?", 40)
        assert spec.endpoint.base_url != "http://elsewhere:1"
        assert s.states == [State.DONE]


@pytest.mark.parametrize(("answer", "taken"), [("n", None), ("y", {"mcp_servers": []})])
async def test_fields_that_a_run_adds_are_taken_only_if_one_says_so(opened: Opened, answer: str, taken: object) -> None:
    """An imported run may come from anywhere, and would go out with one's own key."""
    run = stored("Why?", "sim-fast")
    run.plan = msgspec.structs.replace(run.plan, parameters=Parameters(max_tokens=40, extra={"mcp_servers": []}))
    async with opened(run) as s:
        await s.press("enter")
        await s.until_shown("mcp_servers")
        await s.press(answer)
        await s.until(lambda: s.on_main and s.app.draft.book.prompt.user == "Why?")
        assert s.app.draft.plan().parameters.extra == taken


async def test_an_endpoint_that_is_not_ones_own_is_said(opened: Opened) -> None:
    async with opened() as s:
        await s.press("enter")
        await s.until_shown("Targets at gateway were left out")
        assert s.on_main
        assert [target.model for target in s.app.draft.plan().targets] == ["sim-fast"]
        assert s.app.draft.book.prompt.user == "Count to ten."


async def test_a_live_run_is_in_the_list(open_app: OpenApp, database: Path) -> None:
    async with open_app(fast(2), history=Recorder(database, HistorySettings())) as s:
        await s.press("alt+y")
        await s.until_shown("No run is stored yet.")
        await s.press("enter", "r", "n", "d", "c", "e", "escape")
        await s.run()
        await s.press("alt+y")
        await s.until_shown("SIM 2 lanes Why is the sky blue?")


async def test_without_a_history_that_is_said(open_app: OpenApp) -> None:
    async with open_app([FAST]) as s:
        await s.press("alt+y")
        await s.until_shown("There is no history")


async def test_requests_left_in_flight_are_said_once(open_app: OpenApp, database: Path) -> None:
    with Store(database) as store:
        number = store.add(stored("Left", "sim-fast", "sim-steady"))
        # As a program that was killed leaves it.
        store._connection.execute("UPDATE requests SET writer = 'dead', status = 'idle', record = NULL")
    async with open_app([FAST], history=Recorder(database, HistorySettings())) as s:
        sentence = "The last session was interrupted: 2 requests unfinished; Alt+Y shows the run."
        await s.until(lambda: sentence in s.notices)
        await s.until_shown("Alt+Y shows the interrupted run")
        # It is offered until it is taken, and stands where it can be seen, whatever has run since.
        await s.run()
        await s.press("alt+y")
        await s.until_shown("↯ interrupted")
        await s.press("escape")
        await s.until(lambda: "Alt+Y shows the interrupted run" not in s.shown)
    async with open_app([FAST], history=Recorder(database, HistorySettings())) as s:
        await s.run()
        assert not [notice for notice in s.notices if "interrupted" in notice]
    with Store(database) as store:
        assert {request.status for request in store.run(number).requests} == {Status.INTERRUPTED}


async def test_an_interrupted_run_is_offered_on_a_screen_that_stands_still(open_app: OpenApp, database: Path) -> None:
    """The history may be read only once all else is painted: on a busy machine the offer was not."""
    async with open_app([FAST], history=Recorder(database, HistorySettings())) as s:
        await s.until(lambda: not s.app.main.painter.is_ticking)
        s.app.dispatcher.history.tell_interrupted(1)
        await s.until_shown("Alt+Y shows the interrupted run")


async def test_a_damaged_history_is_said_and_the_screen_stays(open_app: OpenApp, database: Path) -> None:
    async with open_app([FAST], history=Recorder(database, HistorySettings())) as s:
        await s.until(database.exists)
        s.app.session.recorder.path = database.parent  # type: ignore[union-attr]
        await s.press("alt+y")
        await s.until_shown("cannot be opened")
        await s.press("escape")
        assert s.on_main


# Replay


def replaying(s: AppDriver) -> ReplayScreen:
    assert isinstance(s.app.screen, ReplayScreen)
    return s.app.screen


def shown_text(s: AppDriver) -> list[str]:
    return [view.stream.text for view in replaying(s).lanes.views]


async def start_replay(s: AppDriver, run: StoredRun, speed: float = 1.0) -> None:
    s.app.dispatcher.history.replay(run, speed)
    await s.until(lambda: isinstance(s.app.screen, ReplayScreen) and s.app.screen.lanes.views)


async def test_a_run_is_replayed_from_the_history_and_leaves_no_trace(opened: Opened, database: Path) -> None:
    judged = stored("Why is the sky blue?", "sim-fast", "sim-steady", minute=1)
    for record in judged.requests:
        record.checks = (CheckFinding(kind="not_contains", passed=False, reason='"words" is in it', span=(6, 11)),)
    async with opened(judged, *RUNS[1:]) as s:
        await s.press("down", "down", "r")
        await s.until(lambda: isinstance(s.app.screen, ReplayScreen))
        await s.until_shown("REPLAY · SIMULATED · run 1:")
        await s.until(lambda: shown_text(s) == ["First words. Last words."] * 2)
        await s.until_shown("over, Space plays again")
        assert "TTFT 100 ms" in s.shown
        assert "REPLAY: " in s.shown
        assert "not passed: not_contains" in s.shown
        first = replaying(s).lanes.views[0].stream.render_line(0)
        assert [one.text for one in first if one.style and one.style.underline] == ["words"]
        await s.press(keys_of("next_lane")[0], keys_of("overrule")[0])
        await s.until_shown("overruled by hand: passed;")
        await s.until_shown("1 of 1 ✎1")
        # A tenth as fast, and paused: on a slow machine it would be over before the keys come.
        await s.press("minus", "minus", "minus", "space", "space")
        await s.until(lambda: replaying(s)._live.run_in_flight)
        assert (replay := replaying(s).replay) is not None
        assert replay.run.requests[1].overruled is True
        await s.press("f5", "alt+s", "escape")
        await s.until(lambda: isinstance(s.app.screen, HistoryScreen))
        assert s.live.runs == 0
        await s.press("escape")
        assert s.on_main
        assert s.lanes[0].record is None
    with Store(database) as store:
        assert store.count() == 3
        assert [record.overruled for record in store.run(1).requests] == [None, True]


async def test_it_pauses_steps_and_changes_its_speed(open_app: OpenApp) -> None:
    long = stored("Why?", "a", ttft_ms=3_600_000)
    async with open_app([FAST]) as s:
        await start_replay(s, long)
        # The next event is then the first text.
        await s.until_shown("◔ waiting")
        await s.press("space")
        await s.until_shown("at 1x, paused")
        await s.press("full_stop")
        await s.until(lambda: shown_text(s) == ["First words. "])
        await s.until_shown("a run from a file: 3600.0 of 3600.2 s at 1x, paused")
        await s.press("plus", "plus")
        await s.until_shown("at 5x")
        await s.press("minus", "minus", "minus")
        await s.until_shown("at 0.5x")
        await s.press("full_stop")
        await s.until(lambda: shown_text(s) == ["First words. Last words."])
        await s.press("escape")
        assert s.on_main


async def test_looking_works_on_the_replay_and_the_lanes_come_back(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await s.run()
        answer = s.views[0].stream.text
        await start_replay(s, stored("Why?", "a", "b"), 100.0)
        await s.until_shown("over, Space plays again")
        await s.press(keys_of("next_lane")[0])
        assert replaying(s).lanes.current.lane.label == "b"
        await s.press(keys_of("copy")[0])
        assert s.app.clipboard == "First words. Last words."
        await s.press(keys_of("overrule")[0])
        assert "No check has judged this answer" in s.notices[-1]
        await s.press(keys_of("maximise")[0])
        await s.until(lambda: replaying(s).lanes.alone)
        assert not s.app.main.lanes.alone
        await s.press(keys_of("detail")[0])
        await s.until_shown("b · ✔ done")
        await s.press("escape", "escape")
        assert not replaying(s).lanes.alone
        await s.press("escape")
        assert s.on_main
        assert s.views[0].stream.text == answer
        assert s.states == [State.DONE]


async def test_a_live_run_goes_on_beneath_a_replay(open_app: OpenApp) -> None:
    async with open_app([Target(model="sim-steady")]) as s:
        await s.streaming()
        await start_replay(s, stored("Why?", "a"), 100.0)
        await s.until_shown("over, Space plays again")
        assert s.live.run_in_flight
        await s.press("escape")
        await s.press(keys_of("cancel_all")[0])
        await s.run_over()
        assert s.states == [State.CANCELLED]


async def test_interrupted_requests_and_hostile_texts_are_replayed(open_app: OpenApp) -> None:
    run = stored("Why? [red]\x1b[31m", "a\x1b]0;x\x07")
    run.requests[0].status = Status.INTERRUPTED
    run.requests[0].timeline.ended_ns = None
    run.requests[0].pieces = [(Kind.TEXT, "[bold]\x1b[31m"), (Kind.TEXT, "x")]
    async with open_app([FAST]) as s:
        await start_replay(s, run, 100.0)
        await s.until_shown("↯ interrupted")
        assert "\x1b" not in s.shown
        assert "[bold]␛[31mx" in s.shown


async def test_a_plan_that_makes_no_sense_is_shown_all_the_same(open_app: OpenApp) -> None:
    run = stored("Why?", "a", "b")
    run.plan = msgspec.structs.replace(run.plan, targets=(), variants=(Prompt(user="x", name="n"),))
    async with open_app([FAST]) as s:
        await start_replay(s, run, 100.0)
        await s.until(lambda: shown_text(s) == ["First words. Last words."] * 2)
        s.app.dispatcher.history.replay(StoredRun(info=run.info, plan=run.plan, requests=[]))
        await s.until_shown("There is nothing to replay")
