"""Simultaneous bands: whether the whole ECDF of supposedly uniform values stays where it should."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln, xlogy
from scipy.stats import beta

# Holm's procedure needs p-values; arviz_stats simulates bands at one level and has none.

# Quantiles of a beta farther out than this cannot be had from scipy, nor can they be of interest.
_LEAST = 1e-9


def p_value(values: np.ndarray) -> float:
    """Return the chance that the ECDF of as many uniform values strays as far anywhere.

    How far it strays at the k-th smallest value is the two-sided tail probability of that order
    statistic, a beta variable; the smallest over all k counts, and its distribution is exact.

    Parameters
    ----------
    values : probability integral transforms, between 0 and 1.

    Returns
    -------
    float

    Examples
    --------
    >>> round(p_value(np.array([0.02])), 3)
    0.04
    >>> p_value(np.linspace(0.01, 0.99, 60)) > 0.9, p_value(np.linspace(0.3, 0.7, 60)) < 1e-6
    (True, True)
    """
    n = len(values)
    order = _order_statistics(n)
    ordered = np.sort(values)
    local = max(2 * np.minimum(order.cdf(ordered), order.sf(ordered)).min(), _LEAST)
    return float(np.clip(1.0 - _chance_inside(*_bounds(n, local)), 0.0, 1.0))


def uniform_band(n: int, level: float = 0.99) -> tuple[np.ndarray, np.ndarray]:
    """Return bounds that hold all sorted uniform values at once.

    Parameters
    ----------
    n : number of values.
    level : chance that they stay inside.

    Returns
    -------
    tuple of numpy.ndarray
        Lower and upper bound of each order statistic, smallest first. On a plot of the ECDF the
        curve k/n stays between the two steps.

    Examples
    --------
    >>> [ends.round(3).tolist() for ends in uniform_band(1, 0.9)]
    [[0.05], [0.95]]
    """

    def excess(log_local: float) -> float:
        return _chance_inside(*_bounds(n, np.exp(log_local))) - level

    log_local: Any = brentq(excess, np.log((1 - level) / (2 * n)), np.log(1 - level / 2))
    return _bounds(n, np.exp(log_local))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Adjust p-values for their number by Holm's step-down procedure.

    Examples
    --------
    >>> holm(np.array([0.04, 0.01, 0.03])).round(3).tolist()
    [0.06, 0.03, 0.06]
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    out = np.empty_like(p)
    out[order] = np.minimum(stepped, 1.0)
    return out


def _order_statistics(n: int):
    k = np.arange(1, n + 1)
    return beta(k, n + 1 - k)


def _bounds(n: int, local: float) -> tuple[np.ndarray, np.ndarray]:
    order = _order_statistics(n)
    return order.ppf(local / 2), order.isf(local / 2)


def _chance_inside(lower: np.ndarray, upper: np.ndarray) -> float:
    """Return the probability that all order statistics of uniforms lie between their bounds.

    Uniforms in order are the times of a Poisson process that is known to have n events by time
    1, and its counts between bounds are independent: arXiv:1503.04363.
    """
    n = len(lower)
    counts = np.arange(n + 1)
    times = np.unique(np.concatenate([lower, upper, [1.0]]))
    chance = np.zeros(n + 1)
    chance[0] = 1.0
    for wait, time in zip(np.diff(times, prepend=0.0), times, strict=True):
        chance = np.convolve(chance, _poisson(counts, n * wait))[: n + 1]
        # By now every value with an earlier upper bound has come, and none with a later lower one.
        chance[: np.searchsorted(upper, time, side="right")] = 0.0
        chance[np.searchsorted(lower, time, side="left") + 1 :] = 0.0
    return float(chance[n] / _poisson(n, n))


def _poisson(count: np.ndarray | int, mean: float) -> np.ndarray:
    return np.exp(xlogy(count, mean) - mean - gammaln(np.add(count, 1)))
