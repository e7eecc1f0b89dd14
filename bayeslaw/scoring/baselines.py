"""Plain forecasts that a posterior must beat: last value, two-point line, least squares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.inference import least_squares
from bayeslaw.laws import Law, get_law
from bayeslaw.runs import Runs

BASELINES = ("last_value", "two_point", "least_squares")

# Runs whose compute differs by less than this are one rung; a line through them has no slope.
_SAME_COMPUTE = np.log(1.05)


def baselines(training: Runs, targets: pd.DataFrame, law: Law | str) -> pd.DataFrame:
    """Return every plain forecast of the targets' losses, from each family's own runs.

    Parameters
    ----------
    training : the runs that may be seen.
    targets : columns family, flops and the inputs of the law.
    law : the law that least squares fits.

    Returns
    -------
    pandas.DataFrame
        One row per target and one column per baseline, in nats per token; missing where the
        family has too few runs.

    Examples
    --------
    >>> from bayeslaw.runs import load_runs
    >>> runs = load_runs(pd.DataFrame({"params": [1e8, 1e9], "tokens": [2e9, 2e10],
    ...                                "family": "a", "loss": [4.0, 3.0]}))
    >>> target = pd.DataFrame({"family": ["a"], "params": 1e10, "tokens": 2e11, "flops": 1.2e22})
    >>> baselines(runs, target, "power_params")[["last_value", "two_point"]].round(3).values
    array([[3.  , 2.25]])
    """
    last = training.last().table
    rungs = {f: _rungs(t) for f, t in last.groupby(names.FAMILY, sort=False)}
    curves = _curves(training, get_law(law), set(targets[names.FAMILY]))
    rows = []
    for family, flops, inputs in zip(
        targets[names.FAMILY], targets[names.FLOPS], targets.to_dict("records"), strict=True
    ):
        points = rungs.get(family, [])
        curve = curves.get(family)
        rows.append(
            {
                "last_value": np.exp(points[0][1]) if points else np.nan,
                "two_point": _line(points, np.log(flops)),
                "least_squares": np.nan if curve is None else _at(get_law(law), curve, inputs),
            }
        )
    return pd.DataFrame(rows, index=targets.index, columns=list(BASELINES), dtype=float)


def _rungs(table: pd.DataFrame) -> list[tuple[float, float]]:
    """Return (log compute, mean log loss) of the two rungs of largest compute, largest first."""
    ordered = table.sort_values(names.FLOPS, ascending=False)
    compute, loss = np.log(ordered[names.FLOPS].to_numpy()), np.log(ordered[names.LOSS].to_numpy())
    out: list[tuple[float, float]] = []
    while len(compute) and len(out) < 2:
        same = compute > compute[0] - _SAME_COMPUTE
        out.append((float(compute[same].mean()), float(loss[same].mean())))
        compute, loss = compute[~same], loss[~same]
    return out


def _line(points: list[tuple[float, float]], at: float) -> float:
    if len(points) < 2:
        return np.nan
    (x1, y1), (x0, y0) = points
    return float(np.exp(y1 + (y1 - y0) / (x1 - x0) * (at - x1)))


def _curves(training: Runs, law: Law, wanted: set[str]) -> dict[str, Mapping[str, float]]:
    """Return the published parameters of each family that least squares can fit."""
    out = {}
    runs = training.thin()
    for family, table in runs.table.groupby(names.FAMILY, sort=False):
        # Fewer runs than parameters have no least-squares answer, only an interpolation.
        if family not in wanted or table[names.RUN].nunique() < len(law.parameters):
            continue
        own = runs.drop(runs.table.index.difference(table.index))
        # The search may try exponents that overflow; it turns back by itself.
        with np.errstate(over="ignore", invalid="ignore"):
            fitted = least_squares(own, law)
        out[str(family)] = fitted.iloc[0].drop([names.FAMILY, "residual_sd"]).to_dict()
    return out


def _at(law: Law, published: Mapping[str, float], inputs: Mapping[Any, Any]) -> float:
    parameters = law.from_published(dict.fromkeys(law.input_names, 1.0), **published)
    return float(law({n: inputs[n] for n in law.input_names}, parameters))
