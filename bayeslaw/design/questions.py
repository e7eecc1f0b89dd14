"""Questions of target and budget: will it be reached, and what would it cost."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayeslaw.design.budgets import frontier_of, one_family
from bayeslaw.design.optimum import TRAINING
from bayeslaw.design.rows import positive
from bayeslaw.errors import ExtrapolationWarning, TargetError
from bayeslaw.inference import Fit
from bayeslaw.prediction import Target, forecast

_MOST = 1e6  # times the largest compute seen, beyond which no budget is looked for
_LEAST = 1e-4  # times the largest compute seen, below which none is
_STEPS, _HALVINGS = 25, 14


@dataclass(frozen=True)
class Reach:
    """The smallest budget that reaches a loss with a probability.

    Attributes
    ----------
    family, loss, probability : what was asked.
    flops, params, tokens : the budget and how it is spent; None if no budget up to a million
        times the largest compute seen does.
    achieved : probability at that budget, or the largest probability found.
    extrapolation_factor : of the budget over the largest compute seen.
    notes : warnings about it.
    """

    family: str
    loss: float
    probability: float
    flops: float | None
    params: float | None
    tokens: float | None
    achieved: float
    extrapolation_factor: float | None
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The answer in a sentence, and what to beware of."""
        if self.flops is None:
            return (
                f"No budget up to {_MOST:.0g} times the largest seen reaches a loss of "
                f"{self.loss:.4g} with probability {self.probability:.0%}; the highest found is "
                f"{self.achieved:.0%}."
            )
        lines = [
            f"A loss of {self.loss:.4g} is reached with probability {self.achieved:.0%} from "
            f"{self.flops:.3g} FLOP on: {self.params:.3g} params, {self.tokens:.3g} tokens, "
            f"{self.extrapolation_factor:.3g} times the largest compute seen."
        ]
        return "\n".join([*lines, *self.notes])

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain JSON values."""
        return vars(self) | {"notes": list(self.notes)}


def chance(fit: Fit, loss: float, target: Target, *, seed: int = 0) -> float:
    """Return the probability that a run ends at a loss or below.

    Parameters
    ----------
    fit : the posterior.
    loss : nats per token.
    target : the run; of kind ``"mean"`` for the curve under it.
    seed : seed of the random numbers.

    Returns
    -------
    float

    Raises
    ------
    TargetError
        If the loss is not positive or the target names no family of several.
    """
    loss = positive(loss, "chance", "loss")
    target = replace(target, family=one_family(fit, target.family))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        draws = forecast(fit, target, seed=seed).draws.values
    return float((draws <= loss).mean())


def smallest_budget(
    fit: Fit,
    loss: float,
    *,
    probability: float = 0.9,
    family: str | None = None,
    given: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Reach:
    """Return the smallest training budget that reaches a loss with a probability.

    Each budget is spent on the median of its compute-optimal sizes; the loss is that of one run,
    discrepancy and seed noise included.

    Parameters
    ----------
    fit : the posterior.
    loss : nats per token.
    probability : that the run ends there or below.
    family : whose runs; may be left out if the fit has one family.
    given : values of other inputs of the law.
    seed : seed of the random numbers.

    Returns
    -------
    Reach

    Raises
    ------
    TargetError
        If the loss is not positive, the probability not between 0 and 1, or the family not clear.
    """
    loss = positive(loss, "smallest budget", "loss")
    if not 0 < probability < 1:
        raise TargetError(f"probability is {probability:g}; expected between 0 and 1, such as 0.9.")
    family, given = one_family(fit, family), given or {}
    frontier = frontier_of(fit, family, given, seed)
    largest = fit.layout.largest
    seen = float(largest[fit.families.index(family)] if family in fit.families else largest.max())

    def point(flops: float) -> Target:
        size = frontier.best_size(flops)
        n = float(np.exp(np.median(size[np.isfinite(size)])))
        return Target(n, flops / (TRAINING * n), family, inputs=given)

    def reached(flops: float) -> float:
        return chance(fit, loss, point(flops), seed=seed)

    grid = seen * np.geomspace(_LEAST, _MOST, _STEPS)
    chances = np.array([reached(c) for c in grid])
    above = np.flatnonzero(chances >= probability)
    if not above.size:
        return Reach(family, loss, probability, None, None, None, float(chances.max()), None)
    first = int(above[0])
    high, notes = float(grid[first]), []
    if not first:
        notes.append(
            f"a budget below {high:.3g} FLOP, {_LEAST:g} times the largest seen, may do as well; "
            "none was looked for"
        )
    else:
        low = float(grid[first - 1])
        for _ in range(_HALVINGS):
            middle = (low * high) ** 0.5
            low, high = (low, middle) if reached(middle) >= probability else (middle, high)
    target = point(high)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        made = forecast(fit, target, seed=seed)
    return Reach(
        family, loss, probability, high, target.params, target.tokens, reached(high),
        made.extrapolation[0], (*notes, *made.notes[0]),
    )  # fmt: skip
