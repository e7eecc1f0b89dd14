"""The benchmark of calibration: published splits, simulated worlds and curves.

    uv run python -m tests.benchmarks.calibration [--only 3,4] [--quick] [--json PATH]

Public tables are read from the folder in BAYESLAW_DATA_DIR. Missed targets are printed as
missed, and the command ends well all the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks import curves, splits, transfer, worlds
from tests.benchmarks.effort import FULL, QUICK, Effort
from tests.benchmarks.engine import PIPED_WIDTH, environment, measured
from tests.benchmarks.report import Section, show, show_verdict, write_json

Item = tuple[str, Callable[[Effort, int], Section]]
ITEMS: dict[int, Item] = {
    3: (splits.EPOCH, splits.epoch_split),
    4: (transfer.TITLE, transfer.run),
    5: (splits.GADRE, splits.gadre_split),
    6: (worlds.TITLE, worlds.run),
    7: (curves.TITLE, curves.run),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the chosen items in order and report after each."""
    from rich.console import Console

    chosen = _parser().parse_args(arguments)
    effort = QUICK if chosen.quick else FULL
    facts = environment(chosen.cores, chosen.quick)
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    console.print("  ".join(f"{k}: {v}" for k, v in facts.items()), highlight=False)
    done: list[Section] = []
    for number in chosen.only:
        title, run = ITEMS[number]
        done.append(measured(number, title, run, effort, chosen.cores))  # type: ignore[arg-type]
        show(done[-1], console)
        if chosen.json:
            write_json(chosen.json, done, facts)  # after each, so that a long run leaves something
    show_verdict(done, console)


def items(text: str) -> list[int]:
    """Read a list of item numbers such as 3,4."""
    known = ", ".join(map(str, ITEMS))
    try:
        numbers = sorted({int(part) for part in text.split(",")})
    except ValueError as error:
        message = f"{text!r} is not a list such as 3,4 of {known}"
        raise argparse.ArgumentTypeError(message) from error
    if unknown := [n for n in numbers if n not in ITEMS]:
        raise argparse.ArgumentTypeError(f"there is no item {unknown[0]}; choose from {known}")
    return numbers


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.calibration",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    titles = "; ".join(f"{n} {title}" for n, (title, _) in ITEMS.items())
    parser.add_argument("--only", type=items, default=list(ITEMS), metavar="3,4", help=titles)
    parser.add_argument("--quick", action="store_true", help="fewer simulations and curves")
    parser.add_argument("--cores", type=int, default=1, help="families fitted at once (1)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the rows here")
    return parser


if __name__ == "__main__":
    main()
