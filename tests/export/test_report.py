"""What the report counts, and its charts."""

import xml.etree.ElementTree as ET

import msgspec

from tui.core.figures import Figure
from tui.core.grouping import measured_in
from tui.core.objectives import parse
from tui.core.observation import present
from tui.core.prompt import Prompt, Turn
from tui.core.run import StoredRun
from tui.export import html_report as html
from tui.export.formats import Format
from tui.export.portable import Contents
from tui.export.report import report_of

from .samples import MS, all_tried, hostile_run, rendered, simple_run, timeline, warm_up_run


def repeats(count: int) -> list[StoredRun]:
    """Runs in which the first target takes 100, 101, … ms to its first token."""
    runs = []
    for number in range(count):
        run = simple_run()
        run.info = msgspec.structs.replace(run.info, uid=f"run-{number}", repeat=number + 1)
        run.requests[0].timeline = timeline(0, [100 + number, 300], ended=310)
        runs.append(run)
    return runs


def row(runs: list[StoredRun], target: str) -> dict[str, str]:
    table = report_of(Contents(runs=runs)).tables[0]
    (found,) = [dict(zip(table.columns, cells, strict=True)) for cells in table.rows if cells[0] == target]
    return found


def test_only_complete_answers_count() -> None:
    runs = repeats(21)
    found = row(runs, "claude-haiku-5-5")
    assert (found["Answers"], found["Failed"], found["Broken off"]) == ("21", "0", "0")
    assert found["TTFT median, ms"] == "110"
    assert (found["TTFT min, ms"], found["TTFT p95, ms"], found["TTFT max, ms"]) == ("100", "—", "120")
    assert found["Total median, ms"] == "300"
    assert row(runs, "failing")["Failed"] == "21"
    assert row(runs, "cancelled")["Broken off"] == row(runs, "interrupted")["Broken off"] == "21"
    assert row(runs, "cancelled")["TTFT median, ms"] == "—"


def test_a_percentile_is_shown_only_where_the_answers_bound_it() -> None:
    # The rule of every table: a p95 needs 59 answers (`statistics.samples_needed`).
    assert row(repeats(58), "claude-haiku-5-5")["TTFT p95, ms"] == "—"
    assert row(repeats(59), "claude-haiku-5-5")["TTFT p95, ms"] == "156"


def test_objectives_and_goodput_are_tables_of_their_own() -> None:
    objectives = [parse("ttft.max < 115ms"), parse("errors < 1%")]
    report = report_of(Contents(runs=repeats(21), objectives=objectives))
    rest = ["Frontier", "Runs", "Requests"]
    assert [table.title for table in report.tables] == ["Targets", "Objectives", "Goodput", *rest]
    mine = [cells for cells in report.tables[1].rows if cells[0] == "claude-haiku-5-5"]
    assert [cells[4:6] for cells in mine] == [("ttft.max < 115ms", "✖ missed"), ("errors < 1%", "? not yet known")]
    (good,) = [cells for cells in report.tables[2].rows if cells[0] == "claude-haiku-5-5"]
    assert good[5:7] == ("15", "21")
    assert good[4] == "—"
    assert good[7].endswith("%")
    assert all(len(cells) == len(table.columns) for table in report.tables for cells in table.rows)
    for wanted in (Format.MARKDOWN, Format.HTML):
        shown = rendered(repeats(2), wanted, objectives=objectives, environ={})
        assert ("**✖ missed**" if wanted is Format.MARKDOWN else "<mark>✖ missed</mark>") in shown
        assert "Goodput" not in rendered(repeats(2), wanted, environ={})


def test_warm_up_is_kept_but_not_counted() -> None:
    report = report_of(Contents(runs=[warm_up_run()]))
    assert report.measured == []
    assert "warm-up, not counted" in report.tables[1].rows[0][2]
    assert len(report.tables[2].rows) == 1
    assert "Targets" in rendered([warm_up_run()], Format.HTML, environ={})


