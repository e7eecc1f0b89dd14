"""The density of the population, the families integrated out, and its gradient."""

from __future__ import annotations

import numba
import numpy as np

from bayeslaw.laws.law import Z95
from bayeslaw.model.layout import APART, CAP

# Log of how far families lie apart, in terms of the typical distance: centre and s.d.
MIDDLE = float(np.log(APART).mean())
WIDTH = float(np.diff(np.log(APART))[0] / (2 * Z95))
_CEILING = CAP * float(APART[1])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def population_density(
    x, location, wide, typical, partial, levels, lab_of_family, centred, noise_between,
    precision, moment, bar,
):  # fmt: skip
    """Return the log density and write its gradient; the class Population has the layout."""
    k, n_labs, n_levels = location.size, centred.size, levels.shape[0]
    families, size = moment.shape
    last = x.size - n_levels
    between = np.empty(k)
    across = np.empty(k)
    value = 0.0
    for i in range(x.size):
        in_labs = n_labs > 0 and 3 * k <= i < last
        bar[i] = 0.0 if in_labs else -x[i]
        value -= 0.0 if in_labs else 0.5 * x[i] ** 2
    for q in range(k):
        between[q] = typical[q] * np.exp(MIDDLE + WIDTH * x[k + q])
        ratio = (between[q] / (_CEILING * typical[q])) ** 2
        value -= 0.5 * ratio
        bar[k + q] -= WIDTH * ratio
        if n_labs > 0:
            across[q] = 2 * typical[q] * np.exp(MIDDLE + WIDTH * x[2 * k + q])
            ratio = (across[q] / (2 * _CEILING * typical[q])) ** 2
            value -= 0.5 * ratio
            bar[2 * k + q] -= WIDTH * ratio
    lab = np.empty((max(n_labs, 1), k))
    lab_bar = np.zeros((max(n_labs, 1), k))
    for g in range(max(n_labs, 1)):
        for q in range(k):
            off = wide[q] * x[q]
            lab[g, q] = location[q] + off
            if n_labs > 0:
                raw = x[3 * k + g * k + q]
                lab[g, q] += across[q] ** (1 - centred[g]) * (raw - centred[g] * off)
    spread = np.empty(size)
    centre = np.empty(size)
    for q in range(size):
        spread[q] = noise_between if q >= k else (between[q] if partial[q] else wide[q])
    root = np.empty((size, size))
    inverse = np.empty((size, size))
    mean = np.empty(size)
    for f in range(families):
        g = lab_of_family[f]
        for q in range(size):
            if q < k:
                centre[q] = lab[g, q] if partial[q] else location[q]
            else:
                centre[q] = levels[q - k, 0] + levels[q - k, 1] * x[last + q - k]
            weight = spread[q] ** -2.0
            mean[q] = moment[f, q] + weight * centre[q]
            value -= 0.5 * weight * centre[q] ** 2 + np.log(spread[q])
            for r in range(q + 1):
                s = precision[f, q, r]
                if q == r:
                    s += weight
                for i in range(r):
                    s -= root[q, i] * root[r, i]
                if q == r:
                    root[q, q] = np.sqrt(s) if s > 0.0 else np.nan
                else:
                    root[q, r] = s / root[r, r]
            value -= np.log(root[q, q])
        for q in range(size):
            for i in range(q):
                mean[q] -= root[q, i] * mean[i]
            mean[q] /= root[q, q]
            value += 0.5 * mean[q] ** 2
        for q in range(size - 1, -1, -1):
            for i in range(q + 1, size):
                mean[q] -= root[i, q] * mean[i]
            mean[q] /= root[q, q]
        for q in range(size):
            variance = 0.0
            for i in range(q, size):
                s = 1.0 if i == q else 0.0
                for j in range(q, i):
                    s -= root[i, j] * inverse[j, q]
                inverse[i, q] = s / root[i, i]
                variance += inverse[i, q] ** 2
            away = mean[q] - centre[q]
            pull = away * spread[q] ** -2.0
            if q >= k:
                bar[last + q - k] += levels[q - k, 1] * pull
            elif partial[q]:
                lab_bar[g, q] += pull
                bar[k + q] += WIDTH * ((away**2 + variance) * spread[q] ** -2.0 - 1.0)
    for g in range(max(n_labs, 1)):
        for q in range(k):
            if n_labs == 0:
                bar[q] += wide[q] * lab_bar[g, q]
                continue
            share, off = centred[g], wide[q] * x[q]
            i = 3 * k + g * k + q
            narrow = across[q] ** -share
            stretch = across[q] * narrow
            unit = (x[i] - share * off) * narrow
            value -= 0.5 * unit**2 + share * np.log(across[q])
            bar[i] = -unit * narrow + lab_bar[g, q] * stretch
            bar[q] += wide[q] * (lab_bar[g, q] * (1 - stretch * share) + unit * share * narrow)
            along = lab_bar[g, q] * (1 - share) * stretch * (x[i] - share * off)
            bar[2 * k + q] += WIDTH * (share * unit**2 - share + along)
    return value
