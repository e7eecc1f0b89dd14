"""Budgets: where a family's law is lowest on a line of equal compute, within limits."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from bayeslaw import names
from bayeslaw.design.allocation import Allocation, Lifetime, NearOptimal, Optimum
from bayeslaw.design.beliefs import family_draws
from bayeslaw.design.optimum import INFERENCE, TRAINING, Frontier
from bayeslaw.design.rows import positive
from bayeslaw.errors import ExtrapolationWarning, FitError, TargetError
from bayeslaw.inference import Fit
from bayeslaw.prediction import Target, forecast

#: log N and log D, at each draw.
Point = tuple[np.ndarray, np.ndarray]

_PLAN = "allocation"  # what messages call it
_FAR_RATIO = 2.0  # times the largest tokens per parameter of the runs
_LEAST_INSIDE = 0.5  # share of draws that must have an optimum
_LEVELS = (0.5, 0.25)
_RISE = 0.1  # e-folds of compute over which the fall of the loss is taken
_SPAN, _FINE = 6.0, 241  # e-folds either side, and points, where near-optimal sizes are looked for


def allocate(
    fit: Fit,
    budget: float | str | Sequence[float | str],
    *,
    family: str | None = None,
    inference_tokens: float | str | None = None,
    max_params: float | str | None = None,
    max_tokens: float | str | None = None,
    loss_slack: float = 0.005,
    probability: float = 0.9,
    price: float | None = None,
    given: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Allocation:
    """Return the posterior of the compute-optimal size and data of a budget, C = 6 N D.

    At every draw the law is minimised along the line of equal compute, in closed form where the
    law has one. The discrepancy is part of the loss that is reported, not of where it is lowest.

    Parameters
    ----------
    fit : the posterior.
    budget : training compute in FLOP, one or several.
    family : whose law; one without rows is drawn from the population. May be left out if the fit
        has one family.
    inference_tokens : tokens to be served. Then also the model of least training plus inference
        compute, 6 N D + 2 N T, is reported that reaches the loss of the budget's optimum within
        the limits; it is smaller and trained for longer.
    max_params, max_tokens : the largest model, and all the data, there can be. They hold for the
        advice, the near-optimal sizes and the model to be served, not for N* and D*.
    loss_slack : loss above the best that still counts as near-optimal, as a fraction.
    probability : that each near-optimal size is within the slack; if no size reaches it, .5, .25
        or the highest there is.
    price : cost of one FLOP in money.
    given : values of other inputs of the law.
    seed : seed of the random numbers.

    Returns
    -------
    Allocation

    Raises
    ------
    TargetError
        If a quantity is not positive or the family is not clear.
    LawError
        If the law has no trade between size and data.
    FitError
        If most draws have no optimum inside a sensible range.

    References
    ----------
    arXiv:2203.15556 for the closed form; arXiv:2401.00448 treats the cost of serving.
    """
    budgets = [budget] if isinstance(budget, str | int | float) else list(budget)
    flops = [positive(v, _PLAN, "budget") for v in budgets]
    if not flops:
        raise TargetError("no budget was given; expected one or more, in FLOP, such as 1e24.")
    most_n, most_d, served = (
        None if v is None else positive(v, _PLAN, what)
        for v, what in (
            (max_params, "max_params"), (max_tokens, "max_tokens"),
            (inference_tokens, "inference_tokens"),
        )
    )  # fmt: skip
    for name, value in (("loss_slack", loss_slack), ("probability", probability)):
        if not 0 < value < 1:
            raise TargetError(f"{name} is {value:g}; expected between 0 and 1.")
    family = one_family(fit, family)
    frontier = frontier_of(fit, family, given or {}, seed)
    a = frontier.exponent(flops[0])
    a = a[np.isfinite(a)]
    optima = []
    for c in flops:
        optima.append(
            _optimum(
                fit, frontier, family, c, most_n=most_n, most_d=most_d, served=served,
                slack=loss_slack, probability=probability, seed=seed,
            )
        )  # fmt: skip
    return Allocation(
        family, a, 1 - a, tuple(optima), frontier.additive is not None, price, fit.health.ok
    )


def frontier_of(fit: Fit, family: str, given: Mapping[str, float], seed: int) -> Frontier:
    """Return a family's law at every draw, ready to be minimised."""
    own = family_draws(fit, family, seed)
    parameters = {n: v.ravel() for n, v in own.parameters.items()}
    return Frontier(fit.law, fit.layout.references, parameters, given)


def flops_per_log_loss(fit: Fit, targets: Sequence[Target], seed: int) -> float | None:
    """Return the compute that one unit of log loss is worth at the cheapest target.

    Size and data grow alike. None for a law without a trade between them.
    """
    if not {names.PARAMS, names.TOKENS} <= set(fit.law.input_names):
        return None
    found = []
    for t in targets:
        frontier = frontier_of(fit, str(t.family), t.inputs, seed)
        at = [np.log([[v]]) for v in (t.params, t.tokens)]
        here, there = (frontier.loss(*(v + h / 2 for v in at))[:, 0] for h in (0.0, _RISE))
        slope = float(np.median(np.log(here / there))) / _RISE
        if slope > 0:
            found.append(float(t.flops or TRAINING * t.params * t.tokens) / slope)
    return min(found, default=None)


def one_family(fit: Fit, family: str | None) -> str:
    """Return the family that is asked for, or the only one.

    Raises
    ------
    TargetError
        If none is named and there are several.
    """
    if family is not None:
        return family
    if len(fit.families) > 1:
        raise TargetError(
            f"no family was named and the fit has {len(fit.families)}: "
            f"{', '.join(fit.families[:8])}. Name the one to allocate for."
        )
    return str(next(iter(fit.families)))


