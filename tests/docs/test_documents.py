"""The documents tell the truth where that can be read off: tables from code, paths, links, plans."""

import os
import re
from pathlib import Path

import pytest

from docs import tables
from docs.pages import PAGES, README, ROOT, Block, anchor, blocks, generated, headings, links
from tui.config.load import Flags, load
from tui.export.formats import Format
from tui.ui.bindings import ACTIONS, FOOTER
from tui.ui.keymap import keymap_of

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
FILM = ROOT / "screenshots/film.svg"
PLANS = [block for page in PAGES for block in blocks(page, "toml")]
_DIRECTORIES = r"(?:tui|configs|tests|docs|screenshots|\.ci)/[\w./-]*\w"


def _name(value: Path | Block) -> str:
    return value.name


def test_the_readme_is_short() -> None:
    assert len(README.read_bytes()) < 8_000


def test_the_readme_begins_with_a_small_picture_that_moves() -> None:
    assert f"({FILM.relative_to(ROOT)})" in README.read_text("utf-8")[:2_000]
    film = FILM.read_text("utf-8")
    assert len(film.encode()) < 2_000_000
    assert film.count("<animate ") > 50


@pytest.mark.parametrize("colours", ["", "-256"])
def test_pictures_have_the_footer_of_the_program(colours: str) -> None:
    """In 256 colours too, which is what SSH, tmux and GNU screen show."""
    texts = re.findall(
        r'<text x="(\d+)" y="(\d+)"[^>]*>([^<]*)', (ROOT / f"screenshots/main{colours}.svg").read_text("utf-8")
    )
    last = max(int(y) for _, y, _ in texts)
    footer = " ".join(text for _, text in sorted((int(x), text.strip()) for x, y, text in texts if int(y) == last))
    titles = {row.id: row.title for row in ACTIONS}
    wanted = [titles[action_id] for action_id in (*FOOTER[""], *FOOTER["prompt"])]
    assert re.search(".*".join(wanted), footer), "screenshots/make.py makes them anew"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_the_tables_are_those_of_the_code(page: Path) -> None:
    assert page.read_text("utf-8") == tables.written(page), "PYTHONPATH=tests python -m docs.tables writes them anew"


def test_every_table_of_the_code_is_shown() -> None:
    shown = {found["name"] for page in PAGES for found in generated(page.read_text("utf-8"))}
    assert shown == set(tables.TABLES)


@pytest.mark.parametrize("page", [*PAGES, CONTRIBUTING], ids=_name)
def test_every_path_it_names_exists(page: Path) -> None:
    named = set(re.findall(rf"(?<![\w/.-]){_DIRECTORIES}", page.read_text("utf-8")))
    missing = sorted(path for path in named if not (ROOT / path).exists())
    assert not missing


@pytest.mark.parametrize("page", [*PAGES, CONTRIBUTING], ids=_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, place = link.partition("#")
        if link.startswith("https://"):
            continue
        to = (page.parent / path).resolve() if path else page
        if not to.exists() or (place and place not in [anchor(text) for _, text in headings(to)]):
            broken.append(link)
    assert not broken


def test_every_page_is_in_both_lists() -> None:
    for page, prefix in ((README, "docs/"), (ROOT / "docs/README.md", "")):
        missing = [
            one.name for one in PAGES[1:] if one.name != "README.md" and f"{prefix}{one.name}" not in links(page)
        ]
        assert not missing


@pytest.mark.parametrize("plan", PLANS, ids=_name)
def test_every_plan_loads(plan: Block, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("customer,question\nAda,When?\n")
    (tmp_path / "plan.toml").write_text(plan.text)
    loaded = load(Flags(config=tmp_path / "plan.toml"), {"HOME": os.environ["HOME"]}, tmp_path)
    keymap_of(loaded.settings.keys, "plan.toml")


def test_every_example_is_named() -> None:
    text = (ROOT / "docs/configuration.md").read_text("utf-8")
    assert [path.name for path in (ROOT / "configs/examples").iterdir() if path.name not in text] == []


def test_every_export_format_is_explained() -> None:
    text = (ROOT / "docs/history-and-exports.md").read_text("utf-8")
    assert [wanted.value for wanted in Format if f"`.{wanted.value}`" not in text] == []


def test_the_commands_that_ci_runs_can_be_found() -> None:
    assert [block.comment for block in blocks(README, "sh") if block.comment in ("run", "test")] == ["run", "test"]
