"""Shares of a load: together they are the load that one engine would send."""

import itertools
from collections import Counter, defaultdict
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_load import ENDPOINT

from tui.core.load import LoadSettings, due_times, steps_of
from tui.core.load_shares import Allowance, Dealer, Ration, Share, engines_for
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.target import Target


def plan(rows: int = 0, tokens: int = 10) -> Plan:
    return Plan(
        prompt=Prompt(user="u"),
        parameters=Parameters(max_tokens=tokens),
        targets=(Target(model="m"),),
        endpoints=(ENDPOINT,),
        default_endpoint="e",
        rows=tuple({"t": str(at / 10), "n": str(at)} for at in range(rows)),
    )


ARRIVALS = [
    LoadSettings(rate=5.0, arrivals="constant"),
    LoadSettings(rate=(5.0, 50.0), arrivals="poisson"),
    LoadSettings(rate=5.0, arrivals="gamma", burstiness=0.3),
    LoadSettings(arrivals="trace"),
]


@pytest.mark.parametrize("load", ARRIVALS, ids=lambda load: load.arrivals)
@pytest.mark.parametrize("of", [2, 3])
def test_every_arrival_is_one_shares_and_due_when_it_would_be_for_one_engine_alone(load: LoadSettings, of: int) -> None:
    asked = plan(rows=60)
    for step in steps_of(load, 1):
        alone = list(itertools.islice(due_times(load, step, 7, asked), 60))
        shares = [
            list(itertools.islice(Share(part=part, of=of).arrivals(load, step, 7, asked), 60)) for part in range(of)
        ]
        assert all([(moment, row) for moment, row, _ in share] == alone for share in shares)
        owners = [[is_own for _, _, is_own in share] for share in shares]
        assert [sum(each) for each in zip(*owners, strict=True)] == [1] * 60
        if load.arrivals != "poisson":
            assert owners[1] == [at % of == 1 for at in range(60)]


