"""Least squares, family by family: the plain estimator beside the posterior."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.laws import Law, get_law
from bayeslaw.laws.law import prior_location
from bayeslaw.model.point import fit_point
from bayeslaw.runs import Runs


def least_squares(runs: Runs, law: Law | str = "chinchilla", *, starts: int = 9) -> pd.DataFrame:
    """Fit each family alone by robust least squares on log loss, without any prior.

    Parameters
    ----------
    runs : the rows to fit; every row counts the same.
    law : name or law.
    starts : starts per family, spread over the exponents.

    Returns
    -------
    pandas.DataFrame
        One row per family: the published parameters, and ``residual_sd`` of the log loss.
        Families with fewer rows than parameters interpolate; they are fitted all the same.

    Examples
    --------
    >>> from bayeslaw.simulation import simulate
    >>> truth = {"E": 1.7, "A": 400.0, "alpha": 0.34}
    >>> runs = simulate("power_params", truth, params=[1e7, 3e7, 1e8, 1e9], tokens=2e10, run_sd=0)
    >>> least_squares(runs, "power_params").round(2)[["E", "alpha"]].iloc[0].tolist()
    [1.7, 0.34]
    """
    law = get_law(law)
    out = []
    for family, table in runs.table.groupby(names.FAMILY, sort=False):
        raw = law.read(table)
        references = law.references(raw)
        loss = table[names.LOSS].to_numpy(float)
        scale = np.log(loss.min())
        location = np.array(
            [prior_location(p.low, p.high)[0] + scale * p.in_loss_units for p in law.parameters]
        )
        point = fit_point(
            law,
            {n: raw[n] / references[n] for n in law.input_names},
            loss,
            location=location,
            spread=None,
            starts=starts,
        )
        values = dict(zip(law.parameter_names, np.exp(point.log_parameters), strict=True))
        row = {names.FAMILY: family, **law.to_published(references, **values)}
        out.append(row | {"residual_sd": point.scale})
    return pd.DataFrame(out)
