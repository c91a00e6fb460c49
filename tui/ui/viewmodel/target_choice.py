"""The choice of targets: what could be asked, what is chosen, and in which order."""

from collections.abc import Iterable

from tui.core.model import KnownModel
from tui.core.plan import MAX_TARGETS
from tui.core.target import Target


class ChoiceError(ValueError):
    """The choice cannot be changed so; the message is one sentence."""


class TargetChoice:
    """Candidates in a fixed order, of which 1 to `MAX_TARGETS` are chosen."""

    def __init__(self, chosen: tuple[Target, ...], known: Iterable[tuple[str, str]]) -> None:
        """Start with `chosen`, and every known model `(id, display name)` that none of them is about."""
        known = tuple(known)
        self._names = dict(known)
        asked = {target.model for target in chosen}
        self.candidates: list[Target] = [*chosen, *(Target(model=model) for model, _ in known if model not in asked)]
        self._chosen = set(range(len(chosen)))
        self._notes: dict[str, str] = {}

    def learn(self, models: Iterable[KnownModel]) -> None:
        """Offer these models too, and say of those that are on their way out when they go."""
        models = tuple(models)
        self._notes = {model.id: model.lifecycle_note for model in models}
        asked = {target.model for target in self.candidates}
        for model in models:
            self._names[model.id] = model.display_name
            if model.id not in asked:
                self.candidates.append(Target(model=model.id))

    @property
    def chosen(self) -> tuple[Target, ...]:
        """The chosen targets in the candidates' order."""
        return tuple(self.candidates[index] for index in sorted(self._chosen))

    def is_chosen(self, index: int) -> bool:
        """Whether the candidate at `index` is chosen."""
        return index in self._chosen

    def describe(self, index: int) -> str:
        """One line for the candidate at `index`: its label, and its endpoint where it names one."""
        target = self.candidates[index]
        at = f" @{target.endpoint}" if target.endpoint else ""
        note = self._notes.get(target.model)
        return f"{target.label}{at}{f' ({note})' if note else ''}"

    def matching(self, query: str) -> list[int]:
        """Indices of the candidates in which every word of `query` occurs, whatever its case."""
        words = query.casefold().split()
        return [index for index in range(len(self.candidates)) if all(word in self._searched(index) for word in words)]

    def toggle(self, index: int) -> None:
        """Choose the candidate, or no longer. Raises ChoiceError where too few or too many would be left."""
        if index in self._chosen:
            if len(self._chosen) == 1:
                raise ChoiceError("At least one target stays chosen; choose another before dropping this one.")
            self._chosen.remove(index)
        else:
            self._check_room()
            self._chosen.add(index)

    def add(self, model: str) -> int:
        """Add a model by its id, chosen, and return its index; one that is already there is chosen."""
        model = model.strip()
        if not model or any(char.isspace() or not char.isprintable() for char in model):
            raise ChoiceError("A model's id has no spaces or control characters.")
        models = [target.model for target in self.candidates]
        index = models.index(model) if model in models else len(models)
        if index not in self._chosen:
            self._check_room()
            self._chosen.add(index)
        if index == len(models):
            self.candidates.append(Target(model=model))
        return index

    def _check_room(self) -> None:
        if len(self._chosen) >= MAX_TARGETS:
            raise ChoiceError(f"At most {MAX_TARGETS} targets can be asked at once.")

    def _searched(self, index: int) -> str:
        target = self.candidates[index]
        return f"{target.label} {target.model} {self._names.get(target.model, '')} {target.endpoint or ''}".casefold()
