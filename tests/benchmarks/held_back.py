"""How often is an answer wrongly said to be held back on the way, and how often is it missed?

    PYTHONPATH=tests python tests/benchmarks/held_back.py [--answers N]

Prints both rates with their Monte-Carlo error (95 %), by kind of path, over answers with random lengths, gaps and
pauses (`tests/arrival_streams.py`); `tests/core/test_arrivals.py` holds them to their limits with fewer answers.
"""

import argparse
import math
import random

from arrival_streams import (
    claimed_of_free,
    jittered,
    lossy,
    missed_of_collected,
    steps,
    streamed,
    to_the_end,
    to_the_next_moment,
)


def show(what: str, wrong: int, count: int) -> None:
    """Print one rate."""
    share = wrong / count
    error = 1.96 * math.sqrt(max(share * (1 - share), 1 / count) / count)
    print(f"{what:<60} {share:7.2%} \u00b1 {error:.2%}", flush=True)


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--answers", type=int, default=20_000)
    count = parser.parse_args().answers
    for make in (streamed, jittered, lossy, steps):
        show(f"claimed of a free path, {make.__name__}", claimed_of_free(make, random.Random(1), count), count)
    for collect in (to_the_next_moment, to_the_end):
        name = collect.__name__.replace("_", " ")
        show(f"missed of a path that holds back {name}", missed_of_collected(collect, random.Random(2), count), count)


if __name__ == "__main__":
    main()
