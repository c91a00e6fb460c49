"""Driving a session: the app on a real engine and a real simulator, keys in, and conditions waited for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from subprocess import Popen

from textual._context import visible_screen_stack
from textual.events import Key, Paste
from textual.keys import _character_to_key
from textual.pilot import Pilot

from tui.config.known_models import load_models
from tui.config.schema import UiSettings
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import State
from tui.core.target import Endpoint, Target
from tui.history.recorder import Recorder
from tui.session.draft import Draft
from tui.session.live import Lane, LiveState
from tui.session.session import Session
from tui.session.target_choice import TargetChoice
from tui.ui.app import LatencyApp
from tui.ui.bindings import ACTIONS
from tui.ui.keymap import Keymap
from tui.ui.widgets.lane_view import LaneView

DEADLINE_S = 30.0
"""How long anything waited for may take before the test fails: far longer than it does."""
_FIRST_LOOK_S, _LAST_LOOK_S = 0.01, 0.06
"""Time between two looks at what is waited for, at first and later: a look at the screen paints it whole."""

WIDE = (120, 40)
SMALL = (80, 24)

FAST = Target(model="sim-fast")
STEADY = Target(model="sim-steady")
"""Streams until it is cancelled."""


def fast(count: int) -> tuple[Target, ...]:
    """So many targets that answer 20 tokens at once."""
    return tuple(Target(model="sim-fast", name=f"fast-{number}") for number in range(1, count + 1))


def steady(count: int) -> tuple[Target, ...]:
    """So many targets that stream until they are cancelled."""
    return tuple(Target(model="sim-steady", name=f"steady-{number}") for number in range(1, count + 1))


def keys_of(action_id: str) -> tuple[str, ...]:
    """The keys of an action of the table."""
    return next(action.keys for action in ACTIONS if action.id == action_id)


class AppDriver:
    """A running app and what a test does with it."""

    def __init__(self, app: LatencyApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def live(self) -> LiveState:
        return self.app.session.live

    @property
    def lanes(self) -> list[Lane]:
        return self.live.lanes

    @property
    def views(self) -> list[LaneView]:
        return self.app.main.lanes.views

    @property
    def states(self) -> list[State]:
        return [lane.state for lane in self.lanes]

    @property
    def notices(self) -> list[str]:
        """What was said in toasts."""
        return [notice.message for notice in self.app._notifications]

    @property
    def on_main(self) -> bool:
        """Whether no modal screen is up."""
        return self.app.screen_stack == [self.app.main]

    def is_following(self, lane: int) -> bool:
        return self.views[lane].stream.following

    @property
    def shown(self) -> str:
        """The screen as text, with what is seen beneath it."""
        visible_screen_stack.set(self.app._background_screens)
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    @property
    def seen(self) -> str:
        """The lanes' states, what was said in toasts, and the screen, for the message of a wait in vain."""
        return f"lanes {self.states}, run in flight: {self.live.run_in_flight}, said {self.notices}\n{self.shown}"

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Let the app work until `condition` holds, and then take up what it has been told so far."""
        if condition():
            return
        deadline = time.monotonic() + DEADLINE_S
        sleep_s = _FIRST_LOOK_S
        # Not with the pilot's pause: that has every widget answer and the screen painted at each look.
        while not condition():
            assert time.monotonic() < deadline, f"waited {DEADLINE_S} s in vain for {what or condition}\n{self.seen}"
            await asyncio.sleep(sleep_s)
            sleep_s = min(1.5 * sleep_s, _LAST_LOOK_S)
        await self.pilot.pause(0)

    async def until_shown(self, text: str) -> None:
        await self.until(lambda: text in self.shown, f"{text!r} on the screen")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def burst(self, *keys: str) -> None:
        """The same in one read of the terminal, and wait until all have acted."""
        for key in keys:
            is_character = len(key) == 1
            self.app.post_message(Key(_character_to_key(key) if is_character else key, key if is_character else None))
        await self.pilot.pause()

    async def focus(self, selector: str) -> None:
        self.app.screen.query_one(selector).focus()
        await self.pilot.pause()

    async def type_into(self, selector: str, text: str) -> None:
        """Replace what stands in a field."""
        await self.focus(selector)
        await self.press("home", "shift+end", "delete", *text)

    async def paste(self, text: str) -> None:
        """As a terminal does it: to the app, which hands it to whatever has the focus."""
        self.app.post_message(Paste(text))
        await self.pilot.pause()

    async def run(self) -> None:
        """Fire, and wait until the run is over and shown."""
        await self.press("f5")
        assert self.live.run_in_flight or self.live.runs
        await self.run_over()

    async def run_over(self) -> None:
        await self.until(lambda: not self.live.run_in_flight, "the end of the run")
        await self.until_painted()

    async def until_painted(self) -> None:
        """Wait until the screen has caught up with the live state."""
        await self.until(lambda: self.app.main.painter.is_current, "a painted screen")
        await self.pilot.pause()

    async def streaming(self) -> None:
        """Fire, and wait until text arrives in all lanes in view."""
        await self.press("f5")
        await self.until(lambda: all(state is State.STREAMING for state in self.states), "lanes that stream")
        await self.until(lambda: all(view.stream.text for view in self.views[:3]), "text in the lanes")


def plan_of(targets: Sequence[Target], base_url: str, prompt: str, max_tokens: int, system: str = "") -> Plan:
    """A plan whose targets are all asked at the simulator at `base_url`."""
    return Plan(
        prompt=Prompt(system=system, user=prompt),
        parameters=Parameters(max_tokens=max_tokens),
        targets=tuple(targets),
        endpoints=(Endpoint(name="simulator", base_url=base_url, simulated=True),),
        default_endpoint="simulator",
    )


_PICTURED = (
    "claude-haiku-5-5",
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "claude-opus-5",
    "claude-fable-5-1",
    "claude-haiku-4-5",
)
PICTURED_MODELS = tuple(model for model in load_models() if model.id in _PICTURED)
"""Models to choose from in pictures: a new one of configs/models.toml changes none of them."""


def draft_of(plan: Plan) -> Draft:
    """The draft that asks `plan`, among the models of pictures."""
    return Draft(plan, TargetChoice.among(PICTURED_MODELS, plan.targets))


@asynccontextmanager
async def app_driver_of(
    engine: "Popen[bytes]",
    plan: Plan,
    *,
    size: tuple[int, int] = WIDE,
    run_at_once: bool = False,
    keymap: Keymap | None = None,
    history: Recorder | None = None,
    remembers_targets: bool = True,
) -> AsyncIterator[AppDriver]:
    """The running app; its session is closed at the end, however that comes."""
    session = Session(engine, history=history)
    app = LatencyApp(
        session,
        draft_of(plan),
        UiSettings(frame_rate=10.0),
        load_models(),
        run_at_once=run_at_once,
        keymap=keymap,
        remembers_targets=remembers_targets,
    )
    try:
        async with app.run_test(size=size, notifications=True) as pilot:
            driver = AppDriver(app, pilot)
            await driver.until(lambda: len(driver.views) == len(plan.targets), "lanes")
            await driver.until(lambda: driver.live.engine_ready, "an engine that is ready")
            yield driver
            if app.is_running:
                assert driver.shown, "the last screen, painted whole"
    finally:
        await session.close()
