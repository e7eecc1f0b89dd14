"""Scoring rules of draws against what was observed, in units of relative loss."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm, t as student

from bayeslaw.scoring.library import scoringrules

# Draws that all agree would have infinite density; no loss is known to a part in a million.
NARROWEST = 1e-6
_FREEDOM = 4.0


def crps(draws: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Return the continuous ranked probability score, the fair estimate from draws.

    Parameters
    ----------
    draws : forecast losses, shape (..., draws).
    observed : losses, shape (...).

    Returns
    -------
    numpy.ndarray
        E|X - y| - E|X - X'|/2 as a fraction of the observed loss; smaller is better.

    Examples
    --------
    >>> crps(np.array([[2.0, 2.2, 2.4]]), np.array([2.2])).round(4)
    array([0.])
    >>> crps(np.array([[2.2, 2.2]]), np.array([2.0])).round(4)
    array([0.1])
    """
    observed = np.asarray(observed, float)
    relative = np.asarray(draws, float) / observed[..., None]
    return scoringrules.crps_ensemble(
        np.ones_like(observed), relative, estimator="pwm", backend="numpy"
    )


def energy_score(draws: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Return the energy score of a joint forecast of several losses, such as those of a family.

    Divided by the square root of their number: equal to the CRPS for one loss, and of the same
    order for many. Unlike the mean of their CRPS it sees whether errors go together.

    Parameters
    ----------
    draws : joint forecasts, shape (..., losses, draws).
    observed : losses, shape (..., losses).

    Returns
    -------
    numpy.ndarray
        E|X - y| - E|X - X'|/2 of the vector relative to the observed losses, shape (...); smaller
        is better. X' is the draw half the draws away, so of another chain.

    Examples
    --------
    >>> float(energy_score(np.array([[2.2, 2.2], [1.1, 1.1]]), np.array([2.0, 1.0])).round(4))
    0.1
    """
    observed = np.asarray(observed, float)
    relative = np.asarray(draws, float) / observed[..., None]
    found = scoringrules.es_ensemble(
        np.ones_like(observed),
        np.moveaxis(relative, -1, -2),
        estimator="akr_circperm",
        backend="numpy",
    )
    return np.asarray(found) / np.sqrt(observed.shape[-1])


def z_score(draws: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Return how many s.d. the log loss was above the mean of the forecast.

    Parameters
    ----------
    draws : forecast losses, shape (..., draws).
    observed : losses, shape (...).

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> z_score(np.exp([[-0.01, 0.0, 0.01]]), np.exp([0.02])).round(2)
    array([2.])
    """
    return (np.log(observed) - np.log(draws).mean(axis=-1)) / _log_sd(draws)


def log_score(draws: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Return minus the log density of the log loss, under a normal fitted to the draws.

    The normal stands for the draws because a density estimated from them is zero a little way
    outside; with it the rule is still proper (it is the Dawid-Sebastiani score).

    Parameters
    ----------
    draws : forecast losses, shape (..., draws).
    observed : losses, shape (...).

    Returns
    -------
    numpy.ndarray
        Smaller is better; a forecast of s.d. 1 % that is right scores about -3.7.

    Examples
    --------
    >>> log_score(np.exp([[-0.01, 0.0, 0.01]]), np.array([1.0])).round(2)
    array([-3.69])
    """
    # Not scoringrules.logs_normal: it takes the logarithm of a density that has run to zero.
    return -norm.logpdf(np.log(observed), np.log(draws).mean(axis=-1), _log_sd(draws))


def student_score(draws: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Return minus the log density of the log loss, under a Student-t fitted to the draws.

    With four degrees of freedom and the draws' mean and s.d.: one forecast far off does not
    drown the others, as it does in :func:`log_score`.

    Parameters
    ----------
    draws : forecast losses, shape (..., draws).
    observed : losses, shape (...).

    Examples
    --------
    >>> student_score(np.exp([[-0.01, 0.0, 0.01]]), np.array([1.0])).round(2)
    array([-3.97])
    """
    sd = _log_sd(draws) * np.sqrt((_FREEDOM - 2) / _FREEDOM)
    return -student.logpdf(np.log(observed), _FREEDOM, np.log(draws).mean(axis=-1), sd)


def interval_score(draws: np.ndarray, observed: np.ndarray, level: float = 0.9) -> np.ndarray:
    """Return the score of the central interval: its width and a fine for missing.

    Parameters
    ----------
    draws : forecast losses, shape (..., draws).
    observed : losses, shape (...).
    level : probability the interval claims.

    Returns
    -------
    numpy.ndarray
        As a fraction of the observed loss; smaller is better.

    Examples
    --------
    >>> interval_score(np.linspace(0.95, 1.05, 101)[None], np.array([1.0]), 0.9).round(3)
    array([0.09])
    """
    observed = np.asarray(observed, float)
    relative = np.asarray(draws, float) / observed[..., None]
    low, high = np.quantile(relative, [(1 - level) / 2, (1 + level) / 2], axis=-1)
    found = scoringrules.interval_score(
        np.ones_like(observed), low, high, 1 - level, backend="numpy"
    )
    return np.reshape(found, observed.shape)  # it drops dimensions of length one


def pit(draws: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Return the share of draws at or below what was observed; uniform if calibrated.

    Parameters
    ----------
    draws : forecast losses, shape (..., draws).
    observed : losses, shape (...).

    Examples
    --------
    >>> pit(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([3.5]))
    array([0.75])
    """
    return (np.asarray(draws) <= np.asarray(observed)[..., None]).mean(axis=-1)


def _log_sd(draws: np.ndarray) -> np.ndarray:
    return np.maximum(np.log(draws).std(axis=-1, ddof=1), NARROWEST)
