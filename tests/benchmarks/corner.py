"""Item 6: no path ends where every amplitude is zero, and the gate refuses one that does.

A likelihood that divides by the observed loss without its Jacobian is greatest where floor and
amplitudes vanish. R-hat and divergences do not see that corner; the fit to the rows does.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayeslaw.inference.health import MAX_MISFIT, Check, Health, examine
from bayeslaw.model import Spec
from bayeslaw.model.layout import Layout, lay_out
from tests.benchmarks.fitting import timed_fit
from tests.benchmarks.report import Row, Section, at_least, below, failed, shown
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.tables import load

TITLE = "The degenerate corner"
LEAST_FLOOR = 0.37  # of the population, as a fraction of a family's anchor loss
_SHRUNK = 1e-3  # floor and amplitudes at the corner, as a fraction of what the data say


def run(sizes: Sizes, cores: int, table: str = "real_clean") -> Section:
    """Fit by every path and look where it ends; then put a posterior into the corner."""
    runs = load(table)
    rows: list[Row] = []
    for engine in ("auto", "collapsed", "quadrature"):
        what = f"{engine}: median misfit of the training rows"
        try:
            fitted, _ = timed_fit(runs, None, engine, cores=cores, **{**sizes.fit, "retry": False})
        except Exception as error:  # a path that fails is a result too
            rows.append(failed(what, error, f"< {MAX_MISFIT:g}"))
            continue
        floor = float(fitted.posterior["population"].sel(parameter="E").median())
        rows += [
            below(what, misfit(fitted.layout, fitted.posterior), MAX_MISFIT),
            at_least(f"{engine}: population floor, of the anchor loss", floor, LEAST_FLOOR),
        ]
    layout = lay_out(Spec(), runs)
    forced = corner(layout)
    verdict = judged(layout, forced)
    refused = any(failure.check is Check.MISFIT for failure in verdict.failures)
    rows += [
        shown("forced to the corner: median misfit", misfit(layout, forced)),
        Row("forced to the corner: the gate", "refuses" if refused else "accepts", "", "refuses",
            refused),
    ]  # fmt: skip
    return Section(6, TITLE, tuple(rows))


def misfit(layout: Layout, posterior: xr.Dataset) -> float:
    """Return the median distance of the training rows from the median curve, on log loss."""
    law = Spec().law
    middle = {n: posterior[n].median(("chain", "draw")).values for n in law.parameter_names}
    at_rows = {n: v[layout.family_of_row] for n, v in middle.items()}
    curve = np.log(law(layout.inputs(law), at_rows))
    return float(np.median(np.abs(layout.log_loss - curve)))


def corner(layout: Layout, seed: int = 0) -> xr.Dataset:
    """Return draws that look well sampled and lie where floor and amplitudes vanish."""
    rng = np.random.default_rng(seed)
    families = len(layout.families)
    shape = (4, 500, families)
    law = Spec().law
    centre = dict(zip(law.parameter_names, layout.centre.T, strict=True))
    data = {}
    for name in law.parameter_names:
        shrunk = _SHRUNK if name in law.linear else 1.0
        value = shrunk * np.exp(centre[name]) * layout.priors[name].scale
        data[name] = (
            ("chain", "draw", "family"),
            value * np.exp(0.01 * rng.standard_normal(shape)),
        )
    return xr.Dataset(data, {"family": list(layout.families)})


def judged(layout: Layout, posterior: xr.Dataset, seed: int = 0) -> Health:
    """Return the verdict of the gate on draws whose sampler had nothing to complain of."""
    rng = np.random.default_rng(seed)
    shape = tuple(posterior.sizes[d] for d in ("chain", "draw"))
    stats = xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.zeros(shape, bool)),
            "energy": (("chain", "draw"), rng.standard_normal(shape)),
        }
    )
    return examine(posterior, stats, misfit(layout, posterior))
