"""The command line of a benchmark whose items are modules, each with a TITLE and a run."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.engine import PIPED_WIDTH, environment, measured
from tests.benchmarks.report import Section, show, show_verdict, write_json


def run_items(
    name: str,
    description: str | None,
    items: Mapping[int, str],
    arguments: Sequence[str] | None,
    sizes: tuple[Any, Any],
) -> None:
    """Run the chosen items of a benchmark in order and report after each.

    Parameters
    ----------
    name : of the benchmark's module; item ``x`` is the module ``name_x``.
    items : from number to the end of the module's name.
    arguments : of the command line.
    sizes : what each item is given: in full, and with ``--quick``.
    """
    from rich.console import Console

    chosen = _parser(name, description, items).parse_args(arguments)
    facts = environment(1, chosen.quick)
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    console.print("  ".join(f"{k}: {v}" for k, v in facts.items()), highlight=False)
    done: list[Section] = []
    for number in chosen.only:
        module = importlib.import_module(f"tests.benchmarks.{name}_{items[number]}")
        done.append(measured(number, module.TITLE, module.run, sizes[chosen.quick], 1))
        show(done[-1], console)
        if chosen.json:
            write_json(chosen.json, done, facts)  # after each, so that a long run leaves something
    show_verdict(done, console)


def _parser(
    name: str, description: str | None, items: Mapping[int, str]
) -> argparse.ArgumentParser:
    def numbers(text: str) -> list[int]:
        try:
            found = sorted({int(part) for part in text.split(",")})
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not a list such as 1,2") from error
        if unknown := [n for n in found if n not in items]:
            raise argparse.ArgumentTypeError(
                f"there is no item {unknown[0]}; choose from {', '.join(map(str, items))}"
            )
        return found

    parser = argparse.ArgumentParser(
        prog=f"python -m tests.benchmarks.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    titles = "; ".join(f"{n} {item}" for n, item in items.items())
    parser.add_argument("--only", type=numbers, default=list(items), metavar="1,2", help=titles)
    parser.add_argument("--quick", action="store_true", help="few simulations and draws")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the rows here")
    return parser
