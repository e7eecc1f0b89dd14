"""Item 2: every path against stored reference posteriors of 10,000 draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.benchmarks.fitting import timed_fit, verdict
from tests.benchmarks.report import Row, Section, below, between, failed, shown
from tests.benchmarks.trust_sizes import Sizes
from tests.posteriors.cases import CASES
from tests.posteriors.comparison import gaps
from tests.posteriors.database import stored

TITLE = "Agreement of the three paths with stored reference posteriors"
ENGINES = ("quadrature", "collapsed", "pymc")
MOST, NARROW, WIDE = 0.1, 0.95, 1.05


def run(sizes: Sizes, cores: int) -> Section:
    """Fit every stored case by every path and compare all its quantities."""
    rows = [
        row
        for engine in ENGINES
        for name in stored()
        for row in case_rows(name, engine, {"cores": cores, **sizes.paths})
    ]
    notes = (
        "means and s.d. of the logarithms of parameters, noise levels, population and the loss at "
        "ten times the largest compute; means apart in s.d. of the reference",
        "reference: ten chains of the PyMC path, thinned to 1,000 draws each, R-hat below 1.01",
    )
    return Section(2, TITLE, tuple(rows), notes)


def case_rows(name: str, engine: str, settings: Mapping[str, Any]) -> list[Row]:
    """Return the largest differences of one path on one case, and where they are."""
    case = CASES[name]
    what = f"{name}, {engine}"
    try:
        fitted, seconds = timed_fit(case.runs, case.spec, engine, **settings)
        found = gaps(fitted, name)
    except Exception as error:  # a path that fails is a result too
        return [failed(f"{what}: means apart, most", error, f"< {MOST:g}")]
    far = max(found, key=lambda label: abs(found[label].apart))
    ratios = {label: gap.ratio for label, gap in found.items()}
    low, high = min(ratios, key=ratios.__getitem__), max(ratios, key=ratios.__getitem__)
    within = sum(abs(g.apart) < MOST and NARROW <= g.ratio <= WIDE for g in found.values())
    return [
        shown(f"{what}: health", f"{verdict(fitted)} ({seconds:.0f} s)"),
        shown(f"{what}: quantities within both limits", f"{within} of {len(found)}"),
        below(f"{what}: means apart, most ({far})", abs(found[far].apart), MOST),
        shown(f"{what}: of that by chance (1 s.d.)", found[far].chance),
        between(f"{what}: ratio of s.d., least ({low})", ratios[low], NARROW, WIDE),
        between(f"{what}: ratio of s.d., most ({high})", ratios[high], NARROW, WIDE),
    ]