def test_the_same_name_elsewhere_is_another_lane() -> None:
    real = simple_run()
    for record in real.requests:
        endpoint = msgspec.structs.replace(record.spec.endpoint, simulated=False)
        record.spec = msgspec.structs.replace(record.spec, endpoint=endpoint)
    assert len(measured_in([simple_run(), real])) == 2 * len(real.requests)
    report = report_of(Contents(runs=[simple_run(), real]))
    assert report.simulated == "Rows marked so were measured on the built-in simulator, not on a model."


def test_charts_are_drawings_with_every_answer() -> None:
    ttfts = {one.name: present(one.observations, Figure.TTFT) for one in measured_in(repeats(3))}
    rows = [html.DotRow(label=name, samples_ns=samples) for name, samples in ttfts.items()]
    chart = ET.fromstring(html.dots("TTFT", rows))
    assert len(chart.findall("circle")) == sum(map(len, ttfts.values())) == 9
    medians = [float(line.attrib["x1"]) for line in chart.findall("line") if line.attrib["class"] == "median"]
    first = [float(dot.attrib["cx"]) for dot in chart.findall("circle")][:3]
    assert medians[0] == sorted(first)[1]
    assert max(float(dot.attrib["cx"]) for dot in chart.findall("circle")) == 870.0


def test_the_timeline_shows_what_each_request_did() -> None:
    chart = ET.fromstring(html.timeline("latest", simple_run().requests))
    key, *bars = [bar.attrib["class"] for bar in chart.findall("rect")][2:]
    assert key == "text"
    assert bars == [
        "waiting",
        "text",
        "waiting",
        "thinking",
        "text",
        "waiting",
        "waiting",
        "text",
        "waiting",
        "waiting",
    ]
    labels = [text.text for text in chart.findall("text") if text.attrib["class"] == "label"]
    assert labels[1] == "claude-sonnet-5-5 (done)"
    assert labels[-1] == "interrupted (interrupted)"


def test_charts_of_hostile_labels_are_drawings() -> None:
    run = hostile_run()
    ET.fromstring(html.timeline("<&\"'>\x1b", run.requests))
    ET.fromstring(html.dots("x", [html.DotRow(label=target.label, samples_ns=[MS]) for target in run.plan.targets]))


def test_nothing_measured_is_no_chart() -> None:
    assert html.dots("x", [html.DotRow(label="a", samples_ns=[])]) == ""
    assert html.timeline("x", []) == ""


def test_a_conversation_is_told_in_its_order() -> None:
    run = simple_run()
    turns = (Turn(role="user", text="Hello"), Turn(role="assistant", text="Good day"))
    prompt = Prompt(system="Be kind.", user="Why?", turns=turns, prefill="Because")
    run.requests = run.requests[:1]
    run.requests[0].spec = msgspec.structs.replace(run.requests[0].spec, prompt=prompt)
    told = [text.body for text in report_of(Contents(runs=[run])).texts]
    assert told[:5] == ["Be kind.", "Hello", "Good day", "Why?", "Because"]


def test_the_ledger_shows_predicted_against_measured() -> None:
    tables = {table.title: table for table in report_of(Contents(runs=[simple_run()], tried=all_tried())).tables}
    confirmed, to_learn = (dict(zip(tables["Tried"].columns, row, strict=True)) for row in tables["Tried"].rows)
    assert confirmed["Change"] == "Ask with low effort"
    assert confirmed["Predicted saving, ms"] == "100"
    assert confirmed["Predicted interval, ms"] == "80.0 to 120 (95 %)"
    assert confirmed["Measured saving, ms"] == "95.0"
    assert (confirmed["Verdict"], confirmed["As predicted"], confirmed["Decision"]) == ("faster", "yes", "accepted")
    assert confirmed["Measured"] == "SIMULATED"
    assert (to_learn["Verdict"], to_learn["As predicted"], to_learn["Decision"]) == ("not sure", "—", "undecided")
    assert "Tried" not in [table.title for table in report_of(Contents(runs=[simple_run()])).tables]
