"""Alabdulmohsin et al. and Caballero et al.: learning curves by their own point estimators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import least_squares, minimize, nnls

from bayeslaw.errors import FitError
from bayeslaw.laws import get_law

KINDS = ("M1", "M2", "M3", "M4", "BNSL")
_ROUNDS, _STEPS = 250, 15  #: of M4: regressions, and Newton steps between them
_BELOW = 1e-3  #: the limit starts this far below the lowest error seen, and descends from there


@dataclass(frozen=True)
class Curve:
    """A fitted curve: call it at amounts of data.

    Attributes
    ----------
    kind : one of :data:`KINDS`, or ``"last"``.
    values : the constants by their published names.
    """

    kind: str
    values: dict[str, float]

    def __call__(self, x: Any) -> np.ndarray:
        """Return the error at amounts of data."""
        v, x = self.values, np.asarray(x, float)
        if self.kind == "last":
            return np.full_like(x, v["last"])
        if self.kind == "M3":
            return v["beta"] * (1 / x + v["gamma"]) ** v["c"]
        power = v["beta"] * x ** v["c"]
        if self.kind in ("M1", "M2"):
            return v["epsilon_inf"] + power
        if self.kind == "BNSL":
            bend = np.logaddexp(0, (np.log(x) - np.log(v["d1"])) / v["f1"])
            return v["epsilon_inf"] + power * np.exp(-v["c1"] * v["f1"] * bend)
        law = get_law("m4")
        return law({"tokens": x}, law.from_published({"tokens": 1.0}, **v))


def fit_curve(x: Any, y: Any, kind: str, *, guess: float = 1.0) -> Curve:
    """Fit a learning curve the way its paper does.

    Parameters
    ----------
    x, y : amounts of data and errors, shape (points,).
    kind : one of :data:`KINDS`, or ``"last"`` for the last error carried forward.
    guess : error of a guess, where M4 starts; at 1, an error rate, it is an upper bound too.

    Returns
    -------
    Curve

    Raises
    ------
    FitError
        If the kind is unknown or no start leads to a curve.

    Notes
    -----
    M2 and M4 descend from a limit just below the lowest error seen to the nearest minimum of
    squared log excess. Its global minimum often has a limit of zero and extrapolates badly, so
    the published errors belong to this start and not to the objective.

    Examples
    --------
    >>> x = np.geomspace(10, 1000, 20)
    >>> fit = fit_curve(x, 0.2 + x**-0.5, "M2")
    >>> round(fit.values["epsilon_inf"], 2)
    0.2
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    order = np.argsort(x)
    x, y = x[order], y[order]
    match kind:
        case "last":
            return Curve(kind, {"last": float(y[-1])})
        case "M1":
            c, log_beta = np.polyfit(np.log(x), np.log(y), 1)
            return Curve(kind, {"beta": np.exp(log_beta), "c": c, "epsilon_inf": 0.0})
        case "M2":
            return _m2(x, y)
        case "M3":
            return _m3(x, y)
        case "M4":
            return _m4(x, y, guess)
        case "BNSL":
            return _bnsl(x, y)
    raise FitError(f"unknown curve '{kind}'; expected one of {', '.join(KINDS)}, last.")


def rmsle(curve: Callable, x: Any, y: Any) -> float:
    """Return the root mean squared difference of logarithms."""
    off = np.log(np.maximum(curve(np.asarray(x, float)), 1e-300)) - np.log(np.asarray(y, float))
    return float(np.sqrt(np.mean(off**2)))


