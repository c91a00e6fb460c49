"""The one table of actions: footer, help, palette, keymap and the documents' tables of keys are made from it."""

from collections.abc import Mapping
from enum import Enum, StrEnum, auto

import msgspec


class ActionGroup(StrEnum):
    """Section of the help for actions of the application."""

    RUN = "Run"
    PROMPT = "Prompt"
    TARGETS = "Targets and parameters"
    LANES = "Lanes"
    CHARTS = "Charts"
    SCREEN = "Screen"


class Reach(Enum):
    """Screens on which an action of the application can be started."""

    MAIN = auto()
    LANES = auto()
    """The main screen and the replay: the action only looks."""
    ALL = auto()
    """Every screen."""


class Action(msgspec.Struct, frozen=True):
    """One thing that a person can do."""

    id: str
    """Unique name, used in `[keys.actions]`. Up to the dot it names the part of the screen that has the keys."""
    keys: tuple[str, ...]
    """Usual keys in Textual's spelling, the one to show first; `tui.ui.keymap` has those in effect. Those of the
    application work wherever the focus is, except for a key that an editor needs."""
    title: str
    """A word or two, for the footer and the palette."""
    help: str
    handler: str
    """Method of a controller that carries it out; for a part of the screen the Textual action of that part."""
    unless: str = ""
    """Reason for being unavailable: a method of `tui.ui.controllers.reasons`. Footer and palette show its sentence."""
    group: ActionGroup | None = None
    """Section of the help; None for a part of the screen, which is a section by itself."""
    letter: str = ""
    """The key in the menu, and where nothing is typed: in a lane, a table, a chart."""
    words: str = ""
    """Other names, by which the palette finds it."""
    reach: Reach = Reach.MAIN
    like: str = ""
    """Action of the application whose keys work here too: what opens a screen also closes it."""
    priority: bool = False
    """True if its keys come before those of the widget that has the focus."""

    @property
    def view(self) -> str:
        """Part of the screen that has the keys; empty for the application."""
        return self.id.rpartition(".")[0]


LETTERS = {
    "run": "r", "run_all": "R", "cancel_all": "x", "cancel_lane": "X", "series": "s", "series_options": "o",
    "sweep": "E", "load": "P", "pause": "p", "warm_cache": "M", "history": "H",
    "variants": "v", "next_variant": "n", "system": "i", "checks": "k", "attach": "K", "edit_outside": "V",
    "save_plan": "w", "save_plan_as": "W", "open_plan": "O", "new_draft": "N",
    "refresh_models": "A", "edit_parameters": "e", "edit_target": "t", "duplicate_target": "u", "drop_parameter": "U",
    "next_lane": "l", "previous_lane": "h", "maximise": "z", "pin": "b", "objectives": "B", "statistics": "S",
    "compare": "c", "copy": "y", "markdown": "m", "detail": "d", "difference": "D", "advice": "a",
    "search": "/", "overrule": "J",
    "clear": "C", "sort": "T", "in_turn": "I",
    "next_chart": "f", "previous_chart": "F", "maximise_chart": "Z",
    "next_pane": ".", "help": "?", "suspend": "&", "repaint": "L", "undo_clear": "Y", "quit": "q",
    "command_palette": ":", "theme": ",", "picture": "!",
}  # fmt: skip
"""The letter of each action."""

_WORDS = {
    "run": "start fire send ask again rerun retry", "run_all": "variants prompts", "pause": "resume continue wait",
    "cancel_all": "stop abort kill interrupt", "series": "repeat benchmark again n",
    "series_options": "repeats budget until sure order warm-up",
    "sweep": "length tokens per token",
    "load": "concurrency rate arrivals goodput stress knee levels throughput",
    "history": "export csv json markdown html report runs stored open load find share delete clipboard filter note",
    "variants": "prompts variables csv turns delete rename remove",
    "edit_parameters": "max tokens temperature effort thinking levers settings",
    "edit_target": "model endpoint", "refresh_models": "list update", "pin": "baseline keep snapshot",
    "objectives": "slo limits goals p95", "statistics": "p50 p95 p99 percentile percentiles mean median goodput",
    "compare": "diff baseline before after snapshot export share clipboard", "copy": "clipboard yank share",
    "markdown": "render table heading list read answer formatted", "difference": "diff words answers",
    "overrule": "judge verdict pass fail right wrong human label undo",
    "detail": "cost price tokens usage timing steps request id",
    "advice": "faster tips suggestions cost save money slow speed latency why", "clear": "reset empty delete",
    "theme": "colours colors dark light mode",
    "picture": "screenshot save svg export", "maximise": "full screen fullscreen",
    "maximise_chart": "full screen zoom save graph",
    "quit": "exit leave close", "search": "find", "save_plan": "export toml file store share",
    "open_plan": "load toml file draft drafts restore",
    "new_draft": "prompt empty reset fresh", "next_chart": "trend histogram distribution box scatter gaps",
    "system": "instructions role", "checks": "right wrong pass fail quality json regex schema eval",
    "attach": "attachments image picture pdf document vision upload",
    "edit_outside": "vim nano external $EDITOR", "help": "keys legend figures shortcuts manual",
    "sort": "order rank table winner",
}  # fmt: skip

