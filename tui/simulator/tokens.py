"""How the simulator counts tokens: one rule for prompts, answers and `count_tokens`.

A token is, in this order of preference: up to six letters or digits with the one space before them, a run of spaces,
a run of line breaks, up to three signs of ASCII punctuation, or any other single character (so one per Chinese
character or emoji). English text comes out at about 4.3 characters per token.
"""

import re

_TOKEN = re.compile(r" ?[0-9A-Za-z_\u00c0-\u024f]{1,6}|[ \t]+|[\r\n]+|[!-/:-@\[-^`{-~]{1,3}|.", re.DOTALL)

MESSAGE_TOKENS = 4
"""What each turn costs beside its text."""


def split(text: str) -> list[str]:
    """`text` as its tokens; joined again they are `text`."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """How many tokens `text` is."""
    return sum(1 for _ in _TOKEN.finditer(text))
