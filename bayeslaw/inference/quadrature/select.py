"""From weighted points of each family to joint draws with the population."""

from __future__ import annotations

import numba
import numpy as np
from scipy.special import logsumexp

from bayeslaw.inference.quadrature.ladder import Belief, log_normal
from bayeslaw.inference.quadrature.sampler import Cloud

_NEGLIGIBLE = -20.0
# A family with fewer effective points is not listened to in this pass.
_LEAST_HEARD = 50.0


def values_of(cloud: Cloud, size: int) -> np.ndarray:
    """Return what the population scatters: log law parameters and log noise, (points, size)."""
    both = np.hstack([cloud.log_parameters, cloud.log_sd])
    return np.ascontiguousarray(both[:, :size])


def without_belief(cloud: Cloud, belief: Belief) -> np.ndarray:
    """Return the points' log weights with the working prior taken out."""
    values = values_of(cloud, len(belief.mean))
    return cloud.log_weight - log_normal(values, belief.mean, belief.spread).sum(1)


def systematic(log_weight: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n indices with these weights, as evenly as can be."""
    edges = np.cumsum(np.exp(log_weight - logsumexp(log_weight)))
    even = (np.arange(n) + rng.random()) / n
    return np.minimum(np.searchsorted(edges, even), len(edges) - 1)


def messages(clouds: list[Cloud], beliefs: list[Belief]) -> tuple[np.ndarray, np.ndarray]:
    """Return what each family's rows say of what the population scatters, as Gaussians.

    A family's posterior under its working prior, with the prior divided out: expectation
    propagation with quadrature for the moments (arXiv:1412.4869).

    Returns
    -------
    Precisions (families, values, values) and moments (families, values).
    """
    precisions, moments = [], []
    for cloud, belief in zip(clouds, beliefs, strict=True):
        size = len(belief.mean)
        if not cloud.ess >= _LEAST_HEARD or cloud.shape == np.inf:
            precisions.append(np.zeros((size, size)))
            moments.append(np.zeros(size))
            continue
        values, weight = values_of(cloud, size), np.exp(cloud.log_weight)
        unit = (values - belief.mean) / belief.spread
        mean = weight @ unit
        covariance = (weight[:, None] * (unit - mean)).T @ (unit - mean)
        # The inverse of an estimated covariance is too large by about this factor.
        shrink = max(1.0 - (len(mean) + 2.0) / cloud.ess, 0.1)
        total = shrink * np.linalg.inv(covariance + 1e-10 * np.eye(len(mean)))
        roots, vectors = np.linalg.eigh(total - np.eye(len(mean)))
        # Where rows say nothing these roots scatter around zero, as those of any covariance from so
        # few points; without a threshold many such families would add up to knowledge.
        roots = np.maximum(roots - np.sqrt(len(mean) / cloud.ess), 0.0)
        own = (vectors * roots) @ vectors.T
        # Keep the posterior mean where it was found.
        moment = (own + np.eye(len(mean))) @ mean
        scaled = own / np.outer(belief.spread, belief.spread)
        precisions.append((scaled + scaled.T) / 2)
        moments.append(moment / belief.spread + scaled @ belief.mean)
    return np.stack(precisions), np.stack(moments)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})
def _pick(values, log_weight, centre, spread, uniform, index, mean_weight):
    size, points = values.shape
    weight = np.empty(points)
    for d in range(len(uniform)):
        weight[:] = log_weight
        for q in range(size):
            half, middle = 0.5 * spread[d, q] ** -2.0, centre[d, q]
            for s in range(points):
                weight[s] -= half * (values[q, s] - middle) ** 2
        top = weight.max()
        total = 0.0
        for s in range(points):
            far = weight[s] - top
            weight[s] = np.exp(far) if far > _NEGLIGIBLE else 0.0
            total += weight[s]
        aim = uniform[d] * total
        below = 0.0
        index[d] = points - 1
        share = 1.0 / (total * len(uniform))
        for s in range(points):
            mean_weight[s] += weight[s] * share
        for s in range(points):
            below += weight[s]
            if below >= aim:
                index[d] = s
                break


def choose(
    cloud: Cloud,
    belief: Belief,
    centre: np.ndarray,
    spread: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, float]:
    """Choose a family's point at each draw of what it scatters around.

    Parameters
    ----------
    centre, spread : shape (draws, values).

    Returns
    -------
    Indices of shape (draws,), and the effective number of points behind them.
    """
    values = values_of(cloud, len(belief.mean))
    log_weight = without_belief(cloud, belief)
    index = np.empty(len(centre), np.int64)
    mean_weight = np.zeros(len(values))
    values = np.ascontiguousarray(values.T)
    _pick(
        values, log_weight, np.ascontiguousarray(centre), np.ascontiguousarray(spread),
        rng.random(len(centre)), index, mean_weight,
    )  # fmt: skip
    return index, float(1.0 / (mean_weight**2).sum())
