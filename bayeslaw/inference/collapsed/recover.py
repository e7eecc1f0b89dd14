"""Draws of what was integrated out, given everything else: exact but for a finite choice.

Amplitudes are drawn from their Gaussian conditional several times and one draw is kept with the
weight that the log-normal prior and the curved law give it; the discrepancy is then drawn from
its own exact conditional.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from bayeslaw.inference.collapsed.eliminate import factor, inverse, run_inverse


@numba.njit(cache=True, nogil=True, error_model="numpy")
def recover(
    starts, columns, target, log_loss, curve, fixed, phi, remainder, loss_sd, position,
    run_sd, checkpoint_sd, scale, weight, mean, variance, log_mean, log_spread, unit, uniform,
    amplitudes, components,
):  # fmt: skip
    """Draw one family's amplitudes and components for one set of all else.

    Parameters
    ----------
    starts : first row of each run of the family, and its number of rows.
    columns, target : the linear form, shapes (rows, k) and (rows,).
    curve, fixed : reference losses, and the part of the law that is known in their units.
    log_mean, log_spread : the log-normal prior, shape (k,).
    unit : standard draws, shape (candidates + 1, k + rank).
    amplitudes, components : written.

    Returns
    -------
    Share of candidates with a negative amplitude.
    """
    m, k = columns.shape
    rank = phi.shape[1]
    candidates = unit.shape[0] - 1
    longest = 0
    for r in range(starts.size - 1):
        longest = max(longest, starts[r + 1] - starts[r])
    size = rank + k
    cov, inv = np.empty((longest, longest)), np.empty((longest, longest))
    inverses = np.zeros((m, longest))
    common = np.empty(m)
    white = np.empty((m, size))
    aim = np.empty(m)
    for i in range(m):
        common[i] = math.sqrt(run_sd**2 + loss_sd[i] ** 2 + scale**2 * remainder[i])
    for r in range(starts.size - 1):
        a, b = starts[r], starts[r + 1]
        run_inverse(a, b, position, common, checkpoint_sd, weight[r], cov, inv)
        for i in range(b - a):
            aim[a + i] = 0.0
            white[a + i] = 0.0
            for j in range(i + 1):
                inverses[a + i, j] = inv[i, j]
                aim[a + i] += inv[i, j] * target[a + j]
                for c in range(rank):
                    white[a + i, c] += inv[i, j] * scale * phi[a + j, c]
                for c in range(k):
                    white[a + i, rank + c] += inv[i, j] * columns[a + j, c]
    # Components first, so that the leading block of the factor is theirs alone.
    root = np.zeros((size, size))
    moment = np.zeros(size)
    for c in range(size):
        root[c, c] = 1.0 if c < rank else 1.0 / variance[c - rank]
        if c >= rank:
            moment[c] = mean[c - rank] / variance[c - rank]
    for i in range(m):
        for c in range(size):
            moment[c] += white[i, c] * aim[i]
            for d in range(c + 1):
                root[c, d] += white[i, c] * white[i, d]
    factor(root)
    back = np.empty((size, size))
    inverse(root, back)
    half = back @ moment

    kept = np.empty((candidates, k))
    log_weight = np.full(candidates, -np.inf)
    off, straight = np.empty(m), np.empty(m)
    for s in range(candidates):
        good = True
        for c in range(k):
            w = 0.0
            for d in range(rank + c, size):
                w += back[d, rank + c] * (half[d] + unit[s, d])
            kept[s, c] = w
            good = good and w > 0.0
        if not good:
            continue
        for i in range(m):
            law = fixed[i]
            straight[i] = target[i]
            for c in range(k):
                law += columns[i, c] * kept[s, c]
                straight[i] -= columns[i, c] * kept[s, c]
            off[i] = log_loss[i] - math.log(max(law, 1e-300) * curve[i])
        value = _quadratic(starts, inverses, off, white, back, rank)
        value -= _quadratic(starts, inverses, straight, white, back, rank)
        value *= -0.5
        for c in range(k):
            log_w = math.log(kept[s, c])
            value -= 0.5 * ((log_w - log_mean[c]) / log_spread[c]) ** 2 + log_w
            value += 0.5 * (kept[s, c] - mean[c]) ** 2 / variance[c]
        log_weight[s] = value
    rejected = 0
    top = -np.inf
    for s in range(candidates):
        rejected += log_weight[s] == -np.inf
        top = max(top, log_weight[s])
    pick = 0
    if top > -np.inf:
        total = 0.0
        for s in range(candidates):
            total += math.exp(log_weight[s] - top)
        below = 0.0
        for s in range(candidates):
            below += math.exp(log_weight[s] - top)
            if below >= uniform * total and log_weight[s] > -np.inf:
                pick = s
                break
    for c in range(k):
        # Such draws count as rejected; what stands in for them must at least be possible.
        amplitudes[c] = kept[pick, c] if top > -np.inf else math.exp(log_mean[c])
    for i in range(m):
        law = fixed[i]
        for c in range(k):
            law += columns[i, c] * amplitudes[c]
        off[i] = log_loss[i] - math.log(max(law, 1e-300) * curve[i])
    # Without amplitudes the leading block of the inverse factor is that of the components.
    own = np.zeros(rank)
    for r in range(starts.size - 1):
        a, b = starts[r], starts[r + 1]
        for i in range(a, b):
            white_off = 0.0
            for j in range(i - a + 1):
                white_off += inverses[i, j] * off[a + j]
            for c in range(rank):
                own[c] += white[i, c] * white_off
    first = np.ascontiguousarray(back[:rank, :rank])
    components[:] = first.T @ (first @ own + unit[candidates, :rank])
    return rejected / candidates


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _quadratic(starts, inverses, off, white, back, rank):
    """Return the squared length of residuals with the discrepancy integrated out."""
    total = 0.0
    own = np.zeros(rank)
    for r in range(starts.size - 1):
        a, b = starts[r], starts[r + 1]
        for i in range(a, b):
            s = 0.0
            for j in range(i - a + 1):
                s += inverses[i, j] * off[a + j]
            total += s * s
            for c in range(rank):
                own[c] += white[i, c] * s
    for c in range(rank):
        s = 0.0
        for d in range(c + 1):
            s += back[c, d] * own[d]
        total -= s * s
    return total
