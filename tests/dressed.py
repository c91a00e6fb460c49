"""App for widgets by themselves: in the themes of the program, whose variables they name."""

from textual.app import App

from tui.ui.themes import variables_of


class DressedApp(App[None]):
    """App whose themes have the variables that our widgets name, as the program's."""

    def get_css_variables(self) -> dict[str, str]:
        """Variables of the theme, readable, with ours."""
        theme = self.current_theme
        self.theme_variables = variables_of(super().get_css_variables(), theme.name, dark=theme.dark)
        return self.theme_variables
