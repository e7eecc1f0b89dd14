"""Decisions: what plans buy for their cost, when one overtakes another, and what size to train."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayeslaw.design import Allocation, Decision
from bayeslaw.design.breakeven import BreakEven
from bayeslaw.design.optimum import TRAINING
from bayeslaw.plots.canvas import MATPLOTLIB, Canvas, Panel
from bayeslaw.plots.figures import INK, MUTED, NARROW, OTHERS, PALETTE, SHADE, WIDE, styles
from bayeslaw.plots.frontier import PARAMS, TOKENS

_PER_CENT = 100.0
_ROOM = 1.6  # times the smallest and largest cost


def plans(decision: Decision, *, backend: str = MATPLOTLIB) -> Any:
    """Draw what is expected to be left of the uncertainty after each plan, against its cost.

    Parameters
    ----------
    decision : ranked plans.
    backend : ``"matplotlib"``, ``"plotly"``, or ``"none"`` for a dict of what would be drawn.

    Returns
    -------
    figure
        Of the backend. Bars are two Monte Carlo errors; the ring marks the recommended plan.

    Raises
    ------
    BayeslawError
        If the backend is not known or its library not installed.
    """
    canvas = Canvas(backend)
    (panel,) = canvas.panels
    values = decision.values
    costs = np.array([v.plan.cost for v in values])
    ends = (costs.min() / _ROOM, costs.max() * _ROOM)
    now = _PER_CENT * decision.now_sd
    panel.line(ends, [now, now], MUTED, dash="--", name="now, without another run")
    looks = styles(v.plan.name for v in values)
    chosen = decision.recommended
    panel.points(
        chosen.plan.cost, _PER_CENT * chosen.sd, INK, "o", size=150, hollow=True,
        name="recommended",
    )  # fmt: skip
    for v in values:
        style = looks.get(v.plan.name, OTHERS)
        sd, error = _PER_CENT * v.sd, 2 * _PER_CENT * v.sd_error
        panel.bars(v.plan.cost, sd - error, sd + error, style.colour, width=1.2, group=v.plan.name)
        named = v.plan.name if v.plan.name in looks else None
        panel.points(v.plan.cost, sd, style.colour, style.marker, size=52, name=named)
    what = "s.d. of the gap" if decision.choosing else "s.d. of the target"
    panel.axes(
        "cost of the plan (FLOP)", f"expected {what} (% of the loss)", xlog=True,
        xlim=ends,
    )  # fmt: skip
    canvas.legend("outside")
    return canvas.finished()


def break_even(table: BreakEven, *, backend: str = MATPLOTLIB) -> Any:
    """Draw where one plan overtakes another as seeds differ more and more.

    Parameters
    ----------
    table : from :func:`bayeslaw.break_even`.
    backend : ``"matplotlib"``, ``"plotly"``, or ``"none"`` for a dict of what would be drawn.

    Returns
    -------
    figure
        Of the backend: a line per plan, a ring at each crossing, and upright lines at the seed
        noise and the discrepancy that the fit believes in.

    Raises
    ------
    BayeslawError
        If the backend is not known or its library not installed.
    """
    canvas = Canvas(backend)
    (panel,) = canvas.panels
    x = _PER_CENT * table.seed_sds
    drawn = {name: _PER_CENT * sds for name, sds in table.sds.items()}
    every = np.concatenate(list(drawn.values()))
    room = 0.08 * np.ptp(every) or 0.1
    low, top = max(every.min() - room, 0.0), every.max() + room
    for at, dash, words in (
        (table.seed_sd, ":", "seed noise of the fit"),
        (table.discrepancy_sd, "-.", "discrepancy at the target"),
    ):
        if x[0] <= _PER_CENT * at <= x[-1]:
            panel.line([_PER_CENT * at] * 2, [low, top], MUTED, dash=dash, name=words)
    looks = styles(drawn)
    for name, sds in drawn.items():
        style = looks.get(name, OTHERS)
        panel.line(x, sds, style.colour, dash=style.dash, width=1.8, name=name)
    for first, _, at in table.crossings:
        height = np.interp(np.log(at), np.log(table.seed_sds), drawn[first])
        panel.points(_PER_CENT * at, height, INK, "o", size=60, hollow=True)
        panel.text(_PER_CENT * at, height + 0.6 * room, f"{at:.2%}", colour=INK)
    panel.axes(
        "s.d. between seeds (% of the loss)", "expected s.d. of the target (% of the loss)",
        xlog=True, xlim=x[[0, -1]], ylim=(low, top),
    )  # fmt: skip
    canvas.legend("outside")
    return canvas.finished()


def allocation(allocation: Allocation, *, backend: str = MATPLOTLIB) -> Any:
    """Draw the best size and the best data of each budget, and what is almost as good.

    Parameters
    ----------
    allocation : of one budget or, better, several.
    backend : ``"matplotlib"``, ``"plotly"``, or ``"none"`` for a dict of what would be drawn.

    Returns
    -------
    figure
        Of the backend: N* and D* with 50 and 90 % intervals, between the dotted ends of what
        loses next to nothing.

    Raises
    ------
    BayeslawError
        If the backend is not known or its library not installed.
    """
    canvas = Canvas(backend, 2, 2, width=9.0, height=4.4)
    optima = sorted(allocation.optima, key=lambda o: o.flops)
    flops = np.array([o.flops for o in optima])
    near = np.array([[o.near.low, o.near.high] for o in optima])
    slack = f"within {optima[0].near.slack:.1%} of the best loss"
    colour, marker = PALETTE[0]
    sides = (
        (PARAMS, [o.params for o in optima], near, 0),
        # What is spent on size is not spent on data.
        (TOKENS, [o.tokens for o in optima], (flops[:, None] / (TRAINING * near))[:, ::-1], 1),
    )
    for panel, (words, draws, ends, side) in zip(canvas.panels, sides, strict=True):
        first = side == 0
        panel.band(flops, ends[:, 0], ends[:, 1], SHADE, alpha=0.3, group=slack)
        for edge, name in zip(ends.T, (slack if first else None, None), strict=True):
            panel.line(flops, edge, MUTED, dash=":", name=name, group=slack)
        for level, strength in ((WIDE, 0.2), (NARROW, 0.35)):
            low, high = np.array([np.quantile(d, [0.5 - level / 2, 0.5 + level / 2])
                                  for d in draws]).T  # fmt: skip
            panel.band(flops, low, high, colour, alpha=strength, group="best")
            panel.bars(flops, low, high, colour, width=1.4 if level == WIDE else 4.5, group="best")
        middle = [np.median(d) for d in draws]
        panel.line(flops, middle, colour, group="best")
        panel.points(
            flops, middle, colour, marker, size=46, hollow=True,
            name="best, 50 and 90 % intervals" if first else None, group="best",
        )  # fmt: skip
        _advice(panel, flops, [o.advised[side] for o in optima], middle, first)
        panel.axes(
            "training budget C (FLOP)", words, xlog=True, ylog=True,
            xlim=(flops[0] / _ROOM, flops[-1] * _ROOM),
        )  # fmt: skip
    canvas.legend("outside")
    return canvas.finished()


def _advice(
    panel: Panel, flops: np.ndarray, advised: list[float], middle: list[float], named: bool
) -> None:
    """Draw the advice where limits hold it away from the best."""
    apart = ~np.isclose(advised, middle, rtol=1e-3)
    if apart.any():
        colour, marker = PALETTE[1]
        panel.points(
            flops[apart], np.array(advised)[apart], colour, marker,
            name="advised, within the limits" if named else None, group="advised",
        )  # fmt: skip
