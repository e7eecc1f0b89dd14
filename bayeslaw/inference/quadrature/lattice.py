"""Adaptive importance sampling on lattices: where to look, and how much each point counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from arviz_stats.base.array import array_stats
from scipy.special import gammaincinv, gammaln, ndtri

from bayeslaw.inference.health import MAX_TAIL_SHAPE

# Mean and covariance of where to look.
Guide = tuple[np.ndarray, np.ndarray]
# The log density at points, shape (points, d).
LogDensity = Callable[[np.ndarray], np.ndarray]

_TAILS = 6.0
# Points this many e-folds below the best do not count.
_DEAD = 60.0
_FEWEST = 50
_BITS = 30
_ROUNDS = 30
_LONGEST = 2**12


def log_sum(log_values: np.ndarray) -> np.ndarray:
    """Return the log of the sum of exponentials over the last axis."""
    top = log_values.max(-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):  # of nothing at all
        return np.log(np.exp(log_values - top).sum(-1)) + top[..., 0]


@lru_cache(maxsize=16)
def _even(d: int, points: int) -> np.ndarray:
    """Return a scrambled Sobol lattice as integers of :data:`_BITS` bits, shape (points, d)."""
    from scipy.stats import qmc

    lattice = qmc.Sobol(d, rng=np.random.default_rng(d)).random(points)
    return (lattice * 2**_BITS).astype(np.int64)


@dataclass(frozen=True)
class Lattice:
    """A Sobol lattice as points of a multivariate t, that can be made longer.

    Attributes
    ----------
    mean : where it is centred, shape (d,).
    root : lower triangular root of its covariance.
    shift : random digits by which it differs from other lattices.
    """

    mean: np.ndarray
    root: np.ndarray
    shift: np.ndarray

    @classmethod
    def around(cls, guide: Guide, rng: np.random.Generator) -> Lattice:
        """Return a lattice with digits of its own."""
        mean, covariance = guide
        shift = rng.integers(0, 2**_BITS, len(mean) + 1)
        return cls(mean, np.linalg.cholesky(covariance), shift)

    def points(self, begin: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Return some of its points, shape (points, d), and their log density."""
        d = len(self.mean)
        even = ((_even(d + 1, max(end, _LONGEST))[begin:end] ^ self.shift) + 0.5) / 2**_BITS
        # A chi-squared quantile by way of the gamma function's inverse.
        stretch = np.sqrt(2.0 * gammaincinv(0.5 * _TAILS, even[:, d:]) / _TAILS)
        unit = ndtri(even[:, :d]) / stretch
        log_density = _log_student((unit**2).sum(1), d, _TAILS) - np.log(np.diag(self.root)).sum()
        return self.mean + unit @ self.root.T, log_density


def _log_student(square: np.ndarray, d: int, nu: float) -> np.ndarray:
    constant = gammaln((nu + d) / 2) - gammaln(nu / 2) - 0.5 * d * np.log(nu * np.pi)
    return constant - 0.5 * (nu + d) * np.log1p(square / nu)


def tempered(u: np.ndarray, log_weight: np.ndarray) -> tuple[Guide, float]:
    """Return moments at the coldest temperature that keeps enough points alive, and it."""
    wanted = min(len(u) / 4, 12.0 * u.shape[1])
    heat = 1.0
    while True:
        cold = heat * np.maximum(log_weight, -1e300)
        w = np.exp(cold - cold.max())
        w /= w.sum()
        if 1.0 / (w**2).sum() >= wanted or heat < 1e-6:
            break
        heat *= 0.7
    return moments(u, w), heat


def moments(u: np.ndarray, w: np.ndarray) -> Guide:
    """Return mean and covariance of weighted points, shapes (d,) and (d, d)."""
    mean = w @ u
    off = u - mean
    covariance = (w[:, None] * off).T @ off
    return mean, covariance + 1e-8 * np.eye(len(mean))


def mixed(guides: list[Guide]) -> Guide:
    """Return mean and covariance of all guides together."""
    means = np.array([m for m, _ in guides])
    middle = means.mean(0)
    off = means - middle
    return middle, np.mean([c for _, c in guides], axis=0) + off.T @ off / len(means)


def effective(log_weight: np.ndarray) -> float:
    """Return the effective number of points with these normalised log weights."""
    return float(1.0 / np.exp(2 * log_weight).sum())


def smoothed(log_weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Return normalised log weights, their tail smoothed (arXiv:1507.02646), and its shape."""
    out = np.full_like(log_weight, -np.inf)
    log_weight = np.where(np.isfinite(log_weight), log_weight, -np.inf)
    if log_weight.max() == -np.inf:
        return np.full_like(log_weight, -np.log(len(log_weight))), np.inf
    alive = log_weight > log_weight.max() - _DEAD
    if alive.sum() < _FEWEST:
        return log_weight - log_sum(log_weight), np.inf
    smooth, shape = array_stats.psislw(-log_weight[alive])
    out[alive] = smooth
    return out - log_sum(out), float(shape)


def systematic(log_weight: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n indices with these weights, as evenly as can be."""
    edges = np.cumsum(np.exp(log_weight - log_sum(log_weight)))
    even = (np.arange(n) + rng.random()) / n
    return np.minimum(np.searchsorted(edges, even), len(edges) - 1)


def adapted(log_density: LogDensity, guide: Guide, points: int, rng: np.random.Generator) -> Guide:
    """Return where a density lies, looking first where a guide says, at so many points a time."""
    for _ in range(_ROUNDS):
        x, log_q = Lattice.around(guide, rng).points(0, points)
        guide, heat = tempered(x, log_density(x) - log_q)
        if heat >= 1.0:
            break
    return guide


def weighed(
    log_density: LogDensity, lattice: Lattice, fewest: int, most: int, enough: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return points of a lattice with their normalised log weights and the shape of their tail.

    Parameters
    ----------
    fewest, most : size of the lattice, doubled until it is enough, and its largest size.
    enough : effective number of points wanted.
    """
    x, log_weight = np.empty((0, len(lattice.mean))), np.empty(0)
    while True:
        fresh, log_q = lattice.points(len(x), max(fewest, 2 * len(x)))
        x = np.concatenate([x, fresh])
        log_weight = np.append(log_weight, log_density(fresh) - log_q)
        log_share, shape = smoothed(log_weight)
        if (effective(log_share) >= enough and shape <= MAX_TAIL_SHAPE) or len(x) >= most:
            return x, log_share, shape
