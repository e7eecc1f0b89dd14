"""Item 4: the three paths answer alike, and ``auto`` takes none that does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayeslaw.inference import Fit
from bayeslaw.runs import Runs
from tests.benchmarks.fitting import Moments, beyond, moments, timed_fit, verdict
from tests.benchmarks.posterior import POPULATION, labelled
from tests.benchmarks.report import Row, Section, below, between, failed, shown
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.tables import load

TITLE = "Agreement of the three paths"
MOST, MEDIAN, NARROW, WIDE, POPULATION_APART = 0.1, 0.05, 0.95, 1.05, 0.2
_CONSTANT = 1e-9  # a log s.d. below this is declared, not inferred
PATHS = ("pymc", "collapsed", "quadrature")
TABLES: dict[str, dict[str, Any]] = {
    "simulated": {"families": 5, "rows": 12},
    "chinchilla": {},
    "published": {},
    "real_clean": {},
}
# Thirty families are too many for the graph: the first path is the reference here too.
_PATHS_OF = {"real_clean": PATHS[1:]}


@dataclass(frozen=True)
class Gap:
    """How far one path lies from the reference.

    Attributes
    ----------
    apart, ratio : of the predicted loss by family: means apart in s.d., and ratio of s.d.
    noise : what chance alone gives ``apart``.
    population : population parameters, from label to log means apart in s.d.
    """

    apart: np.ndarray
    ratio: np.ndarray
    noise: float
    population: dict[str, float]

    @property
    def within(self) -> bool:
        """Whether every tolerance is kept."""
        return all(row.met is not False for row in gap_rows("", self))


def run(sizes: Sizes, cores: int, tables: dict[str, dict[str, Any]] | None = None) -> Section:
    """Fit each table by every path and compare with the first."""
    rows: list[Row] = []
    for table, options in (TABLES if tables is None else tables).items():
        rows += table_rows(table, load(table, **options), {"cores": cores, **sizes.paths})
    notes = (
        "target: the curve at ten times the compute of each family's largest run; reference: the "
        "PyMC path, and the collapsed path of 30 families, which are too many for that; population "
        "parameters are compared on the log scale",
        "by chance: r.m.s. difference that two posteriors which agree would show, from their ESS",
    )
    return Section(4, TITLE, tuple(rows), notes)


def table_rows(table: str, runs: Runs, settings: dict[str, Any]) -> list[Row]:
    """Return the rows of one table."""
    targets = beyond(runs)
    first, *others = _PATHS_OF.get(table, PATHS)
    reference, _ = timed_fit(runs, None, first, **settings)
    expected = moments(reference, targets)
    rows = [shown(f"{table}, {first}: health", verdict(reference))]
    keeps = {first: True}
    for engine in others:
        what = f"{table}, {engine}"
        try:
            found, _ = timed_fit(runs, None, engine, **settings)
            difference = gap(found, reference, moments(found, targets), expected)
        except Exception as error:  # a path that fails is a result too: auto must not take it
            keeps[engine] = False
            rows.append(failed(f"{what}: means apart, most", error, f"< {MOST:g}"))
            continue
        keeps[engine] = difference.within
        rows += gap_rows(what, difference)
    chosen, _ = timed_fit(runs, None, "auto", **settings)
    wanted = "a path within tolerance"
    row = Row(f"{table}: auto takes", chosen.engine, "", wanted, keeps.get(chosen.engine, False))
    return [*rows, row]


def gap(found: Fit, reference: Fit, here: Moments, there: Moments) -> Gap:
    """Compare two fits of the same runs by their posteriors and their forecasts."""
    noise = float(np.sqrt((here.noise(there) ** 2).mean()))
    population = _population(found.posterior, reference.posterior)
    return Gap(here.apart(there), here.sd / there.sd, noise, population)


def gap_rows(what: str, found: Gap) -> list[Row]:
    """Return the rows of one path on one table."""
    size = np.abs(found.apart)
    rows = [
        below(f"{what}: means apart, most, in s.d.", float(size.max()), MOST),
        below(f"{what}: means apart, median", float(np.median(size)), MEDIAN),
        shown(f"{what}: means apart, r.m.s.", float(np.sqrt((size**2).mean()))),
        shown(f"{what}: of that by chance", found.noise),
        between(f"{what}: ratio of s.d., least", float(found.ratio.min()), NARROW, WIDE),
        between(f"{what}: ratio of s.d., most", float(found.ratio.max()), NARROW, WIDE),
    ]
    if found.population:
        worst, value = max(found.population.items(), key=lambda pair: pair[1])
        text = f"{what}: population apart, most, in s.d. ({worst})"
        rows.append(below(text, value, POPULATION_APART))
    return rows


def _population(found: xr.Dataset, reference: xr.Dataset) -> dict[str, float]:
    """Return distances of the means of log population parameters, in s.d. of the reference."""
    apart = {}
    for name in POPULATION:
        if name in found and name in reference:
            here, there = _log(name, found[name]), _log(name, reference[name])
            sd = there.std(("chain", "draw"), ddof=1)
            off = here.mean(("chain", "draw")) - there.mean(("chain", "draw"))
            apart[name] = np.abs(off) / sd.where(sd > _CONSTANT)
    return labelled(xr.Dataset(apart))


def _log(name: str, values: xr.DataArray) -> xr.DataArray:
    return values if name.startswith("log_") else np.log(values)
