"""Tables for a terminal: as many digits as the error warrants, and never more than a screenful."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from bayeslaw.inference import Fit, Health
    from bayeslaw.prediction import Forecast

MAX_FAMILIES = 12
MAX_NOTES = 6


def quantity(value: float) -> str:
    """Write a count as people do.

    Examples
    --------
    >>> quantity(7e10), quantity(1.4e12), quantity(18_915_328), quantity(2e17), quantity(512)
    ('70B', '1.4T', '18.9M', '2e+17', '512')
    """
    for suffix, unit in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if unit <= value < 999.5 * unit:
            return f"{value / unit:.3g}{suffix}"
    return f"{value:.3g}"


def figures(values: Iterable[float], sd: float) -> list[str]:
    """Write numbers with the digits their standard deviation warrants: two of its own.

    Examples
    --------
    >>> figures([1.93482, 1.9], 0.021), figures([406.4, 1_234_567.0], 55.0)
    (['1.935', '1.900'], ['406', '1.23e+06'])
    """
    places = min(max(1 - math.floor(math.log10(sd)), 0), 6) if sd > 0 else 4
    return [f"{v:.3g}" if abs(v) >= 1e5 else f"{v:.{places}f}" for v in values]


def grid(title: str, *headers: str, right: Sequence[str] = ()) -> "Table":
    """Return an empty table; columns named in ``right`` are numbers."""
    from bayeslaw.cli.grid import Grid

    table = Grid(title)
    for header in headers:
        table.add_column(header, justify="right" if header in right else "left", overflow="fold")
    return table


def show_fit(console: "Console", fit: "Fit") -> None:
    """Print the published parameters of each family."""
    symbols = list(fit.published(fit.families[0]))
    table = grid(f"{fit.law.name}: median and 90 % interval", "family", *symbols, right=symbols)
    parameters = fit.parameters()
    for family in fit.families[:MAX_FAMILIES]:
        cells = []
        for summary in parameters[family].values():
            ends = summary["intervals"]["90"]
            # The width of the interval: amplitudes have tails that make their s.d. useless.
            middle, low, high = figures([summary["median"], *ends], ends[1] - ends[0])
            cells.append(f"{middle}\n{low}\u2013{high}")
        table.add_row(family, *cells)
    console.print(table)
    _more(console, len(fit.families) - MAX_FAMILIES, "families; --json lists them all")


def show_forecast(console: "Console", forecast: "Forecast") -> None:
    """Print the forecast of each target, then what to beware of."""
    numbers = ("N", "D", "median", "50 %", "90 %", "compute")
    table = grid("Forecast loss, nats per token", "family", *numbers, right=numbers)
    for record in forecast.records():
        inner, outer = record["intervals"]["50"], record["intervals"]["90"]
        middle, *ends = figures([record["median"], *inner, *outer], record["sd"])
        reach = record["extrapolation_factor"]
        table.add_row(
            record["family"] + ("" if record["known_family"] else " (new)"),
            quantity(record["params"]),
            quantity(record["tokens"]),
            middle,
            f"{ends[0]}\u2013{ends[1]}",
            f"{ends[2]}\u2013{ends[3]}",
            f"{reach:.0f}x" if reach >= 100 else f"{reach:.3g}x",
        )
    console.print(table)
    console.print("compute: of the target, over the largest seen\n", style="dim")
    show_notes(console, dict.fromkeys(note for notes in forecast.notes for note in notes))


def show_health(console: "Console", health: "Health") -> None:
    """Print the verdict of the health gate; what failed is told on stderr, with the exit code."""
    figures = ", ".join(f"{name} {value:.4g}" for name, value in health.figures)
    if health.ok:
        console.print(f"healthy ({figures})", style="green")
    else:
        console.print(f"NOT trustworthy ({figures})", style="bold red")
    show_notes(console, health.warnings)


def show_notes(console: "Console", notes: Iterable[str]) -> None:
    """Print what to beware of, a few lines of it."""
    notes = list(notes)
    for note in notes[:MAX_NOTES]:
        console.print(f"  note: {note}", style="yellow")
    _more(console, len(notes) - MAX_NOTES, "notes; --json lists them all")


def _more(console: "Console", count: int, what: Any) -> None:
    if count > 0:
        console.print(f"  and {count} more {what}")
