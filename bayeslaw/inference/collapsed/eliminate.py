"""The log density of one family's losses with its discrepancy integrated out, and its gradient.

What the law leaves of the log losses is r = tau Phi c + e, with components c ~ N(0, 1) and e of
one covariance block per run: no approximation is made, because the discrepancy is on log loss.
Everything is evaluated at the conditional mean of c, so that no two large numbers are subtracted,
and cost is linear in the rows.
"""

from __future__ import annotations

import math

import numba
import numpy as np

_LOG_2PI = math.log(2 * math.pi)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def factor(a):
    """Write the lower Cholesky factor over a symmetric matrix; a failed one is not a number."""
    for i in range(a.shape[0]):
        for j in range(i + 1):
            s = a[i, j]
            for m in range(j):
                s -= a[i, m] * a[j, m]
            if i == j:
                a[i, i] = math.sqrt(s) if s > 0.0 else math.nan
            else:
                a[i, j] = s / a[j, j]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def inverse(root, out):
    """Write the inverse of a lower triangular matrix."""
    n = root.shape[0]
    for i in range(n):
        one = 1.0 / root[i, i]
        for c in range(n):
            out[i, c] = 0.0
        for j in range(i):
            held = root[i, j] * one
            for c in range(j + 1):
                out[i, c] -= held * out[j, c]
        out[i, i] = one


@numba.njit(cache=True, nogil=True, error_model="numpy")
def whitened(starts, near, common, checkpoint, weight, phi, tau, rest, inverses, white, white_rest):
    """Whiten a family's residuals and components run by run; return half the log determinant.

    Parameters
    ----------
    starts : first row of each run of the family, and its number of rows.
    near : correlation of each row with the rows of its run, shape (rows, longest run).
    common : s.d. that the rows of a run share, shape (rows,).
    inverses, white, white_rest : written; the first holds the inverse factor of each run.
    """
    half = 0.0
    rank = phi.shape[1]
    for r in range(starts.size - 1):
        a, b = starts[r], starts[r + 1]
        n = b - a
        if n == 1:
            sd = math.sqrt((common[a] ** 2 + checkpoint**2) / weight[r])
            half += math.log(sd)
            inverses[a, 0] = 1.0 / sd
        else:
            cov = np.empty((n, n))
            for i in range(n):
                for j in range(i + 1):
                    s = common[a + i] * common[a + j] + checkpoint**2 * near[a + i, j]
                    cov[i, j] = s / weight[r]
            factor(cov)
            for i in range(n):
                half += math.log(cov[i, i])
            inverse(cov, inverses[a:b, :n])
        for i in range(n):
            s = 0.0
            for c in range(rank):
                white[a + i, c] = 0.0
            for j in range(i + 1):
                held = inverses[a + i, j]
                s += held * rest[a + j]
                for c in range(rank):
                    white[a + i, c] += held * tau * phi[a + j, c]
            white_rest[a + i] = s
    return half


@numba.njit(cache=True, nogil=True, error_model="numpy")
def components(white, white_rest, root, mean):
    """Write the inverse factor of the precision of the components, and their mean.

    Returns
    -------
    Half the log determinant of that precision.
    """
    m, rank = white.shape
    prec = np.zeros((rank, rank))
    moment = np.zeros(rank)
    for c in range(rank):
        prec[c, c] = 1.0
    for i in range(m):
        for c in range(rank):
            held = white[i, c]
            moment[c] += held * white_rest[i]
            # Both halves: whole rows run faster than half of them.
            for d in range(rank):
                prec[c, d] += held * white[i, d]
    factor(prec)
    inverse(prec, root)
    half = 0.0
    for c in range(rank):
        half += math.log(prec[c, c])
        mean[c] = 0.0
    for c in range(rank):
        s = 0.0
        for d in range(c + 1):
            s += root[c, d] * moment[d]
        for d in range(c + 1):
            mean[d] += root[c, d] * s
    return half


