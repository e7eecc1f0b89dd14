"""The plans that are worth comparing for a budget, and pools of runs to build one from."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.design.beliefs import with_family
from bayeslaw.design.plan import Plan
from bayeslaw.errors import TargetError
from bayeslaw.inference import Fit
from bayeslaw.prediction import Target
from bayeslaw.runs import parse_quantity

# A run of less than this share of the budget is not worth its line in a pool.
_SMALLEST = 1e-3
_SIZES, _SPREAD = 24, (0.25, 0.5, 1.0, 2.0, 4.0)


def candidate_plans(fit: Fit, budget: float | str, target: Target | Sequence[Target]) -> list[Plan]:
    """Return plans of one cost: one large, ladder, many small, seeds, longer, half-way.

    Their tokens per parameter are the target's. Repeats are of the largest run of the family that
    the budget pays for twice; longer training continues its largest run.

    Parameters
    ----------
    fit : the runs so far.
    budget : compute in FLOP.
    target : what is to be forecast, or the candidates to choose from, who share the budget.

    Returns
    -------
    list of Plan
        For :func:`bayeslaw.decide`.
    """
    budget = _budget(budget)
    targets = [target] if isinstance(target, Target) else list(target)
    families = [str(with_family(fit, t).family) for t in targets]
    share = budget / len(families)
    ratio = targets[0].tokens / targets[0].params
    plans = [
        Plan.one_large(share, ratio),
        Plan.halves(share, ratio),
        Plan.ladder(share, tokens_per_param=ratio),
        Plan.many_small(share, sizes=6, seeds=2, tokens_per_param=ratio),
        Plan.diverse(share, tokens_per_param=ratio),
        Plan.half_way(share, ratio),
    ]
    rows = [r for r in fit.runs.table.to_dict("records") if r[names.FAMILY] in families]
    cheap = [r for r in rows if r[names.FLOPS] <= share / 2]
    if cheap:
        top = _largest(cheap)
        plans.append(Plan.more_seeds(share, top[names.PARAMS], top[names.TOKENS]))
    own = [[r for r in rows if r[names.FAMILY] == family] for family in families]
    if all(own):
        longer = [
            Plan.longer(share, str(top[names.RUN]), top[names.PARAMS], top[names.TOKENS], family)
            for family, top in zip(families, map(_largest, own), strict=True)
        ]
        runs = pd.concat([plan.runs for plan in longer], ignore_index=True)
        plans.append(Plan("longer training", runs))
    return plans


def _largest(rows: list[dict[Hashable, Any]]) -> dict[Hashable, Any]:
    return max(rows, key=lambda r: r[names.FLOPS])


def default_pool(budget: float | str, target: Target) -> pd.DataFrame:
    """Return runs to choose from: sizes up to what the budget pays, around the target's ratio.

    Parameters
    ----------
    budget : compute in FLOP.
    target : its tokens per parameter are the middle one.

    Returns
    -------
    pandas.DataFrame
        Columns params and tokens.

    Examples
    --------
    >>> pool = default_pool(1e20, Target(7e9, 1.4e11))
    >>> len(pool), bool((6 * pool["params"] * pool["tokens"]).max() <= 1.001e20)
    (120, True)
    """
    budget = _budget(budget)
    ratios = target.tokens / target.params * np.array(_SPREAD)
    compute = budget * np.geomspace(_SMALLEST, 1.0, _SIZES)
    cost, ratio = (v.ravel() for v in np.meshgrid(compute, ratios, indexing="ij"))
    params = np.sqrt(cost / (6 * ratio))
    return pd.DataFrame({names.PARAMS: params, names.TOKENS: ratio * params})


def _budget(budget: float | str) -> float:
    try:
        return parse_quantity(budget)
    except (ValueError, TypeError) as error:
        raise TargetError(f"the budget: {error}") from error
