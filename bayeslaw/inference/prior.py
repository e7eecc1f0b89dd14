"""Prior predictive draws: what the specification believes before it sees a loss."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayeslaw import names
from bayeslaw.laws import Law
from bayeslaw.model.layout import lay_out
from bayeslaw.model.spec import Spec
from bayeslaw.runs import Runs


def prior_predictive(
    runs: Runs, spec: Spec | None = None, *, draws: int = 500, seed: int = 0
) -> xr.Dataset:
    """Draw parameters and the losses of the runs' curves from the prior.

    The light tails that cap each standard deviation far above its interval are left out.

    Parameters
    ----------
    runs : where to evaluate; their losses set only the families' loss scales.
    spec : the model; the default one unless given.
    draws : number of draws.
    seed : seed of the random numbers.

    Returns
    -------
    xarray.Dataset
        Parameters with dims (draw, family) and ``loss`` with dims (draw, row), nats per token.
    """
    import pymc as pm

    from bayeslaw.model.build import build_model

    spec = Spec() if spec is None else spec
    law: Law = spec.law  # type: ignore[assignment]
    layout = lay_out(spec, runs)
    model = build_model(spec, layout, whiten=False)
    wanted = [*law.parameter_names] + (["wander", "discrepancy_sd"] if spec.discrepancy else [])
    with model:
        values = pm.draw([model[n] for n in wanted], draws=draws, random_seed=seed)
    drawn = dict(zip(wanted, values, strict=True))
    rows = layout.family_of_row
    inputs = layout.inputs(law)
    loss = law(inputs, {n: drawn[n][:, rows] for n in law.parameter_names})
    if spec.discrepancy:
        scale = drawn["discrepancy_sd"][:, rows]
        loss = loss * np.exp(scale * (layout.phi * drawn["wander"][:, rows]).sum(-1))
    out = {n: (("draw", names.FAMILY), drawn[n]) for n in law.parameter_names}
    out["loss"] = (("draw", "row"), loss)
    return xr.Dataset(out, coords={names.FAMILY: list(layout.families)})
