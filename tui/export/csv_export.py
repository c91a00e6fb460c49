"""CSV (RFC 4180): one row per request, for spreadsheets and data frames."""

import csv
import io
from collections.abc import Callable

import msgspec

from tui.core.events import Kind
from tui.core.figures import Figures, figures_of
from tui.core.record import RequestRecord
from tui.core.run import StoredRun
from tui.export.document import ending, started
from tui.export.escape import csv_text

SIMULATED = "SIMULATED"
"""What the column `simulated` holds for what was measured on the built-in simulator; else it is empty."""


class _Row(msgspec.Struct, frozen=True):
    run: StoredRun
    record: RequestRecord
    figures: Figures


_Value = str | int | float | None
_COLUMNS: dict[str, Callable[[_Row], _Value]] = {
    "run": lambda row: row.run.info.uid,
    "started": lambda row: started(row.run),
    "series": lambda row: row.run.info.series,
    "repeat": lambda row: row.run.info.repeat,
    "warm_up": lambda row: "true" if row.run.info.warm_up else "false",
    "sweep": lambda row: "true" if row.run.info.sweep else "false",
    "target": lambda row: row.record.spec.target,
    "model": lambda row: row.record.spec.model,
    "endpoint": lambda row: row.record.spec.endpoint.name,
    "simulated": lambda row: SIMULATED if row.record.spec.endpoint.simulated else "",
    "status": lambda row: ending(row.record),
    "error": lambda row: row.record.failure.kind.value if row.record.failure else None,
    "error_message": lambda row: row.record.failure.message if row.record.failure else None,
    "attempts": lambda row: row.record.attempt,
    "ttft_ms": lambda row: row.figures.ttft_ms,
    "ttfo_ms": lambda row: row.figures.ttfo_ms,
    "ttlt_ms": lambda row: row.figures.ttlt_ms,
    "tpot_ms": lambda row: row.figures.tpot_ms,
    "otps": lambda row: row.figures.otps,
    "itl_p50_ms": lambda row: row.figures.gaps_ms.p50 if row.figures.gaps_ms else None,
    "itl_p95_ms": lambda row: row.figures.gaps_ms.p95 if row.figures.gaps_ms else None,
    "itl_p99_ms": lambda row: row.figures.gaps_ms.p99 if row.figures.gaps_ms else None,
    "itl_max_ms": lambda row: row.figures.gaps_ms.max if row.figures.gaps_ms else None,
    "connect_ms": lambda row: row.figures.connect_ms,
    "cold_ttft_ms": lambda row: row.figures.cold_ttft_ms,
    "retry_ms": lambda row: row.figures.retry_ms,
    "input_tokens": lambda row: row.figures.input_tokens,
    "output_tokens": lambda row: row.figures.output_tokens,
    "stop_reason": lambda row: row.record.stop_reason,
    "stamp_source": lambda row: row.figures.stamp_source,
    "instrument_delay_p50_ms": lambda row: _delay(row, "p50"),
    "instrument_delay_p99_ms": lambda row: _delay(row, "p99"),
    "instrument_delay_max_ms": lambda row: _delay(row, "max"),
    "api_request_id": lambda row: row.record.api_request_id,
    "app_version": lambda row: row.run.info.app_version,
    "sdk_version": lambda row: row.run.info.sdk_version,
    "note": lambda row: row.run.note,
    "tags": lambda row: " ".join(row.run.tags),
}
_TEXTS: dict[str, Callable[[_Row], _Value]] = {
    "system": lambda row: row.record.spec.prompt.system,
    "prompt": lambda row: row.record.spec.prompt.user,
    "thinking": lambda row: row.record.text(Kind.THINKING),
    "answer": lambda row: row.record.text(),
}


def render_csv(runs: list[StoredRun], *, with_texts: bool) -> str:
    """A header and one row per request. Undefined figures are empty cells."""
    columns = _COLUMNS | _TEXTS if with_texts else _COLUMNS
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    for run in runs:
        for record in run.requests:
            row = _Row(run, record, figures_of(record))
            writer.writerow([_cell(value(row)) for value in columns.values()])
    return out.getvalue()


def _cell(value: _Value) -> _Value:
    return csv_text(value) if isinstance(value, str) else value


def _delay(row: _Row, name: str) -> float | None:
    delay = row.figures.instrument_delay_ms
    return None if delay is None else {"p50": delay.p50, "p99": delay.p99, "max": delay.max}[name]
