"""Linear-Gaussian conditioning: what outcomes that were not seen yet will leave of a variance."""

from __future__ import annotations

import numpy as np

from bayeslaw.errors import TargetError

# Directions of the outcomes below this share of the largest carry only rounding: the second of
# two identical checkpoints, for one.
_SMALLEST = 1e-12


def signal(shared: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Return the covariance of the targets' posterior means over the outcomes to come.

    Parameters
    ----------
    shared : covariance of targets and outcomes, shape (k, m).
    told : covariance of the outcomes with their noise, shape (m, m).

    Returns
    -------
    numpy.ndarray
        Shape (k, k): what is known afterwards of what is not known now. Taking it from the
        targets' covariance leaves the expected posterior covariance.
    """
    scale = np.sqrt(np.maximum(told.diagonal(), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(told / np.outer(scale, scale))
    kept = values > _SMALLEST * values.max(initial=0.0)
    heard = (shared / scale) @ vectors[:, kept] / np.sqrt(values[kept])
    return heard @ heard.T


def posterior_variance(covariance: np.ndarray, noise: np.ndarray) -> float:
    """Return the variance of a target once noisy outcomes of a plan are known.

    Parameters
    ----------
    covariance : of the target (first) and the noise-free outcomes, shape (1 + m, 1 + m).
    noise : variance of each outcome around the noise-free one, shape (m,), or their covariance,
        shape (m, m).

    Returns
    -------
    float
        The variance of a Gaussian, the same whatever the outcomes; for other distributions an
        upper bound on the expected variance.

    Examples
    --------
    >>> round(posterior_variance(np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([1.0])), 12)
    0.5
    """
    noise = np.asarray(noise, float)
    told = covariance[1:, 1:] + (np.diag(noise) if noise.ndim == 1 else noise)
    return float(covariance[0, 0] - signal(covariance[:1, 1:], told)[0, 0])


def expected_variance(target: np.ndarray, outcomes: np.ndarray, noise: np.ndarray) -> float:
    """Return the same from joint draws, corrected for their finite number.

    Parameters
    ----------
    target : draws of the target, shape (draws,).
    outcomes : draws of the noise-free outcomes, shape (draws, m).
    noise : as in :func:`posterior_variance`.

    Returns
    -------
    float
        Never above the variance of the target itself.

    Raises
    ------
    TargetError
        If there are too few draws for so many settings.
    """
    draws, m = outcomes.shape
    require_draws(draws, m)
    covariance = np.cov(np.column_stack([target, outcomes]), rowvar=False)
    # m fitted coefficients take up m of the draws' degrees of freedom.
    inflated = posterior_variance(covariance, noise) * draws / (draws - m - 1)
    return min(inflated, float(covariance[0, 0]))


def require_draws(draws: int, settings: int) -> None:
    """Refuse to judge a plan by too few draws.

    Raises
    ------
    TargetError
        If there are fewer than ten per setting.
    """
    if draws < 10 * (settings + 1):
        raise TargetError(
            f"a plan has {settings} settings and the fit {draws} draws; expected at least ten "
            "draws per setting. Sample longer or merge settings."
        )
