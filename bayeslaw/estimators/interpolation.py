"""Porian et al.: interpolated optima at each budget, noise replicates, a weighted line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import Akima1DInterpolator

from bayeslaw.errors import FitError
from bayeslaw.estimators.number import Number

_FINENESS = 25  #: interpolated sizes per size tried
_LEAST_SHARE = 0.33  #: of the spacing of sizes: below this no optimum is known
_REPLICATES_WITH_OPTIMUM = 0.5  #: a budget with fewer has none


@dataclass(frozen=True)
class SeedNoise:
    """How far a loss moves with the seed, in nats, by the loss itself.

    The published routine compares the log of the loss with thresholds of 3 and 6 nats, so that
    every run gets the low value (``as_run``); comparing the loss gives early, high losses the
    larger noise that was meant.

    Attributes
    ----------
    low, high : s.d. at and below the lower threshold, at and above the upper; between them the
        log of the s.d. is linear in the log of the loss.
    thresholds : the two losses.
    as_run : give every run the low value, as the published code does.
    """

    low: float = 0.002
    high: float = 0.05
    thresholds: tuple[float, float] = (3.0, 6.0)
    as_run: bool = False

    def at(self, loss: np.ndarray) -> np.ndarray:
        """Return the s.d. at each loss."""
        if self.as_run:
            return np.full_like(loss, self.low)
        return np.exp(
            np.interp(np.log(loss), np.log(self.thresholds), np.log([self.low, self.high]))
        )


@dataclass(frozen=True)
class Interpolated:
    """Optimal sizes by budget, replicated under seed noise.

    Attributes
    ----------
    flops, params : budgets with an optimum inside the sizes tried, and that optimum.
    losses : the loss there, shape (budgets,).
    replicates : optima of noisy losses, shape (replicates, budgets); nan where at an edge.
    log_sd : s.d. of the log optimum that weighs each budget.
    left_out : budgets whose optimum lies at an edge.
    """

    flops: np.ndarray
    params: np.ndarray
    losses: np.ndarray
    replicates: np.ndarray
    log_sd: np.ndarray
    left_out: tuple[float, ...]

    def exponent(self, level: float = 0.95) -> Number:
        """Return the exponent of optimal size in compute, with the interval of the replicates."""
        slope, _ = self._lines()
        return Number.of(slope, level, self._line(np.log(self.params)[None])[0][0])

    def exponent_draws(self) -> np.ndarray:
        """Return the exponent of every replicate."""
        return self._lines()[0]

    def optimum(self, flops: float, level: float = 0.95) -> Number:
        """Return the optimal size at any budget."""
        slope, start = self._lines()
        own_slope, own_start = self._line(np.log(self.params)[None])
        value = np.exp(own_start[0] + own_slope[0] * np.log(flops))
        return Number.of(np.exp(start + slope * np.log(flops)), level, float(value))

    def _lines(self) -> tuple[np.ndarray, np.ndarray]:
        log_size = np.log(self.replicates)
        # A replicate without an optimum takes another's: lines need every budget.
        rng = np.random.default_rng(0)
        for b in range(log_size.shape[1]):
            gone = np.isnan(log_size[:, b])
            log_size[gone, b] = rng.choice(log_size[~gone, b], int(gone.sum()))
        return self._line(log_size)

    def _line(self, log_size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weight = self.log_sd**-2.0
        x = np.log(self.flops)
        centre = x @ weight / weight.sum()
        slope = log_size @ (weight * (x - centre)) / (weight @ (x - centre) ** 2)
        return slope, log_size @ weight / weight.sum() - slope * centre


def interpolate_optima(
    params: Any, flops: Any, loss: Any, *, noise: SeedNoise | None = None, replicates: int = 1000,
    seed: int = 0,
) -> Interpolated:  # fmt: skip
    """Find the optimal size of each budget by Akima interpolation of log loss over log size.

    Parameters
    ----------
    params, flops, loss : shape (runs,); runs with one value of flops share a budget.
    noise : seed noise of the replicates.
    replicates, seed : noisy copies of all runs, and the seed of their random numbers.

    Returns
    -------
    Interpolated

    Raises
    ------
    FitError
        If fewer than three budgets have an optimum inside the sizes tried.
    """
    noise = noise or SeedNoise()
    params, flops, loss = (np.asarray(v, float) for v in (params, flops, loss))
    rng = np.random.default_rng(seed)
    kept, left_out = [], []
    for budget in np.unique(flops):
        mine = flops == budget
        order = np.argsort(params[mine])
        n, y = params[mine][order], loss[mine][order]
        if len(n) < 3:
            left_out.append(float(budget))
            continue
        fine = np.linspace(np.log(n[0]), np.log(n[-1]), (len(n) - 1) * _FINENESS)
        best = _lowest(n, y[None], fine)
        noisy = y + noise.at(y) * rng.standard_normal((replicates, len(y)))
        found = _lowest(n, noisy, fine)
        inside = np.isfinite(found)
        if not np.isfinite(best[0]) or inside.mean() < _REPLICATES_WITH_OPTIMUM:
            left_out.append(float(budget))
            continue
        floor = _LEAST_SHARE * _FINENESS * (fine[1] - fine[0])
        log_sd = max(float(found[inside].std()), floor) / inside.mean()
        # The median of the replicates stands for the optimum, as published.
        lowest = Akima1DInterpolator(np.log(n), np.log(y))(fine).min()
        kept.append((budget, np.median(found[inside]), lowest, found, log_sd))
    if len(kept) < 3:
        raise FitError(
            f"{len(kept)} budgets have an optimum inside the sizes tried; expected at least 3. "
            "Add sizes on both sides of the optimum, or budgets."
        )
    columns = list(zip(*kept, strict=True))
    return Interpolated(
        np.array(columns[0]), np.exp(columns[1]), np.exp(columns[2]),
        np.exp(np.stack(columns[3], axis=1)), np.array(columns[4]), tuple(left_out),
    )  # fmt: skip


def _lowest(n: np.ndarray, y: np.ndarray, fine: np.ndarray) -> np.ndarray:
    """Return the log size of lowest loss for each row of y, not a number at an edge."""
    curve = Akima1DInterpolator(np.log(n), np.log(y), axis=1)(fine)
    place = curve.argmin(axis=1)
    edge = (place == 0) | (place == len(fine) - 1)
    return np.where(edge, np.nan, fine[place])
