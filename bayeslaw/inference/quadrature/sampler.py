"""Adaptive lattices: one family's posterior as weighted points, exact up to their number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from arviz_stats.base.array import array_stats
from joblib import delayed
from scipy.special import gammaln, logsumexp as _logsumexp
from scipy.stats import chi2, norm, qmc

from bayeslaw.inference.health import MAX_TAIL_SHAPE
from bayeslaw.inference.parallel import in_parallel
from bayeslaw.inference.quadrature.ladder import (
    Belief,
    Ladder,
    curve_parts,
    log_discrepancy_prior,
    log_normal,
    log_tails,
)
from bayeslaw.inference.quadrature.laplace import nested_laplace
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec

_TAILS = 6.0
_STRETCHED = (1.0, 1.0, 1.1, 1.3)
_ROUNDS = 30
_COARSE = 256
# Points this many e-folds below the best do not count.
_DEAD = 60.0
_FEWEST = 50
_ENOUGH, _MOST = 300.0, 2048
_LOG_2PI = float(np.log(2 * np.pi))
_BLOCK = 2_000_000


logsumexp: Any = _logsumexp  # its annotation admits a pair that it returns only when asked


@dataclass(frozen=True)
class Cloud:
    """Weighted points of one family's posterior under a working prior.

    Attributes
    ----------
    log_parameters : log law parameters in their units, shape (points, parameters).
    log_sd : log noise levels, then the log discrepancy scale if any, shape (points, levels).
    components : discrepancy components, shape (points, rank).
    log_weight : normalised log weights, shape (points,).
    shape : how heavy the tail of the weights is; above .7 they cannot be trusted.
    guide : where the next lattice should lie.
    """

    log_parameters: np.ndarray
    log_sd: np.ndarray
    components: np.ndarray
    log_weight: np.ndarray
    shape: float
    guide: tuple[np.ndarray, np.ndarray]

    @property
    def ess(self) -> float:
        """Effective number of points."""
        return float(np.exp(-logsumexp(2 * self.log_weight)))


def weighted_points(
    spec: Spec,
    layout: Layout,
    ladder: Ladder,
    belief: Belief,
    guide: tuple[np.ndarray, np.ndarray],
    *,
    points: int,
    rng: np.random.Generator,
    cores: int = 1,
) -> Cloud:
    """Sample one family's posterior by importance weights on an adapted lattice.

    Parameters
    ----------
    belief : what the family's parameters and noise levels scatter around.
    guide : mean and covariance of where to look first, for the log exponents, noise levels and
        discrepancy scale.
    points : size of the last lattice.
    cores : threads that share the points.
    """
    law = ladder.law
    places = {n: i for i, n in enumerate(law.parameter_names)}
    curved = [places[n] for n in law.nonlinear]
    straight = [places[n] for n in law.linear]
    n_laws, n_curved = len(places), len(curved)
    has_checkpoints = layout.has_checkpoints
    n_noise = 1 + has_checkpoints
    pick = [*curved, *range(n_laws, n_laws + n_noise)]
    size = len(straight) + ladder.phi.shape[1]

    def evaluate(u: np.ndarray, unit: np.ndarray) -> tuple[np.ndarray, ...]:
        basis, fixed = curve_parts(ladder, u[:, :n_curved])
        sd = np.exp(np.minimum(u[:, n_curved:], 3.0))
        flat = np.zeros(len(u))
        out = nested_laplace(
            basis, fixed, ladder.log_loss, ladder.phi, ladder.remainder, ladder.loss_sd,
            ladder.position, ladder.starts, np.ascontiguousarray(sd[:, 0]),
            np.ascontiguousarray(sd[:, 1]) if has_checkpoints else flat,
            np.ascontiguousarray(sd[:, -1]) if spec.process is not None else flat,
            float(spec.noise.tails or 0.0), belief.mean[straight], belief.spread[straight], unit,
        )  # fmt: skip
        prior = log_normal(u[:, : n_curved + n_noise], belief.mean[pick], belief.spread[pick]).sum(
            1
        )
        prior = prior + log_discrepancy_prior(spec, u[:, -1])
        return *out, prior + log_tails(spec, layout, u[:, n_curved:])

    def in_blocks(u: np.ndarray, unit: np.ndarray) -> tuple[np.ndarray, ...]:
        block = max(1, _BLOCK // (len(ladder.log_loss) * (1 + len(straight))))
        block = min(block, -(-len(u) // cores))
        calls = [
            delayed(evaluate)(u[i : i + block], unit[i : i + block])
            for i in range(0, len(u), block)
        ]
        return tuple(np.concatenate(p) for p in zip(*in_parallel(cores, calls), strict=True))

    mean, covariance = guide
    for _ in range(_ROUNDS):
        u, log_q = _lattice(mean, covariance, _COARSE, rng)
        *_, log_marginal, prior = in_blocks(u, np.empty((_COARSE, 0, size)))
        mean, covariance, heat = _tempered(u, log_marginal + prior - log_q)
        if heat >= 1.0:
            break
    while True:
        u, log_q = _lattice(mean, covariance, points, rng)
        unit, log_unit = _defensive(rng, points, size)
        draw, log_joint, log_scale, _, prior = in_blocks(u, unit)
        log_weight = (log_joint + (prior - log_q)[:, None] - log_scale - log_unit).ravel()
        log_weight, shape = _smoothed(log_weight)
        ess = np.exp(-logsumexp(2 * log_weight))
        if (ess >= _ENOUGH and shape <= MAX_TAIL_SHAPE) or points >= _MOST:
            break
        points *= 2
    u, draw = np.repeat(u, len(_STRETCHED), axis=0), draw.reshape(len(log_weight), size)
    if ess >= _ENOUGH:
        mean, covariance = _moments(u, np.exp(log_weight))
    log_parameters = np.empty((len(u), n_laws))
    log_parameters[:, curved] = u[:, :n_curved]
    amplitudes = draw[:, ladder.phi.shape[1] :]
    log_parameters[:, straight] = np.log(np.where(amplitudes > 0, amplitudes, 1.0))
    return Cloud(
        log_parameters,
        u[:, n_curved:],
        draw[:, : ladder.phi.shape[1]],
        log_weight,
        float(shape),
        (mean, covariance),
    )


def _smoothed(log_weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Return normalised log weights, their tail smoothed (arXiv:1507.02646), and its shape."""
    out = np.full_like(log_weight, -np.inf)
    log_weight = np.where(np.isfinite(log_weight), log_weight, -np.inf)
    if log_weight.max() == -np.inf:
        return np.full_like(log_weight, -np.log(len(log_weight))), np.inf
    alive = log_weight > log_weight.max() - _DEAD
    if alive.sum() < _FEWEST:
        return log_weight - logsumexp(log_weight), np.inf
    smooth, shape = array_stats.psislw(-log_weight[alive])
    out[alive] = smooth
    return out - logsumexp(out), float(shape)


