"""How far a curve drifts from its law beyond the runs, learned from forecasts of the largest runs.

The drift of :class:`~bayeslaw.Inflated` acts only beyond the runs, so one fit serves every size of
it; the sizes are averaged as the settings of :mod:`bayeslaw.scoring.priors_choice` are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import BayeslawError, FitError
from bayeslaw.model.priors import Interval
from bayeslaw.model.spec import Inflated, Spec
from bayeslaw.pool import Pool, call
from bayeslaw.runs import Runs
from bayeslaw.scoring.priors_choice import CUTS, DRAWS, around, judge, parted
from bayeslaw.scoring.priors_fit import short_fit

#: Sizes that are tried, fractions of the loss per e-fold of compute; never none at all.
KAPPAS = (0.0025, 0.005, 0.01, 0.02, 0.04)
#: S.d. of its log around the middle.
SPREAD = 0.5


def drift_scored(
    labs: dict[str, Runs],
    spec: Spec,
    *,
    cuts: Iterable[float] = CUTS,
    seed: int = 0,
    pool: Pool | None = None,
    told: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Forecast the largest runs of each lab from its smaller ones under every size of drift.

    Parameters
    ----------
    labs : runs by lab; each is fitted by itself, trusting the law.
    spec : the rest of the model.
    cuts, seed, pool, told : as for :func:`bayeslaw.scoring.priors_choice.scored`.

    Returns
    -------
    pandas.DataFrame
        As there, with kappa in place of a discrepancy, whose scale and length are zero.
    """
    trusting = replace(spec, discrepancy=None)
    parts = [
        call(_scores, lab, cut, *found, trusting, seed)
        for lab, runs in labs.items()
        for cut in cuts
        if (found := parted(runs, cut)) is not None
    ]
    found = (pool or Pool()).made(parts)
    if told:
        told(f"tried drifts on {', '.join(labs)}")
    return pd.DataFrame([row for rows in found for row in rows])


def _scores(
    lab: str, cut: float, training: Runs, targets: Runs, trusting: Spec, seed: int
) -> list[dict[str, Any]]:
    try:
        fitted = short_fit(training, trusting, draws=DRAWS, seed=seed)
    except BayeslawError as error:
        raise FitError(f"lab '{lab}', cut {cut:g}: {error}") from error
    rows = []
    for kappa in KAPPAS:
        drifting = replace(trusting, discrepancy=Inflated(around(kappa, SPREAD)))
        made = replace(fitted, spec=drifting)
        made.__dict__["layout"] = fitted.layout  # the runs are laid out alike
        head = {"centre": 1.0, "scale": 0.0, "length": 0.0, "kappa": kappa}
        rows.append({**head, names.LAB: lab, "cut": cut, **judge(made, targets)})
    return rows


def best_drift(scores: pd.DataFrame, without: tuple[str, ...] = ()) -> Interval | None:
    """Return the 90 % interval of kappa, the sizes weighted by how well they forecast.

    Parameters
    ----------
    scores : with the rows of :func:`drift_scored`.
    without : labs that have no say.

    Returns
    -------
    tuple of float, or None
        None if no row is of a drift.

    Examples
    --------
    >>> rows = [(0.01, "a", 4.0, -2.0), (0.04, "a", 4.0, 90.0)]
    >>> low, high = best_drift(pd.DataFrame(rows, columns=["kappa", "lab", "cut", "log_score"]))
    >>> low < 0.01 < high
    True
    """
    if "kappa" not in scores:
        return None
    counted = scores[(scores["kappa"] > 0) & ~scores[names.LAB].isin(without)]
    if counted.empty:
        return None
    # Cuts of one lab share its families: together they are one observation.
    by_lab = counted.groupby(["kappa", names.LAB])["log_score"].mean()
    total = by_lab.groupby(level=0).sum()
    weight = np.exp(total.min() - total.to_numpy())
    weight /= weight.sum()
    values = np.log(total.index.to_numpy(float))
    middle = float(weight @ values)
    scatter = float(weight @ (values - middle) ** 2)
    return around(float(np.exp(middle)), float(np.hypot(SPREAD, scatter**0.5)))
