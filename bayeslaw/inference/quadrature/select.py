"""From weighted points of each family to joint draws with the population."""

from __future__ import annotations

import math
from dataclasses import replace

import numba
import numpy as np

from bayeslaw.inference.quadrature.ladder import Belief, log_normal
from bayeslaw.inference.quadrature.lattice import Guide, log_sum, moments
from bayeslaw.inference.quadrature.sampler import Cloud

# Points this many e-folds below the best of a draw count as if they were there.
_NEGLIGIBLE = -40.0
# Points this many e-folds below the best are never offered.
_DEAD = -30.0
# Offers before all points are weighed, and draws that the effective number of points is read off.
_TRIES = 100
_SCANS = 32
_HEARD = 128
# What a covering normal is as wide as: most draws' spreads, the middle of their centres, and more.
_WIDE, _MIDDLE, _WIDER = 0.75, (0.16, 0.84), 1.25
# A family with fewer effective points is not listened to in this pass.
_LEAST_HEARD = 40.0


def values_of(cloud: Cloud, size: int) -> np.ndarray:
    """Return what the population scatters: log law parameters and log noise, (points, size)."""
    both = np.hstack([cloud.log_parameters, cloud.log_sd])
    return np.ascontiguousarray(both[:, :size])


def without_belief(cloud: Cloud, belief: Belief) -> np.ndarray:
    """Return the points' log weights with the working prior taken out."""
    values = values_of(cloud, len(belief.mean))
    there = np.isfinite(cloud.log_weight)  # elsewhere values may be infinite too
    free = np.full(len(there), -np.inf)
    free[there] = cloud.log_weight[there] - log_normal(
        values[there], belief.mean, belief.spread
    ).sum(1)
    return free


def under(cloud: Cloud, before: Belief, after: Belief) -> Cloud:
    """Return a family's points weighted by another working prior."""
    values = values_of(cloud, len(after.mean))
    log_weight = without_belief(cloud, before) + log_normal(values, after.mean, after.spread).sum(1)
    return replace(cloud, log_weight=log_weight - log_sum(log_weight))


def seen_again(cloud: Cloud, before: Belief, after: Belief) -> tuple[Guide, bool]:
    """Return where a family's points lie under another working prior, and whether that is known."""
    seen = under(cloud, before, after)
    if not seen.ess >= _LEAST_HEARD:
        return cloud.guide, False
    return moments(cloud.places, np.exp(seen.log_weight)), True


def heard(cloud: Cloud, belief: Belief) -> Guide | None:
    """Return where a family's points lie in units of its working prior; None of too few points."""
    if not cloud.ess >= _LEAST_HEARD or cloud.shape == np.inf:
        return None
    weight = np.exp(cloud.log_weight)
    there = weight > 0  # elsewhere values may be infinite
    values = values_of(cloud, len(belief.mean))[there]
    return moments((values - belief.mean) / belief.spread, weight[there])


def messages(
    found: list[Guide], ess: np.ndarray, beliefs: list[Belief]
) -> tuple[np.ndarray, np.ndarray]:
    """Return what families' rows say of what the population scatters, as Gaussians.

    Each family's posterior under its working prior, with the prior divided out: expectation
    propagation with quadrature for the moments (arXiv:1412.4869).

    Parameters
    ----------
    found : of each family, as by :func:`heard`.
    ess : effective number of points behind each.

    Returns
    -------
    Precisions (families, values, values) and moments (families, values).
    """
    mean = np.array([m for m, _ in found])
    size = mean.shape[1]
    one = np.eye(size)
    # The inverse of an estimated covariance is too large by about this factor.
    shrink = np.maximum(1.0 - (size + 2.0) / ess, 0.1)
    own = shrink[:, None, None] * np.linalg.inv([c for _, c in found]) - one
    own, chance = _pooled(own, ess)
    roots, vectors = np.linalg.eigh(own)
    # Where rows say nothing these roots scatter around zero, as those of any covariance from so few
    # points; many such families would add up to knowledge. Small roots are shrunk to nothing, and
    # large ones are left alone: shortening those of many families would add up as well.
    noise = size / ess[:, None] * np.einsum("fij,ik,fkj->fj", vectors, chance, vectors)
    least = np.sqrt(noise)
    roots = np.where(roots > least, roots - noise / np.maximum(roots, least), 0.0)
    own = (vectors * roots[:, None, :]) @ vectors.swapaxes(1, 2)
    # Posterior means stay where they were found, less what they scatter by chance: a mean without
    # precision is a slope, and slopes of many families drive the population's spread to infinity.
    signal = roots / (1.0 + roots)
    along = (vectors.swapaxes(1, 2) @ mean[..., None])[..., 0]
    along *= (1.0 + roots) * np.sqrt(signal / (signal + 1.0 / ess[:, None]))
    moment = (vectors @ along[..., None])[..., 0]
    middle, spread = (np.array([getattr(b, k) for b in beliefs]) for k in ("mean", "spread"))
    scaled = own / (spread[:, :, None] * spread[:, None, :])
    scaled = (scaled + scaled.swapaxes(1, 2)) / 2
    return scaled, moment / spread + (scaled @ middle[..., None])[..., 0]


