"""Draws of the discrepancy's components given everything else: from their exact conditional."""

from __future__ import annotations

import math

import numba
import numpy as np

from bayeslaw.inference.collapsed.eliminate import components, whitened
from bayeslaw.inference.collapsed.tape import play


@numba.njit(cache=True, nogil=True, error_model="numpy")
def recover(known, log_values, noise, weight, unit, wander):
    """Write the components of every family's discrepancy at every draw.

    Parameters
    ----------
    known : as the density has it.
    log_values, noise, weight : of families and runs, as
        :func:`bayeslaw.inference.collapsed.density.named` writes them.
    unit : standard normal numbers, of the shape of ``wander``.
    wander : written, shape (draws, families, rank).
    """
    draws, families = wander.shape[0], wander.shape[1]
    values = np.empty((known.steps.shape[0], known.log_loss.size))
    for f in range(families):
        rank = known.ranks[f]
        if rank == 0:
            continue
        first, last = known.rows_of[f], known.rows_of[f + 1]
        a, b = known.runs_of[f], known.runs_of[f + 1]
        m = last - first
        rest, common = np.empty(m), np.empty(m)
        white, white_rest = np.empty((m, rank)), np.empty(m)
        root, mean = np.empty((rank, rank)), np.empty(rank)
        inverses = np.empty((m, known.near.shape[1]))
        scaled = np.empty(log_values.shape[2])
        for d in range(draws):
            for q in range(scaled.size):
                scaled[q] = log_values[d, f, q] + known.log_scale[f, q]
            play(
                known.steps, known.constants, known.points[:, first:last],
                scaled, values[:, :m],
            )  # fmt: skip
            run_sd, checkpoint, tau = noise[d, f]
            for i in range(m):
                curve = values[-1, i] if known.steps[-1, 3] else values[-1, 0]
                rest[i] = known.log_loss[first + i] - curve
                square = run_sd**2 + known.loss_sd[first + i] ** 2
                common[i] = math.sqrt(square + tau**2 * known.remainder[first + i])
            whitened(
                known.starts[a : b + 1] - first, known.near[first:last], common, checkpoint,
                weight[d, a:b], known.phi[first:last, :rank], tau, rest, inverses, white,
                white_rest,
            )  # fmt: skip
            components(white, white_rest, root, mean)
            for c in range(rank):
                s = mean[c]
                for e in range(c, rank):
                    s += root[e, c] * unit[d, f, e]
                wander[d, f, c] = s
