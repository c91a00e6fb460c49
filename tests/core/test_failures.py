"""Failures beside a comparison."""

from tui.core.events import Status
from tui.core.failures import fails_more, failures_sentence
from tui.core.observation import Observation


def requests(done: int, **others: int) -> list[Observation]:
    rest = [Observation(status=Status(name)) for name, count in others.items() for _ in range(count)]
    return [Observation(status=Status.DONE)] * done + rest


def test_shares_of_failed_refused_and_cut_requests_are_said() -> None:
    said = failures_sentence(("B", requests(17, failed=1, refused=1, truncated=1)), ("A", requests(20)))
    assert said == "B 1 of 20 failed (5 %), 1 of 20 refused (5 %), 1 of 20 cut (5 %)"
    assert failures_sentence(("B", requests(3)), ("A", requests(5))) == ""
    assert failures_sentence(("B", []), ("A", requests(5))) == ""


def test_survivors_are_warned_of_on_the_side_that_fails_more() -> None:
    many, few = requests(12, failed=12), requests(24)
    assert "; B fails more often" in failures_sentence(("B", many), ("A", few))
    assert "; A fails more often" in failures_sentence(("B", few), ("A", many))
    assert "more often" not in failures_sentence(("B", many), ("A", many))


def test_a_chance_failure_is_not_more() -> None:
    assert not fails_more(requests(19, failed=1), requests(20))
    assert fails_more(requests(10, refused=10), requests(20))
    assert not fails_more(requests(20), requests(10, failed=10))
    assert not fails_more([], requests(10))
