"""The marginal likelihood of the latent-skill model: skills and effects of inputs integrated out.

Given its parameters the model is normal in latent values, and the binomial scores are replaced by
their working responses near the mode, so that labs are independent given the effects of inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from bayeslaw.tasks.link import Link
from bayeslaw.tasks.skill_parameters import (
    UNKNOWN_INPUT,
    Covariances,
    Shape,
    covariances,
    effects_covariance,
    pull_back,
)

_STEP = 1.5  # of a latent value in one Newton step
_STEPS, _TOLERANCE = 60, 1e-4


@dataclass(frozen=True, eq=False)
class Group:
    """The models of one lab.

    Attributes
    ----------
    share, items : scores and numbers of items, shape (model, benchmark); no items, no score.
    inputs : standardised, shape (model, input); zero where unknown.
    family : index of the family of each model.
    known : whether the inputs of each model are known.
    """

    share: np.ndarray
    items: np.ndarray
    inputs: np.ndarray
    family: np.ndarray
    known: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """Flat indices of the cells that hold a score."""
        return np.flatnonzero(self.items.ravel() > 0)

    def design(self) -> np.ndarray:
        """Return the design of levels and effects, shape (cell, benchmark x (1 + inputs))."""
        benchmarks = self.items.shape[1]
        rows = np.column_stack([np.ones(len(self.inputs)), self.inputs])
        return np.kron(rows, np.eye(benchmarks))

    def kernels(self) -> tuple[np.ndarray, ...]:
        """Return, per part of the covariance, how much two models share it."""
        same = (self.family[:, None] == self.family[None, :]).astype(float)
        first = self.inputs[:, 0] if self.inputs.shape[1] else np.zeros(len(same))
        return np.ones_like(same), same, same * np.outer(first, first), np.eye(len(same))

    def covariance(self, c: Covariances, effects: np.ndarray) -> np.ndarray:
        """Return the prior covariance of all latent values, cell by cell.

        A model of unknown size may lie anywhere along the effects of its inputs.
        """
        parts = (c.lab, c.family, c.slope, c.model)
        n, j = self.items.shape
        total = np.zeros((n, j, n, j))
        for kernel, part in zip(self.kernels(), parts, strict=True):
            total += kernel[:, None, :, None] * part[None, :, None, :]
        if not self.known.all() and self.inputs.shape[1]:
            slopes = effects.reshape(-1, j)[1 : 3 if self.inputs.shape[1] > 1 else 2]
            anywhere = UNKNOWN_INPUT**2 * slopes.T @ slopes
            for i in np.flatnonzero(~self.known):
                total[i, :, i, :] += anywhere
        return total.reshape(n * j, n * j)


@dataclass(frozen=True, eq=False)
class Solution:
    """The mode of latent values at given parameters.

    Attributes
    ----------
    latent : of each group, shape (cell).
    effects, effects_cov : levels and effects of inputs, their mean and covariance.
    response, variance : working responses of the seen cells of each group.
    """

    latent: tuple[np.ndarray, ...]
    effects: np.ndarray
    effects_cov: np.ndarray
    response: tuple[np.ndarray, ...]
    variance: tuple[np.ndarray, ...]


def solve(
    theta: np.ndarray,
    shape: Shape,
    groups: list[Group],
    link: Link,
    start: tuple[np.ndarray, ...] | None = None,
) -> Solution:
    """Find the mode of latent values by damped Newton steps."""
    c = covariances(theta, shape)
    designs = [group.design() for group in groups]
    precision = np.linalg.inv(effects_covariance(c, groups[0].inputs.shape[1]))
    latent = [begin(g, link) for g in groups] if start is None else list(start)
    effects = np.zeros(len(precision))
    prior = [group.covariance(c, effects) for group in groups]
    for _ in range(_STEPS):
        for i, group in enumerate(groups):
            if not group.known.all():
                prior[i] = group.covariance(c, effects)
        response, variance = working(groups, link, latent)
        effects, effects_cov, weights = levels(
            groups, prior, designs, response, variance, precision
        )
        moved = 0.0
        for i, group in enumerate(groups):
            target = designs[i] @ effects + prior[i][:, group.seen] @ weights[i]
            step = np.clip(target - latent[i], -_STEP, _STEP)
            latent[i] = latent[i] + step
            moved = max(moved, float(np.abs(step).max(initial=0)))
        if moved < _TOLERANCE:
            break
    response, variance = working(groups, link, latent)
    return Solution(tuple(latent), effects, effects_cov, tuple(response), tuple(variance))


def begin(group: Group, link: Link) -> np.ndarray:
    """Return latent values to start from; a missing cell starts at the mean of its benchmark."""
    found = link.start(np.where(group.items > 0, group.share, np.nan))
    return np.nan_to_num(found, nan=0.0).ravel()


def working(
    groups: list[Group], link: Link, latent: list[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return working responses and their variances at the seen cells of each group."""
    response, variance = [], []
    for group, eta in zip(groups, latent, strict=True):
        z, v = link.working(eta.reshape(group.items.shape), group.share, group.items)
        response.append(z.ravel()[group.seen])
        variance.append(v.ravel()[group.seen])
    return response, variance


