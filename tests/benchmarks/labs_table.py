"""Cards by lab as Markdown: what is published of them, and every rival beside the forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from bayeslaw import names
from tests.benchmarks.labs_cards import lab_figures

if TYPE_CHECKING:
    from bayeslaw.scoring import Scorecard

LEVELS = ("50", "80", "90", "95")
_FIGURES = "ARE | bias | CRPS | 50 / 80 / 90 / 95 % held | width 90 %"
_RIGHT = "---:|---:|---:|---|---:"


def published(made: Scorecard, title: str) -> str:
    """Return a card as a table by lab, the rivals' means, bounds on coverage and the families.

    Parameters
    ----------
    made : of several labs.
    title : of the table.
    """
    from bayeslaw.scoring.averages import figures

    own = figures(made.table).groupby(level=0, sort=False)
    sizes = own.size()
    lines = [f"**{title}**", "", f"| lab | families | {_FIGURES} |", f"|---|---:|{_RIGHT}|"]
    for lab, row in own.mean().iterrows():
        lines.append(f"| {lab} | {sizes[lab]} | {cells(row)} |")
    mean = own.mean().mean()
    lines.append(f"| **mean of {len(sizes)} labs** | {sizes.sum()} | {cells(mean)} |")
    lines += ["", f"| forecast, means over labs | labs | {_FIGURES} |", f"|---|---:|{_RIGHT}|"]
    for forecast, rows in lab_figures(made).groupby(level=1, sort=False):
        there = rows[rows["are"].notna()]
        lines.append(f"| {forecast} | {len(there)} | {cells(there.mean())} |")
    lines += ["", bounds(made), "", f"Families: {families(made)}."]
    return "\n".join(lines) + "\n"


def bounds(made: Scorecard) -> str:
    """Return what so many labs, and so many families, can tell of the coverage."""

    def said(covered: dict[str, float], ends: dict[str, tuple[float, float]]) -> str:
        return ", ".join(
            f"{level} % held {covered[level]:.0%} ({ends[level][0]:.0%} to {ends[level][1]:.0%})"
            for level in LEVELS
        )

    labs = said(made.lab_summary["coverage"], made.coverage_bounds_by_lab)
    single = said(made.summary["coverage"], made.coverage_bounds)
    return (
        f"95 % Clopper-Pearson bounds: of {made.n_labs} labs, {labs}; of {made.n_families} "
        f"families, {single}."
    )


def families(made: Scorecard) -> str:
    """Return the families of each lab."""
    table = made.table[[names.LAB, names.FAMILY]].drop_duplicates()
    return "; ".join(
        f"{lab}: {', '.join(part[names.FAMILY])}"
        for lab, part in table.groupby(names.LAB, sort=False)
    )


def beside(made: Scorecard, title: str) -> str:
    """Return the labs of a card, and every rival beside the forecasts of each lab."""
    found = lab_figures(made)
    lines = [f"| lab | forecast | {_FIGURES} |", f"|---|---|{_RIGHT}|"]
    for (lab, forecast), row in found.sort_index(level=0, sort_remaining=False).iterrows():
        lines.append(f"| {lab} | {forecast} | {cells(row)} |")
    for forecast, rows in found.groupby(level=1, sort=False):
        lines.append(f"| mean of {len(rows)} labs | {forecast} | {cells(rows.mean())} |")
    return f"### {title}\n\n{made.table_by_lab}\n\n" + "\n".join(lines) + "\n"


def cells(row: pd.Series) -> str:
    """Return the figures of one forecast of one lab."""
    if pd.isna(row["are"]):
        return " |  |  |  | "
    plain = " | ".join(f"{row[name]:.2%}" for name in ("are", "bias", "crps"))
    if "width90" not in row or pd.isna(row["width90"]):
        return f"{plain} |  | "
    held = " / ".join(f"{row[f'coverage{level}']:.2f}" for level in LEVELS)
    return f"{plain} | {held} | {row['width90']:.2%}"
