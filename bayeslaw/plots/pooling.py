"""What pooling does to one family: fits without, with partial and with complete pooling."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from bayeslaw import names
from bayeslaw.errors import ExtrapolationWarning, SpecError
from bayeslaw.inference import Fit
from bayeslaw.plots.canvas import MATPLOTLIB, Canvas
from bayeslaw.plots.curves import COMPUTE, LOSS, SMALL, draw_runs, draw_targets, fan
from bayeslaw.plots.figures import OTHERS, styles
from bayeslaw.prediction import Target, forecast

_WORDS = {"none": "no pooling", "partial": "partial pooling", "complete": "complete pooling"}
_BEYOND = 10.0  # times the largest compute of the family, at its tokens per parameter


def pooling(
    fits: Mapping[str, Fit],
    family: str | None = None,
    *,
    target: Target | None = None,
    backend: str = MATPLOTLIB,
) -> Any:
    """Draw one family's fit and forecast side by side, as it borrows from the other families.

    Parameters
    ----------
    fits : from ``"none"``, ``"partial"`` or ``"complete"``, or words of your own, to fits that
        differ in pooling; complete pooling is also a fit whose rows all go by one family.
    family : the family; the first one of the first fit unless named.
    target : what to forecast; ten times the compute of the family's largest run, at its tokens
        per parameter, unless given.
    backend : ``"matplotlib"``, ``"plotly"``, or ``"none"`` for a dict of what would be drawn.

    Returns
    -------
    figure
        Of the backend: a panel per fit with the runs (grey: of other families), the fan of 50 and
        90 % intervals from the family's smallest run on, and above it the forecast.

    Raises
    ------
    SpecError
        If there is no fit, or one has no rows of the family.
    BayeslawError
        If the backend is not known or its library not installed.
    """
    if not fits:
        raise SpecError("there is no fit to draw; expected for example {'none': a, 'partial': b}.")
    name = next(iter(fits.values())).families[0] if family is None else family
    for word, fit in fits.items():
        if name not in fit.families:
            raise SpecError(
                f"family '{name}' has no rows in the fit '{word}'; it knows "
                f"{', '.join(fit.families)}. Name one that all fits have."
            )
    if target is None:
        target = _farther(next(iter(fits.values())), name)
    canvas = Canvas(backend, len(fits), len(fits), width=1.2 + 2.9 * len(fits), share="xy")
    style = styles([name])[name]
    for panel, (word, fit) in zip(canvas.panels, fits.items(), strict=True):
        last = fit.runs.last().table
        mine = last[names.FAMILY] == name
        if not mine.all():
            draw_runs(panel, last[~mine], OTHERS, group="other families", size=SMALL)
        own = last[mine].sort_values(names.FLOPS)
        with warnings.catch_warnings():
            # The picture shows how far it reaches.
            warnings.simplefilter("ignore", ExtrapolationWarning)
            made = forecast(fit, [target])
        fan(panel, fit, own.iloc[0], target, style, name)
        draw_runs(panel, own, style, group=name)
        draw_targets(panel, made, [0], style, name)
        low, high = made.interval(0.9)
        median = float(made.draws.median())
        panel.title(f"{_WORDS.get(word, word)}: {median:.3f} ({low:.3f} to {high:.3f})")
        panel.axes(COMPUTE, LOSS if panel is canvas.panels[0] else None, xlog=True)
    return canvas.finished()


def _farther(fit: Fit, family: str) -> Target:
    last = fit.runs.last().table
    largest = last[last[names.FAMILY] == family].sort_values(names.FLOPS).iloc[-1]
    step = _BEYOND**0.5
    inputs = {
        n: float(largest[n])
        for n in fit.law.input_names
        if n not in (names.PARAMS, names.TOKENS, names.FLOPS)
    }
    return Target(
        step * largest[names.PARAMS], step * largest[names.TOKENS], family,
        flops=_BEYOND * largest[names.FLOPS], inputs=inputs,
    )  # fmt: skip
