"""Calibration: how often intervals held against how often they claimed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binom

from bayeslaw.plots.figures import PALETTE, blank
from bayeslaw.scoring.card import LEVELS, Scorecard

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MASS = 0.9


def calibration(card: Scorecard) -> Figure:
    """Draw nominal against realised coverage, with the band that chance allows.

    Parameters
    ----------
    card : the scores; each family counts once.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    BayeslawError
        If matplotlib is not installed.
    """
    figure, axes = blank(4.4, 4.2)
    colour, marker = PALETTE[0]
    nominal = np.linspace(0.02, 0.98, 49)
    n = card.n_families
    low, high = (binom.ppf(q, n, nominal) / n for q in ((1 - _MASS) / 2, (1 + _MASS) / 2))
    axes.fill_between(
        nominal, low, high, step="mid", color="#dddddd", linewidth=0,
        label=f"chance, {n} {'family' if n == 1 else 'families'} ({_MASS:.0%})",
    )  # fmt: skip
    axes.plot([0, 1], [0, 1], color="#777777", linewidth=1, linestyle="--", label="ideal")
    # The central interval of level c holds exactly when the PIT is within c/2 of one half.
    off = 2 * (card.table["pit"] - 0.5).abs()
    realised = [card.by_family((off <= level).astype(float)).mean() for level in nominal]
    axes.plot(nominal, realised, color=colour, linewidth=1.2, label="realised")
    axes.plot(
        [float(level) / 100 for level in LEVELS],
        [card.summary["coverage"][level] for level in LEVELS],
        linestyle="none", marker=marker, color=colour,
    )  # fmt: skip
    axes.set(
        xlim=(0, 1), ylim=(-0.02, 1.02), aspect="equal",
        xlabel="nominal coverage of the interval", ylabel="realised coverage",
    )  # fmt: skip
    # Above the axes: any place inside may hold the curve.
    axes.legend(
        frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=3,
        borderaxespad=0.2, columnspacing=1.0, handlelength=1.5,
    )  # fmt: skip
    return figure
