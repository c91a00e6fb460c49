"""The tables in the documents that come from code. `PYTHONPATH=tests python -m docs.tables` writes them anew."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import get_type_hints

from docs.pages import PAGES, ROOT, generated
from tui.config.keys import expected
from tui.config.schema import CHECK, PARAMETERS
from tui.core.checks import KINDS
from tui.core.events import Status
from tui.core.figures import FITTED, OF_REQUEST, Use, figures_for
from tui.core.finished import FinishedRequest
from tui.core.parameters import PARAMETERS as DECLARED
from tui.simulator.faults import FAULTS
from tui.ui.bindings import ACTIONS, Action, spelled
from tui.ui.charts import CHARTS, ChartKind
from tui.ui.keymap import Keymap
from tui.ui.view_bindings import SECTIONS

TEN = (
    "run",
    "series",
    "cancel_all",
    "next_lane",
    "maximise",
    "detail",
    "edit_parameters",
    "pin",
    "advice",
    "history",
)
"""The actions of the README's ten keys."""


def _table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(heading), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _keys() -> str:
    rows = [
        (_spelled(action), f"`{action.letter}`" if action.letter else "", action.title, f"`{action.id}`", action.help)
        for action in ACTIONS
    ]
    return _table(("Key", "Letter", "Action", "Name", "What it does"), rows)


def _ten_keys() -> str:
    rows = {action.id: (_spelled(action), action.title, action.help) for action in ACTIONS}
    return _table(("Key", "Action", "What it does"), [rows[name] for name in TEN])


def _screen_keys() -> str:
    """The keys of other screens and of parts of the main one, a table each."""
    names = Keymap().names
    return "".join(
        f"### {section}\n\n"
        + _table(("Key", "Name", "What it does"), [(_spelled(row), f"`{row.id}`", row.help) for row in names.of(view)])
        + "\n"
        for view, section in SECTIONS.items()
    )


def _spelled(action: Action) -> str:
    return ", ".join(map(spelled, action.keys)) or "in the palette"


def _parameters() -> str:
    rows = [
        (
            f"`{key.name}`",
            expected(key.type),
            f"`{DECLARED[key.name].wire}`" if key.name != "extra" else "any other field",
            key.help,
        )
        for key in PARAMETERS
    ]
    return _table(("Parameter", "Value", "In the request", "Meaning"), rows)


def _charts() -> str:
    return _table(("Name", "Chart", "Of"), [(kind.tab, kind.chart.title, _of(kind)) for kind in CHARTS])


def _of(kind: ChartKind) -> str:
    return "the current lane" if kind.chart.of_one_lane else "all lanes"


def _objective_figures() -> str:
    figures = [figure.declared for figure in (*figures_for(Use.OBJECTIVE), *FITTED)]
    return _table(("Figure", "Meaning"), [(f"`{figure.name}`", figure.help) for figure in figures])


def _check_kinds() -> str:
    rows = [(f"`{key.name}`", "" if key.name in KINDS else "option", key.help) for key in CHECK]
    return _table(("Key", "", "Meaning"), rows)


def _request_fields() -> str:
    """All that a request has in files, with the parts of figures that have some."""
    parts = {figure.column: figure.parts for figure in OF_REQUEST} | {"status": tuple(Status)}
    rows = [
        (f"`{name}`", ", ".join(f"`{part}`" for part in parts.get(name, ())), _description(hint))
        for name, hint in get_type_hints(FinishedRequest, include_extras=True).items()
    ]
    return _table(("Field", "Parts or values", "Meaning"), rows)


def _description(hint: object) -> str:
    return next((meta.description or "" for meta in getattr(hint, "__metadata__", ())), "")


def _faults() -> str:
    return _table(("Fault", "What the simulator does"), [(f"`{name}`", fault.help) for name, fault in FAULTS.items()])


def _accuracy() -> str:
    """Three rows of the benchmark's figures, over plain TCP and over TLS."""
    figures = (ROOT / "tests/benchmarks/FIGURES.md").read_text("utf-8")
    rows = []
    for name in ("TTFT error", "token arrival error", "the SDK timed the usual way, TTFT error"):
        found = re.search(rf"^\| {name} \|(.+)\|$", figures, re.MULTILINE)
        assert found is not None, f"FIGURES.md has no row {name}"
        cells = [re.sub(r"\(.*?\)", "", cell).strip() for cell in found[1].split("|")]
        rows.append((name, *cells[:3]))
    return _table(("p99, plain / TLS", "1 stream", "32 streams", "128 streams"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "keys": _keys,
    "screen-keys": _screen_keys,
    "ten-keys": _ten_keys,
    "parameters": _parameters,
    "charts": _charts,
    "objective-figures": _objective_figures,
    "check-kinds": _check_kinds,
    "request-fields": _request_fields,
    "faults": _faults,
    "accuracy": _accuracy,
}
"""Each by the name of its markers."""


def written(page: Path) -> str:
    """The page with its tables as the code has them."""
    text = page.read_text("utf-8")
    for found in reversed(generated(text)):
        text = text[: found.start("table")] + TABLES[found["name"]]() + text[found.end("table") :]
    return text


def main() -> None:
    """Write every table anew."""
    for page in PAGES:
        page.write_text(written(page), "utf-8")


if __name__ == "__main__":
    main()
