"""Power laws as straight lines in logarithms, with their exact posterior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.errors import FitError
from bayeslaw.estimators.number import Number


@dataclass(frozen=True)
class PowerLaw:
    """A response as coefficient x input ** power x ...: the estimate and draws around it.

    Attributes
    ----------
    inputs : names of the inputs.
    log_reference : mean log of each input, where the level is known best.
    log_level, powers : least squares.
    level_draws, power_draws : posterior, shapes (draws,) and (draws, inputs).
    residual_sd : s.d. of the log response around the line.
    """

    inputs: tuple[str, ...]
    log_reference: np.ndarray
    log_level: float
    powers: np.ndarray
    level_draws: np.ndarray
    power_draws: np.ndarray
    residual_sd: float

    def power(self, name: str | None = None, level: float = 0.9) -> Number:
        """Return the exponent of an input, the only one unless named, with its interval."""
        i = 0 if name is None else self.inputs.index(name)
        return Number.of(self.power_draws[:, i], level, self.powers[i])

    def at(self, level: float = 0.9, **inputs: float) -> Number:
        """Return the response at given inputs, with the interval of the line."""
        off = np.log([inputs[n] for n in self.inputs]) - self.log_reference
        value = float(np.exp(self.log_level + self.powers @ off))
        return Number.of(np.exp(self.level_draws + self.power_draws @ off), level, value)


def fit_power_law(
    response: Any, *, weights: Any = None, draws: int = 4000, seed: int = 0, **inputs: Any
) -> PowerLaw:
    """Fit a power law by weighted least squares on logarithms, with its exact posterior.

    The prior is flat in the line and in the log of the residual s.d., so the posterior is
    Student's t and 90 % intervals are also exact confidence intervals. It serves optimal sizes
    along budgets and optimal hyper-parameters along size, data or compute alike.

    Parameters
    ----------
    response : positive values, shape (points,).
    weights : inverse variances of the log response, up to a factor; equal unless given.
    draws, seed : posterior draws and the seed of their random numbers.
    **inputs : positive inputs by name, each of shape (points,).

    Returns
    -------
    PowerLaw

    Raises
    ------
    FitError
        If there are no more points than coefficients.

    Examples
    --------
    >>> law = fit_power_law([2.0, 4.1, 7.9, 16.0], flops=[1e18, 1e19, 1e20, 1e21])
    >>> round(float(law.powers[0]), 3), law.power().low < 0.3 < law.power().high
    (0.3, True)
    """
    y = np.log(np.asarray(response, float))
    x = np.stack([np.log(np.asarray(v, float)) for v in inputs.values()], axis=1)
    k = x.shape[1] + 1
    if len(y) <= k:
        raise FitError(
            f"a power law with {k} coefficients was given {len(y)} points; expected more points "
            "than coefficients. Add budgets or sizes."
        )
    w = np.ones_like(y) if weights is None else np.asarray(weights, float)
    centre = (w[:, None] * x).sum(0) / w.sum()
    design = np.column_stack([np.ones_like(y), x - centre]) * np.sqrt(w)[:, None]
    found, *_ = np.linalg.lstsq(design, np.sqrt(w) * y, rcond=None)
    rest = np.sqrt(w) * y - design @ found
    freedom = len(y) - k
    scale = rest @ rest / freedom
    rng = np.random.default_rng(seed)
    sd = np.sqrt(scale * freedom / rng.chisquare(freedom, draws))
    root = np.linalg.inv(np.linalg.qr(design, mode="r"))
    around = found + (rng.standard_normal((draws, k)) * sd[:, None]) @ root.T
    return PowerLaw(
        tuple(inputs), centre, float(found[0]), found[1:], around[:, 0], around[:, 1:],
        float(np.sqrt(scale / w.mean())),
    )  # fmt: skip
