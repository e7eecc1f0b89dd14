"""What it would take to tell two recipes apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.design.plan import Plan
from bayeslaw.design.value import pose
from bayeslaw.inference import Fit
from bayeslaw.prediction import Target

_SEEDS = (1, 2, 3, 4, 6, 8, 12, 16)
_STEP = 2.0  # from one size of single runs to the next, in compute
_NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 6: "six", 8: "eight"}


class _Size(Protocol):
    @property
    def params(self) -> float: ...
    @property
    def tokens(self) -> float: ...


@dataclass(frozen=True, eq=False)
class Remedy:
    """Runs that are expected to settle a choice.

    Attributes
    ----------
    words : what they are.
    plan : the runs, of both families.
    probability : expected probability of the better family afterwards.
    """

    words: str
    plan: Plan
    probability: float

    def to_dict(self) -> dict[str, Any]:
        """Return the remedy as plain JSON values."""
        return {
            "words": self.words,
            "cost": self.plan.cost,
            "runs": self.plan.records(),
            "probability": self.probability,
        }


def remedies(
    fit: Fit,
    target: Target,
    pair: tuple[str, str],
    common: _Size | None,
    level: float,
    seed: int,
) -> tuple[Remedy, ...]:
    """Return the cheapest seeds, and the cheapest larger run, that settle a choice.

    Parameters
    ----------
    target : where the families are compared; their curves are told apart, whatever its kind.
    pair : the families.
    common : the largest size of both; the smaller of their largest runs if None.
    level : expected probability of the better family that counts as settled.
    seed : seed of the random numbers.

    Returns
    -------
    tuple of Remedy
        The cheaper first; empty if nothing up to the target's size does.
    """
    n, d = _top(fit, pair) if common is None else (common.params, common.tokens)
    asked = [replace(target, family=f, kind="mean") for f in pair]
    options: list[list[tuple[str, Plan]]] = [[], []]
    for count in _SEEDS:
        words = f"{_NUMBERS.get(count, count)} more seed{'s' * (count > 1)} of each at {_size(n)}"
        options[0].append((words, _plan(n, d, count)))
    ratio = target.tokens / target.params
    compute, most = _STEP * 6 * n * d, float(target.flops or 6 * target.params * target.tokens)
    while compute < most:
        size = (compute / (6 * ratio)) ** 0.5
        options[1].append((f"one {_size(size)} run of each", _plan(size, ratio * size, 1)))
        compute *= _STEP
    words = f"one {_size(target.params)} run of each"
    options[1].append((words, _plan(target.params, target.tokens, 1)))
    bought = [[(words, plan.each(pair)) for words, plan in sort] for sort in options]
    problem = pose(fit, asked, [plan for sort in bought for _, plan in sort], seed)
    found = []
    for sort in bought:
        for words, plan in sort:
            chance = problem.value(plan, seed).pcs
            if chance is not None and chance >= level:
                found.append(Remedy(words, plan, chance))
                break
    return tuple(sorted(found, key=lambda r: r.plan.cost))


def _plan(n: float, d: float, seeds: int) -> Plan:
    return Plan("remedy", pd.DataFrame({"params": [n], "tokens": [d], "seeds": [seeds]}))


def _top(fit: Fit, pair: tuple[str, str]) -> tuple[float, float]:
    """Return the largest run of the family whose largest run is the smaller."""
    table = fit.runs.table
    own = table[table[names.FAMILY].isin(pair)]
    tops = own.loc[own.groupby(names.FAMILY)[names.FLOPS].idxmax()]
    least = tops.loc[[tops[names.FLOPS].idxmin()]]
    return float(least[names.PARAMS].iloc[0]), float(least[names.TOKENS].iloc[0])


def _size(params: float) -> str:
    for unit, sign in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if params >= unit:
            return (
                f"{np.format_float_positional(params / unit, 2, fractional=False, trim='-')}{sign}"
            )
    return f"{params:.3g}"
