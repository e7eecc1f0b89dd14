"""Approach 3 of Hoffmann et al.: a summed Huber loss on log loss, L-BFGS from a grid, bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import minimize

from bayeslaw.estimators.number import Number

DELTA = 1e-3  #: where squares turn into absolute values; below the noise, so nearly an L1 fit
_STARTS = {"a": np.arange(0, 30, 5.0), "b": np.arange(0, 30, 5.0), "e": np.arange(-1, 1.5, 0.5),
           "alpha": np.arange(0, 2.5, 0.5), "beta": np.arange(0, 2.5, 0.5)}  # fmt: skip


@dataclass(frozen=True)
class Additive:
    """Estimates of E + A N^-alpha + B D^-beta.

    Attributes
    ----------
    E, A, B, alpha, beta : for raw counts.
    objective : the summed Huber loss.
    """

    E: float
    A: float
    B: float
    alpha: float
    beta: float
    objective: float

    @property
    def size_exponent(self) -> float:
        """How the optimal size grows with compute: beta / (alpha + beta)."""
        return self.beta / (self.alpha + self.beta)

    def tokens_per_parameter(self, flops: float) -> float:
        """Return D / N at the compute-optimal size for 6 N D = flops."""
        g = (self.alpha * self.A / (self.beta * self.B)) ** (1 / (self.alpha + self.beta))
        return flops / 6 / (g * (flops / 6) ** self.size_exponent) ** 2

    def __call__(self, params: Any, tokens: Any) -> Any:
        """Return the loss at sizes and data."""
        return self.E + self.A * params**-self.alpha + self.B * tokens**-self.beta


def summed_huber(theta: Any, log_n: Any, log_d: Any, log_loss: Any, delta: float = DELTA) -> Any:
    """Return the summed Huber loss and its gradient at (log A, log B, log E, alpha, beta)."""
    a, b, e, alpha, beta = theta
    terms = np.stack([a - alpha * log_n, b - beta * log_d, np.broadcast_to(e, log_n.shape)])
    most = terms.max(0)
    parts = np.exp(terms - most)
    total = parts.sum(0)
    off = most + np.log(total) - log_loss
    small = np.abs(off) <= delta
    value = np.where(small, 0.5 * off**2, delta * (np.abs(off) - 0.5 * delta)).sum()
    size, data, floor = np.clip(off, -delta, delta) * parts / total
    return value, np.array(
        [size.sum(), data.sum(), floor.sum(), -size @ log_n, -data @ log_d]
    )  # fmt: skip


def fit_huber(
    params: Any, tokens: Any, loss: Any, *, starts: int = 20, delta: float = DELTA
) -> Additive:
    """Fit the additive law as Hoffmann et al. do.

    Parameters
    ----------
    params, tokens, loss : shape (runs,).
    starts : L-BFGS runs, from the best points of the published grid of 4,500.
    delta : threshold of the Huber loss.

    Returns
    -------
    Additive

    Notes
    -----
    The objective is summed. Its mean stops L-BFGS before the optimum, which is how the
    published constants came about (arXiv:2404.10102).

    Examples
    --------
    >>> n, d = np.geomspace(1e7, 1e10, 40), np.tile(np.geomspace(1e9, 1e11, 8), 5)
    >>> fit = fit_huber(n, d, 1.7 + 400 * n**-0.34 + 410 * d**-0.28)
    >>> round(fit.alpha, 2), round(fit.beta, 2)
    (0.34, 0.28)
    """
    log_n, log_d, log_loss = np.log(params), np.log(tokens), np.log(loss)
    grid = np.array(list(product(*_STARTS.values())))
    values = [summed_huber(theta, log_n, log_d, log_loss, delta)[0] for theta in grid]
    best = [_descend(grid[i], log_n, log_d, log_loss, delta) for i in np.argsort(values)[:starts]]
    return _published(*min(best, key=lambda found: found[1]))


def bootstrap_huber(
    params: Any, tokens: Any, loss: Any, *, share: float = 1.0, replace: bool = True,
    count: int = 300, starts: int = 20, seed: int = 0, delta: float = DELTA,
) -> list[Additive]:  # fmt: skip
    """Refit resampled runs, each from the optimum of all of them.

    Parameters
    ----------
    params, tokens, loss : shape (runs,).
    share, replace : of the runs that make a resample, with or without putting them back:
        1 and True for the bootstrap of Besiroglu et al., .8 and False for Hoffmann et al.
    count, seed : resamples, and the seed of their random numbers.
    starts, delta : of :func:`fit_huber`.

    Returns
    -------
    list of Additive
    """
    columns = np.log(np.stack([params, tokens, loss]))
    centre = _vector(fit_huber(params, tokens, loss, starts=starts, delta=delta))
    rng, n = np.random.default_rng(seed), columns.shape[1]
    size = round(share * n)
    picks = [rng.choice(n, size, replace=replace) for _ in range(count)]
    n_d_loss = (columns[:, pick] for pick in picks)
    return [_published(*_descend(centre, n, d, loss, delta)) for n, d, loss in n_d_loss]


def interval(fits: list[Additive], name: str, level: float = 0.9) -> Number:
    """Return the median and central interval of one estimate over resamples."""
    return Number.of([getattr(fit, name) for fit in fits], level)


def _descend(
    start: np.ndarray, log_n: Any, log_d: Any, log_loss: Any, delta: float
) -> tuple[np.ndarray, float]:
    """Minimise from one start; inputs are centred on the way, which takes their ridge out."""
    mean_n, mean_d = log_n.mean(), log_d.mean()
    shift = np.array([[1, 0, 0, -mean_n, 0], [0, 1, 0, 0, -mean_d]])

    def centred(theta: np.ndarray) -> tuple[float, np.ndarray]:
        return summed_huber(theta, log_n - mean_n, log_d - mean_d, log_loss, delta)

    at = np.concatenate([shift @ start, start[2:]])
    found = minimize(centred, at, jac=True, method="L-BFGS-B",
                     options={"maxiter": 500, "ftol": 1e-14, "gtol": 1e-9})  # fmt: skip
    x = found.x
    back = np.array([x[0] + x[3] * mean_n, x[1] + x[4] * mean_d, *x[2:]])
    return back, float(found.fun)


def _published(x: np.ndarray, objective: float) -> Additive:
    a, b, e, alpha, beta = map(float, x)
    return Additive(float(np.exp(e)), float(np.exp(a)), float(np.exp(b)), alpha, beta, objective)


def _vector(fit: Additive) -> np.ndarray:
    return np.array([*np.log([fit.A, fit.B, fit.E]), fit.alpha, fit.beta])