FOOTER = {
    "": ("run", "menu", "help", "quit", "command_palette"),
    "prompt": ("next_pane", "maximise", "variants"),
    "lanes": ("next_pane", "maximise", "copy", "search", "detail", "advice", "next_lane"),
    "charts": ("next_pane", "next_chart", "maximise_chart", "sort", "next_lane"),
    "flight": ("cancel_all",),
}
"""Actions of the footer: everywhere, the most needed first; then with the focus in a part; and while a run goes on."""


def _section(group: ActionGroup, *rows: Action) -> tuple[Action, ...]:
    return tuple(
        msgspec.structs.replace(row, group=group, letter=LETTERS.get(row.id, ""), words=_WORDS.get(row.id, ""))
        for row in rows
    )


# fmt: off
ACTIONS = (
    *_section(
        ActionGroup.RUN,
        Action("run", ("f5", "ctrl+r"), "Run", "Fire the prompt at all targets", "runs.run"),
        Action("run_all", ("alt+r",), "Run all", "Fire all variants of the prompt, a lane each; a series repeats them",
               "runs.run_all"),
        Action("cancel_all", ("f8", "ctrl+g"), "Cancel", "Cancel every request in flight", "runs.cancel_all",
               unless="nothing_in_flight"),
        Action("cancel_lane", ("f7", "alt+x"), "Cancel lane", "Cancel the request of the current lane",
               "runs.cancel_lane", unless="lane_not_in_flight"),
        Action("series", ("alt+s", "shift+f5"), "Series", "Run the plan again and again, as the series' options say",
               "runs.series", unless="run_in_flight"),
        Action("series_options", ("alt+o",), "Series options",
               "Set how a series is run: repeats, warm-up, order, budgets, until sure", "runs.series_options"),
        Action("sweep", ("alt+shift+s",), "Sweep",
               "Ask prompts and answers of other lengths, to learn the time per token (chart: parts)", "runs.sweep",
               unless="run_in_flight"),
        Action("load", ("alt+shift+a",), "Load",
               "Ask the targets at levels of load: how many requests each of them bears (chart: load)", "runs.load",
               unless="run_in_flight"),
        Action("in_turn", ("alt+shift+r",), "In turn",
               "Ask what is pinned and what is on screen now in turn, so that what drifts meanwhile hits both",
               "runs.in_turn", unless="nothing_to_take_turns"),
        Action("pause", ("alt+z",), "Pause", "Pause the series after the run in flight, or go on", "runs.pause",
               unless="no_series"),
        Action("warm_cache", ("alt+m",), "Warm cache",
               "Put the prompt into the cache of every target whose parameter cache is on", "runs.warm_cache",
               unless="run_in_flight"),
        Action("history", ("alt+y",), "History",
               "Find stored runs, and open, replay, compare, tag, export or delete them", "history.history",
               unless="no_history"),
    ),
    *_section(
        ActionGroup.PROMPT,
        Action("variants", ("alt+v",), "Variants", "Edit the prompt's variants, variables, turns and files",
               "prompts.variants"),
        Action("save_plan", ("ctrl+s", "alt+shift+w"), "Save",
               "Save what is asked as a plan file, for a colleague or a job", "plans.save"),
        Action("save_plan_as", (), "Save as", "Save what is asked as another plan file", "plans.save_as"),
        Action("open_plan", ("ctrl+o", "alt+shift+o"), "Open", "Open a plan file, or a draft of before", "plans.open"),
        Action("new_draft", ("alt+shift+e",), "New", "Start afresh; what is on screen is set aside: Open lists it",
               "plans.new"),
        Action("next_variant", ("alt+n",), "Next variant", "Take the next variant of the prompt into use",
               "prompts.next_variant", unless="one_variant"),
        Action("system", ("alt+shift+y",), "System prompt", "Edit the system prompt, or the user prompt again",
               "prompts.system"),
        Action("checks", ("alt+shift+h",), "Checks",
               "Type in what every answer must pass, such as contains = \"Paris\"", "prompts.checks"),
        Action("attach", (), "Files", "Attach images and PDF to the prompt, or remove them", "prompts.files"),
        Action("edit_outside", ("alt+shift+v",), "In $EDITOR", "Edit the prompt in the editor that $EDITOR names",
               "prompts.edit_outside", unless="no_editor"),
    ),
    *_section(
        ActionGroup.TARGETS,
        Action("refresh_models", ("alt+shift+m",), "Models", "Ask the targets' endpoints which models they have",
               "targets.refresh_models", unless="run_in_flight"),
        Action("edit_parameters", ("alt+e",), "Parameters", "Edit all parameters that the targets share",
               "targets.edit_parameters"),
        Action("edit_target", ("alt+t",), "Target", "Edit the current lane's model, endpoint, name and own parameters",
               "targets.edit", unless="target_not_listed"),
        Action("duplicate_target", ("alt+u",), "Duplicate lane",
               "Ask the current lane's model once more, with other parameters", "targets.duplicate",
               unless="target_not_listed"),
        Action("drop_parameter", ("alt+k",), "Drop parameter",
               "Leave out the parameter that the current lane's model refuses", "targets.drop_parameter",
               unless="nothing_refused"),
    ),
    *_section(
        ActionGroup.LANES,
        Action("next_lane", ("f6", "ctrl+n"), "Next lane", "Go to the next lane", "lanes.next_lane",
               reach=Reach.LANES),
        Action("previous_lane", ("shift+f6", "alt+p"), "Lane before", "Go to the lane before", "lanes.previous_lane",
               reach=Reach.LANES),
        Action("maximise", ("f9", "alt+shift+i"), "Zoom",
               "Show what has the focus alone: prompt, lane or chart; or all again", "screen.zoom", reach=Reach.LANES),
        Action("pin", ("alt+shift+b",), "Pin",
               "Pin the present results; from then on the lanes show their change",
               "results.pin", unless="nothing_measured"),
        Action("objectives", ("alt+shift+g",), "Objectives",
               "Type in what every lane is to keep, such as ttft.p95 < 800ms", "results.objectives"),
        Action("statistics", ("alt+shift+t",), "Statistics",
               "Show all statistics of the present results, with objectives and goodput", "results.statistics"),
        Action("compare", ("alt+shift+c",), "Compare",
               "Compare the present results, the pinned ones and other snapshots", "results.compare"),
        Action("copy", ("ctrl+t", "alt+c"), "Copy", "Copy the selection, or the current lane's whole text",
               "lanes.copy", unless="nothing_to_copy", reach=Reach.LANES),
        Action("markdown", ("alt+shift+l",), "Markdown",
               "Show the current lane's answer with its Markdown laid out: tables, lists, headings", "lanes.markdown",
               unless="no_answer", reach=Reach.LANES),
        Action("detail", ("f4", "alt+d"), "Detail",
               "Show the current lane's request step by step, with all its figures", "lanes.detail",
               unless="no_request", reach=Reach.LANES),
        Action("overrule", ("alt+shift+q",), "Overrule",
               "Overrule what the checks said of the current lane's answer, or take that back", "lanes.overrule",
               unless="nothing_to_overrule", reach=Reach.LANES),
        Action("difference", ("alt+shift+d",), "Differences",
               "Show the current lane's answer beside another's, and in which words they differ", "lanes.difference",
               unless="fewer_than_two_answers", reach=Reach.LANES),
        Action("advice", ("alt+a",), "Advice", "Show what would make the current lane faster, by how much, and try it",
               "advice.advice", unless="no_advice"),
        Action("search", ("f3", "alt+shift+f"), "Search", "Search in the current lane's text", "lanes.search",
               reach=Reach.LANES),
        Action("sort", ("alt+shift+k",), "Sort table", "Sort the table of the session by the next figure", "lanes.sort",
               reach=Reach.LANES),
        Action("clear", ("alt+l",), "Clear", "Empty the lanes and the table of this session, after a question",
               "lanes.clear", unless="run_in_flight"),
        Action("undo_clear", ("alt+shift+j",), "Undo clear", "Bring back what was cleared last", "lanes.undo_clear",
               unless="nothing_cleared"),
    ),
    *_section(
        ActionGroup.CHARTS,
        Action("next_chart", ("alt+g",), "Next chart", "Show the next chart", "charts.next_chart", reach=Reach.LANES),
        Action("previous_chart", ("alt+j",), "Chart before", "Show the chart before", "charts.previous_chart",
               reach=Reach.LANES),
        Action("maximise_chart", ("alt+i",), "Zoom chart",
               "Show the chart over the whole screen, with its numbers; save it as text or SVG", "charts.maximise",
               reach=Reach.LANES),
    ),
    *_section(
        ActionGroup.SCREEN,
        # Control characters, which every terminal sends; where a desktop takes the first, there is the second.
        Action("menu", ("ctrl+@", "ctrl+underscore", "space"), "Menu",
               "Show all actions, each with a letter; then press it",
               "menu", reach=Reach.ALL),
        Action("next_pane", ("f2", "alt+w"), "Next pane", "Go on to the next pane: prompt, lanes, charts",
               "screen.next_pane", reach=Reach.LANES),
        Action("help", ("f1", "alt+h"), "Help", "Explain what has the focus, all keys, and what the figures mean",
               "help", reach=Reach.ALL),
        Action("back", ("escape",), "Back", "Go one step back: from a zoomed pane to all, from a lane to the prompt",
               "screen.back", reach=Reach.LANES),
        Action("interrupt", ("ctrl+c",), "Leave?", "Say how to leave; twice within two seconds, leave",
               "screen.interrupt", reach=Reach.ALL),
        Action("repaint", ("ctrl+l",), "Repaint", "Paint the whole screen again", "screen.repaint", reach=Reach.ALL),
        Action("suspend", ("alt+shift+z", "ctrl+z"), "Stop",
               "Stop the program and go back to the shell; fg goes on. Ctrl+Z undoes in an editor", "screen.suspend",
               unless="no_shell"),
        Action("quit", ("f10", "ctrl+q", "alt+q"), "Quit", "Cancel what is in flight and leave", "screen.quit",
               reach=Reach.ALL),
        Action("command_palette", ("ctrl+p", "alt+shift+p"), "Find", "Find any action by its name or by what it does",
               "screen.palette", reach=Reach.ALL),
        Action("theme", (), "Theme", "Change the colours", "screen.theme", reach=Reach.ALL),
        Action("picture", (), "Picture", "Save the screen as an SVG in the working directory", "charts.picture",
               reach=Reach.ALL),
    ),
)
# fmt: on
"""Actions of the application, in the order of footer and help. `tui.ui.view_bindings` has the others."""

