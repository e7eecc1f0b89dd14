"""Draws of the discrepancy's components given everything else: from their exact conditional."""

from __future__ import annotations

import math

import numba
import numpy as np

from bayeslaw.inference.collapsed.density import named
from bayeslaw.inference.collapsed.eliminate import components, whitened
from bayeslaw.inference.collapsed.tape import play


@numba.njit(cache=True, nogil=True, error_model="numpy")
def recover(coordinates, known, begin_weight, unit, log_values, noise, wander):
    """Write the families' quantities at every draw.

    Parameters
    ----------
    coordinates : shape (draws, size).
    begin_weight : coordinate of the first run's log weight.
    unit : standard normal numbers, of the shape of ``wander``.
    log_values, noise : log parameters in units, and run noise, checkpoint noise and scale of the
        discrepancy, shapes (draws, families, parameters) and (draws, families, 3).
    wander : components, shape (draws, families, rank).
    """
    draws, families = log_values.shape[0], log_values.shape[1]
    rows = known.log_loss.size
    values = np.empty((known.steps.shape[0], rows))
    longest = known.near.shape[1]
    for d in range(draws):
        x = coordinates[d]
        named(x, known, log_values[d], noise[d])
        for f in range(families):
            rank = known.ranks[f]
            if rank == 0:
                continue
            first, last = known.rows_of[f], known.rows_of[f + 1]
            m = last - first
            play(
                known.steps, known.constants, known.points[:, first:last],
                log_values[d, f] + known.log_scale[f], values[:, :m],
            )  # fmt: skip
            run_sd, checkpoint, tau = noise[d, f]
            rest, common = np.empty(m), np.empty(m)
            for i in range(m):
                curve = values[-1, i] if known.steps[-1, 3] else values[-1, 0]
                rest[i] = known.log_loss[first + i] - curve
                square = run_sd**2 + known.loss_sd[first + i] ** 2
                common[i] = math.sqrt(square + tau**2 * known.remainder[first + i])
            a, b = known.runs_of[f], known.runs_of[f + 1]
            weight = np.ones(b - a)
            if known.tails > 0.0:
                weight[:] = np.exp(x[begin_weight + a : begin_weight + b])
            white, white_rest = np.empty((m, rank)), np.empty(m)
            root, mean = np.empty((rank, rank)), np.empty(rank)
            whitened(
                known.starts[a : b + 1] - first, known.near[first:last], common, checkpoint,
                weight, known.phi[first:last, :rank], tau, rest, np.empty((m, longest)), white,
                white_rest,
            )  # fmt: skip
            components(white, white_rest, root, mean)
            for c in range(rank):
                s = mean[c]
                for e in range(c, rank):
                    s += root[e, c] * unit[d, f, e]
                wander[d, f, c] = s
