"""Prompt book: variants, turns, and rows of values, as a person edits them."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from tui.core.attachment import MOST_FILES, Attachment
from tui.core.checks import AnswerCheck
from tui.core.prompt import MAX_VARIANTS, Conversation, Prompt, Role, Turn

Row = dict[str, str]


class BookError(Exception):
    """Refusal of an edit; the message is one sentence."""


class PromptBook:
    """The variants, of which one is in use, and the variables' values, of which one row is."""

    def __init__(self, prompt: Prompt, variants: Sequence[Prompt] = (), rows: Sequence[Row] = (), row: int = 0) -> None:
        """`prompt` is the one in use: one of the `variants`, or the only one there is."""
        self.prompts = list(variants) or [prompt]
        self.current = self.prompts.index(prompt) if prompt in self.prompts else 0
        self.rows = [dict(values) for values in rows]
        self.row = row
        """The row in use, from 0."""
        self.conversation = Conversation()
        """Says whether the turns are played."""
        self.files: Mapping[str, Attachment] = {}
        """The files that the prompts attach, by path."""
        self.foreign: frozenset[str] = frozenset()
        """Paths of attachments that only a stored run named, and nobody chose here: they are not read."""
        self._deleted: list[Callable[[], None]] = []
        """Each puts back what was deleted, the latest last."""

    def put_back(self) -> None:
        """Undo the latest deletion, of a variant, a row, a turn or a file. Raises BookError without one."""
        if not self._deleted:
            raise BookError("Nothing was deleted that could come back.")
        self._deleted[-1]()
        self._deleted.pop()

    def attached(self) -> list[Attachment]:
        """The files that go with the prompt in use, by the row in use, as far as they are known."""
        return [file for path in self.prompt.attach if (file := self.file_at(path)) is not None]

    def file_at(self, path: str) -> Attachment | None:
        """The file at a path as it is written, by the row in use; None where it is not known."""
        values = self.rows[self.row % len(self.rows)] if self.rows else {}
        try:
            return self.files.get(msgspec.structs.replace(Prompt(), attach=(path,)).filled(values).attach[0])
        except KeyError:
            return None

    def attach(self, path: str, found: Mapping[str, Attachment]) -> None:
        """Attach what stands at a path, `found` by each row of values. Raises BookError for one there, or too many."""
        paths = self.prompt.attach
        if path in paths and self.file_at(path) is not None:
            raise BookError("It goes with this prompt already.")
        if path not in paths and len(paths) >= MOST_FILES:
            raise BookError(f"At most {MOST_FILES} files go with a prompt.")
        self.files = {**self.files, **found}
        self.foreign -= {path}
        self._change(attach=tuple(dict.fromkeys((*paths, path))))

    def detach(self, position: int) -> None:
        """Remove one of the files from the prompt in use."""
        of, paths = self.current, self.prompt.attach
        self._deleted.append(lambda: self._insert_file(of, position, paths[position]))
        self._change(attach=(*paths[:position], *paths[position + 1 :]))

    def _insert_file(self, of: int, position: int, path: str) -> None:
        self.use(min(of, len(self.prompts) - 1))
        paths = [each for each in self.prompt.attach if each != path]
        if len(paths) >= MOST_FILES:
            raise BookError(f"At most {MOST_FILES} files go with a prompt.")
        self._change(attach=(*paths[:position], path, *paths[position:]))

    # Variants

    @property
    def prompt(self) -> Prompt:
        """The prompt in use."""
        return self.prompts[self.current]

    @property
    def variants(self) -> tuple[Prompt, ...]:
        """The prompts, if there are several."""
        return tuple(self.prompts) if len(self.prompts) > 1 else ()

    def edit(self, *, system: str | None = None, user: str | None = None, prefill: str | None = None) -> None:
        """Change texts of the prompt in use; `None` leaves one as it is."""
        given = {"system": system, "user": user, "prefill": prefill}
        self._change(**{name: text for name, text in given.items() if text is not None})

    def check(self, checks: tuple[AnswerCheck, ...]) -> None:
        """Give the prompt in use these checks, and every variant that has had the same ones."""
        before = self.prompt.checks
        self.prompts = [
            msgspec.structs.replace(prompt, checks=checks) if prompt.checks == before else prompt
            for prompt in self.prompts
        ]

    def put(self, before: Prompt, after: Prompt) -> None:
        """Put a prompt in the place of another, or of the one in use where that other is no longer there."""
        at = self.prompts.index(before) if before in self.prompts else self.current
        self.prompts[at] = after

    def use(self, index: int) -> None:
        """Take another variant into use."""
        self.current = index % len(self.prompts)

    def add(self) -> None:
        """Add a copy of the prompt in use behind it, and take that into use. Raises BookError for too many."""
        if len(self.prompts) >= MAX_VARIANTS:
            raise BookError(f"At most {MAX_VARIANTS} variants can be held side by side.")
        if not self.prompt.name:
            self._change(name=self._free_name())
        self.prompts.insert(self.current + 1, msgspec.structs.replace(self.prompt, name=self._free_name()))
        self.current += 1

    def delete(self) -> None:
        """Delete the prompt in use; the next one is in use then. Raises BookError for the last one."""
        if len(self.prompts) == 1:
            raise BookError("The last prompt stays.")
        at, prompt = self.current, self.prompts.pop(self.current)
        self._deleted.append(lambda: self._insert(at, prompt))
        self.current = min(self.current, len(self.prompts) - 1)

    def _insert(self, at: int, prompt: Prompt) -> None:
        if len(self.prompts) >= MAX_VARIANTS:
            raise BookError(f"At most {MAX_VARIANTS} variants can be held side by side.")
        if prompt.name in {other.name for other in self.prompts}:
            prompt = msgspec.structs.replace(prompt, name=self._free_name())
        self.current = min(at, len(self.prompts))
        self.prompts.insert(self.current, prompt)

    def rename(self, name: str) -> None:
        """Give the prompt in use another name. Raises BookError for one that is empty, taken or not printable."""
        name = name.strip()
        if not name or len(name) > 256 or not name.isprintable():
            raise BookError("A variant's name is 1 to 256 printable characters.")
        if any(other.name == name for other in self.prompts if other is not self.prompt):
            raise BookError("Another variant has this name.")
        self._change(name=name)

    # Turns

    def add_turn(self, position: int) -> None:
        """Add an empty turn at `position` among the earlier turns, in the role that takes its turn there."""
        turns = list(self.prompt.turns)
        role: Role = "assistant" if position and turns[position - 1].role == "user" else "user"
        turns.insert(position, Turn(role=role, text=""))
        self._change(turns=tuple(turns))

    def set_turn(self, position: int, turn: Turn) -> None:
        """Change one of the earlier turns."""
        turns = list(self.prompt.turns)
        turns[position] = turn
        self._change(turns=tuple(turns))

    def delete_turn(self, position: int) -> None:
        """Delete one of the earlier turns."""
        turns = list(self.prompt.turns)
        turn, of = turns.pop(position), self.current
        self._change(turns=tuple(turns))
        self._deleted.append(lambda: self._insert_turn(of, position, turn))

    def _insert_turn(self, of: int, position: int, turn: Turn) -> None:
        self.use(min(of, len(self.prompts) - 1))
        turns = list(self.prompt.turns)
        turns.insert(position, turn)
        self._change(turns=tuple(turns))

    def tidy(self) -> None:
        """Remove what the API refuses from all prompts: empty turns, and white space at the end of a prefill."""
        self.prompts = [
            msgspec.structs.replace(
                prompt, turns=tuple(turn for turn in prompt.turns if turn.text.strip()), prefill=prompt.prefill.rstrip()
            )
            for prompt in self.prompts
        ]

    # Variables

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that have values or are used in any prompt, in this order."""
        used = (name for prompt in self.prompts for name in prompt.variables())
        return tuple(dict.fromkeys((*(self.rows[0] if self.rows else ()), *used)))

    def value(self, row: int, name: str) -> str | None:
        """One value; None where there is none."""
        return self.rows[row].get(name) if row < len(self.rows) else None

    def set_value(self, row: int, name: str, text: str) -> None:
        """Set one value; a variable that had none has an empty one in all other rows then."""
        if not self.rows:
            self.rows.append({})
        if name not in self.rows[0]:
            for values in self.rows:
                values[name] = ""
        self.rows[row][name] = text

    def use_row(self, row: int) -> None:
        """Take another row of values into use."""
        self.row = row % max(1, len(self.rows))

    def add_row(self, position: int) -> None:
        """Add a row of empty values at `position`. Raises BookError when no prompt has a variable."""
        if not self.names:
            raise BookError("Write {{name}} into a prompt first: what stands in for it is set here.")
        self._insert_row(position, dict.fromkeys(self.rows[0] if self.rows else self.names, ""))

    def _insert_row(self, position: int, values: dict[str, str]) -> None:
        self.rows.insert(position, values)
        if position <= self.row and len(self.rows) > 1:
            self.row += 1

    def delete_row(self, position: int) -> None:
        """Delete a row of values."""
        values = self.rows.pop(position)
        self._deleted.append(lambda: self._insert_row(position, values))
        if position < self.row or self.row == len(self.rows):
            self.row = max(0, self.row - 1)

    def load_rows(self, rows: Sequence[Row]) -> None:
        """Put these rows in the place of all there are."""
        before = self.rows, self.row
        self._deleted.append(lambda: self._take_rows(*before))
        self._take_rows([dict(values) for values in rows], 0)

    def _take_rows(self, rows: list[dict[str, str]], row: int) -> None:
        self.rows, self.row = rows, row

    def _change(self, **fields: object) -> None:
        self.prompts[self.current] = msgspec.structs.replace(self.prompt, **fields)

    def _free_name(self) -> str:
        taken = {prompt.name for prompt in self.prompts}
        return next(name for number in range(1, len(taken) + 2) if (name := f"variant {number}") not in taken)