def _regress(design: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
    found, *_ = np.linalg.lstsq(design, target, rcond=None)
    return found, float(np.mean((target - design @ found) ** 2))


def _m2(x: np.ndarray, y: np.ndarray) -> Curve:
    design = np.stack([np.ones_like(x), np.log(x)], axis=1)
    low = y.min()

    def excess(log_gap: np.ndarray) -> float:
        return _regress(design, np.log(y - low + np.exp(log_gap[0])))[1]

    gap = np.exp(minimize(excess, [np.log(min(_BELOW, 0.5 * low))], method="BFGS").x[0])
    limit = max(low - gap, 0.0)
    (log_beta, c), _ = _regress(design, np.log(np.maximum(y - limit, 1e-12)))
    return Curve("M2", {"beta": np.exp(log_beta), "c": c, "epsilon_inf": limit})


def _m3(x: np.ndarray, y: np.ndarray) -> Curve:
    gamma, before = 0.0, np.inf
    for _ in range(2000):
        design = np.stack([np.ones_like(x), np.log(1 / x + gamma)], axis=1)
        (log_beta, c), _ = _regress(design, np.log(y))
        beta, c = np.exp(log_beta), max(c, 1e-12)
        with np.errstate(over="ignore"):
            tried = np.append((y / beta) ** (1 / c) - 1 / x, gamma)
        tried = tried[np.isfinite(tried) & (tried >= 0)]
        off = np.log(y) - np.log(beta) - c * np.log(1 / x + tried[:, None])
        gamma = float(tried[(off**2).mean(1).argmin()])
        if abs(beta - before) < 1e-10:
            break
        before = beta
    return Curve("M3", {"beta": beta, "gamma": gamma, "c": c})


def _m4(x: np.ndarray, y: np.ndarray, guess: float) -> Curve:
    low, high = y.min(), y.max()
    limit, start = low - min(_BELOW, 0.5 * low), max(guess, high + _BELOW)
    most = start if guess == 1.0 else np.inf
    # As published: the regression keeps the first guess, its signs are constrained, and the two
    # ends move by damped Newton steps between regressions.
    design = np.stack([np.ones_like(x), -np.log(x), np.log(start - y)], axis=1)
    end, before = start, np.inf
    for _ in range(_ROUNDS):
        (log_beta, c, alpha), _ = nnls(design, np.log(y - limit))
        power = log_beta - c * np.log(x)
        for _ in range(_STEPS):
            rest = np.log(y - limit) - alpha * np.log(end - y) - power
            bend = np.mean((1 - rest) / (y - limit) ** 2)
            bend_end = alpha * np.mean((alpha + rest) / (end - y) ** 2)
            step, step_end = np.mean(rest / (y - limit)), alpha * np.mean(rest / (end - y))
            limit = limit + 0.5 * step / bend if abs(bend) > 1e-5 else limit
            end = end + 0.5 * step_end / bend_end if abs(bend_end) > 1e-5 else end
            limit, end = np.clip(limit, 0.0, low - _BELOW), np.clip(end, high + _BELOW, most)
        if abs(log_beta - before) < 1e-9:
            break
        before = log_beta
    return Curve("M4", {"beta": float(np.exp(log_beta)), "c": -max(c, 1e-9), "epsilon_0": end,
                        "alpha": max(alpha, 1e-9), "epsilon_inf": limit})  # fmt: skip


def _bnsl(x: np.ndarray, y: np.ndarray) -> Curve:
    log_x, log_y = np.log(x), np.log(y)

    def curve(theta: np.ndarray, at: np.ndarray) -> np.ndarray:
        log_a, log_b, c0, c1, log_d, log_f = theta
        bend = np.logaddexp(0, (at - log_d) / np.exp(log_f))
        return np.logaddexp(log_a, log_b - c0 * at - c1 * np.exp(log_f) * bend)

    best = None
    low = log_y.min()
    for place in np.quantile(log_x, [0.2, 0.5, 0.8]):
        for change in (-0.3, 0.5):
            start = np.array([low - 0.5, log_y[0] + 0.2 * log_x[0], 0.2, change, place, -1.0])
            bounds = ([-30, -30, -3, -5, log_x[0] - 2, -5], [low, 60, 5, 8, log_x[-1] + 3, 2])
            found = least_squares(lambda t: curve(t, log_x) - log_y,
                                  np.clip(start, *bounds), bounds=bounds, max_nfev=400)  # fmt: skip
            if best is None or found.cost < best.cost:
                best = found
    assert best is not None
    log_a, log_b, c0, c1, log_d, log_f = best.x
    return Curve("BNSL", {"epsilon_inf": np.exp(log_a), "beta": np.exp(log_b), "c": -c0, "c1": c1,
                          "d1": np.exp(log_d), "f1": np.exp(log_f)})  # fmt: skip
