"""The log density of losses with amplitudes and discrepancy integrated out, and its gradient.

Around a fixed reference curve the log loss of a family is linear in its amplitudes w and
discrepancy components c: t = X w + tau Phi c + e, with w ~ N(M, T), c ~ N(0, 1) and e of one
covariance block per run. Everything is evaluated at the conditional mean of (w, c), so that no
two large numbers are subtracted.
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
    for c in range(n):
        for i in range(c, n):
            s = 1.0 if i == c else 0.0
            for j in range(c, i):
                s -= root[i, j] * out[j, c]
            out[i, c] = s / root[i, i]
        for i in range(c):
            out[i, c] = 0.0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def run_inverse(a, b, position, common, checkpoint, weight, cov, inv):
    """Write a run's covariance and the inverse of its factor; return the log determinant/2."""
    n = b - a
    for i in range(n):
        for j in range(i + 1):
            far = abs(position[a + i] - position[a + j])
            s = common[a + i] * common[a + j] + checkpoint**2 * math.exp(-far)
            cov[i, j] = s / weight
    factor(cov[:n, :n])
    half = 0.0
    for i in range(n):
        half += math.log(cov[i, i])
    inverse(cov[:n, :n], inv[:n, :n])
    return half


@numba.njit(cache=True, nogil=True, error_model="numpy")
def eliminated(
    rows_of_family, runs_of_family, starts, columns, target, phi, ranks, remainder, loss_sd,
    position, run_sd, checkpoint_sd, scale, weight, mean, variance,
    columns_bar, target_bar, levels_bar, weight_bar, mean_bar, variance_bar,
):  # fmt: skip
    """Return the log density of all families and write its gradient.

    Parameters
    ----------
    rows_of_family, runs_of_family, starts : first row and run of each family, first row of each
        run, each with the total at the end.
    columns, target : X and t, shapes (rows, k) and (rows,).
    phi, ranks : Phi, and how many of its columns each family uses.
    remainder, loss_sd, position : by row, as in the layout.
    run_sd, checkpoint_sd, scale : by family.
    weight : precision factor of each run, one unless tails are heavy.
    mean, variance : M and T, shape (families, k).
    columns_bar, target_bar, weight_bar, mean_bar, variance_bar : gradients; that of the weight
        is in its logarithm.
    levels_bar : gradient in the logarithms of the three levels, shape (families, 3).
    """
    families, k = mean.shape
    longest = 0
    for r in range(starts.size - 1):
        longest = max(longest, starts[r + 1] - starts[r])
    most = 0
    for f in range(families):
        most = max(most, rows_of_family[f + 1] - rows_of_family[f])
    widest = k + phi.shape[1]
    total = 0.0
    cov = np.empty((longest, longest))
    inv = np.empty((longest, longest))
    block = np.empty((longest, longest))
    z = np.empty((most, widest))
    white = np.empty((most, widest))
    back = np.empty((most, widest))
    common = np.empty(target.size)
    rest = np.empty(most)
    white_rest = np.empty(most)
    pull = np.empty(most)
    inverses = np.empty((most, longest))
    prec = np.empty((widest, widest))
    prec_inv = np.empty((widest, widest))
    coef = np.empty(widest)
    for f in range(families):
        first, m = rows_of_family[f], rows_of_family[f + 1] - rows_of_family[f]
        rank, tau = ranks[f], scale[f]
        size = k + rank
        for i in range(m):
            row = first + i
            common[row] = math.sqrt(run_sd[f] ** 2 + loss_sd[row] ** 2 + tau**2 * remainder[row])
            for c in range(k):
                z[i, c] = columns[row, c]
            for c in range(rank):
                z[i, k + c] = tau * phi[row, c]
        for r in range(runs_of_family[f], runs_of_family[f + 1]):
            a, b = starts[r], starts[r + 1]
            total -= run_inverse(a, b, position, common, checkpoint_sd[f], weight[r], cov, inv)
            for i in range(b - a):
                at = a - first + i
                for j in range(b - a):
                    inverses[at, j] = inv[i, j] if j <= i else 0.0
                white_rest[at] = 0.0
                for j in range(i + 1):
                    white_rest[at] += inv[i, j] * target[a + j]
                for c in range(size):
                    s = 0.0
                    for j in range(i + 1):
                        s += inv[i, j] * z[a - first + j, c]
                    white[at, c] = s
        for c in range(size):
            for d in range(c + 1):
                prec[c, d] = 0.0
            if c < k:
                prec[c, c] = 1.0 / variance[f, c]
                coef[c] = mean[f, c] / variance[f, c]
            else:
                prec[c, c] = 1.0
                coef[c] = 0.0
        for i in range(m):
            for c in range(size):
                held = white[i, c]
                coef[c] += held * white_rest[i]
                for d in range(c + 1):
                    prec[c, d] += held * white[i, d]
        factor(prec[:size, :size])
        inverse(prec[:size, :size], prec_inv[:size, :size])
        for c in range(size):
            total -= math.log(prec[c, c])
        for c in range(size - 1, -1, -1):
            s = 0.0
            for d in range(c + 1):
                s += prec_inv[c, d] * coef[d]
            coef[c] = s
        for c in range(size):
            s = 0.0
            for d in range(c, size):
                s += prec_inv[d, c] * coef[d]
            coef[c] = s
        for i in range(m):
            s = white_rest[i]
            for c in range(size):
                s -= white[i, c] * coef[c]
            rest[i] = s
            total -= 0.5 * s * s
        total -= 0.5 * m * _LOG_2PI
        for c in range(k):
            off = coef[c] - mean[f, c]
            total -= 0.5 * off**2 / variance[f, c] + 0.5 * math.log(variance[f, c])
            own = 0.0
            for d in range(c, size):
                own += prec_inv[d, c] ** 2
            mean_bar[f, c] = off / variance[f, c]
            variance_bar[f, c] = 0.5 * ((off**2 + own) / variance[f, c] - 1.0) / variance[f, c]
        for c in range(rank):
            total -= 0.5 * coef[k + c] ** 2

        run_bar, checkpoint_bar, scale_bar = 0.0, 0.0, 0.0
        # white becomes white @ C^-T, in place from the last column.
        for i in range(m):
            for c in range(size - 1, -1, -1):
                s = 0.0
                for d in range(c + 1):
                    s += white[i, d] * prec_inv[c, d]
                white[i, c] = s
        for r in range(runs_of_family[f], runs_of_family[f + 1]):
            a, b = starts[r], starts[r + 1]
            n, o = b - a, a - first
            for i in range(n):
                pull[o + i] = 0.0
                for c in range(size):
                    back[o + i, c] = 0.0
                for j in range(i, n):
                    held = inverses[o + j, i]
                    pull[o + i] += held * rest[o + j]
                    for c in range(size):
                        back[o + i, c] += held * white[o + j, c]
            for i in range(n):
                for j in range(i + 1):
                    s = pull[o + i] * pull[o + j]
                    for c in range(size):
                        s += back[o + i, c] * back[o + j, c]
                    for c in range(i, n):
                        s -= inverses[o + c, i] * inverses[o + c, j]
                    block[i, j] = 0.5 * s
                    block[j, i] = 0.5 * s
            shrunk = 0.0
            for i in range(n):
                along = 0.0
                for j in range(n):
                    far = abs(position[a + i] - position[a + j])
                    held = checkpoint_sd[f] ** 2 * math.exp(-far) / weight[r]
                    along += block[i, j] * common[a + j]
                    checkpoint_bar += 2.0 * block[i, j] * held
                    shrunk += block[i, j] * held
                along /= weight[r]
                shrunk += along * common[a + i]
                run_bar += 2.0 * along * run_sd[f] ** 2 / common[a + i]
                scale_bar += 2.0 * along * tau**2 * remainder[a + i] / common[a + i]
            weight_bar[r] = -shrunk
        for i in range(m):
            target_bar[first + i] = -pull[i]
            for d in range(size):
                s = pull[i] * coef[d]
                for c in range(d, size):
                    s -= back[i, c] * prec_inv[c, d]
                if d < k:
                    columns_bar[first + i, d] = s
                else:
                    scale_bar += s * z[i, d]
        levels_bar[f, 0] = run_bar
        levels_bar[f, 1] = checkpoint_bar
        levels_bar[f, 2] = scale_bar
    return total
