"""The chart of a report: the runs and the forecast as a plotly figure, names kept as plain text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import BayeslawError
from bayeslaw.plots.figures import GREY, PALETTE, label
from bayeslaw.plots.walks import INTERVALS, Walk
from bayeslaw.prediction import Forecast, Target
from bayeslaw.runs import Runs
from bayeslaw.runs.quantities import quantity

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# What plotly calls the markers of the palette.
_SYMBOLS = {
    "o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down",
    "P": "cross", "X": "x", "<": "triangle-left", ".": "circle",
}  # fmt: skip
_AXIS = {"gridcolor": "#e6e6e6", "linecolor": "#999999", "ticks": "outside", "zeroline": False}
_MARGIN = 0.06  # of an axis, on either side
_STRENGTH = {"band90": 0.15, "band50": 0.25}


def interactive(
    forecast: Forecast, runs: Runs | None = None, *, walks: Sequence[Walk] = ()
) -> Figure:
    """Draw loss against compute as a plotly figure: hover for numbers, click a family to hide it.

    Parameters
    ----------
    forecast : the targets; families in order of first mention get a colour and a marker.
    runs : the training runs, of which the last row is drawn.
    walks : of targets of the forecast; each becomes a fan that ends at its target. Their traces
        have ``meta`` with the place of the walk and the part, so that a page can move them.

    Returns
    -------
    plotly.graph_objects.Figure
        Compute in FLOP on a logarithmic axis, loss in nats per token.

    Raises
    ------
    BayeslawError
        If plotly is not installed.
    """
    go = _plotly()
    last = None if runs is None else runs.last().table
    seen = [] if last is None else last[names.FAMILY].unique().tolist()
    families = list(dict.fromkeys([*(str(t.family) for t in forecast.targets), *seen]))
    named, rest = families[: len(PALETTE)], families[len(PALETTE) :]
    traces = []
    for members, (colour, marker) in zip([[f] for f in named], PALETTE, strict=False):
        traces += _family(forecast, last, walks, members, colour, marker, label(members[0]))
    if rest:
        traces += _family(forecast, last, walks, rest, *GREY, f"{len(rest)} other families")
    figure = go.Figure(traces, {"template": {}})
    figure.update_layout(
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#1a1a1a"},
        plot_bgcolor="#ffffff",
        paper_bgcolor="#ffffff",
        margin={"l": 64, "r": 12, "t": 12, "b": 56},
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        xaxis=_AXIS
        | {"type": "log", "title": {"text": "training compute (FLOP)"}, "exponentformat": "power"}
        | {"dtick": 1, "range": _range(np.log10(_reach(traces, walks)))},
        yaxis=_AXIS
        | {"title": {"text": "loss (nats per token)"}, "range": _range(_heights(traces, walks))},
    )
    return figure


def to_data(figure: Figure) -> dict[str, Any]:
    """Return a figure as plain values, ``data`` and ``layout``, as plotly.js takes them."""
    return json.loads(figure.to_json() or "")


def plotly_script() -> str:
    """Return plotly.js, to be put into a page.

    Raises
    ------
    BayeslawError
        If plotly is not installed.
    """
    _plotly()
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def _plotly() -> Any:
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise BayeslawError(
            "interactive charts need plotly, which is not installed; install bayeslaw[report]."
        ) from error
    return go


def _family(
    forecast: Forecast,
    last: pd.DataFrame | None,
    walks: Sequence[Walk],
    members: list[str],
    colour: str,
    marker: str,
    name: str,
) -> list[dict[str, Any]]:
    """Return the traces of one entry of the legend: fans, runs, intervals."""
    out: list[dict[str, Any]] = []
    walked = [w.target for w in walks]
    for i, w in enumerate(walks):
        if w.target.family in members:
            parts = _parts(w, w.start)
            out += [_fan(part, parts[part], i, colour) for part in ("band90", "band50", "line")]
    if last is not None and len(own := last[last[names.FAMILY].isin(members)]):
        out.append(_points(own, colour, marker))
    for i, w in enumerate(walks):
        if w.target.family in members:
            out += _bars(_parts(w, w.start), colour, marker, [_said(w, w.start)], i)
    for i, target in enumerate(forecast.targets):
        if target.family in members and target not in walked:
            alone = Walk((target,), forecast.table.iloc[[i]].reset_index(drop=True), 0)
            out += _bars(_parts(alone, 0), colour, marker, [_said(alone, 0)], None)
    # Plotly reads some tags and entities in text, so the name is escaped for it too.
    entry = escape(name)
    lead = next(i for i, t in enumerate(out) if t["mode"] == "markers")
    return [
        t | {"name": entry, "legendgroup": colour, "showlegend": i == lead}
        for i, t in enumerate(out)
    ]


def _parts(walk: Walk, step: int) -> dict[str, tuple[list[float], list[float]]]:
    """Return compute and losses of a walk's fan, which ends at a step, and of the intervals there.

    A page that moves the fan says the same in JavaScript.
    """
    x = walk.flops.tolist()
    at = {c: walk.table[c].tolist() for c in INTERVALS}
    way = slice(0, step + 1)

    def band(low: str, high: str) -> tuple[list[float], list[float]]:
        return x[way] + x[way][::-1], at[low][way] + at[high][way][::-1]

    def bar(low: str, high: str) -> tuple[list[float], list[float]]:
        return [x[step]] * 2, [at[low][step], at[high][step]]

    return {
        "band90": band("low90", "high90"),
        "band50": band("low50", "high50"),
        "line": (x[way], at["median"][way]),
        "bar90": bar("low90", "high90"),
        "bar50": bar("low50", "high50"),
        "marker": ([x[step]], [at["median"][step]]),
    }


def _fan(
    part: str, places: tuple[list[float], list[float]], walk: int, colour: str
) -> dict[str, Any]:
    if part == "line":
        look: dict[str, Any] = {"line": {"color": colour, "width": 1.5}}
    else:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        shade = f"rgba({red},{green},{blue},{_STRENGTH[part]})"
        look = {"fill": "toself", "fillcolor": shade, "line": {"width": 0}}
    return _trace(places, "lines", meta={"walk": walk, "part": part}, hoverinfo="skip", **look)


def _points(own: pd.DataFrame, colour: str, marker: str) -> dict[str, Any]:
    texts = [
        f"{escape(label(str(r[names.FAMILY])))}<br>{quantity(r[names.PARAMS])} params, "
        f"{quantity(r[names.TOKENS])} tokens<br>{r[names.FLOPS]:.3g} FLOP<br>"
        f"loss {r[names.LOSS]:.3f}"
        for r in own.to_dict("records")
    ]
    return _trace(
        (own[names.FLOPS].tolist(), own[names.LOSS].tolist()),
        "markers",
        text=texts,
        hoverinfo="text",
        marker={"color": colour, "symbol": _SYMBOLS[marker], "size": 8,
                "line": {"color": "#ffffff", "width": 0.7}},
    )  # fmt: skip


def _bars(
    parts: dict[str, tuple[list[float], list[float]]],
    colour: str,
    marker: str,
    text: list[str],
    walk: int | None,
) -> list[dict[str, Any]]:
    """Return the 90 % (thin) and 50 % (thick) interval and the median of a target."""

    def meta(part: str) -> dict[str, Any]:
        return {} if walk is None else {"meta": {"walk": walk, "part": part}}

    bars = [
        _trace(parts[part], "lines", line={"color": colour, "width": width}, hoverinfo="skip")
        | meta(part)
        for part, width in (("bar90", 1.6), ("bar50", 5))
    ]
    look = {"color": "#ffffff", "symbol": _SYMBOLS[marker], "size": 11,
            "line": {"color": colour, "width": 2}}  # fmt: skip
    point = _trace(parts["marker"], "markers", text=text, hoverinfo="text", marker=look)
    return [*bars, point | meta("marker")]


def _said(walk: Walk, step: int) -> str:
    return "<br>".join([shown_name(walk.target), *step_text(walk, step)])


def shown_name(target: Target) -> str:
    """Return a target's family as plotly shows it literally: short, its tags escaped."""
    return escape(label(str(target.family)))