def _pooled(own: np.ndarray, ess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw estimated precisions to their average as far as they differ by chance alone.

    Along what families say little of, chance is larger than what they say, and only their average
    tells how much that is.

    Returns
    -------
    Precisions, and the part of the variance of chance that is left, as a quadratic form.
    """
    n = len(own)
    if n == 1:
        return own, np.eye(own.shape[-1])
    roots, basis = np.linalg.eigh(own.mean(0))
    off = basis.T @ own @ basis - np.diag(roots)
    scale = 1.0 + np.maximum(roots, 0.0)
    chance = np.outer(scale, scale) * (1.0 + np.eye(len(roots))) * (1.0 / ess).mean()
    share = np.maximum(1.0 - chance / np.maximum((off**2).sum(0) / (n - 1), chance), 0.0)
    own = basis @ (np.diag(roots) + share * off) @ basis.T
    left = np.diag(share) ** 2
    return own, (basis * (left + (1.0 - left) / n)) @ basis.T


def covered(centre: np.ndarray, spread: np.ndarray) -> Belief:
    """Return a normal about as wide as all draws together.

    Parameters
    ----------
    centre, spread : of each draw, shape (draws, values).
    """
    low, high = np.quantile(centre, _MIDDLE, axis=0)
    wide = np.hypot(np.quantile(spread, _WIDE, axis=0), 0.5 * (high - low))
    return Belief(centre.mean(0), _WIDER * wide)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def weigh(values, log_weight, centre, spread, weight):
    """Write the weights of all points for one draw, the best at 1; return their sum, log scale."""
    n, size = len(weight), len(centre)
    weight[:] = log_weight
    # Three values at a time, so that weights pass through memory less often; the last again and
    # without effect where there are no more.
    for q in range(0, size, 3):
        i, j, k = q, min(q + 1, size - 1), min(q + 2, size - 1)
        at_i, at_j, at_k = centre[i], centre[j], centre[k]
        half_i = 0.5 * spread[i] ** -2.0
        half_j = 0.5 * spread[j] ** -2.0 if j > i else 0.0
        half_k = 0.5 * spread[k] ** -2.0 if k > j else 0.0
        own_i, own_j, own_k = values[i], values[j], values[k]
        for s in range(n):
            off_i, off_j, off_k = own_i[s] - at_i, own_j[s] - at_j, own_k[s] - at_k
            weight[s] -= half_i * off_i**2 + half_j * off_j**2 + half_k * off_k**2
    top = weight[0]
    for s in range(n):
        top = max(top, weight[s])
    total = 0.0
    for s in range(n):
        # The exponential in arithmetic that processors do on several numbers at once: its series
        # at a 256th of the way, off by 2e-7 at most.
        part = max(weight[s] - top, _NEGLIGIBLE) / 256.0
        power = 1.0 + part * (1.0 + part * (0.5 + part * (1.0 / 6.0 + part / 24.0)))
        for _ in range(8):
            power *= power
        weight[s] = power
        total += power
    return total, top


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _mean_weight(values, log_weight, centre, spread):
    """Return the average over draws of the points' normalised weights."""
    weight, out = np.empty(values.shape[1]), np.zeros(values.shape[1])
    for d in range(len(centre)):
        share = 1.0 / (weigh(values, log_weight, centre[d], spread[d], weight)[0] * len(centre))
        for s in range(len(weight)):
            out[s] += weight[s] * share
    return out


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _highest(centre, spread, middle, wide, low, high):
    """Return the log of the highest ratio of two normals, constants left out, in an interval."""
    a = 0.5 * (wide**-2.0 - spread**-2.0)
    b = centre * spread**-2.0 - middle * wide**-2.0
    c = 0.5 * (middle**2 * wide**-2.0 - centre**2 * spread**-2.0)
    best = max((a * low + b) * low, (a * high + b) * high)
    if a < 0.0 and low < -0.5 * b / a < high:
        best = -0.25 * b * b / a
    return best + c


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _pick(values, log_weight, centre, spread, middle, wide, low, high, log_offer, rng, index):
    """Draw a point for each draw; return how often all points had to be weighed."""
    size, points = values.shape
    edges = np.cumsum(np.exp(log_offer))
    weight = np.empty(points)
    scans = 0
    for d in range(len(centre)):
        most = 0.0
        for q in range(size):
            most += _highest(centre[d, q], spread[d, q], middle[q], wide[q], low[q], high[q])
        index[d] = -1
        # Where most draws ended in a scan, the next one goes there at once.
        for _ in range(_TRIES if 2 * scans <= d + _SCANS else 0):
            s = min(np.searchsorted(edges, rng.random() * edges[-1]), points - 1)
            ratio = -most
            for q in range(size):
                ratio -= 0.5 * ((values[q, s] - centre[d, q]) / spread[d, q]) ** 2
                ratio += 0.5 * ((values[q, s] - middle[q]) / wide[q]) ** 2
            if rng.random() < math.exp(ratio):
                index[d] = s
                break
        if index[d] >= 0:
            continue
        scans += 1
        aim = rng.random() * weigh(values, log_weight, centre[d], spread[d], weight)[0]
        below = 0.0
        index[d] = points - 1
        for s in range(points):
            below += weight[s]
            if below >= aim:
                index[d] = s
                break
    return scans


def choose(
    cloud: Cloud,
    belief: Belief,
    centre: np.ndarray,
    spread: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, float]:
    """Choose a family's point at each draw of what it scatters around.

    A point is offered by its weight under a normal that is about as wide as all draws together,
    and taken with the ratio of the two; where that goes on for long all points are weighed.

    Parameters
    ----------
    centre, spread : shape (draws, values).

    Returns
    -------
    Indices of shape (draws,), and the effective number of points behind them.
    """
    values = values_of(cloud, len(belief.mean))
    log_weight = without_belief(cloud, belief)
    covering = covered(centre, spread)
    middle, wide = covering.mean, covering.spread
    log_offer = log_weight + log_normal(values, middle, wide).sum(1)
    if not np.isfinite(log_offer.max()):
        # No point is possible under any draw: nothing stands behind these, and the gate says so.
        return np.zeros(len(centre), np.int64), 0.0
    alive = np.flatnonzero(log_offer > log_offer.max() + _DEAD)
    values, log_weight, log_offer = values[alive], log_weight[alive], log_offer[alive]
    log_offer -= log_offer.max()
    index = np.empty(len(centre), np.int64)
    low, high = values.min(0), values.max(0)
    values = np.ascontiguousarray(values.T)
    few = np.linspace(0, len(centre) - 1, min(len(centre), _HEARD)).astype(int)
    mean_weight = _mean_weight(values, log_weight, centre[few], spread[few])
    _pick(
        values, log_weight, np.ascontiguousarray(centre), np.ascontiguousarray(spread), middle,
        wide, low, high, log_offer, rng, index,
    )  # fmt: skip
    return alive[index], float(1.0 / (mean_weight**2).sum())
