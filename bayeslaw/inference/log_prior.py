"""The log prior density of a posterior's draws, top level by top level."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import norm

from bayeslaw.laws import Law
from bayeslaw.laws.law import prior_location
from bayeslaw.model.layout import APART, CAP, Layout
from bayeslaw.model.spec import Spec

EXPONENTS, LEVELS, NOISE, DISCREPANCY = "exponents", "floor and amplitudes", "noise", "discrepancy"


def log_prior(spec: Spec, layout: Layout, posterior: xr.Dataset) -> xr.Dataset:
    """Return the log density of what is believed beforehand, at every draw.

    Only the top of the hierarchy is a belief that one could change by stating another interval:
    the population of the parameters and how far families lie apart, the noise levels and the
    scale of the discrepancy. How families scatter around the population is the model. A family
    alone has no population, and a parameter that is not pooled none either: their priors are
    those of the families.

    Parameters
    ----------
    spec, layout : the model and its runs.
    posterior : of a fit, dims (chain, draw, ...).

    Returns
    -------
    xarray.Dataset
        Dims (chain, draw), up to constants: exponents, floor and amplitudes (the parameters that
        enter the law linearly), noise and, if there is one, discrepancy.
    """
    law: Law = spec.law  # type: ignore[assignment]
    alone = len(layout.families) == 1
    out: dict[str, Any] = {EXPONENTS: 0.0, LEVELS: 0.0}
    for i, p in enumerate(law.parameters):
        prior, pooling = layout.priors[p.name], spec.pooling(p.name)
        if alone or pooling == "none":
            own = np.log(posterior[p.name].values / prior.scale)
            wide = prior.between if pooling == "partial" else 0.0
            spread = np.hypot(prior.spread, wide)
            value = norm.logpdf(own, prior.location, spread).sum(-1)
        else:
            middle = posterior["log_population"].values[..., i]
            value = norm.logpdf(middle, prior.location, prior.spread)
            if pooling == "partial":
                for name, times in (("between", 1.0), ("across", 2.0)):
                    if name in posterior:
                        interval = times * prior.between * APART
                        value = value + _log_sd(posterior[name].values[..., i], interval)
        group = LEVELS if p.linear else EXPONENTS
        out[group] = out[group] + value
    out[NOISE] = 0.0
    for name, interval in (("run_sd", spec.noise.run), ("checkpoint_sd", spec.noise.checkpoint)):
        if name in posterior:
            typical = f"log_typical_{name}"
            if typical in posterior:
                value = norm.logpdf(posterior[typical].values, *prior_location(*interval))
            else:
                value = _log_sd(posterior[name].values, interval).sum(-1)
            out[NOISE] = out[NOISE] + value
    if spec.process is not None:
        scale = posterior["discrepancy_sd"].values
        out[DISCREPANCY] = _log_sd(scale, spec.process.scale).sum(-1)
    coords = {d: posterior[d] for d in ("chain", "draw")}
    kept = {n: (("chain", "draw"), v) for n, v in out.items() if np.ndim(v)}
    return xr.Dataset(kept, coords)


def _log_sd(sd: np.ndarray, interval: np.ndarray | tuple[float, float]) -> np.ndarray:
    """Return the density of the logarithm of a standard deviation, its cap included."""
    high = np.asarray(interval)[1]
    return norm.logpdf(np.log(sd), *prior_location(*interval)) - 0.5 * (sd / (CAP * high)) ** 2
