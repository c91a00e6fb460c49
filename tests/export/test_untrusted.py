"""Hostile text in every field: no format takes it for control, a formula or markup, and none loses it."""

import csv
import io
import re
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tui.core.events import Kind
from tui.core.sanitize import clean
from tui.export.escape import csv_text, html_text, markdown_block
from tui.export.formats import Format
from tui.export.markdown import markdown_table
from tui.export.report import Failing

from .samples import HOSTILE, all_runs, all_tried, rendered

MEAN = st.text(
    st.sampled_from("=+-@|%＝\t\r\n\x00\x1b\u202e\u200b\ud83d `~*_[]()<>#!&;:\\\"'.wabc1/$^{}")
) | st.sampled_from(HOSTILE)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u2069\ud800-\udfff\u2028\u2029]")
MARKDOWN = MarkdownIt("commonmark", {"linkify": True}).enable(["table", "strikethrough", "linkify"])
HARMLESS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "h1",
    "h2",
    "mark",
    "p",
    "strong",
    "div",
    "table",
    "thead",
    "tbody",
}
HARMLESS |= {"tr", "th", "td", "details", "summary", "pre", "svg", "text", "line", "circle", "rect"}


class Page(HTMLParser):
    """What a browser would see: tags with attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.data: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.data.append(data)

    @property
    def text(self) -> str:
        return "".join(self.data)


def tokens(markdown: str) -> list[Token]:
    found = []
    for token in MARKDOWN.parse(markdown):
        found += [token, *(token.children or [])]
    return found


@pytest.mark.parametrize("wanted", Format)
def test_no_control_character_is_in_any(wanted: Format) -> None:
    text = rendered(all_runs(), wanted, tried=all_tried(), environ={})
    assert not CONTROL.search(text)
    assert text.encode().decode() == text


def test_csv_holds_no_formula_and_keeps_the_text() -> None:
    rows = list(csv.DictReader(io.StringIO(rendered(all_runs(), Format.CSV, environ={}), newline="")))
    assert len(rows) == sum(len(run.requests) for run in all_runs())
    for row in rows:
        assert not [cell for cell in row.values() if re.match(r"\s*[=+\-@|%＝＋－＠]", cell)]
    texts = [row["answer"].removeprefix("'") for row in rows[-len(HOSTILE) :]]
    assert texts == [clean(text).removeprefix("'") for text in HOSTILE]
    assert {row["simulated"] for row in rows if row["endpoint"] == "simulator"} == {"SIMULATED"}
    assert {row["simulated"] for row in rows if row["endpoint"] == "gateway"} == {""}


@given(MEAN)
def test_no_cell_is_a_formula(text: str) -> None:
    cell = csv_text(text)
    assert not re.match(r"\s*[=+\-@|%＝＋－＠]", cell)
    assert cell in (clean(text), f"'{clean(text)}")
    out = io.StringIO(newline="")
    csv.writer(out).writerow(["a", cell, "b"])
    assert next(csv.reader(io.StringIO(out.getvalue(), newline=""))) == ["a", cell, "b"]


def test_html_has_only_the_tags_it_means() -> None:
    page = Page(rendered(all_runs(), Format.HTML, tried=all_tried(), environ={}))
    assert page.tags <= HARMLESS
    assert not {name for name in page.attributes if name.startswith("on") or name in ("href", "src", "style", "srcdoc")}
    for text in HOSTILE:
        assert clean(text) in page.text


def test_html_needs_nothing_from_elsewhere() -> None:
    page = rendered(all_runs(), Format.HTML, tried=all_tried(), environ={})
    own = page.split("<body>")[0]
    assert not re.search(r"url\(|@import|https?:|<link|<script", own)
    assert "default-src 'none'" in own
    assert "prefers-color-scheme: dark" in own


@given(MEAN)
def test_html_shows_the_text(text: str) -> None:
    page = Page(f'<p title="{html_text(text)}">{html_text(text)}</p>')
    assert page.tags == {"p"}
    assert page.attributes == {"title"}
    assert page.text == clean(text)


def test_markdown_has_neither_html_nor_links() -> None:
    text = rendered(all_runs(), Format.MARKDOWN, tried=all_tried(), environ={})
    kinds = {token.type for token in tokens(text)}
    assert not kinds & {"html_inline", "html_block", "link_open", "image", "code_inline", "s_open", "em_open", "hr"}
    assert [token.content for token in tokens(text) if token.type == "fence"][-1] == clean(HOSTILE[-1]) + "\n"
    headings = [token.tag for token in tokens(text) if token.type == "heading_open"]
    assert headings.count("h1") == 1
    assert headings.count("h2") == 6


@given(MEAN)
def test_a_cell_that_fails_is_bold_in_markdown(text: str) -> None:
    said = Failing(f"not passed: {text}")
    _, _, cell, _ = [each for each in tokens(markdown_table(("a", "b"), [(said, "end")])) if each.type == "inline"]
    opened, *inside, closed = [each for each in cell.children or [] if each.content or each.type != "text"]
    assert (opened.type, closed.type) == ("strong_open", "strong_close")
    assert {each.type for each in inside} <= {"text", "text_special"}
    assert "".join(each.content for each in inside) == " ".join(clean(said).split())


@given(MEAN)
def test_a_cell_of_markdown_is_the_text(text: str) -> None:
    found = tokens(markdown_table(("a", "b"), [(text, "end")]))
    inline = [token for token in found if token.type == "inline"]
    assert [token.content for token in inline[:2]] == ["a", "b"]
    assert len(inline) == 4
    shown = "".join(token.content for token in inline[2].children or [] if token.type in ("text", "text_special"))
    assert {token.type for token in inline[2].children or []} <= {"text", "text_special"}
    assert shown == " ".join(clean(text).split())


@given(MEAN)
def test_a_block_of_markdown_is_the_text(text: str) -> None:
    found = tokens(markdown_block(text) + "\n\n# after\n")
    assert [token.type for token in found][:2] == ["fence", "heading_open"]
    assert found[0].content == clean(text) + "\n"


@settings(max_examples=25)
@given(MEAN, st.sampled_from(Format))
def test_no_field_gets_through(text: str, wanted: Format) -> None:
    run = all_runs()[1]
    target = msgspec.structs.replace(run.plan.targets[0], model=text, name=text)
    run.plan = msgspec.structs.replace(run.plan, targets=(target, *run.plan.targets[1:]))
    record = run.requests[0]
    endpoint = msgspec.structs.replace(record.spec.endpoint, name=text)
    record.spec = msgspec.structs.replace(record.spec, target=text, model=text, endpoint=endpoint)
    record.stop_reason = record.api_request_id = text
    record.pieces = [(Kind.TEXT, text)]
    run.note, run.tags = text, (text,)
    run.info = msgspec.structs.replace(run.info, uid=text, app_version=text, sdk_version=text, series=text)
    output = rendered([run], wanted, environ={})
    assert not CONTROL.search(output)
    if wanted is Format.HTML:
        assert Page(output).tags <= HARMLESS
    if wanted is Format.MARKDOWN:
        assert not {token.type for token in tokens(output)} & {"html_inline", "html_block", "link_open", "image"}
