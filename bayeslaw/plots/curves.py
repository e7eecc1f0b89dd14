"""Loss against compute: the runs, and the fan of the forecast out to the target."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import ExtrapolationWarning
from bayeslaw.inference import Fit
from bayeslaw.plots.figures import GREY, PALETTE, blank, label, name_entries
from bayeslaw.prediction import Forecast, Target, forecast as forecast_losses
from bayeslaw.runs import Runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STEPS = 24


def curves(forecast: Forecast, runs: Runs | None = None, *, fit: Fit | None = None) -> Figure:
    """Draw loss against compute, with the forecast's 50 and 90 % intervals.

    Parameters
    ----------
    forecast : the targets; families in order of first mention get a colour and a marker.
    runs : the training runs, of which the last row is drawn; those of ``fit`` unless given.
    fit : with it a fan joins each family's largest run to its farthest target.

    Returns
    -------
    matplotlib.figure.Figure
        Compute in FLOP on a logarithmic axis, loss in nats per token.

    Raises
    ------
    BayeslawError
        If matplotlib is not installed.
    """
    figure, axes = blank()
    if runs is None and fit is not None:
        runs = fit.runs
    last = None if runs is None else runs.last().table
    seen = [] if last is None else last[names.FAMILY].unique().tolist()
    families = list(dict.fromkeys([*(str(t.family) for t in forecast.targets), *seen]))
    styles = dict(zip(families, PALETTE, strict=False))
    handles: dict[str, Any] = {}
    for family, (colour, marker) in styles.items():
        own = None if last is None else last[last[names.FAMILY] == family]
        places = [i for i, t in enumerate(forecast.targets) if t.family == family]
        if own is not None and len(own):
            if places and fit is not None:
                _fan(axes, fit, own, forecast.targets[_farthest(forecast, places)], colour)
            handles[family] = axes.scatter(
                own[names.FLOPS], own[names.LOSS], s=26, c=colour, marker=marker,
                edgecolors="white", linewidths=0.5, zorder=3,
            )  # fmt: skip
        if places:
            bar = _bars(axes, forecast, places, colour, marker)
            handles.setdefault(family, bar)
    entries = [label(family) for family in handles]
    drawn = list(handles.values())
    if len(families) > len(styles):
        drawn.append(_others(axes, last, forecast, set(styles)))
        entries.append(f"{len(families) - len(styles)} other families")
    axes.set_xscale("log")
    axes.set_xlabel("training compute (FLOP)")
    axes.set_ylabel("loss (nats per token)")
    axes.margins(x=0.06)
    # Placeholders first: matplotlib hides labels that begin with an underscore.
    legend = axes.legend(
        drawn, [str(i) for i in range(len(drawn))], frameon=False, fontsize=8, loc="upper right"
    )
    name_entries(legend, entries)
    axes.set_title(
        "points: runs; bars and bands: 50 and 90 % intervals of the forecast",
        fontsize=8, color="#555555", loc="left",
    )  # fmt: skip
    return figure


def _farthest(forecast: Forecast, places: list[int]) -> int:
    return max(places, key=lambda i: forecast.targets[i].flops or 0.0)


def _fan(axes: Axes, fit: Fit, own: pd.DataFrame, target: Target, colour: str) -> None:
    """Draw the forecast on the straight way, in logarithms, from the largest run to the target."""
    start = own.sort_values(names.FLOPS).iloc[-1]
    share = np.linspace(0.0, 1.0, _STEPS)
    way = pd.DataFrame(
        {
            c: np.exp((1 - share) * np.log(start[c]) + share * np.log(getattr(target, c)))
            for c in (names.PARAMS, names.TOKENS, names.FLOPS)
        }
    ).assign(family=target.family)
    if not target.flops or target.flops <= start[names.FLOPS]:
        return
    with warnings.catch_warnings():
        # The forecast that is drawn has already said how far it reaches.
        warnings.simplefilter("ignore", ExtrapolationWarning)
        losses = forecast_losses(fit, way, kind=target.kind)
    for level, strength in ((0.9, 0.15), (0.5, 0.25)):
        low, high = losses.interval(level).T
        axes.fill_between(way[names.FLOPS], low, high, color=colour, alpha=strength, linewidth=0)
    median = losses.draws.median(("chain", "draw")).values
    axes.plot(way[names.FLOPS], median, color=colour, linewidth=1.2)


def _bars(axes: Axes, forecast: Forecast, places: list[int], colour: str, marker: str) -> Any:
    """Draw each target's median with its 90 % (thin) and 50 % (thick) interval."""
    rows = forecast.table.iloc[places]
    flops = np.array([forecast.targets[i].flops for i in places], float)
    axes.vlines(flops, rows["low90"], rows["high90"], color=colour, linewidth=1.4, zorder=4)
    axes.vlines(flops, rows["low50"], rows["high50"], color=colour, linewidth=4.5, zorder=4)
    return axes.scatter(
        flops, rows["median"], s=46, c="white", marker=marker, edgecolors=colour,
        linewidths=1.4, zorder=5,
    )  # fmt: skip


def _others(axes: Axes, last: pd.DataFrame | None, forecast: Forecast, named: set[str]) -> Any:
    """Draw in grey the runs and targets of the families that have no colour of their own."""
    places = [i for i, t in enumerate(forecast.targets) if t.family not in named]
    colour, marker = GREY
    bar = _bars(axes, forecast, places, colour, "o") if places else None
    if last is None:
        return bar
    rest = last[~last[names.FAMILY].isin(named)]
    points = axes.scatter(
        rest[names.FLOPS], rest[names.LOSS], s=14, c=colour, marker=marker, linewidths=0, zorder=1
    )
    return points if len(rest) else bar
