"""A posterior of few parameters by importance sampling around its mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln

from bayeslaw.errors import FitError

FREEDOM = 6.0  #: degrees of freedom of the Student-t that proposes
ROUNDS, RELIABLE = 3, 0.7  #: further rounds of proposals, and the Pareto shape that needs none
ENOUGH = 5  #: effective proposals per parameter, from which a further round is built
_STEP = 1e-3


@dataclass(frozen=True, eq=False)
class Weighted:
    """Equally weighted draws, resampled from weighted ones.

    Attributes
    ----------
    draws : shape (draw, parameter).
    log_evidence : logarithm of the integral of the density.
    tail_shape : Pareto shape of the raw weights (their reliability).
    ess : effective number of proposals.
    """

    draws: np.ndarray
    log_evidence: float
    tail_shape: float
    ess: float


def curvature(density: Callable[[np.ndarray], float], mode: np.ndarray) -> np.ndarray:
    """Return the Hessian of minus a log density by central differences."""
    n = len(mode)
    hessian = np.zeros((n, n))
    steps = np.eye(n) * _STEP
    centre = density(mode)
    for i in range(n):
        for j in range(i, n):
            if i == j:
                wide = density(mode + steps[i]) + density(mode - steps[i]) - 2 * centre
                hessian[i, i] = -wide / _STEP**2
            else:
                cross = (
                    density(mode + steps[i] + steps[j]) - density(mode + steps[i] - steps[j])
                    - density(mode - steps[i] + steps[j]) + density(mode - steps[i] - steps[j])
                )  # fmt: skip
                hessian[i, j] = hessian[j, i] = -cross / (4 * _STEP**2)
    return hessian


def weigh(
    density: Callable[[np.ndarray], Any], mode: np.ndarray, *, draws: int, seed: int,
    flattest: float = 0.05, batched: bool = False,
) -> Weighted:  # fmt: skip
    """Draw from a density by importance sampling with a Student-t at its mode.

    Parameters
    ----------
    density : log density at coordinates of shape (parameter,).
    mode : where it is largest.
    draws : number of proposals, and of draws returned.
    seed : seed of both.
    flattest : least curvature that is believed, along any direction.
    batched : whether the density takes many points at once, shape (draw, parameter).

    Raises
    ------
    FitError
        If the density is not finite at its mode.

    Examples
    --------
    >>> found = weigh(lambda x: float(-0.5 * x @ x), np.zeros(2), draws=2000, seed=1)
    >>> abs(found.log_evidence - float(np.log(2 * np.pi))) < 0.1, found.tail_shape < 0.5
    (True, True)
    """
    from bayeslaw.inference.quadrature.lattice import effective, smoothed, systematic

    if not np.isfinite(density(mode)):
        raise FitError("the density is not finite at its mode; check the table for odd values")
    values, vectors = np.linalg.eigh(curvature(density, mode))
    root = vectors / np.sqrt(np.maximum(values, flattest))
    rng = np.random.default_rng(seed)
    many = density if batched else lambda points: np.array([density(x) for x in points])
    proposals, log_w = _proposed(many, mode, root, draws, rng)
    log_weight, shape = smoothed(log_w)
    best = (shape, proposals, log_w, log_weight)
    for _ in range(ROUNDS):
        if shape < RELIABLE or effective(log_weight) < ENOUGH * len(mode):
            break
        # Once more from where the mass turned out to lie, which need not be around the mode.
        weights = np.exp(log_weight)
        centre = weights @ proposals
        off = proposals - centre
        root = np.linalg.cholesky((weights[:, None] * off).T @ off + 1e-10 * np.eye(len(mode)))
        proposals, log_w = _proposed(many, centre, root, draws, rng)
        log_weight, shape = smoothed(log_w)
        best = min(best, (shape, proposals, log_w, log_weight), key=lambda found: found[0])
    shape, proposals, log_w, log_weight = best
    evidence = float(np.logaddexp.reduce(log_w) - np.log(draws))
    chosen = systematic(log_weight, draws, rng)
    return Weighted(proposals[chosen], evidence, shape, effective(log_weight))


def _proposed(
    density: Callable[[np.ndarray], Any], centre: np.ndarray, root: np.ndarray, draws: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return draws of a Student-t and their log importance weights."""
    n = len(centre)
    z = rng.standard_normal((draws, n))
    scale = np.sqrt(FREEDOM / rng.chisquare(FREEDOM, draws))
    proposals = centre + scale[:, None] * (z @ root.T)
    square = scale**2 * (z**2).sum(1)
    log_q = (
        gammaln((FREEDOM + n) / 2) - gammaln(FREEDOM / 2) - 0.5 * n * np.log(FREEDOM * np.pi)
        - np.linalg.slogdet(root)[1]
        - 0.5 * (FREEDOM + n) * np.log1p(square / FREEDOM)
    )  # fmt: skip
    log_p = density(proposals)
    return proposals, np.where(np.isfinite(log_p), log_p, -np.inf) - log_q
