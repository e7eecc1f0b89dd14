"""Adaptive lattices: one family's posterior as weighted points, exact up to their number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayeslaw.inference.health import MAX_TAIL_SHAPE
from bayeslaw.inference.quadrature.ladder import (
    Belief,
    Ladder,
    curve_parts,
    log_discrepancy_prior,
    log_normal,
    log_tails,
)
from bayeslaw.inference.quadrature.laplace import nested_laplace
from bayeslaw.inference.quadrature.lattice import (
    Guide,
    Lattice,
    effective,
    log_sum,
    moments,
    smoothed,
    tempered,
)
from bayeslaw.model.spec import Spec
from bayeslaw.pool import call, in_parallel

_STRETCHED = (1.0, 1.0, 1.1, 1.3)
_ROUNDS = 30
_COARSE = 256
_MOST = 2048
# Effective points that a guide needs, and the share of points below which a new one is made.
_HEARD, _WASTEFUL = 40.0, 0.05
_LOG_2PI = float(np.log(2 * np.pi))
_BLOCK = 2_000_000


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
    curved : which of the log parameters are coordinates of the lattice.
    """

    log_parameters: np.ndarray
    log_sd: np.ndarray
    components: np.ndarray
    log_weight: np.ndarray
    shape: float
    guide: Guide
    curved: list[int]

    @property
    def places(self) -> np.ndarray:
        """Coordinates of the lattice, shape (points, d)."""
        return np.hstack([self.log_parameters[:, self.curved], self.log_sd])

    @property
    def ess(self) -> float:
        """Effective number of points."""
        return effective(self.log_weight)


def weighted_points(
    spec: Spec,
    ladder: Ladder,
    belief: Belief,
    guide: Guide,
    *,
    points: int,
    enough: float,
    rng: np.random.Generator,
    most: int = _MOST,
    look: bool = True,
    cores: int = 1,
) -> Cloud:
    """Sample one family's posterior by importance weights on an adapted lattice.

    Parameters
    ----------
    belief : what the family's parameters and noise levels scatter around.
    guide : mean and covariance of where to look first, for the log exponents, noise levels and
        discrepancy scale.
    points, most : size of the lattice, doubled until it is enough, and its largest size.
    enough : effective number of points wanted.
    look : whether the guide is only where to begin to look.
    cores : threads that share the points.
    """
    law = ladder.law
    places = {n: i for i, n in enumerate(law.parameter_names)}
    curved = [places[n] for n in law.nonlinear]
    straight = [places[n] for n in law.linear]
    n_laws, n_curved = len(places), len(curved)
    has_checkpoints = ladder.has_checkpoints
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
        return *out, prior + log_tails(spec, ladder, u[:, n_curved:])

    def in_blocks(u: np.ndarray, unit: np.ndarray) -> tuple[np.ndarray, ...]:
        block = max(1, _BLOCK // (len(ladder.log_loss) * (1 + len(straight))))
        block = min(block, -(-len(u) // cores))
        calls = [
            call(evaluate, u[i : i + block], unit[i : i + block]) for i in range(0, len(u), block)
        ]
        return tuple(np.concatenate(p) for p in zip(*in_parallel(cores, calls), strict=True))

    for _ in range(_ROUNDS if look else 0):
        u, log_q = Lattice.around(guide, rng).points(0, _COARSE)
        *_, log_marginal, prior = in_blocks(u, np.empty((_COARSE, 0, size)))
        guide, heat = tempered(u, log_marginal + prior - log_q)
        if heat >= 1.0:
            break
    n_draws = len(_STRETCHED)
    lattice, parts = Lattice.around(guide, rng), []
    begin, end = 0, points
    while True:
        u, log_q = lattice.points(begin, end)
        unit, log_unit = _defensive(rng, end - begin, size)
        draw, log_joint, log_scale, _, prior = in_blocks(u, unit)
        raw = log_joint + (prior - log_q)[:, None] - log_scale - log_unit
        parts.append((np.repeat(u, n_draws, axis=0), draw.reshape(raw.size, size), raw.ravel()))
        u, draw, raw = (np.concatenate(p) for p in zip(*parts, strict=True))
        log_weight, shape = smoothed(raw)
        ess = effective(log_weight)
        if (ess >= enough and shape <= MAX_TAIL_SHAPE) or end >= most:
            break
        begin, end = end, 2 * end
        if _HEARD < ess < _WASTEFUL * len(u):
            # It lies badly: begin again where the weights are.
            lattice, parts = Lattice.around(moments(u, np.exp(log_weight)), rng), []
            begin = 0
    if ess >= _HEARD:
        guide = moments(u, np.exp(log_weight))
    log_parameters = np.empty((len(u), n_laws))
    log_parameters[:, curved] = u[:, :n_curved]
    amplitudes = draw[:, ladder.phi.shape[1] :]
    log_parameters[:, straight] = np.log(np.where(amplitudes > 0, amplitudes, 1.0))
    return Cloud(
        log_parameters,
        u[:, n_curved:],
        draw[:, : ladder.phi.shape[1]],
        log_weight,
        shape,
        guide,
        curved,
    )


def _defensive(rng: np.random.Generator, points: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return standard draws, some of them stretched, and the log density of the mixture.

    A Student-t likelihood and log-normal priors have longer tails than the normal at their mode;
    the stretched draws keep a rare point there from outweighing all others.
    """
    scales = np.array(_STRETCHED)
    draws = rng.standard_normal((points, len(scales), size)) * scales[:, None]
    square = (draws**2).sum(-1)[..., None]
    each = -0.5 * square / scales**2 - size * np.log(scales)
    return draws, log_sum(each) - np.log(len(scales)) - 0.5 * size * _LOG_2PI
