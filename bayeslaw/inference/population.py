"""The population behind a single family, which was integrated out when it was fitted."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec


def with_population(spec: Spec, layout: Layout, posterior: xr.Dataset, seed: int) -> xr.Dataset:
    """Add population draws to the posterior of a one-family fit; return others unchanged.

    The log parameter of the family is normal around the population's with the typical spread,
    and the population's is normal under its prior, so the conditional is normal too.
    """
    if len(layout.families) > 1:
        return posterior
    law: Law = spec.law  # type: ignore[assignment]
    rng = np.random.default_rng([seed, 1])
    shape = tuple(posterior.sizes[d] for d in ("chain", "draw"))
    columns, spreads = [], []
    for p in law.parameters:
        prior = layout.priors[p.name]
        own = np.log(posterior[p.name].values[..., 0] / prior.scale[0])
        match spec.pooling(p.name):
            case "shared":
                between, drawn = 0.0, own
            case "none":
                between = prior.spread
                drawn = np.full(shape, prior.location)
            case _:
                between = prior.between
                share = prior.spread**2 / (prior.spread**2 + between**2)
                sd = np.sqrt(share) * between
                drawn = prior.location + share * (own - prior.location)
                drawn = drawn + sd * rng.standard_normal(shape)
        columns.append(drawn)
        spreads.append(np.full(shape, between))
    dims = ("chain", "draw", "parameter")
    population = np.stack(columns, axis=-1)
    return posterior.assign_coords(parameter=list(law.parameter_names)).assign(
        log_population=(dims, population),
        population=(dims, np.exp(population)),
        between=(dims, np.stack(spreads, axis=-1)),
    )
