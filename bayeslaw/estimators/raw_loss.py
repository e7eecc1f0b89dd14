"""Choshen et al.: the additive law by least squares on the raw loss of every checkpoint."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit

from bayeslaw.errors import FitError
from bayeslaw.estimators.huber import Additive

#: Where every fit starts: the constants of arXiv:2305.16264, as log A, log B, log E, alpha, beta.
START = {"a": 6.255414, "b": 7.3049974, "e": 0.6254804, "alpha": 0.3526596, "beta": 0.3526596}
#: What one model alone borrows: the size term of START.
BORROWED = {"a": START["a"], "alpha": START["alpha"]}
#: Exponents tied to amplitudes over published fits: alpha = .0116 + .0500 log A, and so for beta.
COUPLING = {"alpha": ("a", 0.0116280, 0.05004588), "beta": ("b", 0.23710262, 0.03844353)}


def fit_raw_loss(
    params: Any, tokens: Any, loss: Any, *, fixed: Mapping[str, float] | None = None,
    coupled: bool = False,
) -> Additive:  # fmt: skip
    """Fit the additive law by ``scipy.optimize.curve_fit`` on the loss itself.

    Parameters
    ----------
    params, tokens, loss : one entry per checkpoint.
    fixed : values of log A, log B, log E, alpha or beta that are not fitted, by their names in
        :data:`START`; :data:`BORROWED` for a single model.
    coupled : tie both exponents to their amplitudes by :data:`COUPLING`.

    Returns
    -------
    Additive
        Its objective is the sum of squares.

    Raises
    ------
    FitError
        If there are fewer rows than free values, or the search does not end.

    Notes
    -----
    No weights, no robust loss and no interval: rows of one run count as separate models.
    """
    n, d, y = (np.asarray(v, float) for v in (params, tokens, loss))
    known = dict(fixed or {})
    ties = dict(COUPLING) if coupled else {}
    free = [k for k in START if k not in known and k not in ties]

    def values(theta: Any) -> dict[str, float]:
        out = known | dict(zip(free, theta, strict=True))
        return out | {k: start + slope * out[of] for k, (of, start, slope) in ties.items()}

    def law(_: Any, *theta: float) -> np.ndarray:
        v = values(theta)
        with np.errstate(over="ignore"):
            return (
                np.exp(v["e"])
                + np.exp(v["a"]) * n ** -v["alpha"]
                + np.exp(v["b"]) * d ** -v["beta"]
            )

    start = np.array([START[k] for k in free])
    low = [0.0 if k in ("alpha", "beta") else -np.inf for k in free]
    problem = {"p0": start, "bounds": (low, np.inf)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)  # of the covariance, which is not used
            try:
                found, _ = curve_fit(law, n, y, **problem)
            except RuntimeError:
                found, _ = curve_fit(law, n, y, **problem, x_scale=start, method="dogbox")
    except (RuntimeError, ValueError, TypeError) as error:
        raise FitError(
            f"least squares on {len(y)} raw losses did not end ({error}); expected a minimum. "
            "Drop the start of training, or give more sizes."
        ) from error
    v = values(found)
    rest = float(((law(n, *found) - y) ** 2).sum())
    e, a, b = (float(np.exp(v[k])) for k in "eab")
    return Additive(e, a, b, v["alpha"], v["beta"], rest)
