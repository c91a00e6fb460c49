"""The palette: finds an action by its title, by what it does, and by what others call it."""

from collections.abc import Sequence

from textual import work
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.css.query import NoMatches


class Palette(CommandPalette):
    """Textual's, which ends the program where a key turns a page of nothing, or closes it while it still gathers."""

    def _action_command_list(self, action: str) -> None:
        if self.query_one(CommandList).scrollable_content_region:
            super()._action_command_list(action)

    @work(exclusive=True, group=CommandPalette._GATHER_COMMANDS_GROUP)  # noqa: SLF001
    async def _gather_commands(self, search_value: str) -> None:
        try:
            gather = CommandPalette._gather_commands.__wrapped__  # type: ignore[attr-defined]  # noqa: SLF001
            await gather(self, search_value)
        except (NoMatches, KeyError):
            if self in self.app.screen_stack:
                raise


class ActionsProvider(Provider):
    """The actions that act on the screen below the palette."""

    async def discover(self) -> Hits:
        """All, before anything is typed."""
        for command in sorted(self.app.get_system_commands(self.screen), key=lambda command: command.title):
            yield DiscoveryHit(command.title, command.callback, help=command.help)

    async def search(self, query: str) -> Hits:
        """Those that fit, by how well they do."""
        matcher, typed = self.matcher(query), query.lower().split()
        other_names = getattr(self.app, "other_names", {})
        for title, help_text, callback, *_ in self.app.get_system_commands(self.screen):
            score = _score(typed, matcher.match(title), title, *other_names.get(title, ("", help_text or "")))
            if score > 0:
                yield Hit(score, matcher.highlight(title), callback, help=help_text)


def _score(typed: Sequence[str], by_letters: float, title: str, others: str, help_text: str) -> float:
    """The more the better: words of the title, then a name that others have for it, the first being best, then
    words of its help, then letters of the title in order, since "exit" is in "Next variant" too."""
    names = others.split()
    said = f"{title} {help_text} {others}".lower()
    near = by_letters / (1 + by_letters)
    if not typed:
        return near
    if all(word in title.lower() for word in typed):
        return 3 + near
    if all(word in names for word in typed):
        return 2 + 1 / (2 + max(map(names.index, typed)))
    return 1 + near if all(word in said for word in typed) else near
