"""Walks: forecasts along a target's own tokens per parameter, from the largest run to beyond it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bayeslaw.errors import ExtrapolationWarning
from bayeslaw.inference import Fit
from bayeslaw.prediction import Forecast, Target, forecast as forecast_losses

BEYOND = 10.0  #: how many times the target's compute a walk goes on
INTERVALS = ["low90", "low50", "median", "high50", "high90"]  #: columns of a forecast's table
_BEFORE, _AFTER = 24, 12  # steps to the target, and on from it


@dataclass(frozen=True, eq=False)
class Walk:
    """What one family's forecast would be at other compute, params and tokens in step.

    Attributes
    ----------
    steps : the targets walked over, by compute.
    table : a row per step: median, 50 and 90 % intervals (``low50`` to ``high90``) in nats per
        token, and the extrapolation factor.
    start : the step of the target itself, whose numbers are those of its forecast.
    """

    steps: tuple[Target, ...]
    table: pd.DataFrame
    start: int

    @property
    def target(self) -> Target:
        """The target that was asked about."""
        return self.steps[self.start]

    @property
    def flops(self) -> np.ndarray:
        """Compute of each step."""
        return np.array([t.flops for t in self.steps], float)


def walk(fit: Fit, forecast: Forecast, place: int) -> Walk:
    """Forecast along the way on which params and tokens keep the target's ratio.

    Parameters
    ----------
    fit : what the forecast was made from.
    forecast : of the target.
    place : which of its targets.

    Returns
    -------
    Walk
        From the largest compute seen (of the family, or of all for a new one) to ten times the
        target's; from a tenth of the target's if it lies within what was seen. Other inputs of
        the law stay as the target has them.
    """
    target = forecast.targets[place]
    reach = forecast.extrapolation[place]
    first = 1 / reach if reach > 1 else 1 / BEYOND
    share = np.concatenate(
        [np.geomspace(first, 1.0, _BEFORE, endpoint=False), np.geomspace(1.0, BEYOND, _AFTER + 1)]
    )
    steps = tuple(_scaled(target, float(s)) for s in share)
    with warnings.catch_warnings():
        # The steps say themselves how far they reach.
        warnings.simplefilter("ignore", ExtrapolationWarning)
        table = forecast_losses(fit, steps, kind=target.kind).table
    # New draws would move the numbers that were reported by their Monte Carlo error.
    table.loc[_BEFORE, INTERVALS] = forecast.table.loc[place, INTERVALS]
    return Walk(steps, table, _BEFORE)


def _scaled(target: Target, share: float) -> Target:
    if share == 1.0:
        return target
    step = share**0.5
    flops = float(target.flops or 0) * share
    return replace(target, params=target.params * step, tokens=target.tokens * step, flops=flops)
