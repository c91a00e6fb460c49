"""The README in Traditional Chinese says what the README says: the same parts, commands, keys, numbers and links."""

import re
from pathlib import Path

from docs.pages import README, README_ZH, blocks, headings, links

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def _tables(page: Path) -> list[list[list[str]]]:
    """Each table's rows of cells."""
    tables: list[list[list[str]]] = []
    inside = False
    for line in page.read_text("utf-8").splitlines():
        if line.startswith("|"):
            if not inside:
                tables.append([])
            tables[-1].append([cell.strip() for cell in line.strip("|").split(" | ")])
        inside = line.startswith("|")
    return tables


def _paragraphs(page: Path) -> list[str]:
    """What stands between blank lines, without the comments around tables."""
    text = re.sub(r"^<!-- .* -->\n", "", page.read_text("utf-8"), flags=re.MULTILINE)
    return [part.strip() for part in re.split(r"\n\n+", text)]


def test_it_has_the_same_parts() -> None:
    assert [level for level, _ in headings(README_ZH)] == [level for level, _ in headings(README)]
    kinds = [[re.match(r"#+|\||```|!|\d\.|", part)[0] for part in _paragraphs(page)] for page in (README, README_ZH)]  # type: ignore[index]
    assert kinds[0] == kinds[1]


def test_it_has_the_same_blocks() -> None:
    for language in ("sh", "toml"):
        here, there = ([(one.comment, one.text) for one in blocks(page, language)] for page in (README_ZH, README))
        assert here == there


def test_its_tables_have_the_same_rows_keys_and_numbers() -> None:
    here, there = _tables(README_ZH), _tables(README)
    assert [[len(row) for row in table] for table in here] == [[len(row) for row in table] for table in there]
    keys, words = 0, 1
    for table in (keys, words):
        assert [row[0] for row in here[table][1:]] == [row[0] for row in there[table][1:]]
    numbers = [[_NUMBER.findall(" ".join(row)) for row in tables[2]] for tables in (here, there)]
    assert numbers[0] == numbers[1]


def test_it_links_to_the_same_places() -> None:
    def without_languages(page: Path) -> list[str]:
        return [link for link in links(page) if not link.startswith("README")]

    assert without_languages(README_ZH) == without_languages(README)


def test_each_links_to_the_other() -> None:
    assert README_ZH.name in links(README)
    assert README.name in links(README_ZH)