@numba.njit(cache=True, nogil=True, error_model="numpy")
def eliminated(
    starts, near, phi, remainder, loss_sd, run_sd, checkpoint, tau, weight, rest,
    rest_bar, levels_bar, weight_bar,
):  # fmt: skip
    """Return the log density of one family's residuals and write its gradient.

    Parameters
    ----------
    starts : first row of each run of the family, and its number of rows.
    near : correlation of each row with the rows of its run, shape (rows, longest run).
    phi, remainder, loss_sd : as in the layout, for the rows of this family.
    run_sd, checkpoint, tau : noise levels and s.d. of the discrepancy.
    weight : precision factor of each run, one unless tails are heavy.
    rest : log loss minus the log of the law.
    rest_bar, levels_bar, weight_bar : gradients in the residuals, the logarithms of the three
        levels, and the logarithms of the weights.
    """
    m, rank = phi.shape
    longest = near.shape[1]
    inverses = np.empty((m, longest))
    white, white_rest = np.empty((m, rank)), np.empty(m)
    root, mean = np.empty((rank, rank)), np.empty(rank)
    common = np.empty(m)
    for i in range(m):
        common[i] = math.sqrt(run_sd**2 + loss_sd[i] ** 2 + tau**2 * remainder[i])
    total = -whitened(
        starts, near, common, checkpoint, weight, phi, tau, rest, inverses, white, white_rest
    )
    total -= components(white, white_rest, root, mean) + 0.5 * m * _LOG_2PI
    scale_bar = -float(rank)
    for c in range(rank):
        total -= 0.5 * mean[c] ** 2
        scale_bar += mean[c] ** 2
        for d in range(c + 1):
            scale_bar += root[c, d] ** 2
    across, held = np.empty((rank, rank)), np.empty(rank)
    for c in range(rank):
        for d in range(rank):
            across[d, c] = root[c, d]
    for i in range(m):
        s = white_rest[i]
        for c in range(rank):
            held[c] = 0.0
        for d in range(rank):
            entry = white[i, d]
            s -= entry * mean[d]
            for c in range(rank):
                held[c] += entry * across[d, c]
        white_rest[i] = s
        total -= 0.5 * s * s
        for c in range(rank):
            white[i, c] = held[c]

    run_bar, checkpoint_bar = 0.0, 0.0
    back, block = np.empty((longest, rank)), np.empty((longest, longest))
    for r in range(starts.size - 1):
        a, b = starts[r], starts[r + 1]
        n = b - a
        for i in range(n):
            s = 0.0
            for c in range(rank):
                back[i, c] = 0.0
            for j in range(i, n):
                weigh = inverses[a + j, i]
                s += weigh * white_rest[a + j]
                for c in range(rank):
                    back[i, c] += weigh * white[a + j, c]
            rest_bar[a + i] = -s
        # Half of the gradient in the covariance of the run.
        for i in range(n):
            for j in range(i + 1):
                s = rest_bar[a + i] * rest_bar[a + j]
                for c in range(rank):
                    s += back[i, c] * back[j, c]
                for c in range(i, n):
                    s -= inverses[a + c, i] * inverses[a + c, j]
                block[i, j] = 0.5 * s
                block[j, i] = 0.5 * s
        shrunk = 0.0
        for i in range(n):
            along = 0.0
            for j in range(n):
                own = checkpoint**2 * near[a + max(i, j), min(i, j)]
                along += block[i, j] * common[a + j]
                checkpoint_bar += 2.0 * block[i, j] * own / weight[r]
                shrunk += block[i, j] * own
            shrunk += along * common[a + i]
            slope = 2.0 * along / (weight[r] * common[a + i])
            run_bar += slope * run_sd**2
            scale_bar += slope * tau**2 * remainder[a + i]
        weight_bar[r] = -shrunk / weight[r]
    levels_bar[0], levels_bar[1], levels_bar[2] = run_bar, checkpoint_bar, scale_bar
    return total
