"""Loss against compute: the runs, and the fan of the forecast out to the target."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import ExtrapolationWarning
from bayeslaw.inference import Fit
from bayeslaw.plots.canvas import MATPLOTLIB, Canvas, Panel
from bayeslaw.plots.figures import NARROW, OTHERS, WIDE, Style, styles
from bayeslaw.prediction import Forecast, Target, forecast as forecast_losses
from bayeslaw.runs import Runs

COMPUTE, LOSS = "training compute (FLOP)", "loss (nats per token)"
_STEPS = 24
SMALL = 11.0  # dots stand for families without a colour


def curves(
    forecast: Forecast,
    runs: Runs | None = None,
    *,
    fit: Fit | None = None,
    backend: str = MATPLOTLIB,
) -> Any:
    """Draw loss against compute, with the forecast's 50 and 90 % intervals.

    Parameters
    ----------
    forecast : the targets; families in order of first mention get a colour and a marker.
    runs : the training runs, of which the last row is drawn; those of ``fit`` unless given.
    fit : with it a fan joins each family's largest run to its farthest target.
    backend : ``"matplotlib"``, ``"plotly"``, or ``"none"`` for a dict of what would be drawn.

    Returns
    -------
    figure
        Of the backend. Compute in FLOP on a logarithmic axis, loss in nats per token.

    Raises
    ------
    BayeslawError
        If the backend is not known or its library not installed.
    """
    canvas = Canvas(backend)
    (panel,) = canvas.panels
    if runs is None and fit is not None:
        runs = fit.runs
    last = None if runs is None else runs.last().table
    seen = [] if last is None else last[names.FAMILY].unique().tolist()
    families = list(dict.fromkeys([*(str(t.family) for t in forecast.targets), *seen]))
    own_styles = styles(families)
    for family, style in own_styles.items():
        own = None if last is None else last[last[names.FAMILY] == family]
        places = [i for i, t in enumerate(forecast.targets) if t.family == family]
        has_runs = own is not None and len(own) > 0
        if own is not None and has_runs:
            if places and fit is not None:
                start = own.sort_values(names.FLOPS).iloc[-1]
                fan(panel, fit, start, forecast.targets[_farthest(forecast, places)], style, family)
            draw_runs(panel, own, style, name=family)
        if places:
            draw_targets(panel, forecast, places, style, family, named=not has_runs)
    if len(families) > len(own_styles):
        _draw_others(panel, last, forecast, set(own_styles), len(families) - len(own_styles))
    panel.axes(COMPUTE, LOSS, xlog=True)
    panel.title("points: runs; bars and bands: 50 and 90 % intervals of the forecast")
    canvas.legend("upper right")
    return canvas.finished()


def draw_runs(
    panel: Panel,
    runs: pd.DataFrame,
    style: Style,
    *,
    name: str | None = None,
    group: str | None = None,
    size: float = 26.0,
) -> None:
    """Draw the losses of runs against their compute."""
    panel.points(
        runs[names.FLOPS], runs[names.LOSS], style.colour, style.marker, size=size,
        name=name, group=group,
    )  # fmt: skip


def fan(
    panel: Panel, fit: Fit, start: pd.Series, target: Target, style: Style, family: str
) -> None:
    """Draw the forecast on the straight way, in logarithms, from a run to a target.

    Parameters
    ----------
    start : a row of the runs table.
    target : nothing is drawn unless it takes more compute.
    """
    if not target.flops or target.flops <= start[names.FLOPS]:
        return
    share = np.linspace(0.0, 1.0, _STEPS)

    def between(name: str, end: float) -> np.ndarray:
        begin = start.get(name, end)
        return np.exp((1 - share) * np.log(begin) + share * np.log(end))

    flops = between(names.FLOPS, target.flops)
    size, data = between(names.PARAMS, target.params), between(names.TOKENS, target.tokens)
    more = {name: between(name, end) for name, end in target.inputs.items()}
    way = [
        replace(
            target, params=size[i], tokens=data[i], flops=flops[i],
            inputs={name: values[i] for name, values in more.items()},
        )
        for i in range(_STEPS)
    ]  # fmt: skip
    with warnings.catch_warnings():
        # The forecast that is drawn has already said how far it reaches.
        warnings.simplefilter("ignore", ExtrapolationWarning)
        losses = forecast_losses(fit, way)
    for level, strength in ((WIDE, 0.15), (NARROW, 0.25)):
        low, high = losses.interval(level).T
        panel.band(flops, low, high, style.colour, alpha=strength, group=family)
    median = losses.draws.median(("chain", "draw")).values
    panel.line(flops, median, style.colour, dash=style.dash, group=family)


def draw_targets(
    panel: Panel,
    forecast: Forecast,
    places: list[int],
    style: Style,
    family: str,
    *,
    named: bool = False,
) -> None:
    """Draw each target's median with its 90 % (thin) and 50 % (thick) interval."""
    rows = forecast.table.iloc[places]
    flops = np.array([forecast.targets[i].flops for i in places], float)
    panel.bars(flops, rows["low90"], rows["high90"], style.colour, width=1.4, group=family)
    panel.bars(flops, rows["low50"], rows["high50"], style.colour, width=4.5, group=family)
    panel.points(
        flops, rows["median"], style.colour, style.marker, size=46, hollow=True,
        name=family if named else None, group=family,
    )  # fmt: skip


def _farthest(forecast: Forecast, places: list[int]) -> int:
    return max(places, key=lambda i: forecast.targets[i].flops or 0.0)


def _draw_others(
    panel: Panel, last: pd.DataFrame | None, forecast: Forecast, named: set[str], count: int
) -> None:
    """Draw in grey the runs and targets of the families that have no colour of their own."""
    places = [i for i, t in enumerate(forecast.targets) if t.family not in named]
    words = f"{count} other families"
    rest = None if last is None else last[~last[names.FAMILY].isin(named)]
    has_runs = rest is not None and len(rest) > 0
    if rest is not None and has_runs:
        draw_runs(panel, rest, OTHERS, name=words, size=SMALL)
    if places:
        draw_targets(panel, forecast, places, OTHERS, words, named=not has_runs)
