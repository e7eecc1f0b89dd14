"""The law in size and data: contours of equal loss, and slices of equal compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.design.budgets import frontier_of
from bayeslaw.design.optimum import TRAINING, Frontier
from bayeslaw.errors import SpecError
from bayeslaw.inference import Fit
from bayeslaw.plots.canvas import MATPLOTLIB, Canvas, Panel
from bayeslaw.plots.curves import LOSS
from bayeslaw.plots.figures import INK, NARROW, PALETTE, SHADE, WIDE, styles
from bayeslaw.runs import parse_quantity

PARAMS, TOKENS = "model size N (parameters)", "training data D (tokens)"
_GRID, _LEVELS = 48, 9
_ROOM = 0.6  # e-folds around the runs
_SLICES, _POINTS, _REACH = 4, 61, 2.5  # of a slice: points, and e-folds either side of its best
_NEAR = 0.2  # runs this near to a budget, as a share of it, belong to its slice
_DRAWS = 400


def surface(fit: Fit, family: str | None = None, *, backend: str = MATPLOTLIB) -> Any:
    """Draw the law in size and data: contours of its median loss, the runs, the best sizes.

    Parameters
    ----------
    fit : of a law of params and tokens.
    family : whose law; the first one of the fit unless named.
    backend : ``"matplotlib"``, ``"plotly"``, or ``"none"`` for a dict of what would be drawn.

    Returns
    -------
    figure
        Of the backend, both axes logarithmic. The dashed lines hold the best size for its compute
        with probability .9. What the discrepancy adds to the law is left out.

    Raises
    ------
    LawError
        If the law has no trade between size and data.
    SpecError
        If the family has no rows.
    BayeslawError
        If the backend is not known or its library not installed.
    """
    from contourpy import contour_generator

    family, own = _family(fit, family)
    canvas = Canvas(backend, height=5.0)
    (panel,) = canvas.panels
    frontier = _frontier(fit, family, own)
    size, data = (
        np.linspace(np.log(own[c].min()) - _ROOM, np.log(own[c].max()) + _ROOM, _GRID)
        for c in (names.PARAMS, names.TOKENS)
    )
    n, d = (m.ravel()[None] for m in np.meshgrid(size, data))
    loss = np.median(frontier.loss(n, d), axis=0).reshape(_GRID, _GRID)
    lines = contour_generator(size, data, loss)
    levels = np.quantile(loss, (np.arange(_LEVELS) + 0.5) / _LEVELS)
    digits = 2 if np.ptp(levels) > 0.2 else 3
    for level in np.unique(levels.round(digits)):
        for found in lines.lines(level):
            piece = np.asarray(found, float)
            panel.line(np.exp(piece[:, 0]), np.exp(piece[:, 1]), SHADE, width=1.0)
            if len(piece) > _GRID // 4:
                # Towards large sizes, away from the runs and the best of them.
                at = piece[piece[:, 0].argsort()][int(0.85 * len(piece))]
                panel.text(np.exp(at[0]), np.exp(at[1]), f"{level:.{digits}f}")
    _draw_best(panel, frontier, size, data)
    style = styles([family])[family]
    panel.points(
        own[names.PARAMS], own[names.TOKENS], style.colour, style.marker, name=f"runs of {family}"
    )
    panel.axes(
        PARAMS, TOKENS, xlog=True, ylog=True,
        xlim=np.exp(size[[0, -1]]), ylim=np.exp(data[[0, -1]]),
    )  # fmt: skip
    panel.title("contours: median loss of the law (nats per token)")
    canvas.legend("outside")
    return canvas.finished()


def isoflop(
    fit: Fit,
    budgets: Sequence[float | str] | None = None,
    *,
    family: str | None = None,
    backend: str = MATPLOTLIB,
) -> Any:
    """Draw loss against size at fixed compute, with intervals and where the best size lies.

    Parameters
    ----------
    fit : of a law of params and tokens.
    budgets : in FLOP, C = 6 N D; four over the range of the runs unless given.
    family : whose law; the first one of the fit unless named.
    backend : ``"matplotlib"``, ``"plotly"``, or ``"none"`` for a dict of what would be drawn.

    Returns
    -------
    figure
        Of the backend. Bands are 90 % intervals of the law (without discrepancy), thick where the
        best size lies with probability .9; points are runs within 20 % of a budget.

    Raises
    ------
    LawError
        If the law has no trade between size and data.
    SpecError
        If the family has no rows.
    BayeslawError
        If the backend is not known or its library not installed.
    """
    family, own = _family(fit, family)
    canvas = Canvas(backend)
    (panel,) = canvas.panels
    frontier = _frontier(fit, family, own)
    if budgets is None:
        flops = own[names.FLOPS]
        wanted = np.unique(np.geomspace(flops.min(), flops.max(), _SLICES))
    else:
        wanted = np.array([parse_quantity(b) for b in budgets])
    looks = styles(f"{c:.2g} FLOP" for c in wanted)
    for budget, (words, style) in zip(wanted, looks.items(), strict=False):
        best = frontier.best_size(float(budget))
        best = best[np.isfinite(best)]
        middle = np.median(best) if len(best) else 0.5 * np.log(budget / TRAINING)
        grid = middle + np.linspace(-_REACH, _REACH, _POINTS)
        loss = frontier.on_line(float(budget), grid[None])
        low, median, high = np.quantile(loss, [0.5 - WIDE / 2, 0.5, 0.5 + WIDE / 2], axis=0)
        size = np.exp(grid)
        panel.band(size, low, high, style.colour, alpha=0.15, group=words)
        if len(best):
            ends = np.quantile(best, [0.5 - WIDE / 2, 0.5 + WIDE / 2])
            there = np.linspace(ends[0], ends[1], _POINTS)
            near = [np.interp(there, grid, v) for v in (low, median, high)]
            panel.band(np.exp(there), near[0], near[2], style.colour, alpha=0.35, group=words)
            panel.line(np.exp(there), near[1], style.colour, width=4.5, group=words)
        panel.line(size, median, style.colour, dash=style.dash, name=words)
        if len(best):
            panel.points(
                [np.exp(middle)], [np.interp(middle, grid, median)], style.colour, style.marker,
                size=46, hollow=True, group=words,
            )  # fmt: skip
        near_by = own[(np.log(own[names.FLOPS] / budget)).abs() < np.log1p(_NEAR)]
        if len(near_by):
            panel.points(
                near_by[names.PARAMS], near_by[names.LOSS], style.colour, style.marker, group=words
            )
    panel.axes(PARAMS, LOSS, xlog=True)
    panel.title("bands: 90 % intervals of the law; thick: where the best size lies (90 %)")
    canvas.legend("outside")
    return canvas.finished()


def _family(fit: Fit, family: str | None) -> tuple[str, pd.DataFrame]:
    """Return a family, the first unless named, and the last rows of its runs."""
    name = fit.families[0] if family is None else family
    table = fit.runs.last().table
    own = table[table[names.FAMILY] == name]
    if not len(own):
        raise SpecError(
            f"family '{name}' has no rows in this fit; known: {', '.join(fit.families)}."
        )
    return name, own


def _frontier(fit: Fit, family: str, own: pd.DataFrame) -> Frontier:
    """Return the law at a few hundred draws; inputs beside size and data as the runs have them."""
    given = {
        n: float(np.exp(np.log(own[n]).mean()))
        for n in fit.law.input_names
        if n not in (names.PARAMS, names.TOKENS, names.FLOPS)
    }
    found = frontier_of(fit, family, given, fit.seed)
    step = max(1, found.draws // _DRAWS)
    few = {n: v[::step] for n, v in found.parameters.items()}
    return Frontier(found.law, found.references, few, found.given)


def _draw_best(panel: Panel, frontier: Frontier, size: np.ndarray, data: np.ndarray) -> None:
    """Draw the best size and data of every budget: its median, and where it lies with 90 %."""
    budgets = np.log(TRAINING) + np.linspace(size[0] + data[0], size[-1] + data[-1], _GRID)
    best = np.stack([frontier.best_size(float(np.exp(c))) for c in budgets])
    if not np.isfinite(best).mean() > NARROW:
        return
    colour = PALETTE[1][0]
    for level, dash, words in (
        (0.5, "-", "best size for its compute"),
        (0.5 - WIDE / 2, "--", f"its {WIDE:.0%} interval"),
        (0.5 + WIDE / 2, "--", None),
    ):
        log_n = np.quantile(np.clip(best, -1e3, 1e3), level, axis=1)
        log_d = budgets - np.log(TRAINING) - log_n
        inside = (log_n > size[0]) & (log_n < size[-1]) & (log_d > data[0]) & (log_d < data[-1])
        panel.line(
            np.exp(log_n[inside]), np.exp(log_d[inside]), colour if dash == "-" else INK,
            dash=dash, width=1.8 if dash == "-" else 1.0, name=words,
        )  # fmt: skip
