"""Calibration: how often intervals held against what they claimed, and where outcomes fell."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import binom

from bayeslaw.plots.canvas import MATPLOTLIB, Canvas
from bayeslaw.plots.figures import MUTED, PALETTE, SHADE
from bayeslaw.scoring.bands import uniform_band
from bayeslaw.scoring.card import LEVELS, Scorecard

_MASS = 0.9
_SIDE = 4.4


def calibration(card: Scorecard, *, backend: str = MATPLOTLIB) -> Any:
    """Draw nominal against realised coverage, with the band that chance allows.

    Parameters
    ----------
    card : the scores; each family counts once.
    backend : ``"matplotlib"``, ``"plotly"``, or ``"none"`` for a dict of what would be drawn.

    Returns
    -------
    figure
        Of the backend.

    Raises
    ------
    BayeslawError
        If the backend is not known or its library not installed.
    """
    canvas = Canvas(backend, width=_SIDE, height=_SIDE)
    (panel,) = canvas.panels
    nominal = np.linspace(0.02, 0.98, 49)
    n = card.n_families
    low, high = (binom.ppf(q, n, nominal) / n for q in ((1 - _MASS) / 2, (1 + _MASS) / 2))
    panel.band(nominal, low, high, SHADE, alpha=0.5, name=f"chance, {_families(n)} ({_MASS:.0%})")
    panel.line([0, 1], [0, 1], MUTED, dash="--", width=1.0, name="ideal")
    # The central interval of level c holds exactly when the PIT is within c/2 of one half.
    off = 2 * (card.table["pit"] - 0.5).abs()
    realised = [card.by_family((off <= level).astype(float)).mean() for level in nominal]
    colour, marker = PALETTE[0]
    panel.line(nominal, realised, colour, name="realised")
    panel.points(
        [float(level) / 100 for level in LEVELS],
        [card.summary["coverage"][level] for level in LEVELS], colour, marker, group="realised",
    )  # fmt: skip
    panel.axes(
        "nominal coverage of the interval (share)", "realised coverage (share)",
        xlim=(0, 1), ylim=(-0.02, 1.02),
    )  # fmt: skip
    # Above the axes: any place inside may hold the curve.
    canvas.legend("above")
    return canvas.finished()


def pit(card: Scorecard, *, backend: str = MATPLOTLIB) -> Any:
    """Draw the ECDF of where outcomes fell in their forecasts, with a simultaneous band.

    Parameters
    ----------
    card : the scores; of each family the target farthest beyond its runs counts.
    backend : ``"matplotlib"``, ``"plotly"``, or ``"none"`` for a dict of what would be drawn.

    Returns
    -------
    figure
        Of the backend. Of calibrated forecasts the whole curve stays in the band with
        probability .9; below the diagonal losses came out higher than forecast.

    Raises
    ------
    BayeslawError
        If the backend is not known or its library not installed.

    References
    ----------
    arXiv:1503.04363 for the exact probability of the band.
    """
    canvas = Canvas(backend, width=_SIDE, height=_SIDE)
    (panel,) = canvas.panels
    values = np.sort(card.farthest["pit"].to_numpy())
    n = len(values)
    lower, upper = uniform_band(n, _MASS)
    # A step function has two values where it jumps.
    at = np.repeat(np.unique(np.concatenate([[0.0, 1.0], lower, upper, values])), 2)
    low, high = (_steps(ends, at) for ends in (upper, lower))
    panel.band(at, low, high, SHADE, alpha=0.5, name=f"chance, {_families(n)} ({_MASS:.0%})")
    panel.line([0, 1], [0, 1], MUTED, dash="--", width=1.0, name="ideal")
    panel.line(at, _steps(values, at), PALETTE[0][0], width=1.6, name="realised")
    panel.axes(
        "probability forecast for less than the outcome (share)", "families below (share)",
        xlim=(0, 1), ylim=(-0.02, 1.02),
    )  # fmt: skip
    canvas.legend("above")
    return canvas.finished()


def _steps(jumps: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the ECDF of jumps at doubled points: from the left, then from the right."""
    left = np.searchsorted(jumps, at, side="left")
    right = np.searchsorted(jumps, at, side="right")
    return np.where(np.arange(len(at)) % 2 == 0, left, right) / len(jumps)


def _families(n: int) -> str:
    return f"{n} {'family' if n == 1 else 'families'}"