def _optimum(
    fit: Fit,
    frontier: Frontier,
    family: str,
    flops: float,
    *,
    most_n: float | None,
    most_d: float | None,
    served: float | None,
    slack: float,
    probability: float,
    seed: int,
) -> Optimum:
    size = frontier.best_size(flops)
    inside = np.isfinite(size)
    notes = []
    if inside.mean() < _LEAST_INSIDE:
        raise FitError(
            f"at {flops:.3g} FLOP only {inside.mean():.0%} of the draws of '{family}' have a best "
            "size; expected most of them. Add runs at other tokens per parameter."
        )
    if not inside.all():
        notes.append(f"{1 - inside.mean():.0%} of the draws have no best size and are left out")
        kept = {n: v[inside] for n, v in frontier.parameters.items()}
        frontier = Frontier(frontier.law, frontier.references, kept, frontier.given)
        size = size[inside]
    data = np.log(flops / TRAINING) - size
    n, d = (float(v) for v in _limited(flops, np.exp(np.median(size)), most_n, most_d))
    limited = tuple(
        what
        for what, value, most in (("params", n, most_n), ("tokens", d, most_d))
        if most is not None and value >= most * (1 - 1e-12)
    )
    best = frontier.best_loss(flops)
    there = frontier.loss(np.full((1, 1), np.log(n)), np.full((1, 1), np.log(d)))[:, 0]
    within = _within(frontier, flops, most_n, most_d)
    twice = _within(frontier, 2 * flops, most_n, most_d)
    falls = _loss(frontier, within) - _loss(frontier, twice)
    lifetime = None
    if served is not None:
        small, long = frontier.cheapest_to_serve(*within, served, most_d or np.inf)
        before, after = (
            np.exp(u) * (TRAINING * np.exp(v) + INFERENCE * served)
            for u, v in (within, (small, long))
        )
        lifetime = Lifetime(served, np.exp(small), np.exp(long), 1 - after / before)
    with warnings.catch_warnings():
        # The allocation carries the notes of its forecast.
        warnings.simplefilter("ignore", ExtrapolationWarning)
        made = forecast(fit, _point(n, d, family, frontier.given), seed=seed)
    return Optimum(
        flops=flops,
        params=np.exp(size),
        tokens=np.exp(data),
        advised=(n, d),
        loss=made.draws.values.ravel(),
        near=_near(frontier, flops, within, (most_n, most_d), slack, probability),
        limited=limited,
        penalty=float(np.median(there - best)) if limited else 0.0,
        per_doubling=float(np.median(falls[np.isfinite(falls)])),
        lifetime=lifetime,
        extrapolation_factor=made.extrapolation[0],
        notes=(*notes, *made.notes[0], *_far_ratio(fit, family, n, d, lifetime)),
    )


def _far_ratio(fit: Fit, family: str, n: float, d: float, lifetime: Lifetime | None) -> list[str]:
    """Say where tokens per parameter lie far outside those of the runs."""
    table = fit.runs.table
    own = table[table[names.FAMILY] == family] if family in fit.families else table
    seen = own[names.TOKENS] / own[names.PARAMS]
    asked = {"trained": d / n}
    if lifetime is not None:
        asked["to be served"] = float(np.median(lifetime.tokens / lifetime.params))
    return [
        f"a model {what} on {ratio:.3g} tokens per parameter lies outside the {seen.min():.3g} to "
        f"{seen.max():.3g} of the runs; the law's form decides there. Add runs nearer to it"
        for what, ratio in asked.items()
        if ratio > _FAR_RATIO * seen.max() or ratio < seen.min() / _FAR_RATIO
    ]


def _point(n: float, d: float, family: str, given: Mapping[str, float]) -> Target:
    return Target(n, d, family, kind="mean", inputs=given)


def _limited(
    flops: float, n: np.ndarray, most_n: float | None, most_d: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return size and data within the limits; if both bind, some of the budget stays unspent."""
    highest = most_n or np.inf
    n = np.minimum(n, highest)
    if most_d is not None:
        n = np.minimum(np.maximum(n, flops / (TRAINING * most_d)), highest)
    return n, np.minimum(flops / (TRAINING * n), most_d or np.inf)


def _within(frontier: Frontier, flops: float, most_n: float | None, most_d: float | None) -> Point:
    """Return the best use of a budget within the limits, at each draw."""
    n, d = _limited(flops, np.exp(frontier.best_size(flops)), most_n, most_d)
    with np.errstate(divide="ignore"):  # where no size is best
        return np.log(n), np.log(d)


def _loss(frontier: Frontier, at: Point) -> np.ndarray:
    return frontier.loss(at[0][:, None], at[1][:, None])[:, 0]


def _near(
    frontier: Frontier,
    flops: float,
    best: Point,
    limits: tuple[float | None, float | None],
    slack: float,
    probability: float,
) -> NearOptimal:
    """Return the sizes, within the limits, that are near the best there with a probability.

    Parameters
    ----------
    best : log N and log D, at each draw.
    limits : on params and tokens.
    """
    grid = np.exp(np.median(best[0]) + np.linspace(-_SPAN, _SPAN, _FINE))
    n, d = _limited(flops, grid, *limits)
    least = _loss(frontier, best)[:, None]
    within = frontier.loss(np.log(n)[None], np.log(d)[None]) <= least * (1 + slack)
    chance = within.mean(axis=0)
    top = float(chance.max())
    # Where no size is safe, the less likely ones are told, and how likely they are.
    level = next((p for p in (probability, *_LEVELS) if p <= min(probability, top)), top)
    good = n[chance >= level]
    return NearOptimal(float(good[0]), float(good[-1]), slack, level)
