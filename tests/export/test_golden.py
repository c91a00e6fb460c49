"""Every format, byte for byte. `PYTHONPATH=tests python -m tests.export.test_golden` writes the files anew."""

from pathlib import Path

import pytest

from tui.advice.trial import TrialResult
from tui.config import paths
from tui.core.choice import choose, parse
from tui.core.grouping import measured_in
from tui.core.run import StoredRun
from tui.export.document import SCHEMA_FILE, schema
from tui.export.formats import Format

from .samples import all_runs, all_tried, rendered, simple_run

GOLDEN = Path(__file__).parent / "golden"
CASES: dict[str, tuple[list[StoredRun], list[TrialResult], bool]] = {
    "all": (all_runs(), all_tried(), True),
    "without_texts": (all_runs(), all_tried(), False),
    "simulated": ([simple_run()], [], True),
}


def written(case: str, wanted: Format) -> bytes:
    runs, tried, with_texts = CASES[case]
    chosen = choose(parse("fastest ttft with errors < 50%"), measured_in(runs)) if case == "simulated" else None
    return rendered(runs, wanted, tried=tried, with_texts=with_texts, choice=chosen, environ={}).encode()


@pytest.mark.parametrize("wanted", Format)
@pytest.mark.parametrize("case", CASES)
def test_it_is_what_it_was(case: str, wanted: Format) -> None:
    assert written(case, wanted).decode() == (GOLDEN / f"{case}.{wanted.value}").read_bytes().decode()


def test_the_schema_file_is_that_of_the_types() -> None:
    assert paths.builtin_config(SCHEMA_FILE).read_bytes() == schema()


if __name__ == "__main__":
    for case in CASES:
        for wanted in Format:
            (GOLDEN / f"{case}.{wanted.value}").write_bytes(written(case, wanted))
