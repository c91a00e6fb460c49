"""Prompts: the parts of one conversation, and the variables `{{name}}` in them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Literal

import msgspec

from tui.core.attachment import Attachment
from tui.core.checks import AnswerCheck
from tui.core.setting import open_setting, setting

Role = Literal["user", "assistant"]

MAX_VARIANTS = 32
"""Most prompts that may be held side by side."""

_NAME = r"[^\W\d](?:[\w .-]{0,62}[\w-])?"
_VARIABLE = re.compile(r"(\\?)\{\{[ \t]*(" + _NAME + r")[ \t]*\}\}")


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a tool in an answer."""

    id: str
    """Its id, by which the result names it."""
    name: str
    """The tool's."""


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer in the form in which its wire takes it back, in the conversation that goes on from it."""

    said: str
    """JSON."""
    calls: tuple[ToolCall, ...] = ()
    """The tools that it calls, whose results have to follow."""


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a tool, as it goes back to the model."""

    call: str
    """Id of the call."""
    text: str


class Turn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One earlier turn of a conversation."""

    role: Annotated[Role, open_setting("The speaker.")]
    text: Annotated[str, open_setting("The words.")]
    said: str = ""
    """JSON of an answer that was given live, in the form in which its wire takes it back; `text` is for people."""
    results: tuple[ToolResult, ...] = ()
    """Results of the tools that the answer before called; `text` is for people."""
    attached: tuple[Attachment, ...] = ()
    """Files that went with it, in a conversation that is played."""
    awaited_tokens: int = 0
    """Most tokens of an answer that has not been given yet. Only in forecasts."""


class Conversation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Settings of a conversation: whether its turns are played, and what its tools answer."""

    play: Annotated[
        bool, open_setting("Asks every turn of the user live, one request each, behind the model's own answers before.")
    ] = False
    results: Annotated[
        dict[str, str],
        open_setting("Results of tools, by the tool's name, for a model that calls one in a played turn."),
    ] = {}
    most_calls: Annotated[
        int,
        msgspec.Meta(ge=1, le=100),
        open_setting("Most times that results of tools are given in one turn; then the conversation ends."),
    ] = 8


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt. All its texts may hold variables, until `filled` has put their values in."""

    system: Annotated[str, open_setting("The system text; may be empty.")] = ""
    user: Annotated[str, open_setting("The user's turn.")] = ""
    turns: Annotated[
        tuple[Turn, ...],
        open_setting("Earlier turns, oldest first: tables with a role (user or assistant) and a text."),
    ] = ()
    checks: Annotated[
        tuple[AnswerCheck, ...], open_setting("Checks of its answers: tables with one kind of check each.")
    ] = ()
    attach: Annotated[
        tuple[str, ...],
        setting("Images (PNG, JPEG, GIF, WebP) and PDF that go with the user's turn: paths.", set_by="chosen files"),
    ] = ()
    prefill: Annotated[str, open_setting("Beginning of the answer; newer models refuse one.")] = ""
    name: Annotated[str, open_setting("Name on the screen; may be empty.")] = ""
    """Tells it from other variants."""
    attached: tuple[Attachment, ...] = ()
    """The files of `attach`, once they were looked up."""

    def variables(self) -> tuple[str, ...]:
        r"""The names of the variables, in the order in which they first appear. `\{{name}}` is not one."""
        checked = (text for check in self.checks for text in check.texts())
        found = (match for text in (*self.texts(), *self.attach, *checked) for match in _VARIABLE.finditer(text))
        return tuple(dict.fromkeys(match[2] for match in found if not match[1]))

    def filled(self, values: Mapping[str, str]) -> "Prompt":
        r"""This prompt with every variable's value in its place, and `\{{name}}` as `{{name}}`.

        Values are put in as they are: a `{{name}}` in one of them is not looked at. Raises KeyError with the name of
        the first variable that has no value.
        """

        def fill(text: str, quoted: Callable[[str], str] = str) -> str:
            return _VARIABLE.sub(lambda match: match[0][1:] if match[1] else quoted(values[match[2]]), text)

        return Prompt(
            system=fill(self.system),
            user=fill(self.user),
            turns=tuple(Turn(role=turn.role, text=fill(turn.text)) for turn in self.turns),
            checks=tuple(check.filled(fill) for check in self.checks),
            attach=tuple(map(fill, self.attach)),
            prefill=fill(self.prefill),
            name=self.name,
        )

    def begun_with(self, text: str) -> "Prompt":
        """This prompt with a text in front of its first part, such as one that misses the cache."""
        if self.system:
            return msgspec.structs.replace(self, system=f"{text}\n{self.system}")
        if self.turns:
            first = Turn(role=self.turns[0].role, text=f"{text}\n{self.turns[0].text}")
            return msgspec.structs.replace(self, turns=(first, *self.turns[1:]))
        return msgspec.structs.replace(self, user=f"{text}\n{self.user}")

    def texts(self) -> Iterator[str]:
        """All its texts, in the order in which they are read; some may be empty."""
        yield self.system
        yield from (turn.text for turn in self.turns)
        yield self.user
        yield self.prefill


def checked_also(prompt: Prompt, checks: Iterable[AnswerCheck]) -> Prompt:
    """The prompt with these checks behind its own, each once."""
    return msgspec.structs.replace(prompt, checks=tuple(dict.fromkeys((*prompt.checks, *checks))))


def is_variable_name(name: str) -> bool:
    """True for what can stand in `{{…}}`: a letter or _, then up to 63 letters, digits, spaces, _, - and dots."""
    return re.fullmatch(_NAME, name) is not None


def undefined_sentence(name: str) -> str:
    """The sentence for a prompt whose variable `name` has no value, with the remedy."""
    return f"{{{{{name}}}}} has no value: give it one in the variables, or write \\{{{{{name}}}}} to send it as it is."


def turn_name(turn: int | None, call: int = 0) -> str:
    """A turn in words, with the results of tools that came before the answer; empty outside of a conversation."""
    if turn is None:
        return ""
    return f"turn {turn}" if not call else f"turn {turn}, tool result {call}"
