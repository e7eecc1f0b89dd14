"""Cross-checks of a plan's value: whether its mean is linear, and what re-weighted draws say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from arviz_stats.base.array import array_stats

from bayeslaw.design.plan import Plan

if TYPE_CHECKING:
    from bayeslaw.design.value import Problem

#: Share of the variance that a cubic may explain beyond a line, and by which the s.d. of
#: re-weighted draws may differ, before a plan is flagged.
CURVED, APART = 0.02, 0.07
_RELIABLE = 0.7  # Pareto shape up to which weights can be trusted
_MOST = 10  # settings of a plan beyond which too few draws weigh anything
_FOLDS, _OUTCOMES = 5, 16


@dataclass(frozen=True)
class Check:
    """What two other estimators say of a plan.

    Attributes
    ----------
    curvature : share of the target's variance that a cubic in the posterior mean explains beyond
        the line that conditioning takes, cross-validated.
    sd : expected s.d. by re-weighting draws by simulated outcomes.
    pareto_k : median shape of those weights; above .7 ``sd`` means nothing.
    flagged : whether either speaks against the plan's value.
    """

    curvature: float
    sd: float
    pareto_k: float
    flagged: bool


def cross_check(problem: Problem, plan: Plan, sd: float, seed: int) -> Check | None:
    """Return what a regression and re-weighted draws say of a plan.

    Parameters
    ----------
    problem : what is believed.
    plan : one of its plans.
    sd : expected s.d. by linear-Gaussian conditioning.
    seed : seed of the simulated outcomes.

    Returns
    -------
    Check or None
        None for more than ten settings, where hardly a draw would weigh anything.
    """
    k, w = problem.k, problem.contrast
    at = [c - k for c in problem.columns(plan)]
    if len(at) > _MOST:
        return None
    believed = problem.beliefs
    drawn = believed.law + believed.known
    target, curve = drawn[:, :k] @ w, drawn[:, at]
    told = believed.rest[np.ix_(at, at)] + problem.outcome_noise(plan)
    shared = w @ believed.rest[:k, at]
    gain = np.linalg.solve(told, shared)
    open_ = max(float(w @ believed.rest[:k, :k] @ w - shared @ gain), 0.0)
    rng = np.random.default_rng([seed, 7])
    outcomes = curve + rng.standard_normal(curve.shape) @ np.linalg.cholesky(told).T
    # Given a draw the rest is Gaussian, so its part of the target is known in closed form.
    mean = target + (outcomes - curve) @ gain
    curvature = (
        _curvature(outcomes, mean, rng)
        * float(mean.var())
        / float(target.var() + w @ believed.rest[:k, :k] @ w)
    )
    left, shape = _reweighted(outcomes, curve, target, told, gain, rng)
    other = float(np.sqrt(left + open_ + w**2 @ problem.kept))
    apart = shape < _RELIABLE and abs(other / sd - 1) > APART
    return Check(curvature, other, shape, bool(curvature > CURVED or apart))


def _curvature(outcomes: np.ndarray, mean: np.ndarray, rng: np.random.Generator) -> float:
    """Return R2 of a cubic less R2 of a line, on draws that neither was fitted to."""
    fold = rng.permutation(len(mean)) % _FOLDS
    off = np.zeros(2)
    for i in range(_FOLDS):
        train, test = fold != i, fold == i
        middle, scale = outcomes[train].mean(axis=0), outcomes[train].std(axis=0)
        unit = np.column_stack([np.ones(len(mean)), (outcomes - middle) / scale])
        line = unit @ np.linalg.lstsq(unit[train], mean[train], rcond=None)[0]
        spread = (line - line[train].mean()) / line[train].std()
        powers = spread[:, None] ** np.arange(4)
        cubic = powers @ np.linalg.lstsq(powers[train], mean[train], rcond=None)[0]
        off += [np.sum((mean[test] - fitted[test]) ** 2) for fitted in (line, cubic)]
    return float((off[0] - off[1]) / np.sum((mean - mean.mean()) ** 2))


def _reweighted(
    outcomes: np.ndarray,
    curve: np.ndarray,
    target: np.ndarray,
    told: np.ndarray,
    gain: np.ndarray,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Return the target's variance between draws given outcomes, averaged, and the Pareto shape."""
    root = np.linalg.inv(np.linalg.cholesky(told))
    variances, shapes = [], []
    chosen = rng.choice(len(target), min(_OUTCOMES, len(target)), replace=False)
    for j in chosen:
        others = np.arange(len(target)) != j  # the draw that made an outcome would fit it best
        off = outcomes[j] - curve[others]
        smooth, shape = array_stats.psislw(0.5 * ((off @ root.T) ** 2).sum(axis=1))
        weight = np.exp(smooth)
        weight /= weight.sum()
        mean = target[others] + off @ gain
        variances.append(weight @ mean**2 - (weight @ mean) ** 2)
        shapes.append(float(shape))
    return float(np.mean(variances)), float(np.median(shapes))
