"""Coordinates of what scatters around something: noise levels, families, labs, population."""

from __future__ import annotations

import math

import numba
import numpy as np

from bayeslaw.inference.collapsed.eliminate import factor, inverse


@numba.njit(cache=True, nogil=True, error_model="numpy")
def spread_out(x, above, spread, share):
    """Return a value around what is above it: share one is centred, share zero is not."""
    return above + spread ** (1.0 - share) * (x - share * above)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def spread_out_back(x, above, spread, share, bar):
    """Return the log prior of a coordinate, and gradients of it plus what its value passes back.

    Gradients are in the coordinate, in what is above, and in the log spread.
    """
    narrow = spread**-share
    stretch = spread * narrow
    off = x - share * above
    unit = off * narrow
    value = -0.5 * unit**2 - share * math.log(spread)
    up = bar * (1.0 - share * stretch) + unit * share * narrow
    widen = share * (unit**2 - 1.0) + bar * (1.0 - share) * stretch * off
    return value, bar * stretch - unit * narrow, up, widen


@numba.njit(cache=True, nogil=True, error_model="numpy")
def placed(z, mean, spread, centre, information, firm, own, root, ahead, away):
    """Place a family's log parameters where its rows and its prior together put them.

    With prior N(mean, spread^2), and rows that say N(centre, information^-1) of them, the
    conditional is normal; ``z`` are its standard coordinates. Only efficiency depends on how true
    that is.

    Parameters
    ----------
    firm : factors of the rows and columns of the information, shape (parameters,).
    own : places of the parameters that this family has for itself; the others are at their mean.
    root, ahead, away : written for :func:`placed_back`: factor of the precision, the shift of the
        conditional mean in standard coordinates, and the log parameters less their mean.
    """
    k = own.size
    for i in range(k):
        s = 0.0
        for q in range(mean.size):
            s += information[own[i], q] * firm[q] * (centre[q] - mean[q])
        ahead[i] = s * firm[own[i]]
        for j in range(i + 1):
            root[i, j] = information[own[i], own[j]] * firm[own[i]] * firm[own[j]]
        root[i, i] += spread[own[i]] ** -2.0
    factor(root)
    for i in range(k):
        s = ahead[i]
        for j in range(i):
            s -= root[i, j] * ahead[j]
        ahead[i] = s / root[i, i]
    for i in range(k - 1, -1, -1):
        s = ahead[i] + z[i]
        for j in range(i + 1, k):
            s -= root[j, i] * away[j]
        away[i] = s / root[i, i]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def placed_back(
    bar, mean, spread, centre, information, firm, own, root, ahead, away, z_bar, mean_bar,
    log_spread_bar, log_firm_bar,
):  # fmt: skip
    """Pass back the gradient in what was placed, and that of the log determinant of the map.

    Parameters
    ----------
    bar : gradient in the placed log parameters.
    z_bar : written; ``mean_bar``, ``log_spread_bar`` and ``log_firm_bar`` are added to.

    Returns
    -------
    Log determinant.
    """
    k = own.size
    pull, inner, back = np.empty(k), np.empty((k, k)), np.zeros((k, k))
    value = 0.0
    for i in range(k):
        s = bar[i]
        for j in range(i):
            s -= root[i, j] * z_bar[j]
        z_bar[i] = s / root[i, i]
        value -= math.log(root[i, i])
    for i in range(k - 1, -1, -1):
        s = z_bar[i]
        for j in range(i + 1, k):
            s -= root[j, i] * pull[j]
        pull[i] = s / root[i, i]
    for i in range(k):
        mean_bar[own[i]] += bar[i]
        for q in range(mean_bar.size):
            held = information[own[i], q] * firm[own[i]] * firm[q] * pull[i]
            mean_bar[q] -= held
            log_firm_bar[own[i]] += held * (centre[q] - mean[q])
            log_firm_bar[q] += held * (centre[q] - mean[q])
    # The gradient in the factor, then in the precision.
    for j in range(k):
        for i in range(j + 1):
            back[j, i] = -away[j] * z_bar[i] - pull[j] * ahead[i]
        back[j, j] -= 1.0 / root[j, j]
    for i in range(k):
        for j in range(i + 1):
            s = 0.0
            for m in range(i, k):
                s += root[m, i] * back[m, j]
            inner[i, j] = inner[j, i] = 0.5 * s
    unit, half = np.empty((k, k)), np.empty((k, k))
    inverse(root, unit)
    for i in range(k):
        for c in range(k):
            s = 0.0
            for j in range(c, k):
                s += inner[i, j] * unit[j, c]
            half[i, c] = s
    for c in range(k):
        for d in range(k):
            s = 0.0
            for i in range(d, k):
                s += unit[i, d] * half[i, c]
            held = information[own[c], own[d]] * firm[own[c]] * firm[own[d]]
            log_firm_bar[own[c]] += 2.0 * s * held
            if c == d:
                log_spread_bar[own[c]] -= 2.0 * spread[own[c]] ** -2.0 * s
    return value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sheared(log_parameters, centre, lever):
    """Shift log amplitudes along the curve on which losses hold them and their exponents.

    Rows far from the unit of an input fix an amplitude times a power of that input, so the log
    amplitude is linear in the exponent, not in its logarithm. The linear part is placed already;
    this adds what is left, and its determinant is one.

    Parameters
    ----------
    log_parameters : changed in place.
    lever : change of each parameter with each log exponent at ``centre``; mostly zero.
    """
    for q in range(centre.size):
        for p in range(centre.size):
            if lever[q, p] != 0.0:
                off = log_parameters[p] - centre[p]
                log_parameters[q] += lever[q, p] * (math.exp(off) - 1.0 - off)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sheared_back(log_parameters, centre, lever, bar):
    """Pass back the gradient in what was sheared, in place; exponents are as they were."""
    for q in range(centre.size):
        for p in range(centre.size):
            if lever[q, p] != 0.0:
                bar[p] += bar[q] * lever[q, p] * (math.exp(log_parameters[p] - centre[p]) - 1.0)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def bent(log_parameters, centre, share):
    """Shift all log amplitudes alike, so that their weighted sum, the level, stays put.

    Losses fix the level far better than its parts, and in log amplitudes a level is a curved
    surface. The shift flattens it, and its determinant is one.

    Parameters
    ----------
    log_parameters : changed in place.
    share : share of each parameter in the level at ``centre``; zero for what does not add to it.

    Returns
    -------
    Log of the level, relative to that at ``centre``.
    """
    level, straight, top = 0.0, 0.0, 0.0
    for q in range(share.size):
        if share[q] > 0.0:
            top = max(top, log_parameters[q] - centre[q])
    for q in range(share.size):
        if share[q] > 0.0:
            level += share[q] * math.exp(log_parameters[q] - centre[q] - top)
            straight += share[q] * (log_parameters[q] - centre[q])
    if level == 0.0:
        return 0.0
    level = math.log(level) + top
    for q in range(share.size):
        if share[q] > 0.0:
            log_parameters[q] += straight - level
    return straight


@numba.njit(cache=True, nogil=True, error_model="numpy")
def bent_back(log_parameters, centre, share, level, bar):
    """Pass back the gradient in what was bent, in place; ``level`` is what ``bent`` returned."""
    total = 0.0
    for q in range(share.size):
        if share[q] > 0.0:
            total += bar[q]
    for q in range(share.size):
        if share[q] > 0.0:
            now = share[q] * math.exp(log_parameters[q] - centre[q] - level)
            bar[q] += total * (share[q] - now)
