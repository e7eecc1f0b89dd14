"""Approach 2 of the Chinchilla and PaLM 2 papers: a parabola in log size at each compute budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.errors import FitError
from bayeslaw.estimators.line import PowerLaw, fit_power_law
from bayeslaw.estimators.number import Number

_BEYOND = 0.7  #: e-folds beyond the sizes tried within which a draw of an optimum still counts


@dataclass(frozen=True)
class Optima:
    """Optimal sizes by compute budget.

    Attributes
    ----------
    flops : budgets, shape (budgets,).
    params : point estimates.
    draws : posterior, shape (draws, budgets).
    left_out : budgets without an optimum inside the sizes tried.
    """

    flops: np.ndarray
    params: np.ndarray
    draws: np.ndarray
    left_out: tuple[float, ...]

    def line(self) -> PowerLaw:
        """Fit the published way: an unweighted line through the point estimates."""
        return fit_power_law(self.params, flops=self.flops)

    def exponent_draws(self) -> np.ndarray:
        """Return posterior draws of the exponent a: a line through each draw of the optima.

        Budgets weigh by how well their optimum is known.
        """
        weight = 1 / np.maximum(np.log(self.draws).std(0), 1e-6) ** 2
        x = np.log(self.flops) - np.average(np.log(self.flops), weights=weight)
        return np.log(self.draws) @ (weight * x) / (weight @ x**2)

    def exponent(self, level: float = 0.9) -> Number:
        """Return the posterior of the exponent of optimal size in compute."""
        return Number.of(self.exponent_draws(), level)

    def optimum(self, flops: float, level: float = 0.9) -> Number:
        """Return the posterior of the optimal size at any budget."""
        weight = 1 / np.maximum(np.log(self.draws).std(0), 1e-6) ** 2
        middle = np.average(np.log(self.flops), weights=weight)
        height = np.log(self.draws) @ weight / weight.sum()
        return Number.of(np.exp(height + self.exponent_draws() * (np.log(flops) - middle)), level)


def fit_parabolas(
    params: Any, flops: Any, loss: Any, *, log_loss: bool = False, draws: int = 4000, seed: int = 0
) -> Optima:
    """Fit a parabola in log size at each budget and find its lowest point.

    Parameters
    ----------
    params, flops, loss : shape (runs,); runs with one value of flops share a budget.
    log_loss : fit the log of the loss instead of the loss.
    draws, seed : posterior draws and the seed of their random numbers.

    Returns
    -------
    Optima
        With the exact posterior of the lowest points under flat priors on upward parabolas and
        one noise level for all budgets.

    Raises
    ------
    FitError
        If fewer than two budgets have an optimum inside the sizes tried.

    Notes
    -----
    A parabola is not the law: where size and data exponents differ its lowest point is biased by
    the range of sizes tried (arXiv:2603.22339); :func:`parabola_bias` says by how much.

    Examples
    --------
    >>> n, c = np.tile(np.geomspace(.3, 3, 7), 2), np.repeat([1e19, 1e20], 7)
    >>> size = n * 1e9 * np.sqrt(c / 1e20)
    >>> fit = fit_parabolas(size, c, 2 + .05 * np.log(n) ** 2 + 1e-4 * np.cos(5 * n))
    >>> round(fit.exponent().value, 2)
    0.5
    """
    x_all, y_all = np.log(np.asarray(params, float)), np.asarray(loss, float)
    y_all = np.log(y_all) if log_loss else y_all
    budgets = np.asarray(flops, float)
    parts, left_out = [], []
    for budget in np.unique(budgets):
        x, y = x_all[budgets == budget], y_all[budgets == budget]
        if len(np.unique(x)) < 3:
            left_out.append(float(budget))
            continue
        middle = x.mean()
        design = np.stack([np.ones_like(x), x - middle, (x - middle) ** 2], axis=1)
        found, *_ = np.linalg.lstsq(design, y, rcond=None)
        vertex = -found[1] / (2 * found[2]) if found[2] > 0 else np.inf
        if not x.min() < middle + vertex < x.max():
            left_out.append(float(budget))
            continue
        rest = y - design @ found
        parts.append((budget, x, middle, found, np.linalg.qr(design, mode="r"), rest))
    freedom = sum(len(p[1]) - 3 for p in parts)
    if len(parts) < 2 or freedom < 1:
        raise FitError(
            f"{len(parts)} of {len(parts) + len(left_out)} budgets have an optimum inside the "
            "sizes tried; expected at least 2, and more than 3 sizes in one of them. Add sizes on "
            "both sides of the optimum."
        )
    rng = np.random.default_rng(seed)
    scale = sum(float(p[5] @ p[5]) for p in parts)
    sd = np.sqrt(scale / rng.chisquare(freedom, 4 * draws))
    ends, points = [], []
    for budget, x, middle, found, root, _ in parts:
        unit = rng.standard_normal((4 * draws, 3)) * sd[:, None]
        own = found + unit @ np.linalg.inv(root).T
        vertex = middle - own[:, 1] / (2 * np.where(own[:, 2] > 0, own[:, 2], np.nan))
        inside = (vertex > x.min() - _BEYOND) & (vertex < x.max() + _BEYOND)
        kept = vertex[inside]  # comparisons with nan are false
        if len(kept) < 100:
            raise FitError(
                f"the optimum at {budget:.3g} FLOP is not determined by its runs; expected "
                "losses that rise on both sides by more than their noise. Add sizes or seeds."
            )
        ends.append(np.exp(rng.choice(kept, draws)))
        points.append(np.exp(middle - found[1] / (2 * found[2])))
    return Optima(
        np.array([p[0] for p in parts]), np.array(points), np.stack(ends, axis=1), tuple(left_out)
    )


def parabola_bias(law: Any, budgets: Any, *, factor: float = 4.0, sizes: int = 7) -> float:
    """Return by how much parabolas miss the exponent of a law without noise.

    Parameters
    ----------
    law : a fitted additive law, with ``size_exponent`` and callable at (params, tokens).
    budgets : FLOP, shape (budgets,).
    factor : sizes reach from 1/factor to factor of a size that grows as the root of compute.
    sizes : sizes per budget.
    """
    c = np.repeat(np.asarray(budgets, float), sizes)
    middle = np.sqrt(np.asarray(budgets, float) / 6 / 20)
    n = (middle[:, None] * np.geomspace(1 / factor, factor, sizes)).ravel()
    fit = fit_parabolas(n, c, law(n, c / 6 / n))
    return float(fit.line().powers[0] - law.size_exponent)
