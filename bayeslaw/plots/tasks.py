"""Tasks: when a skill emerges, and what accuracy goes with a loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayeslaw.plots.canvas import MATPLOTLIB, Canvas, Panel
from bayeslaw.plots.curves import COMPUTE, LOSS
from bayeslaw.plots.figures import MUTED, NARROW, PALETTE, SHADE, WIDE
from bayeslaw.tasks.emergence import Emergence
from bayeslaw.tasks.loss_to_task import TaskCurve
from bayeslaw.tasks.two_step import TwoStep

_POINTS = 160
_SHARE = "items passed (share)"
_BELOW = -0.08  # where the threshold is drawn


def emergence(result: Emergence, *, backend: str = MATPLOTLIB) -> Any:
    """Draw scores against compute, the curve through them, and where the skill emerges.

    Parameters
    ----------
    result : from :func:`bayeslaw.tasks.emergence.emergence`.
    backend : ``"matplotlib"``, ``"plotly"``, or ``"none"`` for a dict of what would be drawn.

    Returns
    -------
    figure
        Of the backend: 50 and 90 % intervals of the curve; below it those of the compute at
        which the skill is half way up.

    Raises
    ------
    BayeslawError
        If the backend is not known or its library not installed.
    """
    canvas = Canvas(backend)
    (panel,) = canvas.panels
    scores = result.scores
    ends = [np.log10(scores.flops.min()) - 0.3, np.log10(scores.flops.max()) + 0.3]
    inside = [result.quantile(q) for q in (0.05, 0.95)]
    grid = np.logspace(min(ends[0], inside[0]), max(ends[1], inside[1]), _POINTS)
    _chance(panel, grid, result.chance)
    _curve(panel, grid, result.share(grid))
    _scores(panel, scores.flops, scores.share)
    _threshold(
        panel, result.interval(WIDE), result.interval(NARROW), 10 ** result.quantile(0.5),
        "compute at half way",
    )  # fmt: skip
    panel.axes(COMPUTE, _SHARE, xlog=True, xlim=grid[[0, -1]], ylim=(2 * _BELOW, 1.05))
    if result.prior_decides:
        panel.title("the prior decides where the threshold lies: add models")
    canvas.legend("outside")
    return canvas.finished()


def loss_to_task(result: TaskCurve | TwoStep, *, backend: str = MATPLOTLIB) -> Any:
    """Draw a task's scores against the loss, the curve through them, and its threshold.

    Parameters
    ----------
    result : a curve, or a forecast in two steps, whose targets are then drawn too.
    backend : ``"matplotlib"``, ``"plotly"``, or ``"none"`` for a dict of what would be drawn.

    Returns
    -------
    figure
        Of the backend: the loss falls to the right. 50 and 90 % intervals of the curve; below
        it those of the loss at which the task has left chance.

    Raises
    ------
    BayeslawError
        If the backend is not known or its library not installed.
    """
    curve = result if isinstance(result, TaskCurve) else result.curve
    forecasts = [] if isinstance(result, TaskCurve) else result.forecasts
    canvas = Canvas(backend)
    (panel,) = canvas.panels
    scores, threshold = curve.scores, curve.threshold()
    seen = [scores.loss, *(np.array(f["loss"]["intervals"]["90"]) for f in forecasts)]
    low, high = min(v.min() for v in seen), max(v.max() for v in seen)
    room = 0.06 * (high - low)
    grid = np.linspace(low - room, high + room, _POINTS)
    _chance(panel, grid, curve.chance)
    _curve(panel, grid, curve.share(np.broadcast_to(grid, (len(curve.draws), _POINTS))))
    _scores(panel, scores.loss, scores.share)
    inside = np.clip(threshold, grid[0], grid[-1])
    wide, narrow = (np.quantile(inside, [0.5 - v / 2, 0.5 + v / 2]) for v in (WIDE, NARROW))
    _threshold(panel, wide, narrow, float(np.median(inside)), "where the task leaves chance")
    colour, marker = PALETTE[1]
    for i, f in enumerate(forecasts):
        loss, words = f["loss"]["median"], "forecasts, 50 and 90 %"
        for level, width in (("90", 1.4), ("50", 4.5)):
            across = f["loss"]["intervals"][level]
            low, high = f["intervals"][level]
            panel.bars(loss, low, high, colour, width=width, group=words)
            panel.line(across, [f["median"]] * 2, colour, width=width, group=words)
        panel.points(
            loss, f["median"], colour, marker, size=46, hollow=True,
            name=None if i else words, group=words,
        )  # fmt: skip
    panel.axes(f"{LOSS}, lower to the right", _SHARE, xlim=grid[[-1, 0]], ylim=(2 * _BELOW, 1.05))
    canvas.legend("outside")
    return canvas.finished()


def _curve(panel: Panel, grid: np.ndarray, share: np.ndarray) -> None:
    """Draw a curve's median with its intervals; draws are of shape (draw, point)."""
    colour = PALETTE[0][0]
    for level, strength in ((WIDE, 0.2), (NARROW, 0.3)):
        low, high = np.quantile(share, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        panel.band(grid, low, high, colour, alpha=strength, group="curve, 50 and 90 %")
    panel.line(grid, np.median(share, axis=0), colour, width=1.6, name="curve, 50 and 90 %")


def _scores(panel: Panel, x: np.ndarray, share: np.ndarray) -> None:
    panel.points(x, share, "#000000", "o", name="models")


def _chance(panel: Panel, grid: np.ndarray, chance: float) -> None:
    panel.line(grid[[0, -1]], [chance] * 2, SHADE, dash="--", name="chance")


def _threshold(panel: Panel, wide: Any, narrow: Any, middle: float, words: str) -> None:
    """Draw a threshold below the curve: median, 50 % (thick) and 90 % (thin) interval."""
    colour, marker = PALETTE[2]
    panel.line(list(wide), [_BELOW] * 2, colour, width=1.4, group=words)
    panel.line(list(narrow), [_BELOW] * 2, colour, width=4.5, group=words)
    panel.points(middle, _BELOW, colour, marker, size=46, hollow=True, name=words)
    panel.line([middle] * 2, [_BELOW, 1.0], MUTED, dash=":", width=0.8, group=words)
