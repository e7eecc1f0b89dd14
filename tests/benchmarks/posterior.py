"""What a posterior says of its own sampling: R-hat, effective draws, gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

# What describes the population rather than one family.
POPULATION = (
    "population",
    "between",
    "across",
    "log_typical_run_sd",
    "log_typical_checkpoint_sd",
)


def population_ess(posterior: xr.Dataset) -> dict[str, float]:
    """Return the bulk effective sample size of every population parameter that varies.

    Parameters
    ----------
    posterior : dims (chain, draw, ...), on any scale: ranks do not see a monotone change.

    Returns
    -------
    dict
        From a label such as ``between[alpha]`` to draws, smallest first.
    """
    found = _diagnostic("ess", posterior)
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


def population_rhat(posterior: xr.Dataset) -> float:
    """Return the largest R-hat of the population parameters."""
    return max(_diagnostic("rhat", posterior).values(), default=math.nan)


def sampling_figures(posterior: xr.Dataset, stats: xr.Dataset) -> dict[str, Any]:
    """Return the numbers a benchmark quotes of a sampler, as plain values.

    Parameters
    ----------
    posterior, stats : as a fit holds them; engines without trajectories have no ``n_steps``.
    """
    ess = population_ess(posterior)
    slowest = next(iter(ess), "")
    return {
        "rhat": population_rhat(posterior),
        "ess": ess.get(slowest, math.nan),
        "slowest": slowest,
        "draws": int(posterior.sizes["chain"] * posterior.sizes["draw"]),
        "divergences": int(stats["diverging"].sum()) if "diverging" in stats else 0,
        "gradients": float(stats["n_steps"].mean()) if "n_steps" in stats else None,
    }


def _diagnostic(name: str, posterior: xr.Dataset) -> dict[str, float]:
    """Return R-hat or bulk ESS by label; what is constant by declaration has neither."""
    import arviz_stats

    azs: Any = arviz_stats
    judged = posterior[[n for n in POPULATION if n in posterior]]
    if not judged.data_vars:
        return {}
    with np.errstate(invalid="ignore", divide="ignore"):
        values = azs.rhat(judged) if name == "rhat" else azs.ess(judged, method="bulk")
    varies = judged.std(("chain", "draw")) > 0
    return labelled(values.where(varies))


def labelled(values: xr.Dataset) -> dict[str, float]:
    """Return the finite entries of arrays, by name and coordinates such as ``between[alpha]``."""
    out = {}
    for name, array in values.data_vars.items():
        for index in np.ndindex(array.shape):
            place = [str(array[d].values[i]) for d, i in zip(array.dims, index, strict=True)]
            out[f"{name}[{', '.join(place)}]" if place else str(name)] = float(array.values[index])
    return {label: value for label, value in out.items() if math.isfinite(value)}
