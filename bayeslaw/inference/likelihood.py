"""The log density of each run's losses, for posteriors of any engine."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numba
import numpy as np

from bayeslaw.inference.rows import positions
from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec
from bayeslaw.pool import call, in_parallel

_LOG_2PI = math.log(2 * math.pi)
# Draws that are one task: the same however many cores there are, and so the same digits.
_BLOCK = 1000
# Products of so little or so much make room for further factors.
_SMALL, _LARGE = 1e-100, 1e100


def run_log_likelihood(
    spec: Spec, layout: Layout, values: Mapping[str, np.ndarray], cores: int = 1
) -> np.ndarray:
    """Return the log density of each run at each draw, shape (draws, runs).

    Parameters
    ----------
    values : law parameters, noise levels and discrepancy by family, shape (draws, families), and
        components, shape (draws, families, rank).
    cores : threads that share families and draws.
    """
    law: Law = spec.law  # type: ignore[assignment]
    families, position = len(layout.families), positions(layout)
    rows = np.searchsorted(layout.family_of_row, np.arange(families + 1))
    runs = np.searchsorted(layout.family_of_run, np.arange(families + 1))
    starts = np.searchsorted(layout.run_of_row, np.arange(len(layout.runs) + 1))
    inputs = layout.inputs(law)
    out = np.empty((len(values["run_sd"]), len(layout.runs)))

    def of_family(f: int, some: slice) -> None:
        own = slice(rows[f], rows[f + 1])
        at = {n: values[n][some, f, None] for n in law.parameter_names}
        none = np.zeros(some.stop - some.start)
        off = layout.log_loss[own] - np.log(law({n: v[own] for n, v in inputs.items()}, at))
        scale = none
        if spec.process is not None:
            scale = np.ascontiguousarray(values["discrepancy_sd"][some, f])
            off = off - scale[:, None] * (values["wander"][some, f] @ layout.phi[own].T)
        checkpoint = none
        if layout.has_checkpoints:
            checkpoint = np.ascontiguousarray(values["checkpoint_sd"][some, f])
        out[some, runs[f] : runs[f + 1]] = by_run(
            np.ascontiguousarray(np.broadcast_to(off, (len(none), len(position[own])))),
            layout.remainder[own], layout.loss_sd[own], position[own],
            starts[runs[f] : runs[f + 1] + 1] - rows[f],
            np.ascontiguousarray(values["run_sd"][some, f]), checkpoint, scale,
            float(spec.noise.tails or 0.0),
        )  # fmt: skip

    parts = [slice(i, min(i + _BLOCK, len(out))) for i in range(0, len(out), _BLOCK)]
    in_parallel(cores, [call(of_family, f, part) for f in range(families) for part in parts])
    return out


@numba.njit(cache=True, nogil=True, error_model="numpy")
def cholesky(a):
    """Factor a positive definite matrix in place, lower triangle; return whether it worked."""
    n = a.shape[0]
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for m in range(j):
                s -= a[i, m] * a[j, m]
            if i == j:
                if not s > 0.0:
                    return False
                a[i, i] = math.sqrt(s)
            else:
                a[i, j] = s / a[j, j]
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def solve_lower(root, x):
    """Solve with a lower triangular matrix, in place."""
    for i in range(x.size):
        s = x[i]
        for j in range(i):
            s -= root[i, j] * x[j]
        x[i] = s / root[i, i]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def run_roots(starts, position, common, checkpoint, roots):
    """Factor each run's covariance into the rows of ``roots``; return half the log determinant."""
    half, product = 0.0, 1.0
    for r in range(starts.size - 1):
        a, b = starts[r], starts[r + 1]
        if b - a == 1:
            roots[a, 0] = math.sqrt(common[a] ** 2 + checkpoint**2)
        else:
            for i in range(a, b):
                for j in range(a, i + 1):
                    far = abs(position[i] - position[j])
                    roots[i, j - a] = common[i] * common[j] + checkpoint**2 * math.exp(-far)
            if not cholesky(roots[a:b, : b - a]):
                return math.nan
        for i in range(a, b):
            # One logarithm for many factors.
            product *= roots[i, i - a]
            if not _SMALL < product < _LARGE:
                half += math.log(product)
                product = 1.0
    return half + math.log(product)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def run_constants(starts, nu):
    """Return what the log density of each run has whatever its residuals, shape (runs,)."""
    out = np.empty(starts.size - 1)
    for r in range(out.size):
        n = starts[r + 1] - starts[r]
        if nu > 0.0:
            out[r] = math.lgamma((nu + n) / 2) - math.lgamma(nu / 2)
            out[r] -= 0.5 * n * math.log(nu * math.pi)
        else:
            out[r] = -0.5 * n * _LOG_2PI
    return out


@numba.njit(cache=True, nogil=True, error_model="numpy")
def whiten(starts, roots, off, r):
    """Whiten the residuals of one run in place; return the sum of their squares."""
    a, b = starts[r], starts[r + 1]
    if b - a == 1:
        off[a] /= roots[a, 0]
        return off[a] ** 2
    solve_lower(roots[a:b, : b - a], off[a:b])
    squared = 0.0
    for i in range(a, b):
        squared += off[i] ** 2
    return squared


@numba.njit(cache=True, nogil=True, error_model="numpy")
def residual_log_density(starts, roots, off, nu):
    """Return the log density of residuals, which are whitened in place.

    Log determinants and :func:`run_constants` are left out.
    """
    total, product, alike = 0.0, 1.0, 0
    for r in range(starts.size - 1):
        squared = whiten(starts, roots, off, r)
        if nu > 0.0:
            # One logarithm for many runs of one length.
            n = starts[r + 1] - starts[r]
            if n != alike or product > _LARGE:
                total -= 0.5 * (nu + alike) * math.log(product)
                product, alike = 1.0, n
            product *= 1.0 + squared / nu
        else:
            total -= 0.5 * squared
    return total - 0.5 * (nu + alike) * math.log(product)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def by_run(off, remainder, loss_sd, position, starts, run_sd, checkpoint_sd, scale, nu):
    """Return the log density of each run's residuals.

    Parameters
    ----------
    off : log loss minus law and discrepancy, shape (points, rows).

    Returns
    -------
    numpy.ndarray
        Shape (points, runs).
    """
    points, m = off.shape
    runs = starts.size - 1
    longest = 0
    for r in range(runs):
        longest = max(longest, starts[r + 1] - starts[r])
    out = np.empty((points, runs))
    roots = np.zeros((m, longest))
    common = np.empty(m)
    own = np.empty(m)
    constants = run_constants(starts, nu)
    for p in range(points):
        for i in range(m):
            common[i] = math.sqrt(run_sd[p] ** 2 + loss_sd[i] ** 2 + scale[p] ** 2 * remainder[i])
            own[i] = off[p, i]
        if not math.isfinite(run_roots(starts, position, common, checkpoint_sd[p], roots)):
            out[p] = math.nan
            continue
        for r in range(runs):
            squared = whiten(starts, roots, own, r)
            value = constants[r]
            for i in range(starts[r], starts[r + 1]):
                value -= math.log(roots[i, i - starts[r]])
            if nu > 0.0:
                n = starts[r + 1] - starts[r]
                value -= 0.5 * (nu + n) * math.log1p(squared / nu)
            else:
                value -= 0.5 * squared
            out[p, r] = value
    return out
