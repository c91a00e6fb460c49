"""Line above the prompt: its problem, and its parts."""

from tui.session.prompt_book import PromptBook
from tui.ui.bindings import KeyNames


def head(book: PromptBook, keys: KeyNames) -> tuple[str, str]:
    """The prompt's problem and its parts, a line each. Either may be empty."""
    prompt, parts = book.prompt, []
    if book.variants:
        parts.append(f"{prompt.name} {book.current + 1}/{len(book.prompts)}")
    if len(book.rows) > 1:
        parts.append(f"row {book.row + 1}/{len(book.rows)}")
    elif book.rows and prompt.variables():
        parts.append(f"{len(prompt.variables())} var")
    if prompt.turns:
        parts.append(f"{len(prompt.turns)} turn{'s' if len(prompt.turns) > 1 else ''}")
    if prompt.prefill:
        parts.append("prefill")
    undefined = [name for name in prompt.variables() if book.value(book.row, name) is None]
    problem = f"{{{{{undefined[0]}}}}} has no value: {keys('variants')}" if undefined else ""
    return problem, " · ".join(parts)