def test_a_share_of_a_poisson_process_is_one_itself() -> None:
    """At its part of the rate, and no more even: where every third is taken in turn gaps vary by 0.58 of their mean."""
    load = LoadSettings(rate=10.0)
    (step,) = steps_of(load, 1)
    arrivals = itertools.islice(Share(part=1, of=3).arrivals(load, step, 3, plan()), 6_000)
    own = [moment for moment, _, is_own in arrivals if is_own]
    gaps = [later - earlier for earlier, later in itertools.pairwise(own)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(0.3, rel=0.07)
    assert deviation / mean == pytest.approx(1.0, abs=0.08)


def test_slots_are_dealt_in_turn() -> None:
    shares = [Share(part=part, of=3) for part in range(3)]
    assert [list(share.slots(7)) for share in shares] == [[0, 3, 6], [1, 4], [2, 5]]
    assert [len(share.slots(1)) for share in shares] == [1, 0, 0]
    assert [share.of_count(256) for share in shares] == [86, 85, 85]


class Slots:
    """Engines that ask as fast as their share of the slots does, without a clock: a turn is one answer of some slot."""

    def __init__(self, load: LoadSettings, paces: list[float]) -> None:
        self.load = load
        self.steps = steps_of(load, 1)
        self.dealer = Dealer(load, self.steps, len(paces))
        self.paces = paces
        self.allowances = {part: Allowance(load, is_dealt=True) for part in range(len(paces))}
        self.begun: list[tuple[int, int, int, bool]] = []
        """Share, number, level, and True where it counts."""
        self.lost: set[int] = set()
        self.now = 0.0

    def deal(self, rations: dict[int, Ration]) -> None:
        for part, ration in rations.items():
            assert part not in self.lost
            self.allowances[part].deal(ration)

    def level(self, at: int, draws: Random, warm_up: int = 0, lose: int | None = None) -> None:
        for allowance in self.allowances.values():
            allowance.begin_level(at)
            if not warm_up:
                allowance.count()
        self.deal(self.dealer.begin(at, self.now))
        most = self.steps[at].level.concurrency or 0
        slots = {part: len(Share(part=part, of=len(self.paces)).slots(most)) for part in self.allowances}
        for turn in range(100_000):
            self.now += 0.01
            if turn == warm_up and warm_up:
                for allowance in self.allowances.values():
                    allowance.count()
            if turn == 20 and lose is not None:
                self.lost.add(lose)
                del self.allowances[lose]
                self.deal(self.dealer.lose(lose, self.now))
            alive = [part for part in self.allowances if slots[part]]
            for part in alive:
                if draws.random() < self.paces[part]:
                    self.ask(part, at, is_counted=turn >= warm_up)
            if turn > warm_up and all(each.is_used_up for each in self.allowances.values()):
                return
        raise AssertionError("the level never ends")

    def ask(self, part: int, at: int, *, is_counted: bool) -> None:
        allowance = self.allowances[part]
        if allowance.may_begin():
            number = allowance.take(counted=is_counted)
            self.begun.append((part, number, at, is_counted))
            self.deal(self.dealer.begun(part, number, at, self.now, counted=is_counted))


@given(
    st.integers(1, 200),
    st.lists(st.floats(0.05, 1.0), min_size=2, max_size=4),
    st.integers(1, 9),
    st.integers(0, 5),
    st.randoms(use_true_random=False),
)
@settings(max_examples=40, deadline=None)
def test_counts_are_exact_and_no_number_is_asked_twice_whoever_is_quick(
    requests: int, paces: list[float], slots: int, warm_up: int, draws: Random
) -> None:
    load = LoadSettings(levels=(slots, slots + 3, 1), requests=requests, ramp=0, warm_up=float(warm_up))
    engines = Slots(load, paces)
    for at in range(3):
        engines.level(at, draws, warm_up=3 * warm_up)
    assert Counter(at for _, _, at, is_counted in engines.begun if is_counted) == dict.fromkeys(range(3), requests)
    numbers = [number for _, number, _, _ in engines.begun]
    assert len(set(numbers)) == len(numbers)
    if not warm_up and slots >= len(paces):
        # Without requests that do not count none is left out: of as many rows each is asked once.
        assert sorted(number for _, number, at, _ in engines.begun if at == 0) == list(range(requests))


def test_the_quick_share_asks_more_and_all_come_to_the_end_together() -> None:
    engines = Slots(LoadSettings(levels=(4,), requests=400, ramp=0, warm_up=0), [0.9, 0.3])
    engines.level(0, Random(1))
    by_part: dict[int, list[int]] = defaultdict(list)
    for at, (part, *_) in enumerate(engines.begun):
        by_part[part].append(at)
    assert len(by_part[0]) == pytest.approx(300, abs=40)
    assert max(by_part[0]) > 380
    assert max(by_part[1]) > 380


def test_what_a_lost_share_had_left_is_asked_by_the_others() -> None:
    engines = Slots(LoadSettings(levels=(6,), requests=90, ramp=0, warm_up=0), [0.5, 0.5, 0.5])
    engines.level(0, Random(2), lose=1)
    assert sorted(number for _, number, _, _ in engines.begun) == list(range(90))
    # Where nobody who is left has a slot, the level ends.
    alone = Slots(LoadSettings(levels=(1,), requests=90, ramp=0, warm_up=0), [0.5, 0.5])
    alone.level(0, Random(2), lose=0)
    assert len(alone.begun) < 90


def test_no_more_is_dealt_than_the_load_may_send() -> None:
    load = LoadSettings(levels=(4,), seconds=60, max_requests=25)
    dealer = Dealer(load, steps_of(load, 1), 2)
    rations = [dealer.begin(0, 0.0)]
    asked: list[int] = []
    while not dealer.is_dry:
        for part, ration in rations.pop(0).items():
            for number in ration.numbers:
                asked.append(number)
                rations.append(dealer.begun(part, number, 0, 1.0, counted=True))
    assert sorted(asked) == list(range(25))
    assert not any(rations)


def test_what_is_dealt_for_a_level_to_come_counts_there() -> None:
    allowance = Allowance(LoadSettings(levels=(2, 4), requests=10), is_dealt=True)
    allowance.begin_level(0)
    allowance.count()
    assert not allowance.may_begin()
    allowance.deal(Ration(step=1, numbers=(4, 5), counted=2))
    assert allowance.left == 0
    allowance.deal(Ration(step=0, counted=1, is_last=True))
    assert allowance.may_begin()
    assert (allowance.take(counted=True), allowance.left, allowance.is_used_up) == (4, 0, True)
    allowance.begin_level(1)
    assert allowance.take(counted=False) == 5
    allowance.count()
    assert (allowance.left, allowance.is_used_up) == (2, False)


@pytest.mark.parametrize(
    ("load", "tokens", "count"),
    [
        (LoadSettings(), 10, 1),
        (LoadSettings(levels=(1, 100)), 10, 1),
        (LoadSettings(levels=(1, 101)), 10, 2),
        (LoadSettings(levels=(1024,)), 10, 11),
        (LoadSettings(rate=100.0), 10, 1),
        (LoadSettings(rate=(10.0, 1_000.0)), 10, 5),
        # Long answers: 20 of ten seconds each second are 200 in flight.
        (LoadSettings(rate=20.0), 1_000, 2),
        (LoadSettings(rate=20.0, most_in_flight=50), 1_000, 1),
        (LoadSettings(arrivals="trace"), 1_000, 1),
    ],
)
def test_engines_are_as_many_as_the_load_needs(load: LoadSettings, tokens: int, count: int) -> None:
    assert engines_for(load, plan(tokens=tokens)) == count
