"""The line that filters the history."""

from datetime import datetime

import pytest

from tui.core.stored import RunFilter
from tui.ui.viewmodel.run_query import QueryError, parse_query


def test_words_and_free_text() -> None:
    assert parse_query("") == RunFilter()
    wanted = parse_query("model:haiku why  is tag:x endpoint:api failed http://h simulated")
    assert wanted == RunFilter(
        model="haiku", tag="x", endpoint="api", failed=True, simulated=True, text="why is http://h"
    )


def test_days_are_local_and_the_last_one_is_included() -> None:
    wanted = parse_query("since:2026-11-01 until:2026-11-01")
    day = datetime(2026, 11, 1).astimezone()
    assert wanted.since_unix_ns == int(day.timestamp()) * 10**9
    assert wanted.until_unix_ns == int(datetime(2026, 11, 2).astimezone().timestamp()) * 10**9


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("since:yesterday", "since:yesterday: give a day such as 2026-11-22."),
        ("until:9999-12-31", "give a day such as"),
        ("model:", "model: lacks what to look for, as in model:haiku."),
    ],
)
def test_what_cannot_be_understood_is_said(line: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        parse_query(line)
