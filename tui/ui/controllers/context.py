"""The context of the controllers: what they act on, and how they speak to the person."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App

from tui.config.paths import PROJECT_FILE
from tui.config.presets import presets
from tui.config.remembered import confirm
from tui.config.schema import SIMULATOR
from tui.core.model import KnownModel
from tui.core.plan import Plan
from tui.core.sanitize import clean
from tui.core.target import Endpoint
from tui.errors import ChildError, ConfigError
from tui.session.draft import Draft
from tui.session.draft_on_disk import DraftOnDisk
from tui.session.lane import Emptied, Lane
from tui.session.live import LiveState
from tui.ui.bindings import KeyNames
from tui.ui.screens.main import MainScreen
from tui.ui.sparing import Written
from tui.ui.viewmodel.form_rows import FieldError

if TYPE_CHECKING:
    from tui.core.snapshot import Snapshot
    from tui.session.replay import Replay
    from tui.session.session import Session
    from tui.session.takeaway import Takeaway
    from tui.ui.viewmodel.advice_state import AdviceState

_USE_THE_API = "set ANTHROPIC_API_KEY to use the API"


class Context:
    """Session, draft, screens and the names of the keys, shared by all controllers of an application."""

    main: MainScreen
    """The main screen; there once the application runs."""

    def __init__(
        self,
        app: App[Any],
        session: "Session",
        draft: Draft,
        on_disk: DraftOnDisk,
        models: Sequence[KnownModel],
        keys: KeyNames,
    ) -> None:
        """`models` are those that the configuration knows; the session may learn of others."""
        self.app = app
        self.session = session
        self.draft = draft
        self.on_disk = on_disk
        self.on_edit: Callable[[], None] = lambda: None
        """Called after every change of the draft."""
        self.models = models
        self.keys = keys
        self.written = Written()
        """Record of what stands on the terminal."""
        self.advice: AdviceState | None = None
        """The state of the session's advice; None before any was asked for."""
        self.cleared: list[tuple[Lane, Emptied]] = []
        """Results that were cleared last, by lane."""
        self.offer = ""
        """Offer in the first row, until it is taken: to show the run that was interrupted."""

    @property
    def live(self) -> LiveState:
        """The live state of the session."""
        return self.session.live

    @property
    def front(self) -> MainScreen:
        """The screen that keys act on which only look: the replay while one is shown, else the main screen."""
        screen = self.app.screen
        return screen if isinstance(screen, MainScreen) else self.main

    @property
    def replay(self) -> "Replay | None":
        """The replay that is shown; None on the real thing."""
        return getattr(self.front, "replay", None)

    @property
    def known_models(self) -> Mapping[str, KnownModel]:
        """Everything that is known of models, by id."""
        return {model.id: model for model in self.session.preview.models}

    def complain(self, sentence: str) -> None:
        """Say what cannot be done, or what went wrong."""
        self.app.notify(sentence, severity="warning", markup=False)

    def tell(self, sentence: str, seconds: float = 4) -> None:
        """Say what was done."""
        self.app.notify(sentence, timeout=seconds, markup=False)

    def plan(self, *, ask_all: bool | None = None) -> Plan | None:
        """The plan that the draft makes, typed to its last letter; None after saying what is missing.

        `ask_all` says whether all variants are asked; `None` leaves that as it was last.
        """
        try:
            self.main.commit()
        except FieldError:
            self.main.show_pane("prompt")
            return None
        if ask_all is not None:
            self.draft.ask_all = ask_all
        plan = self.draft.plan()
        problem = plan.problem()
        if problem is not None:
            self.complain(f"{problem} {self.keys('variants')} has the variables." if plan.undefined() else problem)
            self.main.show_pane("prompt")
            return None
        return None if self.asks_to_confirm(plan) else plan

    def asks_to_confirm(self, plan: Plan) -> bool:
        """Ask whether prompts may go to a new endpoint of a file that was found, if `plan` would send one there.

        Returns True if that is asked: nothing goes there before the answer.
        """
        preview = self.session.preview
        if not preview.unconfirmed or plan.missing_endpoint() is not None:
            return False
        used = {plan.endpoint_of(target).base_url for target in plan.targets}
        new = [endpoint for endpoint in preview.unconfirmed if endpoint.base_url in used]
        if not new:
            return False
        from tui.ui.screens.dialogs import ConfirmScreen

        def answered(yes: bool | None) -> None:
            if not yes:
                self.complain("Nothing is sent there: choose targets at another endpoint.")
                return
            preview.unconfirmed = tuple(one for one in preview.unconfirmed if one not in new)
            preview.expect(self.draft.plan())
            try:
                confirm(new)
            except ConfigError as error:
                self.complain(str(error))

        places = ", ".join(clean(f"{one.name} ({one.base_url})") for one in new)
        question = f"./{PROJECT_FILE} lies in this directory and names a new endpoint: {places}. May prompts go there?"
        self.app.push_screen(ConfirmScreen(question, "Use it", self.keys), answered)
        return True

    def take_along(self, before: "Snapshot", now: "Snapshot", endpoints: Sequence[Endpoint] = ()) -> "Takeaway":
        """A comparison to copy and to save. `endpoints` are those that it may have asked, by default this session's."""
        from tui.session.takeaway import Takeaway

        return Takeaway(before, now, self.on_disk.files, endpoints or self.draft.endpoints)

    def describe(self) -> None:
        """Say in the first row what the draft asks and where, and on lanes how they differ and what is refused."""
        plan = self.draft.plan()
        if plan.missing_endpoint() is None:
            self.main.lanes.describe(plan, self.known_models)
            self.main.status.endpoints = tuple(dict.fromkeys(plan.endpoint_of(target).name for target in plan.targets))
            self.main.status.simulated = plan.simulated
        # Until something was asked, and where there is another endpoint to go to: with --demo there is none.
        is_choice = self.main.status.simulated and not all(endpoint.simulated for endpoint in plan.endpoints)
        use_the_api = _USE_THE_API if is_choice and not self.live.runs else ""
        self.main.status.hint = self.offer or use_the_api
        self.on_edit()

    async def show_draft(self) -> None:
        """Show the draft, which has been replaced as a whole. Nothing is sent."""
        self.offer_endpoints()
        self.session.show(self.draft.plan())
        self.main.set_focus(None)  # or it goes into a lane, which is the current one then
        await self.main.edit_anew()
        self.describe()
        self.main.show_pane("prompt")
        self.main.wake()

    def offer_endpoints(self) -> None:
        """Have the endpoints that the draft asks and that need no configuration: the simulator, which is started, and
        those that are known by name. Say why if it cannot be started."""
        draft = self.draft
        try:
            while (missing := draft.plan().missing_endpoint()) is not None:
                if missing == SIMULATOR:
                    draft.add_endpoint(self.session.children.add_simulator())
                elif (preset := presets().get(missing)) is not None:
                    draft.add_endpoint(preset)
                else:
                    break
        except ChildError as error:
            self.complain(str(error))
