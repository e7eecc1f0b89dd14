"""Chance: what a few families can tell about coverage and about calibration."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.stats import beta, norm

_SIGNIFICANT = 0.05
_SIMULATED = 4000
# A PIT of exactly 0 or 1 has an infinite statistic, and draws cannot tell it from this.
_EDGE = 5e-4


def clopper_pearson(share: float, trials: int, mass: float = 0.95) -> tuple[float, float]:
    """Return the exact bounds on a probability from an observed share of successes.

    Parameters
    ----------
    share : observed successes over trials; a trial may have a fractional success.
    trials : number of trials.
    mass : confidence of the bounds.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> [round(bound, 3) for bound in clopper_pearson(1.0, 10)]
    [0.692, 1.0]
    """
    hits, tail = share * trials, (1 - mass) / 2
    low = beta.ppf(tail, hits, trials - hits + 1) if hits > 0 else 0.0
    high = beta.ppf(1 - tail, hits + 1, trials - hits) if hits < trials else 1.0
    return float(low), float(high)


def uniformity(pits: np.ndarray) -> dict[str, Any]:
    """Test whether PIT values are uniform, and say what so few of them could have shown.

    The Anderson-Darling statistic, which weighs the ends: there it shows when forecasts are too
    sure of themselves. Its null distribution is simulated for this number of values.

    Parameters
    ----------
    pits : probability integral transforms of independent forecasts, one per family.

    Returns
    -------
    dict
        ``n``; ``statistic``; ``p_value``; and the power at the 5 % level, the chance to notice
        forecasts whose s.d. is half of what it should be (``power_narrow``) or which are one
        s.d. off (``power_biased``).

    Examples
    --------
    >>> found = uniformity(np.linspace(0.1, 0.9, 9))
    >>> found["n"], found["p_value"] > 0.5
    (9, True)
    >>> uniformity(np.full(9, 0.999))["p_value"] < 0.01
    True
    """
    null, narrow, biased = _simulated(len(pits))
    statistic = float(_anderson_darling(np.asarray(pits, float)[None])[0])
    critical = np.quantile(null, 1 - _SIGNIFICANT)
    return {
        "n": len(pits),
        "statistic": statistic,
        "p_value": float((1 + (null >= statistic).sum()) / (1 + len(null))),
        "power_narrow": float((narrow > critical).mean()),
        "power_biased": float((biased > critical).mean()),
    }


@cache
def _simulated(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Simulate the statistic of n values when calibrated, too narrow by half, and one s.d. off."""
    z = np.random.default_rng(0).standard_normal((_SIMULATED, n))
    null, narrow, biased = (_anderson_darling(norm.cdf(values)) for values in (z, 2 * z, z + 1))
    return null, narrow, biased


def _anderson_darling(pits: np.ndarray) -> np.ndarray:
    """Return the statistic of each row."""
    n = pits.shape[1]
    u = np.clip(np.sort(pits, axis=1), _EDGE, 1 - _EDGE)
    weights = (2 * np.arange(1, n + 1) - 1) / n
    return -n - (weights * (np.log(u) + np.log1p(-u[:, ::-1]))).sum(axis=1)