def levels(
    groups: list[Group],
    prior: list[np.ndarray],
    designs: list[np.ndarray],
    response: list[np.ndarray],
    variance: list[np.ndarray],
    precision: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return levels and effects, their covariance, and per group V^-1 (z - X effects)."""
    gram, right, kept = precision.copy(), np.zeros(len(precision)), []
    for i, group in enumerate(groups):
        seen = group.seen
        if not len(seen):
            kept.append((np.zeros((0, len(precision))), np.zeros(0)))
            continue
        factor = cho_factor(prior[i][np.ix_(seen, seen)] + np.diag(variance[i]), lower=True)
        x = designs[i][seen]
        vx, vz = cho_solve(factor, x), cho_solve(factor, response[i])
        gram, right = gram + x.T @ vx, right + x.T @ vz
        kept.append((vx, vz))
    cov = np.linalg.inv(gram)
    effects = cov @ right
    return effects, cov, [vz - vx @ effects for vx, vz in kept]


def log_marginal(
    theta: np.ndarray, shape: Shape, groups: list[Group], at: Solution
) -> tuple[float, np.ndarray]:
    """Return the log marginal density of fixed working responses plus log prior, and its gradient.

    Levels and effects of inputs are integrated out with their normal prior.
    """
    mean, sd = shape.prior()
    u = (theta - mean) / sd
    total, grad = -0.5 * float(u @ u), -u / sd
    c = covariances(theta, shape)
    n_inputs = groups[0].inputs.shape[1]
    prior_cov = effects_covariance(c, n_inputs)
    precision = np.linalg.inv(prior_cov)
    total -= 0.5 * float(np.linalg.slogdet(prior_cov)[1])
    gram, right, kept = precision.copy(), np.zeros(len(precision)), []
    for group, z, v in zip(groups, at.response, at.variance, strict=True):
        seen = group.seen
        if not len(seen):
            kept.append((np.zeros((0, 0)), np.zeros((0, len(precision))), np.zeros(0)))
            continue
        prior = group.covariance(c, at.effects)[np.ix_(seen, seen)]
        factor = cho_factor(prior + np.diag(v), lower=True)
        x = group.design()[seen]
        inverse = cho_solve(factor, np.eye(len(seen)))
        vx, vz = inverse @ x, inverse @ z
        gram, right = gram + x.T @ vx, right + x.T @ vz
        total -= float(np.log(np.diag(factor[0])).sum()) + 0.5 * float(z @ vz)
        kept.append((inverse, vx, vz))
    root = np.linalg.cholesky(gram)
    half = solve_triangular(root, right, lower=True)
    total += 0.5 * float(half @ half) - float(np.log(np.diag(root)).sum())
    cov = np.linalg.inv(gram)
    effects = cov @ right
    second = 0.5 * (precision @ (np.outer(effects, effects) + cov) @ precision - precision)
    j = shape.benchmarks
    in_effect = np.zeros((j, j))
    for p in range(1, 1 + n_inputs):
        in_effect += second[p * j : (p + 1) * j, p * j : (p + 1) * j]
    parts = [np.zeros((j, j)) for _ in range(4)]
    for group, (inverse, vx, vz) in zip(groups, kept, strict=True):
        weight = vz - vx @ effects
        n = len(group.items)
        full = np.zeros((n * j, n * j))
        seen = group.seen
        full[np.ix_(seen, seen)] = 0.5 * (np.outer(weight, weight) - inverse + vx @ cov @ vx.T)
        cells = full.reshape(n, j, n, j)
        for part, kernel in zip(parts, group.kernels(), strict=True):
            part += np.einsum("im,ijmk->jk", kernel, cells)
    return total, grad + pull_back(theta, shape, Covariances(in_effect, *parts))
