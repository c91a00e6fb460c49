"""Parts of an answer that did not pass a check."""

import pytest

from tui.core.checks import CheckFinding
from tui.core.events import Kind
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Target
from tui.ui.viewmodel.failing_parts import failing_parts

pytestmark = pytest.mark.unit


def record(text: str, *findings: CheckFinding) -> RequestRecord:
    plan = Plan(
        prompt=Prompt(user="why?"),
        parameters=Parameters(),
        targets=(Target(model="m"),),
        endpoints=(Endpoint(name="e", base_url="http://e.example"),),
        default_endpoint="e",
    )
    (spec,) = plan.requests(1)
    return RequestRecord(spec=spec, pieces=[(Kind.THINKING, "hm"), (Kind.TEXT, text)], checks=findings)


def failing(start: int, end: int) -> CheckFinding:
    return CheckFinding(kind="k", passed=False, span=(start, end))


@pytest.mark.parametrize(
    ("text", "span", "shown"),
    [
        ("I am sorry.", (5, 10), ("I am ", "sorry", ".")),
        ("one\ntwo\tthree", (4, 7), ("one↵", "two", " three")),
        ("\x1b[31mred", (1, 5), ("␛", "[31m", "red")),
        ("[1, 2", (5, 5), ("[1, 2", "(here something is missing)", "")),
        ("x" * 100 + "y" * 400 + "z" * 100, (100, 500), ("…" + "x" * 60, "y" * 300 + "…", "z" * 60 + "…")),
        # A file from elsewhere may say anything.
        ("ab", (7, 3), ("ab", "(here something is missing)", "")),
    ],
)
def test_a_part_is_shown_between_what_stands_around_it(
    text: str, span: tuple[int, int], shown: tuple[str, str, str]
) -> None:
    (found,) = failing_parts(record(text, failing(*span)))
    assert (found.before, found.part, found.after) == shown


def test_only_what_failed_at_a_known_place_is_shown() -> None:
    passed, nowhere = CheckFinding(kind="a", passed=True), CheckFinding(kind="b", passed=False)
    assert failing_parts(record("text", passed, nowhere)) == []
