"""Nested Laplace: the conditional mode of amplitudes and discrepancy at many exponents at once.

Given exponents and noise levels, what is left is a robust regression with log-normal priors on
the amplitudes. A few Newton steps find its mode; draws around the mode carry importance weights
to the exact posterior, so the approximation costs efficiency, never correctness.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from scipy.special import logsumexp

from bayeslaw.inference.likelihood import (
    cholesky,
    residual_log_density,
    run_constants,
    run_roots,
    solve_lower,
    whiten,
)

_STEPS = 8
# Length of a last step, in s.d. around the mode: what is left costs weight, not correctness.
_CLOSE_ENOUGH = 0.3
_LONGEST_STEP = 0.7
_REFINED = 2
_LOG_2PI = math.log(2 * math.pi)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _up(root, x):
    for i in range(x.size - 1, -1, -1):
        s = x[i]
        for j in range(i + 1, x.size):
            s -= root[j, i] * x[j]
        x[i] = s / root[i, i]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _curve(basis, fixed, amplitude, k, m, log_fit):
    """Write the log of the law at the rows."""
    for i in range(m):
        if k == 0:
            log_fit[i] = fixed[i]
        else:
            s = 0.0
            for c in range(k):
                s += basis[i, c] * amplitude[c]
            log_fit[i] = math.log(max(s, 1e-300))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _start(basis, log_loss, mean, spread, amplitude):
    """Start amplitudes at the ridge regression of relative losses."""
    m, k = basis.shape
    gram = np.zeros((k, k))
    moment = np.zeros(k)
    noise = 0.01
    for c in range(k):
        middle = math.exp(mean[c])
        width = middle * min(spread[c], 0.5)
        gram[c, c] = width**-2.0
        moment[c] = middle / width**2
    for i in range(m):
        weight = math.exp(-log_loss[i]) / noise
        for c in range(k):
            moment[c] += weight * basis[i, c] / noise
            for d in range(c + 1):
                gram[c, d] += weight**2 * basis[i, c] * basis[i, d]
    cholesky(gram)
    solve_lower(gram, moment)
    _up(gram, moment)
    for c in range(k):
        amplitude[c] = max(moment[c], 0.05 * math.exp(mean[c]))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def nested_laplace(
    basis, fixed, log_loss, phi, remainder, loss_sd, position, starts, run_sd, checkpoint_sd,
    scale, nu, mean, spread, unit,
):  # fmt: skip
    """Find conditional modes and draw around them.

    Parameters
    ----------
    basis : what each amplitude multiplies, shape (points, rows, k).
    fixed : log of the law at the rows if no parameter is linear, shape (points, rows).
    log_loss, remainder, loss_sd, position : by row; position is the place in the checkpoint
        process in units of its length.
    phi : discrepancy components, shape (rows, rank).
    starts : first row of each run, and the number of rows.
    run_sd, checkpoint_sd, scale : noise levels and discrepancy scale, shape (points,).
    nu : degrees of freedom of a run, 0 for Gaussian.
    mean, spread : prior of the log amplitudes, shape (k,).
    unit : standard draws, components before amplitudes, shape (points, draws, rank + k).

    Returns
    -------
    Components and amplitudes, shape of ``unit``; their exact log joint density with the losses,
    and the log determinant of the map from ``unit``, shape (points, draws); and Laplace's log
    marginal, shape (points,).
    """
    points, m, k = basis.shape
    rank = phi.shape[1]
    size = k + rank
    draws = unit.shape[1]
    longest = 0
    for r in range(starts.size - 1):
        longest = max(longest, starts[r + 1] - starts[r])

    out = np.empty_like(unit)
    log_joint = np.full((points, draws), -np.inf)
    log_drawn = np.zeros((points, draws))
    log_marginal = np.full(points, -np.inf)
    roots = np.zeros((m, longest))
    common = np.empty(m)
    log_fit = np.empty(m)
    off = np.empty(m)
    design = np.empty((m, size))
    weighted = np.empty((m, size))
    hessian = np.empty((size, size))
    x = np.empty(size)
    step = np.empty(size)
    column = np.empty(longest)
    inner = np.empty(rank)
    constant = run_constants(starts, nu).sum()

    for p in range(points):
        tau = scale[p]
        for i in range(m):
            common[i] = math.sqrt(run_sd[p] ** 2 + loss_sd[i] ** 2 + tau**2 * remainder[i])
        half_det = run_roots(starts, position, common, checkpoint_sd[p], roots)
        if not math.isfinite(half_det):
            continue
        x[:] = 0.0
        if k > 0:
            _start(basis[p], log_loss, mean, spread, x[rank:])
        worked = True
        for _ in range(_STEPS):
            _curve(basis[p], fixed[p], x[rank:], k, m, log_fit)
            for i in range(m):
                wander = 0.0
                for c in range(rank):
                    wander += phi[i, c] * x[c]
                off[i] = log_loss[i] - log_fit[i] - tau * wander
                level = math.exp(-log_fit[i])
                for c in range(k):
                    design[i, rank + c] = basis[p, i, c] * level
                for c in range(rank):
                    design[i, c] = tau * phi[i, c]
            hessian[:] = 0.0
            for c in range(k):
                at = x[rank + c]
                away = (math.log(at) - mean[c]) / spread[c] ** 2
                # The mode in logarithms: that of a broad log-normal itself lies near zero, far
                # from most of its mass.
                step[rank + c] = -away / at
                hessian[rank + c, rank + c] = 1.0 / (spread[c] * at) ** 2
            for c in range(rank):
                hessian[c, c] = 1.0
                step[c] = -x[c]
            for r in range(starts.size - 1):
                a, b = starts[r], starts[r + 1]
                n = b - a
                squared = whiten(starts, roots, off, r)
                if n == 1:
                    shrunk = 1.0 / roots[a, 0]
                    for c in range(size):
                        design[a, c] *= shrunk
                else:
                    for c in range(size):
                        for i in range(n):
                            column[i] = design[a + i, c]
                        solve_lower(roots[a:b, :n], column[:n])
                        for i in range(n):
                            design[a + i, c] = column[i]
                pull, curvature = 1.0, 1.0
                if nu > 0.0:
                    pull = (nu + n) / (nu + squared)
                    # The expected curvature: the observed one may be negative.
                    curvature = pull * (nu + n) / (nu + n + 2.0)
                for i in range(a, b):
                    force = pull * off[i]
                    for c in range(size):
                        step[c] += design[i, c] * force
                        weighted[i, c] = curvature * design[i, c]
            if size > 0:
                hessian += np.dot(design.T, weighted)
            if not cholesky(hessian):
                worked = False
                break
            solve_lower(hessian, step)
            moved = 0.0
            for c in range(size):
                moved += step[c] ** 2
            _up(hessian, step)
            shrink = 1.0
            for c in range(rank, size):
                if step[c] < 0.0:
                    shrink = min(shrink, _LONGEST_STEP * x[c] / -step[c])
            for c in range(size):
                x[c] += shrink * step[c]
            if moved < _CLOSE_ENOUGH**2:
                break
        if not worked:
            continue
        log_scale = 0.0
        for c in range(size):
            log_scale += math.log(hessian[c, c])
        for s in range(-1, draws):
            for c in range(size):
                step[c] = unit[p, s, c] if s >= 0 and c >= rank else 0.0
            _up(hessian, step)
            for c in range(size):
                step[c] += x[c]
            positive = True
            for c in range(rank, size):
                positive = positive and step[c] > 0.0
            if not positive:
                continue
            _curve(basis[p], fixed[p], step[rank:], k, m, log_fit)
            # Components make up for what the law bends beyond the straight line: their centre is
            # found again at these amplitudes.
            for again in range(_REFINED + 1 if s >= 0 else 1):
                for i in range(m):
                    wander = 0.0
                    for c in range(rank):
                        wander += phi[i, c] * step[c]
                    off[i] = log_loss[i] - log_fit[i] - tau * wander
                if again == _REFINED or s < 0:
                    break
                for c in range(rank):
                    inner[c] = -step[c]
                for r in range(starts.size - 1):
                    a, b = starts[r], starts[r + 1]
                    squared = whiten(starts, roots, off, r)
                    pull = (nu + b - a) / (nu + squared) if nu > 0.0 else 1.0
                    for i in range(a, b):
                        for c in range(rank):
                            inner[c] += pull * design[i, c] * off[i]
                solve_lower(hessian[:rank, :rank], inner)
                if again == _REFINED - 1:
                    for c in range(rank):
                        inner[c] += unit[p, s, c]
                _up(hessian[:rank, :rank], inner)
                for c in range(rank):
                    step[c] += inner[c]
            value = residual_log_density(starts, roots, off, nu) + constant - half_det
            for c in range(k):
                log_amplitude = math.log(step[rank + c])
                value -= 0.5 * ((log_amplitude - mean[c]) / spread[c]) ** 2 + log_amplitude
                value -= math.log(spread[c]) + 0.5 * _LOG_2PI
            for c in range(rank):
                value -= 0.5 * step[c] ** 2 + 0.5 * _LOG_2PI
            if s < 0:
                log_marginal[p] = value - log_scale + 0.5 * size * _LOG_2PI
            else:
                log_joint[p, s] = value
                log_drawn[p, s] = log_scale
                for c in range(size):
                    out[p, s, c] = step[c]
    return out, log_joint, log_drawn, log_marginal


def load_kernel() -> None:
    """Compile, or read from the cache, what takes longest, by a call without points."""
    # Where jax is installed this imports it, which threads must not do at the same time.
    logsumexp([0.0])
    none, one = np.zeros(0), np.zeros(1)
    nested_laplace(
        np.zeros((0, 1, 1)), np.zeros((0, 1)), one, np.zeros((1, 1)), one, one, one,
        np.array([0, 1]), none, none, none, 0.0, one, one, np.zeros((0, 1, 2)),
    )  # fmt: skip
