"""The palette: finds an action by its title, by what it does, and by what others call it."""

from textual.command import DiscoveryHit, Hit, Hits, Provider

_BY_HELP = 0.5
"""Score of an action whose help or other names hold what was typed: below one whose title does."""


class ActionsProvider(Provider):
    """The actions that act on the screen below the palette."""

    async def discover(self) -> Hits:
        """All, before anything is typed."""
        for command in sorted(self.app.get_system_commands(self.screen), key=lambda command: command.title):
            yield DiscoveryHit(command.title, command.callback, help=command.help)

    async def search(self, query: str) -> Hits:
        """Those that fit: letters of the title in order, or words anywhere."""
        matcher, words = self.matcher(query), query.lower().split()
        other_names = getattr(self.app, "other_names", {})
        for title, help_text, callback, *_ in self.app.get_system_commands(self.screen):
            score = matcher.match(title)
            said = f"{title} {help_text} {other_names.get(title, '')}".lower()
            if words and all(word in said for word in words):
                score = max(score, _BY_HELP)
            if score > 0:
                yield Hit(score, matcher.highlight(title), callback, help=help_text)
