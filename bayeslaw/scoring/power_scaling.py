"""How a forecast moves if its priors count for less or more, by weights on the draws there are."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayeslaw.inference import Fit
from bayeslaw.inference.log_prior import log_prior
from bayeslaw.prediction import Forecast
from bayeslaw.scoring.left_out import WORST_SHAPE, Others

#: Above this the prior, or the likelihood, matters to a quantity (Kallioinen et al. 2024).
INFORMATIVE = 0.05
#: The powers that a prior is raised to for the shifts that are shown.
POWERS = {"half": 0.5, "double": 2.0}
EVERY = "all priors"
_STEPS = (0.99, 1.01)


def power_scaling(fit: Fit, forecast: Forecast) -> pd.DataFrame:
    """Raise priors to a power and see how the forecast moves (doi:10.1007/s11222-023-10366-5).

    Priors that count double are those of two people who know the same from different sources.

    Parameters
    ----------
    fit : the posterior.
    forecast : made from it.

    Returns
    -------
    pandas.DataFrame
        One row per target and group of priors, and one for all of them: target (its place),
        family, prior, sensitivity and likelihood (cumulative Jensen-Shannon distances per
        doubling, from ArviZ), verdict; then shift_half, width_half, shift_double and
        width_double: the relative change of the median and the ratio of 90 % widths if the
        prior counts half, or double, NaN where weights cannot tell; and pareto_k, the worse.
    """
    beliefs = log_prior(fit.spec, fit.layout, fit.posterior)
    values = np.log(forecast.draws.values)
    tree = xr.DataTree.from_dict(
        {
            "/posterior": xr.Dataset({"log_loss": (("chain", "draw", "target"), values)}),
            "/log_prior": beliefs.drop_vars(["chain", "draw"]),
            "/log_likelihood": fit.log_likelihood[["loss"]].drop_vars(["chain", "draw"]),
        }
    )
    data = _sensitivity(tree, "likelihood", None)
    rows = []
    for name in [EVERY, *map(str, beliefs)]:
        chosen = list(map(str, beliefs)) if name == EVERY else [name]
        found = _sensitivity(tree, "prior", chosen)
        density = sum(beliefs[n] for n in chosen)
        weighted = {word: _weighted(fit, density, power) for word, power in POWERS.items()}
        for i, target in enumerate(forecast.targets):
            row: dict[str, Any] = {"target": i, "family": target.family, "prior": name}
            row |= {"sensitivity": found[i], "likelihood": data[i]}
            row["verdict"] = _verdict(found[i], data[i])
            for word, (others, shape) in weighted.items():
                shift, ratio = _moved(values[..., i].ravel(), others.weight)
                told = shape <= WORST_SHAPE
                row[f"shift_{word}"] = shift if told else np.nan
                row[f"width_{word}"] = ratio if told else np.nan
            row["pareto_k"] = max(shape for _, shape in weighted.values())
            rows.append(row)
    return pd.DataFrame(rows).sort_values("target", kind="stable", ignore_index=True)


def _sensitivity(tree: xr.DataTree, group: str, chosen: list[str] | None) -> np.ndarray:
    import arviz_stats

    azs: Any = arviz_stats
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of short tails
            found = azs.psense(tree, var_names=["log_loss"], group=group, alphas=_STEPS,
                               group_var_names=chosen)  # fmt: skip
    except ValueError:  # the density is the same at all draws, and has no tail to be smoothed
        return np.zeros(tree["posterior"].sizes["target"])
    return np.atleast_1d(found["log_loss"].values)


def _weighted(fit: Fit, density: Any, power: float) -> tuple[Others, float]:
    try:
        log_weight, shape = ((1.0 - power) * density).azstats.psislw(dim=["chain", "draw"])
    except ValueError:  # as above
        return Others(fit), 0.0
    ordered = log_weight.transpose("chain", "draw").values.ravel()
    return Others(fit, ordered), float(shape)


def _moved(log_losses: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    order = np.argsort(log_losses)
    at = np.searchsorted(np.cumsum(weight[order]), (0.05, 0.5, 0.95))
    low, middle, high = np.exp(log_losses[order][np.minimum(at, len(order) - 1)])
    before = np.exp(np.quantile(log_losses, (0.05, 0.5, 0.95)))
    return float(middle / before[1] - 1), float((high - low) / (before[2] - before[0]))


def _verdict(prior: float, data: float) -> str:
    if prior < INFORMATIVE:
        return "data decide"
    return "prior and data both matter" if data >= INFORMATIVE else "prior decides"
