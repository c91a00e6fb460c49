"""Controllers: what the application's actions do, by subject. `tui.ui.bindings` names the handler of each action."""
