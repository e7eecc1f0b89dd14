"""The density of the population's spreads, families and locations integrated out exactly.

What a family's rows say stands as a Gaussian message; given how far families lie apart, and labs,
everything else of the population is Gaussian too and is passed up and integrated level by level.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from bayeslaw.laws.law import Z95
from bayeslaw.model.layout import APART, CAP

# Log of how far families lie apart, in terms of the typical distance: centre and s.d.
MIDDLE = float(np.log(APART).mean())
WIDTH = float(np.diff(np.log(APART))[0] / (2 * Z95))
CEILING = CAP * float(APART[1])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _factor(precision, moment, sd, root, whitened):
    """Factor what a Gaussian message leaves of a normal of these s.d.; return its log evidence.

    With A = 1 + S P S = L L', the lower triangle L goes to ``root`` and L^-1 S m to ``whitened``.
    """
    d = sd.size
    value = 0.0
    for i in range(d):
        w = sd[i] * moment[i]
        for j in range(i + 1):
            s = sd[i] * precision[i, j] * sd[j]
            if i == j:
                s += 1.0
            for m in range(j):
                s -= root[i, m] * root[j, m]
            if i == j:
                root[i, i] = math.sqrt(s) if s > 0.0 else math.nan
            else:
                root[i, j] = s / root[j, j]
                w -= root[i, j] * whitened[j]
        whitened[i] = w / root[i, i]
        value += 0.5 * whitened[i] ** 2 - math.log(root[i, i])
    return value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _pass_up(precision, moment, sd, root, whitened, column, up_precision, up_moment):
    """Add what a message says of the centre it scatters around; return its log evidence."""
    d = sd.size
    value = _factor(precision, moment, sd, root, whitened)
    for c in range(d):
        for i in range(d):
            s = sd[i] * precision[i, c]
            for m in range(i):
                s -= root[i, m] * column[c, m]
            column[c, i] = s / root[i, i]
        s = moment[c]
        for i in range(d):
            s -= column[c, i] * whitened[i]
        up_moment[c] += s
        for e in range(c + 1):
            s = precision[c, e]
            for i in range(d):
                s -= column[c, i] * column[e, i]
            up_precision[c, e] += s
            if e < c:
                up_precision[e, c] += s
    return value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _draw_down(precision, moment, centre, sd, unit, root, whitened, out):
    """Draw a normal of this centre and these s.d. given a message."""
    d = sd.size
    for i in range(d):
        s = moment[i]
        for j in range(d):
            s -= precision[i, j] * centre[j]
        out[i] = s
    value = _factor(precision, out, sd, root, whitened)
    for i in range(d - 1, -1, -1):
        s = whitened[i] + unit[i]
        for j in range(i + 1, d):
            s -= root[j, i] * out[j]
        out[i] = s / root[i, i]
    for i in range(d):
        out[i] = centre[i] + sd[i] * out[i]
    return value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def population_evidence(precision, moment, lab_of_family, spread, across, top, unit, drawn, out):
    """Integrate families, labs and population out at many spreads, and draw the latter two.

    Parameters
    ----------
    precision, moment : messages of the families about what the population scatters, relative to
        the population's prior centre, shapes (families, values, values) and (families, values).
    lab_of_family : shape (families,).
    spread, across : s.d. of families around their lab and of labs around the population, shape
        (points, values).
    top : s.d. of the population around its prior centre, shape (values,).
    unit : standard draws of the population and then of each lab, shape (points, 1 + labs,
        values); of no points if nothing is to be drawn.
    drawn : where draws go, shape of ``unit``.
    out : where the log evidence at each point goes, shape (points,).
    """
    families, d = moment.shape
    labs = lab_of_family.max() + 1
    root, column = np.empty((d, d)), np.empty((d, d))
    whitened, nothing = np.empty(d), np.zeros(d)
    of_labs, lab_moment = np.empty((labs, d, d)), np.empty((labs, d))
    total, total_moment = np.empty((d, d)), np.empty(d)
    for p in range(len(spread)):
        of_labs[:] = 0.0
        lab_moment[:] = 0.0
        total[:] = 0.0
        total_moment[:] = 0.0
        value = 0.0
        for f in range(families):
            g = lab_of_family[f]
            value += _pass_up(
                precision[f], moment[f], spread[p], root, whitened, column, of_labs[g],
                lab_moment[g],
            )  # fmt: skip
        for g in range(labs):
            value += _pass_up(
                of_labs[g], lab_moment[g], across[p], root, whitened, column, total, total_moment
            )
        out[p] = value + _factor(total, total_moment, top, root, whitened)
        if len(unit) == 0:
            continue
        _draw_down(total, total_moment, nothing, top, unit[p, 0], root, whitened, drawn[p, 0])
        for g in range(labs):
            _draw_down(
                of_labs[g], lab_moment[g], drawn[p, 0], across[p], unit[p, 1 + g], root, whitened,
                drawn[p, 1 + g],
            )  # fmt: skip