def step_text(walk: Walk, step: int) -> list[str]:
    """Return where a step is and what is forecast there, as short lines of plain text.

    Parameters
    ----------
    walk : from :func:`~bayeslaw.plots.walks.walk`.
    step : which of its steps.
    """
    t, r = walk.steps[step], walk.table.iloc[step]
    return [
        f"{t.flops:.3g} FLOP: {quantity(t.params)} params, {quantity(t.tokens)} tokens",
        f"median {r['median']:.3f} nats per token",
        f"90 % interval {r['low90']:.3f} to {r['high90']:.3f}",
        f"50 % interval {r['low50']:.3f} to {r['high50']:.3f}",
        f"{r['extrapolation_factor']:.3g} times the largest compute seen",
    ]


def _trace(places: tuple[list[float], list[float]], mode: str, **look: Any) -> dict[str, Any]:
    x, y = places
    return {"type": "scatter", "x": x, "y": y, "mode": mode, "cliponaxis": False} | look


def _reach(traces: list[dict[str, Any]], walks: Sequence[Walk]) -> np.ndarray:
    return np.concatenate([*(t["x"] for t in traces), *(w.flops for w in walks)])


def _heights(traces: list[dict[str, Any]], walks: Sequence[Walk]) -> np.ndarray:
    return np.concatenate([*(t["y"] for t in traces), *(w.table["low90"] for w in walks),
                           *(w.table["high90"] for w in walks)])  # fmt: skip


def _range(values: np.ndarray) -> list[float]:
    low, high = float(values.min()), float(values.max())
    room = _MARGIN * (high - low) or 0.5
    return [low - room, high + room]
