"""Differences between hosts, and whose they are."""

import random

import msgspec
import pytest

from tui.core.events import Status
from tui.core.host_difference import HostAnswers, host_differences, host_lines, host_rows, host_sentences
from tui.core.observation import Observation

MS = 1_000_000


def asked(
    host: str,
    network: float,
    server: float,
    runs: int = 12,
    *,
    target: str = "opus",
    jitter: float = 3.0,
    seed: int = 1,
) -> HostAnswers:
    """Answers from a host; what the runs share (`weather`) is the same for all hosts."""
    weather, own = random.Random(1), random.Random(host)
    found = []
    for run in range(1, runs + 1):
        shared = weather.uniform(0, 500)
        noise = own.uniform(-jitter, jitter)
        found.append(
            Observation(
                run=run,
                host=host,
                ttft_ns=round((network + server + shared + noise) * MS),
                network_ns=round(network * MS),
                upload_ns=0,
                server_ns=round((server + shared + noise) * MS),
                split_error_ns=2 * MS,
            )
        )
    return HostAnswers(target=target, host=host, observations=tuple(found))


def test_the_difference_is_within_runs_and_its_parts_add_up() -> None:
    # The weather of the runs is a hundred times the noise: medians of each host by itself would drown in it.
    (found,) = host_differences([asked("tokyo", 200, 520), asked("frankfurt", 10, 500)])
    assert (found.host, found.against, found.runs) == ("tokyo", "frankfurt", 12)
    assert found.ttft_ms == pytest.approx(210, abs=4)
    assert found.network_ms == pytest.approx(190)
    assert found.server_ms == pytest.approx(found.ttft_ms - 190)
    assert found.low_ms is not None
    assert found.high_ms is not None
    assert 0 < found.low_ms < 210 < found.high_ms < 230
    assert found.sentence.startswith("opus: tokyo is 21")
    assert "slower than frankfurt: 190 network, " in found.sentence
    assert "parts ± 4.00 ms" in found.sentence


def test_hosts_that_differ_by_less_than_their_noise_are_not_told_apart() -> None:
    (found,) = host_differences([asked("a", 10, 500, jitter=50), asked("b", 11, 500, jitter=50)])
    assert "are not told apart" in found.sentence
    assert found.low_ms is not None
    assert found.low_ms <= 0


def test_few_runs_say_how_many_it_takes_and_more_pairs_take_more() -> None:
    two = host_differences([asked(name, 50 * at, 500, runs=3) for at, name in enumerate("ab")])
    three = host_differences([asked(name, 50 * at, 500, runs=3) for at, name in enumerate("abc")])
    (of_two,), (of_three, _) = two, three
    assert of_two.low_ms is None
    assert "from 6 runs on" in of_two.sentence
    assert "from 7 runs on" in of_three.sentence
    assert [one.against for one in three] == ["a", "a"]


def test_a_host_that_was_quicker_in_most_runs_is_not_called_slower() -> None:
    hosts = [
        HostAnswers(
            target="opus",
            host=name,
            observations=tuple(Observation(run=run, ttft_ns=ttft * MS) for run, ttft in enumerate(ttfts, 1)),
        )
        for name, ttfts in (("a", (100, 500, 900)), ("b", (200, 400, 1000)))
    ]
    (found,) = host_differences(hosts)
    assert found.ttft_ms < 0
    assert "are not told apart" in found.sentence


def test_one_host_alone_and_hosts_without_a_common_run_are_compared_with_nothing() -> None:
    assert host_differences([asked("a", 1, 2)]) == []
    late = asked("b", 1, 2)
    shifted = tuple(Observation(run=one.run + 100, ttft_ns=one.ttft_ns) for one in late.observations)
    assert host_differences([asked("a", 1, 2), HostAnswers(target="opus", host="b", observations=shifted)]) == []
    assert host_differences([asked("a", 1, 2), asked("b", 1, 2, target="haiku")]) == []
    failed = HostAnswers(target="opus", host="c", observations=(Observation(run=1, status=Status.FAILED),))
    assert host_differences([asked("a", 1, 2), failed]) == []


def test_without_a_split_the_whole_is_told_alone() -> None:
    bare = [
        HostAnswers(
            target=one.target,
            host=one.host,
            observations=tuple(Observation(run=each.run, ttft_ns=each.ttft_ns) for each in one.observations),
        )
        for one in (asked("tokyo", 200, 520), asked("frankfurt", 10, 500))
    ]
    (found,) = host_differences(bare)
    assert found.network_ms is None
    assert "network" not in found.sentence
    assert "slower than frankfurt (95 %: " in found.sentence
    assert [row[4:] for row in host_rows(bare)] == [("—", "—", "—")] * 2


def test_several_requests_of_a_run_count_as_one() -> None:
    once = host_differences([asked("tokyo", 200, 520), asked("frankfurt", 10, 500)])
    thrice = [
        HostAnswers(target=one.target, host=one.host, observations=one.observations * 3)
        for one in (asked("tokyo", 200, 520), asked("frankfurt", 10, 500))
    ]
    assert host_differences(thrice) == once


def test_hosts_are_told_apart_in_a_table_and_a_sentence_and_one_alone_in_none() -> None:
    two = [asked("tokyo", 200, 520), asked("frankfurt", 10, 500)]
    heading, *rows = host_lines(two)
    assert heading.split() == ["target", "host", "n", "TTFT", "round", "trip", "upload", "server"]
    assert [row.split()[:3] for row in rows[:2]] == [["opus", "tokyo", "12"], ["opus", "frankfurt", "12"]]
    assert rows[2:] == host_sentences(two)
    assert rows[2].startswith("opus: tokyo is 2")
    assert rows[2].endswith(").")
    assert host_lines(two[:1]) == host_lines([]) == host_sentences(two[:1]) == []
    hostile = [msgspec.structs.replace(two[0], host="to\x1b[2Jkyo"), two[1]]
    assert all(line.isprintable() for line in host_lines(hostile))


@pytest.mark.parametrize("apart", [0.0, -0.001, 0.001])
def test_nothing_has_no_sign(apart: float) -> None:
    (sentence,) = host_sentences([asked("a", 10, 500, jitter=0), asked("b", 10 + apart, 500, jitter=0)])
    assert "-0.00" not in sentence
