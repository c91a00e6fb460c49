"""The documents and what stands in them: fenced blocks, headings, links, tables between markers."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
README, README_ZH = ROOT / "README.md", ROOT / "README.zh-TW.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
"""All that is in English and for people who use the program."""

_BLOCK = re.compile(
    r"(?:^<!-- (?P<comment>[^>]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_GENERATED = re.compile(r"(?P<start><!-- (?P<name>[\w-]+) -->\n)(?P<table>.*?)(?P<end><!-- /(?P=name) -->)", re.DOTALL)


class Block(NamedTuple):
    """A fenced block."""

    page: Path
    line: int
    language: str
    comment: str
    """What a comment in the line before says of it: `run`, `screen`, `server`, `exits 0 1`, or nothing."""
    text: str

    @property
    def name(self) -> str:
        """Its place, for the name of a test."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, language: str) -> list[Block]:
    """The page's blocks in a language, in order."""
    text = page.read_text("utf-8")
    return [
        Block(page, text.count("\n", 0, found.start("text")), language, found["comment"] or "", found["text"])
        for found in _BLOCK.finditer(text)
        if found["language"] == language
    ]


def generated(text: str) -> list[re.Match[str]]:
    """The places of tables that come from code; groups `name` and `table`."""
    return list(_GENERATED.finditer(text))


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _BLOCK.sub("", page.read_text("utf-8"))


def headings(page: Path) -> list[tuple[int, str]]:
    """Level and text of each heading."""
    return [(len(marks), text) for marks, text in re.findall(r"^(#+) (.+)$", prose(page), re.MULTILINE)]


def links(page: Path) -> list[str]:
    """Targets of all links and pictures."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(page))


def anchor(heading: str) -> str:
    """The heading's address within its page, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
