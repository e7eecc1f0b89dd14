"""Rows of a benchmark: what was measured, what was asked, and whether it was met."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

VERDICT = {True: "[green]met[/]", False: "[bold red]MISSED[/]", None: ""}


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes
    ----------
    what : the quantity.
    measured : its value, or words where a number would say nothing.
    unit : of the value.
    target : what was asked of it; empty if nothing was.
    met : whether the target was met; None without a target.
    """

    what: str
    measured: float | str
    unit: str = ""
    target: str = ""
    met: bool | None = None

    @property
    def value(self) -> str:
        """The measured value with its unit, to four digits."""
        if isinstance(self.measured, str):
            return self.measured
        whole = isinstance(self.measured, int) or abs(self.measured) >= 1e4
        number = f"{self.measured:,.0f}" if whole else f"{self.measured:#.4g}".rstrip(".")
        return f"{number} {self.unit}".strip()


@dataclass(frozen=True)
class Section:
    """One item of the benchmark: its number, title, rows, and notes on how to read them."""

    number: int
    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    seconds: float = field(default=math.nan, compare=False)

    @property
    def missed(self) -> tuple[Row, ...]:
        """Rows whose target was not met."""
        return tuple(row for row in self.rows if row.met is False)


def shown(what: str, measured: float | str, unit: str = "") -> Row:
    """Return a row without a target."""
    return Row(what, measured, unit)


def at_most(what: str, measured: float, limit: float, unit: str = "") -> Row:
    """Return a row whose value must not exceed a limit."""
    return Row(what, measured, unit, f"<= {limit:g} {unit}".strip(), bool(measured <= limit))


def below(what: str, measured: float, limit: float, unit: str = "") -> Row:
    """Return a row whose value must lie below a limit."""
    return Row(what, measured, unit, f"< {limit:g} {unit}".strip(), bool(measured < limit))


def at_least(what: str, measured: float, limit: float, unit: str = "") -> Row:
    """Return a row whose value must reach a limit."""
    return Row(what, measured, unit, f">= {limit:g} {unit}".strip(), bool(measured >= limit))


def between(what: str, measured: float, low: float, high: float) -> Row:
    """Return a row whose value must lie in an interval."""
    return Row(what, measured, "", f"{low:g} to {high:g}", bool(low <= measured <= high))


def failed(what: str, reason: object, target: str) -> Row:
    """Return a row for something that could not be measured; that counts as missed."""
    text = " ".join(str(reason).split())
    short = text if len(text) <= 300 else f"{text[:297]}..."
    return Row(what, f"not measured: {short}", "", target, False)


def show(section: Section, console: Any) -> None:
    """Print a section as a table, its notes and the time it took."""
    from rich.markup import escape
    from rich.table import Table

    title = f"{section.number}. {section.title} ({section.seconds:.0f} s)"
    table = Table(title=escape(title), title_justify="left", title_style="bold")
    for column in ("what", "measured", "target", "met"):
        table.add_column(column, overflow="fold")
    for row in section.rows:
        table.add_row(escape(row.what), escape(row.value), escape(row.target), VERDICT[row.met])
    console.print(table)
    for note in section.notes:
        console.print(f"  {note}", markup=False, highlight=False, soft_wrap=True)
    console.print()


def show_verdict(sections: Iterable[Section], console: Any) -> None:
    """Print how many targets were met and name every one that was missed."""
    done = list(sections)
    judged = [row for section in done for row in section.rows if row.met is not None]
    missed = [(section.number, row) for section in done for row in section.missed]
    console.print(f"{len(judged) - len(missed)} of {len(judged)} targets met", markup=False)
    for number, row in missed:
        text = f"  missed, item {number}: {row.what}: {row.value} (target {row.target})"
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def write_json(path: Path, sections: Iterable[Section], environment: dict[str, Any]) -> None:
    """Write sections and the machine they ran on as strict JSON; not-a-number becomes null."""
    found = {"environment": environment, "sections": [asdict(section) for section in sections]}
    path.write_text(json.dumps(_plain(found), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
