"""CSV (RFC 4180): one row per request, for spreadsheets and data frames."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator

from tui.core.events import Kind, Status
from tui.core.figures import Figure, FigureGroup, flat_columns
from tui.core.finished import ending
from tui.core.record import RequestRecord
from tui.core.remarks import remarks
from tui.core.run import StoredRun
from tui.core.wording import SIMULATED
from tui.export.document import started
from tui.export.escape import csv_text
from tui.export.portable import Contents

_Value = str | int | float | None
_Column = Callable[[StoredRun, RequestRecord], _Value]


def _figure(figure: Figure, part: str) -> _Column:
    def value(_run: StoredRun, record: RequestRecord) -> _Value:
        found = figure.in_file(record)
        shown: _Value = getattr(found, part, None) if part else found
        return shown

    return value


def _figures(*groups: FigureGroup) -> dict[str, _Column]:
    return {
        name: _figure(figure, part)
        for name, (figure, part) in flat_columns().items()
        if figure.declared.group in groups
    }


_BEFORE: dict[str, _Column] = {
    "run": lambda run, _: run.info.uid,
    "started": lambda run, _: started(run),
    "series": lambda run, _: run.info.series,
    "repeat": lambda run, _: run.info.repeat,
    "warm_up": lambda run, _: "true" if run.info.warm_up else "false",
    "sweep": lambda run, _: "true" if run.info.sweep else "false",
    "target": lambda _, record: record.spec.target,
    "model": lambda _, record: record.spec.model,
    "endpoint": lambda _, record: record.spec.endpoint.name,
    "host": lambda _, record: record.spec.host,
    "turn": lambda _, record: record.spec.turn,
    "call": lambda _, record: record.spec.call if record.spec.turn else None,
    "simulated": lambda _, record: SIMULATED if record.spec.endpoint.simulated else "",
    "status": lambda _, record: ending(record),
    "error": lambda _, record: record.failure.kind.value if record.failure else None,
    "error_message": lambda _, record: record.failure.message if record.failure else None,
    "attempts": lambda _, record: record.attempt,
}
_AFTER: dict[str, _Column] = {
    "api_request_id": lambda _, record: record.api_request_id,
    "proxy": lambda _, record: record.response.proxy,
    "redirected_to": lambda _, record: record.response.redirected_to,
    "response_headers": lambda _, record: _headers(record),
    "app_version": lambda run, _: run.info.app_version,
    "sdk_version": lambda run, _: run.info.sdk_version,
    "note": lambda run, _: run.note,
    "tags": lambda run, _: " ".join(run.tags),
}
_COLUMNS = (
    _BEFORE
    | _figures(*(group for group in FigureGroup if group is not FigureGroup.INSTRUMENT))
    | {
        "stop_reason": lambda _, record: record.stop_reason,
        "stop_details": lambda _, record: record.stop_details,
        "truncated": lambda _, record: "true" if record.status is Status.TRUNCATED else "false",
        "answered_by": lambda _, record: record.answered_by,
        "passed": lambda _, record: None if record.passed is None else str(record.passed).lower(),
        "checks": lambda _, record: _findings(record),
        "overruled": lambda _, record: None if record.overruled is None else str(record.overruled).lower(),
        "remarks": lambda _, record: " ".join(remarks(record)) or None,
    }
    | _figures(FigureGroup.INSTRUMENT)
    | _AFTER
)


def _findings(record: RequestRecord) -> str | None:
    """The checks that were not passed, or could not be judged."""
    return "; ".join(f"{each.kind}: {each.reason}" for each in record.checks if each.passed is not True) or None


def _headers(record: RequestRecord) -> str | None:
    return "; ".join(f"{name}: {value}" for name, value in record.response.headers.items()) or None


_TEXTS: dict[str, _Column] = {
    "system": lambda _, record: record.spec.prompt.system,
    "prompt": lambda _, record: record.spec.prompt.user,
    "thinking": lambda _, record: record.text(Kind.THINKING),
    "answer": lambda _, record: record.text(),
    "other": lambda _, record: record.text(Kind.OTHER),
}


def render_csv(contents: Contents) -> Iterator[str]:
    """A header and one row per request. Undefined figures are empty cells."""
    columns = _COLUMNS | _TEXTS if contents.with_texts else _COLUMNS
    yield _row(columns)
    for run in contents.runs:
        for record in run.requests:
            yield _row([_cell(value(run, record)) for value in columns.values()])


def _row(cells: Iterable[_Value]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _cell(value: _Value) -> _Value:
    return csv_text(value) if isinstance(value, str) else value
