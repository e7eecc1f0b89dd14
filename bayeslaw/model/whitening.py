"""Sampler coordinates in which the data make each family's posterior nearly standard normal.

Only efficiency depends on how good the centres are: every map is a smooth bijection whose
Jacobian is counted, so the posterior is exactly that of the plain model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm

from bayeslaw.model.affine import conditional_gaussian
from bayeslaw.model.likelihood import Residuals
from bayeslaw.model.tensor import pt

_LOG_2PI = float(np.log(2 * np.pi))
# Amplitudes bend away from the straight line below this share of their prior centre.
_BEND = 0.2
_BROADEST = 0.3


def informed_block(
    name: str, mean: Any, spread: Any, centre: np.ndarray, information: np.ndarray
) -> Any:
    """Return log parameters (members, k), each between its prior and what its data say.

    Members rich in data are thereby centred and poor ones non-centred, by degrees.

    Parameters
    ----------
    mean, spread : prior of the log parameters, shapes (members, k) and (k,).
    centre, information : where the data put them and how firmly, shapes (members, k) and
        (members, k, k).
    """
    members, k = centre.shape
    values, vectors = np.linalg.eigh(information)
    roots = np.sqrt(np.maximum(values, 0))[:, :, None] * np.swapaxes(vectors, 1, 2)
    aim = (roots @ centre[:, :, None])[:, :, 0].ravel()
    precision = pt.ones((members, 1)) * spread**-2.0
    raw = pm.Flat(f"raw_{name}", shape=(members, k))
    starts = np.arange(members + 1) * k
    design = roots.reshape(-1, k)
    log_values, scale = conditional_gaussian(design, aim, starts, precision, precision * mean, raw)
    prior = -0.5 * (((log_values - mean) / spread) ** 2).sum() - members * pt.log(spread).sum()
    pm.Potential(f"{name}_prior", prior - 0.5 * members * k * _LOG_2PI - scale)
    return log_values


def linear_block(
    name: str, log_mean: Any, spread: Any, columns: list[Any], target: Any, residuals: Residuals
) -> tuple[Any, Any]:
    """Return amplitudes (families, k) and discrepancy components (families, rank).

    Given the exponents and the noise, the log loss is nearly linear in both, so their
    conditional posterior is nearly Gaussian with a mean and covariance that can be written down.

    Parameters
    ----------
    log_mean, spread : prior of the log amplitudes, shapes (families, k) and (k,).
    columns : what each amplitude multiplies at the rows, k arrays of shape (rows,).
    target : what the columns and the discrepancy should sum to, shape (rows,).
    """
    layout = residuals.layout
    n_families, k, rank = len(layout.families), len(columns), layout.phi.shape[1]
    # Laid side by side by broadcasting, which compiles far faster than a concatenation.
    unit = np.eye(k + rank + 1)
    together = residuals.scaled_phi(before=k, after=1) + target[:, None] * unit[-1]
    for i, column in enumerate(columns):
        together = together + column[:, None] * unit[i]
    white = residuals.whiten(together) * np.sqrt(residuals.working_weights())[:, None]

    design, aim = white[:, :-1], white[:, -1]
    starts = np.searchsorted(layout.family_of_row, np.arange(n_families + 1))
    ones, zeros = np.ones((n_families, rank)), np.zeros((n_families, rank))

    # A Gaussian that keeps off zero where the log-normal prior is broad: positivity must bend
    # the coordinates only where draws are rare, and a long right tail does no harm.
    mean = pt.exp(log_mean)
    width = mean * pt.minimum(spread, _BROADEST)
    precision = pt.concatenate([width**-2.0, ones], axis=1)
    moment = pt.concatenate([mean * width**-2.0, zeros], axis=1)
    raw = pm.Flat(f"raw_{name}", shape=(n_families, k + rank))
    straight, scale = conditional_gaussian(design, aim, starts, precision, moment, raw)
    component = straight[:, k:]
    bend = _BEND * mean
    ratio = straight[:, :k] / bend
    amplitudes = bend * pt.softplus(ratio)
    log_amplitudes = pt.log(amplitudes)
    density = -0.5 * (component**2).sum() - 0.5 * n_families * (k + rank) * _LOG_2PI - scale
    density += (-0.5 * ((log_amplitudes - log_mean) / spread) ** 2 - log_amplitudes).sum()
    density += -n_families * pt.log(spread).sum() - pt.softplus(-ratio).sum()
    pm.Potential(f"{name}_prior", density)
    return amplitudes, component
