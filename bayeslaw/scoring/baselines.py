"""Plain forecasts that a posterior must beat: last value, two-point line, least squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.inference import least_squares
from bayeslaw.laws import Law, get_law
from bayeslaw.pool import Pool, call
from bayeslaw.runs import Runs

BASELINES = ("last_value", "two_point", "least_squares", "inflated")

# Runs whose compute differs by less than this are one rung; a line through them has no slope.
_SAME_COMPUTE = np.log(1.05)
# Relative s.d. that least squares is given per e-fold of compute beyond the runs: the value that
# scored best on the other labs, for each of seven held out (90 % intervals then held 87 %).
KAPPA = 0.010
# So many families are one task of a pool.
_TOGETHER = 4


@dataclass(frozen=True)
class _Curve:
    """A family's least-squares fit: the law's parameters at raw inputs, and their residuals."""

    parameters: dict[str, float]
    residual_sd: float


def baselines(
    training: Runs, targets: pd.DataFrame, law: Law | str, *, pool: Pool | None = None
) -> pd.DataFrame:
    """Return every plain forecast of the targets' losses, from each family's own runs.

    Parameters
    ----------
    training : the runs that may be seen.
    targets : columns family, flops and the inputs of the law. With a column run, the last value
        and the line of a run that was seen in part are its own.
    law : the law that least squares fits.
    pool : where it fits the families, and keeps what is done of them.

    Returns
    -------
    pandas.DataFrame
        One row per target and one column per baseline, in nats per token; missing where the
        family has too few runs. ``inflated`` is least squares again; ``inflated_sd`` makes a
        distribution of it: the s.d. of its log loss, from the residuals and, added in
        quadrature, :data:`KAPPA` times the log of the extrapolation factor.

    Examples
    --------
    >>> from bayeslaw.runs import load_runs
    >>> runs = load_runs(pd.DataFrame({"params": [1e8, 1e9], "tokens": [2e9, 2e10],
    ...                                "family": "a", "loss": [4.0, 3.0]}))
    >>> target = pd.DataFrame({"family": ["a"], "params": 1e10, "tokens": 2e11, "flops": 1.2e22})
    >>> baselines(runs, target, "power_params")[["last_value", "two_point"]].round(3).values
    array([[3.  , 2.25]])
    """
    law, seen = get_law(law), training.table
    finals = training.last().table
    ladders = {f: _rungs(t) for f, t in finals.groupby(names.FAMILY, sort=False)}
    begun = seen[seen[names.RUN].isin(targets.get(names.RUN, []))]
    histories = {r: _rungs(t) for r, t in begun.groupby(names.RUN, sort=False)}
    largest = seen.groupby(names.FAMILY)[names.FLOPS].max()
    curves = _curves(training, law, set(targets[names.FAMILY]), pool or Pool())
    rows = []
    for target in targets.to_dict("records"):
        run, family = str(target.get(names.RUN)), target[names.FAMILY]
        compute = np.log(target[names.FLOPS])
        points = histories.get(run) or ladders.get(family, [])
        curve = curves.get(family)
        row = {
            "last_value": np.exp(points[0][1]) if points else np.nan,
            "two_point": _line(points, compute),
        }
        if curve is not None:
            beyond = max(compute - np.log(largest[family]), 0.0)
            at = {n: target[n] for n in law.input_names}
            row["least_squares"] = row["inflated"] = float(law(at, curve.parameters))
            row["inflated_sd"] = np.hypot(curve.residual_sd, KAPPA * beyond)
        rows.append(row)
    columns = [*BASELINES, "inflated_sd"]
    return pd.DataFrame(rows, index=targets.index, columns=columns, dtype=float)


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


def _curves(training: Runs, law: Law, wanted: set[str], pool: Pool) -> dict[str, _Curve]:
    """Fit each family that least squares can fit."""
    calls = {}
    runs, least = training.thin(), len(law.parameters)
    for family, table in runs.table.groupby(names.FAMILY, sort=False):
        # Fewer runs than parameters have no least-squares answer, only an interpolation.
        if family not in wanted or table[names.RUN].nunique() < least:
            continue
        own = runs.drop(runs.table.index.difference(table.index))
        calls[str(family)] = call(_curve, own, law)
    curves = pool.made(list(calls.values()), makes=_Curve, together=_TOGETHER)
    return dict(zip(calls, curves, strict=True))


def _curve(own: Runs, law: Law) -> _Curve:
    """Fit one family by least squares."""
    # The search may try exponents that overflow; it turns back by itself.
    with np.errstate(over="ignore", invalid="ignore"):
        fitted: dict[Any, Any] = least_squares(own, law).iloc[0].to_dict()
    fitted.pop(names.FAMILY)
    # Each fitted parameter hides a degree of freedom of the residuals.
    freedom = max(len(own) - len(law.parameters), 1) / len(own)
    residual_sd = fitted.pop("residual_sd") / np.sqrt(freedom)
    unit = dict.fromkeys(law.input_names, 1.0)
    return _Curve(law.from_published(unit, **fitted), residual_sd)
