"""The table of figures: every figure reaches every place that it declares itself for."""

import csv
import io
import json
from pathlib import Path

import msgspec
import pytest

from tui.config import paths
from tui.core.engine_events import StampSource
from tui.core.events import Failure, FailureKind, Instrument, Kind, NetworkSeen, Status, Usage
from tui.core.figures import OF_REQUEST, SAMPLED, Figure, Unit, Use, flat_columns
from tui.core.objectives import parse
from tui.core.observation import Observation, observe, summary
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import Attempt, RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.core.series import SeriesSettings
from tui.core.target import Endpoint, Target
from tui.core.timeline import Timeline
from tui.core.wording import ABSENT
from tui.export.document import SCHEMA_FILE
from tui.export.formats import Format, render
from tui.export.portable import Contents
from tui.export.report import report_of
from tui.headless.results import results_of, sentences
from tui.history.record_file import RecordFile
from tui.ui.viewmodel.detail import detail_rows

MS = 1_000_000


def whole_record() -> RequestRecord:
    """A request of which every figure is defined."""
    plan = Plan(
        prompt=Prompt(user="Why?"),
        parameters=Parameters(max_tokens=9),
        targets=(Target(model="m"),),
        endpoints=(Endpoint(name="e", base_url="http://127.0.0.1:1"),),
        default_endpoint="e",
    )
    (spec,) = plan.requests(1)
    content = [200 * MS, 250 * MS, 400 * MS]
    failure = Failure(kind=FailureKind.OVERLOADED, message="Overloaded.")
    return RequestRecord(
        spec=spec,
        timeline=Timeline(
            connect_started_ns=60 * MS,
            connected_ns=80 * MS,
            sent_ns=100 * MS,
            acked_ns=130 * MS,
            content_ns=content,
            thinking_pieces=1,
            first_text_ns=content[1],
            ended_ns=410 * MS,
        ),
        pieces=[(Kind.THINKING, "Hm."), (Kind.TEXT, "Because"), (Kind.TEXT, " so.")],
        usage=Usage(input_tokens=7, output_tokens=5, cache_read_input_tokens=3),
        status=Status.DONE,
        instrument=Instrument(
            request_id=1,
            stamp_source=StampSource.KERNEL,
            reads=3,
            shared=1,
            delay_p50_ns=MS,
            delay_p99_ns=2 * MS,
            delay_max_ns=3 * MS,
        ),
        network=NetworkSeen(request_id=1, rtt_ns=25 * MS, min_rtt_ns=20 * MS, sent_bytes=9_000, segment_bytes=1_448),
        earlier=[Attempt(timeline=Timeline(sent_ns=0), failure=failure, http_status=529, api_request_id=None)],
    )


RECORD = whole_record()
RUN = StoredRun(
    info=RunInfo(uid="1", started_unix_ns=1, app_version="1", sdk_version="2"),
    plan=Plan(
        prompt=RECORD.spec.prompt,
        parameters=RECORD.spec.parameters,
        targets=(Target(model="m"),),
        endpoints=(RECORD.spec.endpoint,),
        default_endpoint="e",
    ),
    requests=[RECORD],
)
EVERY = pytest.mark.parametrize("figure", OF_REQUEST)


@EVERY
def test_it_is_in_every_file_of_data_under_one_name(figure: Figure, tmp_path: Path) -> None:
    column, value = figure.column, figure.in_file(RECORD)
    assert value is not None
    expected = msgspec.to_builtins(value)
    file = RecordFile(tmp_path / "record")
    file.write([], [RECORD])
    file.close()
    assert json.loads((tmp_path / "record").read_text())[column] == expected
    (exported,) = json.loads("".join(render([RUN], Format.JSON, environ={})))["requests"]
    assert exported[column] == expected
    assert json.loads("".join(render([RUN], Format.JSONL, environ={})))[column] == expected
    (row,) = csv.DictReader(io.StringIO("".join(render([RUN], Format.CSV, environ={})), newline=""))
    for name, (of, part) in flat_columns().items():
        if of is figure:
            assert row[name] == str(getattr(value, part) if part else value)


@EVERY
def test_the_schema_defines_it(figure: Figure) -> None:
    definition = json.loads(paths.builtin_config(SCHEMA_FILE).read_bytes())["$defs"]["ExportedRequest"]
    assert definition["properties"][figure.column]["description"] == figure.declared.help
    assert figure.column not in definition["required"]


@EVERY
def test_the_detail_of_a_request_shows_it(figure: Figure) -> None:
    shown = [row for group in detail_rows(RECORD) for row in group if row[0].startswith(figure.declared.title)]
    assert len(shown) == 1
    assert ABSENT not in shown[0][1]


@EVERY
def test_reports_show_it_where_it_says(figure: Figure) -> None:
    tables = {table.title: table for table in report_of(Contents(runs=[RUN])).tables}
    label = f"{figure.label[0].upper()}{figure.label[1:]}"

    def has(table: str, *parts: str) -> bool:
        cells = dict(zip(tables[table].columns, tables[table].rows[0], strict=True))
        unit = f", {figure.declared.unit}" if figure.declared.unit in (Unit.TIME, Unit.RATE) else ""
        names = [f"{label} {part}".rstrip() + unit for part in parts or ("",)]
        return all(cells.get(name, ABSENT) != ABSENT for name in names)

    assert has("Requests", *figure.parts) == (Use.REQUESTS in figure.declared.uses)
    assert has("Targets", "median") == bool((Use.HEADLINE | Use.COMPARED) & figure.declared.uses)


@EVERY
def test_objectives_and_series_take_it_where_it_says(figure: Figure) -> None:
    sign, unit = ("<", "s") if figure.less_is_better else (">", "")
    if Use.OBJECTIVE in figure.declared.uses:
        assert parse(f"{figure.value}.p50 {sign} 1{unit}").figure is figure
    else:
        with pytest.raises(ValueError, match=r"is not measured|write it like"):
            parse(f"{figure.value}.p50 {sign} 1{unit}")
    settings = {"until_sure": figure.value}
    if Use.UNTIL_SURE in figure.declared.uses:
        assert msgspec.convert(settings, SeriesSettings).until_sure == figure
    else:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(settings, SeriesSettings)


@EVERY
def test_what_is_summed_up_has_a_place_in_the_observation(figure: Figure) -> None:
    assert (figure in SAMPLED) == (figure.declared.sample is not None)
    if figure not in SAMPLED:
        assert figure.declared.uses in ~(Use.OBJECTIVE | Use.UNTIL_SURE | Use.AXIS | Use.COMPARED | Use.HEADLINE)
        return
    assert figure.declared.sample in Observation.__struct_fields__
    observation = observe(RECORD)
    assert observation is not None
    assert summary([observation], figure).count == (1 if figure.declared.samples is None else 2)
    assert any(f": {figure.label} median " in line for line in sentences(results_of([RUN], ())))


def test_names_are_told_apart() -> None:
    for names in ([figure.column for figure in Figure], [figure.declared.title for figure in Figure]):
        assert len(set(names)) == len(names)
    assert [Figure(figure.value) for figure in Figure] == list(Figure)
    assert msgspec.json.decode(msgspec.json.encode(list(Figure)), type=list[Figure]) == list(Figure)
