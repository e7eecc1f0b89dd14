"""What the other runs say of a run: importance weights by run, and refits where these fail."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm, t as student

from bayeslaw import names
from bayeslaw.errors import BayeslawWarning
from bayeslaw.inference import Fit, fit
from bayeslaw.inference.engines import unfit_for_quadrature
from bayeslaw.prediction import Target, forecast
from bayeslaw.scoring.priors_fit import short_fit

#: Above this Pareto shape, weights that leave a run out are not trusted: Vehtari et al.,
#: arXiv:1507.02646.
WORST_SHAPE = 0.7
_DRAWS = 250


@dataclass(frozen=True, eq=False)
class Others:
    """A posterior given some runs, as weighted draws.

    Attributes
    ----------
    fit : the draws.
    log_weight : normalised, one per draw, chains one after the other; None for equal weights.
    """

    fit: Fit
    log_weight: np.ndarray | None = None

    @cached_property
    def weight(self) -> np.ndarray:
        """The weights, which sum to one."""
        if self.log_weight is None:
            sizes = self.fit.posterior.sizes
            total = sizes["chain"] * sizes["draw"]
            return np.full(total, 1.0 / total)
        weight = np.exp(self.log_weight - self.log_weight.max())
        return weight / weight.sum()

    def judge(self, seen: Iterable[Seen]) -> pd.DataFrame:
        """Return where losses lie in their predictive distributions.

        Parameters
        ----------
        seen : losses and their inputs, of families that have rows in the fit.

        Returns
        -------
        pandas.DataFrame
            One row each: expected loss, its predictive s.d. on log loss, z, and p_value, the
            two-sided tail probability under the mixture of Student-t.
        """
        seen = list(seen)
        post, nu = self.fit.posterior, self.fit.spec.noise.tails
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BayeslawWarning)
            made = forecast(self.fit, [s.target for s in seen])
        curve = np.log(made.draws.values.reshape(-1, len(seen)))
        rows = []
        for j, s in enumerate(seen):
            f = self.fit.families.index(str(s.target.family))
            levels = [n for n in ("run_sd", "checkpoint_sd") if n in post]
            variance = sum((post[n].values[..., f].ravel() ** 2 for n in levels), s.error**2)
            scale = np.sqrt(variance)
            away = (s.log_loss - curve[:, j]) / scale
            law: Any = norm if nu is None else student(nu)
            below, above = (float(self.weight @ tail(away)) for tail in (law.cdf, law.sf))
            middle = float(self.weight @ curve[:, j])
            wide = 1.0 if nu is None else nu / (nu - 2)
            spread = self.weight @ ((curve[:, j] - middle) ** 2 + wide * scale**2)
            rows.append(
                {
                    "expected": np.exp(middle),
                    "predictive_sd": np.sqrt(spread),
                    "z": (s.log_loss - middle) / np.sqrt(spread),
                    "p_value": min(2 * min(below, above), 1.0),
                }
            )
        return pd.DataFrame(rows)

    def quantiles(self, target: Target, at: tuple[float, ...]) -> np.ndarray:
        """Return weighted quantiles of the forecast of a target."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BayeslawWarning)
            values = forecast(self.fit, target).draws.values.ravel()
        order = np.argsort(values)
        heap = np.cumsum(self.weight[order])
        return values[order][np.minimum(np.searchsorted(heap, at), len(values) - 1)]


@dataclass(frozen=True)
class Seen:
    """An observed log loss at a target of kind mean, with its known error."""

    target: Target
    log_loss: float
    error: float = 0.0

    def swapped(self) -> Seen:
        """Return it with params and tokens exchanged."""
        t = self.target
        return replace(self, target=replace(t, params=t.tokens, tokens=t.params))


def seen_of(row: dict[Any, Any]) -> Seen:
    """Return what a row of a runs table observed."""
    target = Target(
        row[names.PARAMS], row[names.TOKENS], row[names.FAMILY], row[names.FLOPS], "mean"
    )
    return Seen(target, float(np.log(row[names.LOSS])), row[names.LOSS_SD] / row[names.LOSS])


def weights_by_run(fitted: Fit) -> dict[str, tuple[Others, float, float]]:
    """Return, for each run, the posterior given the others, its Pareto shape and its elpd.

    Pareto-smoothed importance sampling, whole runs left out and never single checkpoints.
    """
    import arviz_stats

    azs: Any = arviz_stats
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # shapes are looked at one by one
        found = azs.loo(fitted.to_datatree(), pointwise=True)
    log_weights = found.log_weights.transpose(names.RUN, "chain", "draw").values
    shapes, elpd = found.pareto_k.values, found.elpd_i.values
    return {
        str(run): (Others(fitted, log_weights[r].ravel()), float(shapes[r]), float(elpd[r]))
        for r, run in enumerate(fitted.layout.runs)
    }


def refitted(fitted: Fit, without: Iterable[str]) -> Fit:
    """Fit again without some runs: a short fit by quadrature, or by what serves the model."""
    table = fitted.runs.table
    kept = fitted.runs.drop(table.index[table[names.RUN].isin(list(without))])
    if unfit_for_quadrature(fitted.spec, fitted.layout):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BayeslawWarning)
            return fit(kept, fitted.spec, seed=fitted.seed)
    return short_fit(kept, fitted.spec, draws=_DRAWS, seed=fitted.seed)
