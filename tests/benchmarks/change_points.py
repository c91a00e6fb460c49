"""How often a change is stated in series without any, and how often one is found, simulated.

`python tests/benchmarks/change_points.py [--rounds N]` prints both, with the Monte-Carlo error (95 %), for the shapes
of noise of `evidence.py`. 400 rounds take two minutes of a core.
"""

import argparse
import math
from random import Random

from evidence import SHAPES, times

from tui.core.change_points import FALSE_ALARMS, change_points

_LENGTHS = (24, 96, 288)
"""Rounds: two hours, eight and a day of one every five minutes."""
_RISE = 1.3


def false_alarm(shape: str, length: int, random: Random) -> bool:
    """One series without a change has one stated."""
    return bool(change_points(times(SHAPES[shape], random, length)))


def found(shape: str, length: int, random: Random) -> bool:
    """A rise by 30 % in the middle is found, to a tenth of the length."""
    values = times(SHAPES[shape], random, length)
    middle = length // 2
    risen = [*values[:middle], *(value * _RISE for value in values[middle:])]
    return any(abs(at - middle) <= length / 10 for at in change_points(risen))


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=400)
    rounds = parser.parse_args().rounds
    for name, rate in (("stated without a change", false_alarm), (f"found, a rise of {_RISE - 1:.0%}", found)):
        print(f"{name}, % (goal {FALSE_ALARMS:.0%})" if rate is false_alarm else f"{name}, %")
        for shape in SHAPES:
            cells = []
            for length in _LENGTHS:
                hits = sum(rate(shape, length, Random(f"{shape} {length} {number}")) for number in range(rounds))
                share = hits / rounds
                cells.append(f"{length}: {100 * share:.1f} ± {196 * math.sqrt(share * (1 - share) / rounds):.1f}")
            print(f"  {shape:<12} {'   '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