_SPELLINGS = {
    "ctrl": "Ctrl",
    "alt": "Alt",
    "shift": "Shift",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "slash": "/",
    "question_mark": "?",
    "@": "Space",
    "space": "Space",
    "colon": ":",
    "comma": ",",
    "exclamation_mark": "!",
    "ampersand": "&",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "underscore": "_",
    "minus": "-",
    "plus": "+",
    "equals_sign": "=",
    "full_stop": ".",
}


_SHORT = {"escape": "Esc", "delete": "Del"}


def spelled(key: str) -> str:
    """A key as a person reads it: `ctrl+r` is Ctrl+R; a capital alone is Shift with the letter."""
    if len(key) == 1 and key.isupper():
        return f"Shift+{key}"
    return "+".join(_SPELLINGS.get(part, part.capitalize()) for part in key.split("+"))


def short(key: str) -> str:
    """A key as the footer shows it: `ctrl+t` is ^T."""
    return _SHORT.get(key) or spelled(key).replace("Ctrl+", "^")


class KeyNames(msgspec.Struct, frozen=True):
    """The table with the keys in effect, and their names: handed to whoever writes a sentence with one."""

    rows: Mapping[str, Action]
    """Every action with the keys that it has now, by id."""

    def __call__(self, action_id: str) -> str:
        """An action's first key as a person reads it; for one without a key, its name in the palette."""
        row = self.rows[action_id]
        return spelled(row.keys[0]) if row.keys else f"“{row.title}” in the palette"

    def short(self, action_id: str) -> str:
        """An action's first key as footer and buttons show it; empty without a key."""
        return next(map(short, self.rows[action_id].keys), "")

    def on_button(self, action_id: str, title: str = "") -> str:
        """Text of a button: the action's title and key."""
        row = self.rows[action_id]
        return f"{title or row.title} ({short(row.keys[0])})" if row.keys else title or row.title

    def letter(self, action_id: str) -> str:
        """An action's key in the menu; empty without one."""
        return self.rows[action_id].letter

    def all(self, action_id: str) -> tuple[str, ...]:
        """All keys of an action, as a person reads them."""
        return tuple(map(spelled, self.rows[action_id].keys))

    def of(self, view: str = "") -> tuple[Action, ...]:
        """The actions of a part of the screen; without one, those of the application."""
        return tuple(row for row in self.rows.values() if row.view == view)
