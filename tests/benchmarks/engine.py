"""The benchmark of the inference engines: tables on the screen, missed targets included.

    uv run python -m tests.benchmarks.engine [--only 1,2] [--quick] [--cores 2] [--json PATH]

Public ladders are read from the folder in BAYESLAW_DATA_DIR. Simulation-based calibration
(item 5) has a command of its own.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks import agreement, corner, families, scaling, single, start
from tests.benchmarks.report import Section, failed, show, show_verdict, write_json
from tests.benchmarks.sizes import FULL, QUICK, Sizes

ITEMS: dict[int, Any] = {
    1: families,
    2: single,
    3: scaling,
    4: agreement,
    6: corner,
    7: start,
}
PIPED_WIDTH = 132  # of tables that no terminal bounds
_VERSIONED = ("bayeslaw", "numpy", "numba", "nutpie", "pymc", "pytensor", "scipy")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the chosen items in order and report after each."""
    from rich.console import Console

    chosen = _parser().parse_args(arguments)
    cores = _confine(chosen.cores)
    sizes = QUICK if chosen.quick else FULL
    facts = environment(cores, chosen.quick)
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    console.print("  ".join(f"{k}: {v}" for k, v in facts.items()), highlight=False)
    done: list[Section] = []
    for number in chosen.only:
        done.append(measured(number, ITEMS[number].TITLE, ITEMS[number].run, sizes, cores))
        show(done[-1], console)
        if chosen.json:
            write_json(chosen.json, done, facts)  # after each, so that a long run leaves something
    show_verdict(done, console)


def measured(
    number: int, title: str, run: Callable[[Sizes, int], Section], sizes: Sizes, cores: int
) -> Section:
    """Run one item; an item that breaks is reported as missed, and the others still run."""
    begun = time.perf_counter()
    try:
        section = run(sizes, cores)
    except Exception as error:
        row = failed(title, f"{type(error).__name__}: {error}", "to be measured")
        section = Section(number, title, (row,))
    return replace(section, seconds=time.perf_counter() - begun)


def environment(cores: int, quick: bool) -> dict[str, Any]:
    """Return what the numbers depend on besides the code."""
    return {
        "cores": cores,
        "machine": platform.machine(),
        "load": round(os.getloadavg()[0], 2),
        "quick": quick,
        "python": platform.python_version(),
        **{name: version(name) for name in _VERSIONED},
    }


def _confine(cores: int) -> int:
    """Keep this process and those it starts to so many processors, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        return cores
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    os.sched_setaffinity(0, allowed)
    return len(allowed)


def _items(text: str) -> list[int]:
    known = ", ".join(map(str, ITEMS))
    try:
        numbers = sorted({int(part) for part in text.split(",")})
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list such as 1,2 of {known}"
        ) from error
    if unknown := [n for n in numbers if n not in ITEMS]:
        raise argparse.ArgumentTypeError(f"there is no item {unknown[0]}; choose from {known}")
    return numbers


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.engine",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    titles = "; ".join(f"{n} {module.TITLE}" for n, module in ITEMS.items())
    parser.add_argument("--only", type=_items, default=list(ITEMS), metavar="1,2", help=titles)
    parser.add_argument("--quick", action="store_true", help="short chains and small tables")
    parser.add_argument("--cores", type=int, default=2, help="processors to use (2)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the rows here")
    return parser


if __name__ == "__main__":
    main()
