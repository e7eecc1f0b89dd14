"""Two published bootstraps of the additive law, written anew from their descriptions.

* The wild bootstrap of simple-scaling-laws (its README, version 0.1): squared error of the loss,
  amplitudes not negative, residuals corrected for leverage and re-signed by Webb's six points,
  one sign per configuration; a new run adds a deviation resampled from the observed ones.
* The bootstrap of Besiroglu et al. (arXiv:2404.10102): rows drawn with replacement, Huber loss of
  delta 1e-3 on the log loss, summed, minimised by BFGS over log-sum-exp coordinates as in
  Hoffmann et al. (arXiv:2203.15556).

Every refit starts from the optimum of the whole table, which saves the peers the restarts of
their own code: the times are lower bounds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import OptimizeResult, least_squares, minimize, nnls

DELTA = 1e-3
WEBB = np.array([-np.sqrt(1.5), -1.0, -np.sqrt(0.5), np.sqrt(0.5), 1.0, np.sqrt(1.5)])
_STARTS = (0.15, 0.3, 0.5, 0.8)
_TINY = 1e-8  # stands for an amplitude of zero, whose logarithm the refits could not start from


@dataclass(frozen=True)
class Additive:
    """A table of runs in the coordinates of the fit: inputs relative to their geometric means.

    Parameters are (log E, log a, log b, alpha, beta) with L = E + a n^-alpha + b d^-beta.
    """

    log_n: np.ndarray
    log_d: np.ndarray
    loss: np.ndarray
    centre: tuple[float, float]

    @classmethod
    def of(cls, params: np.ndarray, tokens: np.ndarray, loss: np.ndarray) -> Additive:
        """Centre the logarithms of the inputs."""
        log_n, log_d = np.log(params), np.log(tokens)
        centre = float(log_n.mean()), float(log_d.mean())
        return cls(log_n - centre[0], log_d - centre[1], np.asarray(loss, float), centre)

    def terms(self, theta: np.ndarray) -> np.ndarray:
        """Return the three terms of the law at every row, shape (rows, 3)."""
        floor = np.full_like(self.log_n, theta[0])
        size = theta[1] - theta[3] * self.log_n
        return np.exp(np.stack([floor, size, theta[2] - theta[4] * self.log_d], axis=1))

    def gradient(self, terms: np.ndarray) -> np.ndarray:
        """Return the derivative of the law by each parameter, shape (rows, 5)."""
        slopes = -terms[:, 1] * self.log_n, -terms[:, 2] * self.log_d
        return np.column_stack([terms, *slopes])

    def curve(self, theta: np.ndarray, params: float, tokens: float) -> np.ndarray:
        """Evaluate parameters (draws, 5) at one size and number of tokens."""
        n, d = np.log(params) - self.centre[0], np.log(tokens) - self.centre[1]
        e, a, b, alpha, beta = np.atleast_2d(theta).T
        return np.exp(e) + np.exp(a - alpha * n) + np.exp(b - beta * d)


@dataclass(frozen=True)
class Bootstrap:
    """Parameters of every refit, shape (draws, 5); what a new run adds; and the time it took."""

    data: Additive
    draws: np.ndarray
    deviations: np.ndarray
    seconds: float

    def at(self, params: float, tokens: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return draws of the curve and of a new run's loss at a target."""
        rng = np.random.default_rng(seed)
        curve = self.data.curve(self.draws, params, tokens)
        return curve, curve + rng.choice(self.deviations, len(curve))


def wild_least_squares(data: Additive, draws: int, seed: int = 0) -> Bootstrap:
    """Refit by least squares to re-signed residuals.

    Parameters
    ----------
    data : the runs; rows at one size and number of tokens are one configuration.
    draws : number of refits.
    seed : of the signs.
    """
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    best = _least_squares(data, data.loss, _starts(data))
    fitted = data.terms(best).sum(1)
    root = np.linalg.qr(data.gradient(data.terms(best)))[0]
    leverage = np.minimum((root**2).sum(1), 0.99)
    off = (data.loss - fitted) / np.sqrt(1.0 - leverage)
    where = np.stack([data.log_n, data.log_d], axis=1)
    configuration = np.unique(where, axis=0, return_inverse=True)[1].ravel()
    refits = []
    for _ in range(draws):
        sign = rng.choice(WEBB, configuration.max() + 1)[configuration]
        refits.append(_least_squares(data, fitted + sign * off, [best]))
    return Bootstrap(data, np.array(refits), off, time.perf_counter() - start)


def huber_bootstrap(data: Additive, draws: int, seed: int = 0) -> Bootstrap:
    """Refit rows drawn with replacement by Huber loss on the log loss.

    Parameters
    ----------
    data : the runs.
    draws : number of refits.
    seed : of the resampling.
    """
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    rows = len(data.loss)
    best = _huber(data, np.ones(rows), _starts(data))
    refits = []
    for _ in range(draws):
        count = np.bincount(rng.integers(rows, size=rows), minlength=rows)
        refits.append(_huber(data, count.astype(float), [best]))
    off = data.loss - data.terms(best).sum(1)
    return Bootstrap(data, np.array(refits), off, time.perf_counter() - start)


def _starts(data: Additive) -> list[np.ndarray]:
    """Return starts over the exponents, the amplitudes solved for as the law is linear in them."""
    out = []
    for alpha, beta in product(_STARTS, _STARTS):
        columns = data.terms(np.array([0.0, 0.0, 0.0, alpha, beta]))
        amplitudes = np.maximum(nnls(columns, data.loss)[0], _TINY * data.loss.mean())
        out.append(np.array([*np.log(amplitudes), alpha, beta]))
    return out


def _least_squares(data: Additive, loss: np.ndarray, starts: list[np.ndarray]) -> np.ndarray:
    def solve(theta: np.ndarray) -> OptimizeResult:
        return least_squares(
            lambda t: data.terms(t).sum(1) - loss,
            theta,
            jac=lambda t: data.gradient(data.terms(t)),
            method="lm",
        )

    with np.errstate(over="ignore"):
        return min((solve(theta) for theta in starts), key=lambda found: found.cost).x


def _huber(data: Additive, weight: np.ndarray, starts: list[np.ndarray]) -> np.ndarray:
    log_loss = np.log(data.loss)

    def objective(theta: np.ndarray) -> tuple[float, np.ndarray]:
        terms = data.terms(theta)
        curve = terms.sum(1)
        off = np.log(curve) - log_loss
        size = np.abs(off)
        value = np.where(size <= DELTA, off**2 / 2, DELTA * (size - DELTA / 2))
        slope = weight * np.clip(off, -DELTA, DELTA) / curve
        # In units of delta: the raw objective is so small that optimisers stop too early.
        return float(weight @ value) / DELTA, data.gradient(terms).T @ slope / DELTA

    def solve(theta: np.ndarray) -> OptimizeResult:
        return minimize(objective, theta, jac=True, method="BFGS")

    with np.errstate(over="ignore"):
        return min((solve(theta) for theta in starts), key=lambda found: found.fun).x
