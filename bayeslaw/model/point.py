"""Point fits of a law: the penalised reference curve and plain least squares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares as _solve

from bayeslaw.laws import Law

_STEP = 1e-5  # in log parameters, of numerical derivatives


@dataclass(frozen=True)
class PointFit:
    """One family's point fit: log parameters, fitted log loss, residual scale, curvature."""

    log_parameters: np.ndarray
    log_curve: np.ndarray
    scale: float
    jacobian: np.ndarray


def fit_point(
    law: Law,
    inputs: Mapping[str, np.ndarray],
    loss: np.ndarray,
    *,
    location: np.ndarray,
    spread: np.ndarray | None,
    weights: np.ndarray | None = None,
    noise: float = 0.01,
    starts: int = 1,
) -> PointFit:
    """Fit one family's log loss by robust least squares in log parameters.

    Parameters
    ----------
    inputs : inputs relative to the reference point, each of shape (rows,).
    loss : observed losses, shape (rows,).
    location, spread : centre and s.d. of the log parameters; the penalty is left out where
        ``spread`` is None, and the centre is then only the start.
    weights : weight of each row; a run's rows share one observation's weight.
    noise : s.d. of log loss that balances data and penalty.
    starts : how many starts to try; those after the first shift the exponents.
    """
    weight = np.sqrt(np.ones_like(loss) if weights is None else weights)
    target = np.log(loss)

    def curve(log_parameters: np.ndarray) -> np.ndarray:
        """Return the log loss at the rows, for log parameters of shape (..., parameters)."""
        columns = np.exp(np.clip(log_parameters, -50, 50)).T[..., None]
        values = dict(zip(law.parameter_names, columns, strict=True))
        with np.errstate(all="ignore"):  # far from the fit; bounded on the next line
            losses = law(inputs, values) * np.ones_like(loss)
        # The larger one is also taken in place of no number.
        return np.log(np.maximum(np.fmin(losses, 1e300), 1e-300))

    def slopes(log_parameters: np.ndarray) -> np.ndarray:
        """Return the derivatives of the log loss, shape (rows, parameters)."""
        apart = _STEP * np.eye(len(log_parameters))
        ends = curve(np.concatenate([log_parameters + apart, log_parameters - apart]))
        return (ends[: len(apart)] - ends[len(apart) :]).T / (2 * _STEP)

    def residuals(log_parameters: np.ndarray) -> np.ndarray:
        data = weight * (curve(log_parameters) - target) / noise
        # The soft absolute value by hand: the penalty must stay quadratic.
        data = np.sign(data) * np.sqrt(2.0 * (np.sqrt(1.0 + data**2) - 1.0))
        if spread is None:
            return data
        return np.concatenate([data, (log_parameters - location) / spread])

    def jacobian(log_parameters: np.ndarray) -> np.ndarray:
        data = weight * (curve(log_parameters) - target) / noise
        root = np.sqrt(1.0 + data**2)
        # The derivative of the soft absolute value, 1 at zero.
        soft = np.sqrt(0.5 * (1.0 + root)) / root
        out = (weight * soft / noise)[:, None] * slopes(log_parameters)
        return out if spread is None else np.concatenate([out, np.diag(1.0 / spread)])

    shifts = np.linspace(-0.8, 0.8, starts) if starts > 1 else np.zeros(1)
    nonlinear = np.array([n in law.nonlinear for n in law.parameter_names])
    method = "trf" if spread is None and len(loss) < len(location) else "lm"
    best = min(
        (
            _solve(
                residuals,
                location + shift * nonlinear,
                jacobian,  # type: ignore[arg-type]
                method=method,
                max_nfev=2000,
            )
            for shift in shifts
        ),
        key=lambda s: s.cost,
    )
    fitted = curve(best.x)
    off = target - fitted
    scale = float(1.4826 * np.median(np.abs(off)))
    return PointFit(best.x, fitted, scale, slopes(best.x))
