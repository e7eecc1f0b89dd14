"""The benchmark of tasks: skills, rare successes, mirages and two steps, missed targets included.

    uv run python -m tests.benchmarks.tasks [--only 1,2] [--quick] [--json PATH]

Public tables are read from the folder in BAYESLAW_DATA_DIR. No setting was tuned on test sets.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.engine import PIPED_WIDTH, environment, measured
from tests.benchmarks.report import Section, show, show_verdict, write_json

ITEMS = {1: "ruan", 2: "sloth", 3: "passes", 4: "mirage", 5: "pythia"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the chosen items in order and report after each."""
    from rich.console import Console

    chosen = _parser().parse_args(arguments)
    facts = environment(1, chosen.quick)
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    console.print("  ".join(f"{k}: {v}" for k, v in facts.items()), highlight=False)
    done: list[Section] = []
    for number in chosen.only:
        module = importlib.import_module(f"tests.benchmarks.tasks_{ITEMS[number]}")
        done.append(measured(number, module.TITLE, module.run, chosen.quick, 1))
        show(done[-1], console)
        if chosen.json:
            write_json(chosen.json, done, facts)  # after each, so that a long run leaves something
    show_verdict(done, console)


def _items(text: str) -> list[int]:
    try:
        numbers = sorted({int(part) for part in text.split(",")})
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list such as 1,2") from error
    if unknown := [n for n in numbers if n not in ITEMS]:
        raise argparse.ArgumentTypeError(
            f"there is no item {unknown[0]}; choose from {', '.join(map(str, ITEMS))}"
        )
    return numbers


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.tasks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    titles = "; ".join(f"{n} {name}" for n, name in ITEMS.items())
    parser.add_argument("--only", type=_items, default=list(ITEMS), metavar="1,2", help=titles)
    parser.add_argument("--quick", action="store_true", help="few simulations and draws")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the rows here")
    return parser


if __name__ == "__main__":
    main()
