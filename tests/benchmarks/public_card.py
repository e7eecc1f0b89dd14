"""The scores of public ladders that are shipped for every forecast's card, made anew.

    uv run python -m tests.benchmarks.public_card [--write] [--only LAB] [--draws N]

Each lab is fitted by itself, with priors learned without it, on runs of at most 1/k of its
families' largest compute, k = 4, 10, 30, 100, 300. Public ladders are read from the folder in
BAYESLAW_DATA_DIR. With --write the shipped file is replaced.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bayeslaw import __version__
from bayeslaw.scoring.evidence import markdown
from bayeslaw.scoring.priors_ladders import PUBLIC_LADDERS, joined, ladders_of
from bayeslaw.scoring.public_scores import CUTS, as_text, public_scores, shipped_place

_ALL = 100_000  # runs per family: what is fitted is thinned later, what is hidden is not


def main(arguments: Sequence[str] | None = None) -> None:
    """Score the ladders, print the card of each bin, and write the file if asked."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.public_card",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--write", action="store_true", help="replace the shipped file")
    parser.add_argument("--only", action="append", metavar="LAB", help="only this lab")
    parser.add_argument("--draws", type=int, default=500, help="draws per chain (500)")
    chosen = parser.parse_args(arguments)

    parts = [ladder.load() for ladder in PUBLIC_LADDERS]
    labs = ladders_of(joined(parts), _ALL)
    if chosen.only:
        labs = {lab: runs for lab, runs in labs.items() if lab in chosen.only}
    scores = public_scores(labs, draws=chosen.draws, told=lambda text: print(text, flush=True))
    print(markdown(scores))
    if chosen.write:
        provenance = {
            "version": __version__,
            "method": "each lab by itself, priors learned without it, runs of at most 1/k of the "
            f"largest compute fitted, k = {', '.join(f'{cut:g}' for cut in CUTS)}",
            "sources": {part.source: part.digest for part in parts},
        }
        place = shipped_place()
        place.parent.mkdir(exist_ok=True)
        place.write_text(as_text(scores, provenance), encoding="utf-8")
        print(f"wrote {len(scores)} rows")


if __name__ == "__main__":
    main()