def _defensive(rng: np.random.Generator, points: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return standard draws, some of them stretched, and the log density of the mixture.

    A Student-t likelihood and log-normal priors have longer tails than the normal at their mode;
    the stretched draws keep a rare point there from outweighing all others.
    """
    scales = np.array(_STRETCHED)
    draws = rng.standard_normal((points, len(scales), size)) * scales[:, None]
    square = (draws**2).sum(-1)[..., None]
    each = -0.5 * square / scales**2 - size * np.log(scales)
    return draws, logsumexp(each, axis=-1) - np.log(len(scales)) - 0.5 * size * _LOG_2PI


def _log_student(square: np.ndarray, d: int, nu: float) -> np.ndarray:
    constant = gammaln((nu + d) / 2) - gammaln(nu / 2) - 0.5 * d * np.log(nu * np.pi)
    return constant - 0.5 * (nu + d) * np.log1p(square / nu)


def _lattice(
    mean: np.ndarray, covariance: np.ndarray, points: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return points of a scrambled Sobol lattice, as a multivariate t, and their log density."""
    d = len(mean)
    even = qmc.Sobol(d + 1, rng=rng).random(points)
    even = np.clip(even, 1e-12, 1 - 1e-12)
    unit = norm.ppf(even[:, :d]) / np.sqrt(chi2.ppf(even[:, d:], _TAILS) / _TAILS)
    root = np.linalg.cholesky(covariance)
    log_density = _log_student((unit**2).sum(1), d, _TAILS) - np.log(np.diag(root)).sum()
    return mean + unit @ root.T, log_density


def _tempered(u: np.ndarray, log_weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return moments at the coldest temperature that keeps enough points alive, and it."""
    wanted = min(len(u) / 4, 12.0 * u.shape[1])
    heat = 1.0
    while True:
        tempered = heat * np.maximum(log_weight, -1e300)
        w = np.exp(tempered - logsumexp(tempered))
        if 1.0 / (w**2).sum() >= wanted or heat < 1e-6:
            break
        heat *= 0.7
    mean, covariance = _moments(u, w)
    return mean, covariance, heat


def _moments(u: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = w @ u
    off = u - mean
    covariance = (w[:, None] * off).T @ off
    return mean, covariance + 1e-8 * np.eye(len(mean))
