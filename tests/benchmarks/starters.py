"""What opens a view or is offered in it by name, judged as it is named, by the witness that the model's card names.

`python -m tests.benchmarks.starters [in_planes of_faces of_sums of_garments by_class by_prompt]` prints the share of each (bar: 0.9 of 10 seeds;
1 where nothing is drawn by chance), and ends with status 1 if any falls short. Some minutes on two cores.
"""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import openers  # noqa: E402

BAR = 0.9


def main(names):
    short = 0
    for opener in openers.OPENERS:
        if names and opener.__name__ not in names:
            continue
        for what, share in opener().items():
            short += share < BAR
            print(f"{opener.__name__:10} {share:5.2f} {'' if share >= BAR else '<' + str(BAR):5} {what}", flush=True)
    return int(short > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
