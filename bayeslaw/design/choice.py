"""Choosing between candidates whose losses are jointly Gaussian: what information is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import norm, qmc

# Points of the scrambled sequence that stands for outcomes, and within each for what stays open.
_OUTER, _INNER = 2048, 128


@dataclass(frozen=True)
class Worth:
    """What outcomes are worth to the choice of the candidate of lowest loss.

    Attributes
    ----------
    evsi : expected value of sample information: how much lower the log loss of the candidate
        chosen afterwards is expected to be than that of the one chosen now.
    regret : how far above the best candidate the chosen one is still expected to lie.
    pcs : probability that the candidate chosen afterwards is the best.
    """

    evsi: float
    regret: float
    pcs: float


def expected_best_gain(difference: float, sd: float) -> float:
    """Return E[max(d, 0)] - max(E d, 0) of a Gaussian difference: the gain of knowing it.

    Parameters
    ----------
    difference, sd : its mean and s.d.

    Examples
    --------
    >>> round(expected_best_gain(0.0, 1.0), 4)
    0.3989
    """
    if sd <= 0:
        return 0.0
    far = abs(difference)
    return float(sd * norm.pdf(far / sd) - far * norm.cdf(-far / sd))


def worth(mean: np.ndarray, covariance: np.ndarray, heard: np.ndarray, *, seed: int = 0) -> Worth:
    """Return what outcomes are worth to a choice.

    Parameters
    ----------
    mean, covariance : of the candidates' log losses now, shapes (k,) and (k, k).
    heard : covariance of their posterior means over the outcomes, shape (k, k); with
        ``covariance`` itself the information is perfect.
    seed : seed of the points that stand for outcomes where there are more than two candidates.

    Returns
    -------
    Worth
        In closed form for two candidates but for ``pcs``.

    Examples
    --------
    >>> known = np.diag([1.0, 1.0])
    >>> found = worth(np.zeros(2), known, known)
    >>> round(found.evsi, 4), round(found.regret, 4), round(found.pcs, 4)
    (0.5642, 0.0, 1.0)
    """
    left = covariance - heard
    if len(mean) == 2:
        gap = float(mean[1] - mean[0])
        contrast = np.array([-1.0, 1.0])
        now, told, rest = (float(contrast @ m @ contrast) for m in (covariance, heard, left))
        # Rounding must not make a sample worth more than certainty.
        told = min(max(told, 0.0), now)
        evsi, evpi = (expected_best_gain(gap, np.sqrt(v)) for v in (told, now))
        return Worth(evsi, max(evpi - evsi, 0.0), _right_of_two(gap, told, max(rest, 0.0)))
    # The same points stand for the outcomes of every plan, so plans differ by more than chance.
    unit = _normal(_OUTER, len(mean), seed)
    outcomes = mean + unit @ _root(heard).T
    chosen = outcomes.argmin(axis=1)
    best_now = float(mean.min())
    evsi = best_now - float(outcomes.min(axis=1).mean())
    evpi = best_now - float((mean + unit @ _root(covariance).T).min(axis=1).mean())
    ahead = _normal(_INNER, len(mean), seed + 1) @ _root(left).T
    right = (outcomes[:, None, :] + ahead).argmin(axis=2) == chosen[:, None]
    evsi = min(max(evsi, 0.0), evpi)
    return Worth(evsi, evpi - evsi, float(right.mean()))


def _right_of_two(gap: float, told: float, rest: float) -> float:
    """Return E[Phi(|m| / s.d. left)] over the posterior mean m of a difference."""
    levels = (np.arange(_OUTER) + 0.5) / _OUTER
    outcomes = np.abs(gap + np.sqrt(told) * ndtri(levels))
    if rest <= 0:
        return 1.0
    return float(norm.cdf(outcomes / np.sqrt(rest)).mean())


def _root(covariance: np.ndarray) -> np.ndarray:
    """Return the symmetric root, so that plans of like covariance have like outcomes."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def _normal(points: int, dims: int, seed: int) -> np.ndarray:
    unit = qmc.Sobol(dims, rng=np.random.default_rng(seed)).random(points)
    out = ndtri(np.clip(unit, 1e-12, 1 - 1e-12))
    # Centred, outcomes that change no choice are worth exactly nothing.
    return out - out.mean(axis=0)
