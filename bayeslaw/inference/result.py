"""A fit: the specification, the runs, the posterior and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayeslaw.errors import FitError, SpecError
from bayeslaw.inference.health import Health
from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout, lay_out
from bayeslaw.model.spec import Spec
from bayeslaw.runs import Runs

LEVELS = (0.5, 0.8, 0.9, 0.95)


@dataclass(frozen=True, eq=False)
class Fit:
    """A posterior and everything it was made from; never half-built, never changed.

    Attributes
    ----------
    spec, runs : what was fitted.
    posterior : dims (chain, draw, family, ...). Law parameters are in nats per token and at the
        reference point; :meth:`published` has the published symbols for raw inputs.
    sample_stats, log_likelihood : the sampler's record, and the log density of each run.
    health : the verdict of the gate.
    seed, engine, reason : how it was sampled, and why that way.
    seconds : time of compiling, of sampling and in all.
    versions : of the packages that made it.
    """

    spec: Spec
    runs: Runs
    posterior: xr.Dataset
    sample_stats: xr.Dataset
    log_likelihood: xr.Dataset
    health: Health
    seed: int
    engine: str
    reason: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def law(self) -> Law:
        """The law that was fitted."""
        return self.spec.law  # type: ignore[return-value]

    @property
    def families(self) -> tuple[str, ...]:
        """Families with at least one row."""
        return self.layout.families

    @cached_property
    def layout(self) -> Layout:
        """The data as the model saw them."""
        return lay_out(self.spec, self.runs)

    def published(self, family: str) -> dict[str, xr.DataArray]:
        """Return a family's parameters in the law's published symbols and units.

        Parameters
        ----------
        family : one of :attr:`families`.

        Returns
        -------
        dict
            From symbol to draws with dims (chain, draw).
        """
        if family not in self.families:
            raise SpecError(
                f"family '{family}' has no rows in this fit; known: {', '.join(self.families)}."
            )
        values = {n: self.posterior[n].sel(family=family) for n in self.law.parameter_names}
        return self.law.to_published(self.layout.references, **values)

    def parameters(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the summary of every published parameter, by family and symbol."""
        return {
            family: {symbol: summary(draws) for symbol, draws in self.published(family).items()}
            for family in self.families
        }

    def population(self) -> dict[str, dict[str, Any]]:
        """Return the summary of each parameter's population median.

        Parameters in units of loss are fractions of a family's anchor loss.
        """
        draws = self.posterior["population"]
        return {n: summary(draws.sel(parameter=n)) for n in self.law.parameter_names}

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per family and published parameter: median, s.d. and the 90 % interval."""
        rows = [
            {"family": f, "parameter": p, "median": s["median"], "sd": s["sd"],
             "low90": s["intervals"]["90"][0], "high90": s["intervals"]["90"][1]}
            for f, parameters in self.parameters().items()
            for p, s in parameters.items()
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def require_healthy(self) -> Fit:
        """Return this fit, or raise with the failed checks and their remedies.

        Raises
        ------
        FitError
            If the health gate failed.
        """
        if not self.health.ok:
            raise FitError("\n".join(str(f) for f in self.health.failures))
        return self

    def to_datatree(self) -> xr.DataTree:
        """Return the fit as a DataTree that ArviZ reads: posterior, stats, log likelihood."""
        from bayeslaw.inference.store import to_datatree

        return to_datatree(self)

    def update(self, new_runs: Runs, **settings: Any) -> Fit:
        """Fit again with rows added, as this fit was made and without compiling again.

        Parameters
        ----------
        new_runs : rows of new runs, or later rows of runs that are here.
        settings : passed on to :func:`bayeslaw.fit`, in place of this fit's seed and engine;
            lengths are the engine's own.

        Returns
        -------
        Fit
            Only the engine ``"pymc"`` compiles a graph of its own for every table.

        Raises
        ------
        RunsError
            If the rows do not fit the table.
        """
        from bayeslaw.inference.fit import fit

        asked = self.reason.startswith(f"{self.engine} was asked for")
        chosen = {"seed": self.seed, "engine": self.engine if asked else "auto"} | settings
        return fit(self.runs.extended(new_runs), self.spec, **chosen)

    def save(self, path: str | Path) -> Path:
        """Write the fit as NetCDF with its spec, data, seed and versions inside."""
        from bayeslaw.inference.store import save

        return save(self, path)

    def __repr__(self) -> str:
        state = "healthy" if self.health.ok else "NOT trustworthy"
        sizes = self.posterior.sizes
        lines = [
            f"<Fit {self.law.name}: {len(self.families)} families, {len(self.layout.runs)} runs, "
            f"{len(self.layout.log_loss)} rows; {sizes['chain']} x {sizes['draw']} draws, {state}>"
        ]
        lines += [
            f"  {r.family:.20} {r.parameter} = {r.median:.4g} ({r.low90:.4g} to {r.high90:.4g})"
            for r in self.table.head(8).itertuples()
        ]
        return "\n".join(lines)


def summary(draws: xr.DataArray | np.ndarray) -> dict[str, Any]:
    """Return median, mean, s.d. and central intervals of draws over chain and draw."""
    values = np.asarray(draws, float).ravel()
    tails = {
        f"{level * 100:.0f}": [
            float(v) for v in np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
        ]
        for level in LEVELS
    }
    return {
        "median": float(np.median(values)),
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)),
        "intervals": tails,
    }
