"""A rough power law per family, good enough to see which rows do not belong."""

import numpy as np
import pandas as pd

from bayeslaw.names import FAMILY, LOSS, PARAMS, TOKENS

SLOPE = -0.1  #: usual slope of log loss in log params and in log tokens
STIFFNESS = 10.0  #: how firmly few or collinear rows are held to it

_SAMPLE = 20_000  # rows per family; more do not move a robust line


def log_residuals(table: pd.DataFrame) -> pd.Series:
    """Log loss minus a least-absolute-deviations plane per family.

    The plane runs in log params and log tokens; its slopes are held loosely to `SLOPE`, so
    that one bad row cannot tilt it.

    Parameters
    ----------
    table
        A complete runs table.

    Returns
    -------
    Series
        Natural-log residuals, on the index of the table.

    Examples
    --------
    >>> table = pd.DataFrame({"family": "a", "params": 1e9, "tokens": 1e10,
    ...                       "loss": [3.0, 3.0, 6.0]})
    >>> log_residuals(table).abs().round(2).tolist()
    [0.0, 0.0, 0.69]
    """
    residuals = pd.Series(0.0, table.index)
    for _, rows in table.groupby(FAMILY, sort=False):
        residuals[rows.index] = _family_residuals(rows)
    return residuals


def _family_residuals(rows: pd.DataFrame) -> np.ndarray:
    inputs = np.log(rows[[PARAMS, TOKENS]].to_numpy())
    inputs -= np.median(inputs, axis=0)
    # What is left to fit is the departure from the usual slopes.
    response = np.log(rows[LOSS].to_numpy()) - SLOPE * inputs.sum(axis=1)
    design = np.column_stack([np.ones(len(rows)), inputs])
    step = max(1, len(rows) // _SAMPLE)
    x, y = design[::step], response[::step]
    stiffness = np.diag([0.0, STIFFNESS, STIFFNESS])
    coefficients = np.array([np.median(y), 0.0, 0.0])
    # Reweighted least squares converges to the absolute-deviations plane.
    for _ in range(30):
        weighted = x.T / np.maximum(np.abs(y - x @ coefficients), 1e-3)
        coefficients = np.linalg.solve(weighted @ x + stiffness, weighted @ y)
    return response - design @ coefficients


def robust_sd(residuals: np.ndarray) -> float:
    """Scale of the bulk of some residuals: 1.4826 times the median absolute deviation.

    Examples
    --------
    >>> robust_sd(np.array([-1.0, 0.0, 1.0, 100.0]))
    1.4826
    """
    return float(1.4826 * np.median(np.abs(residuals - np.median(residuals))))
