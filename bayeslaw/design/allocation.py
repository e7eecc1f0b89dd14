"""Allocation: how large a model, and how much data, a budget should buy."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.design.beliefs import family_draws
from bayeslaw.design.optimum import INFERENCE, TRAINING, Frontier
from bayeslaw.design.rows import positive
from bayeslaw.errors import ExtrapolationWarning, FitError, TargetError
from bayeslaw.inference import Fit
from bayeslaw.inference.result import summary
from bayeslaw.prediction import Target, forecast

_PLAN = "allocation"  # what messages call it
_FAR_RATIO = 2.0  # times the largest tokens per parameter of the runs
_LEAST_INSIDE = 0.5  # share of draws that must have an optimum
_LEVELS = (0.5, 0.25)
_SPAN, _FINE = 6.0, 241  # e-folds either side, and points, where near-optimal sizes are looked for


@dataclass(frozen=True)
class NearOptimal:
    """Sizes whose loss is within a slack of the best, each with at least this probability.

    Attributes
    ----------
    low, high : params.
    slack : allowed excess, as a fraction of the loss.
    probability : that any one size between them is within it.
    """

    low: float
    high: float
    slack: float
    probability: float


@dataclass(frozen=True, eq=False)
class Lifetime:
    """The cheapest model over training and inference, at the loss of the training optimum.

    Attributes
    ----------
    served : tokens of inference.
    params, tokens : at each draw.
    saving : share of training plus inference compute saved against the training optimum.
    """

    served: float
    params: np.ndarray
    tokens: np.ndarray
    saving: np.ndarray


@dataclass(frozen=True, eq=False)
class Optimum:
    """The best use of one budget.

    Attributes
    ----------
    flops : the budget.
    params, tokens : N* and D* at each draw, before any limit.
    advised : params and tokens to train, within the limits: the median.
    loss : draws of the loss of the curve there, discrepancy included.
    near : sizes that are almost as good.
    limited : what holds the advice back: ``"tokens"``, ``"params"``, both or nothing.
    penalty : median loss owed to the limits, in nats.
    per_doubling : median loss in nats that twice the budget would take off.
    lifetime : the cheapest to train and to serve, if tokens are to be served.
    extrapolation_factor, notes : how far beyond the runs the advice is.
    """

    flops: float
    params: np.ndarray
    tokens: np.ndarray
    advised: tuple[float, float]
    loss: np.ndarray
    near: NearOptimal
    limited: tuple[str, ...]
    penalty: float
    per_doubling: float
    lifetime: Lifetime | None
    extrapolation_factor: float
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Allocation:
    """Compute-optimal sizes and data of one family, as posteriors.

    Attributes
    ----------
    family : whose runs.
    a, b : draws of the exponents of N* ~ C^a and D* ~ C^b, at the first budget.
    optima : one per budget.
    closed_form : whether the law's optimum is known in closed form.
    price : money per FLOP, if known.
    healthy : whether the fit passed its gate.
    """

    family: str
    a: np.ndarray
    b: np.ndarray
    optima: tuple[Optimum, ...]
    closed_form: bool
    price: float | None = None
    healthy: bool = True

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per budget: medians and 90 % intervals of N*, D*, D*/N* and the loss."""
        rows = []
        for o in self.optima:
            row: dict[str, Any] = {"family": self.family, "flops": o.flops}
            quantities = {
                "params": o.params, "tokens": o.tokens, "ratio": o.tokens / o.params,
                "loss": o.loss,
            }  # fmt: skip
            for name, draws in quantities.items():
                low, row[name], high = np.quantile(draws, [0.05, 0.5, 0.95])
                row |= {f"{name}_low90": low, f"{name}_high90": high}
            row |= {"near_low": o.near.low, "near_high": o.near.high}
            row |= {"advised_params": o.advised[0], "advised_tokens": o.advised[1]}
            if self.price is not None:
                row |= {"price": o.flops * self.price}
            rows.append(row)
        return pd.DataFrame(rows)

    @property
    def text(self) -> str:
        """The advice in a few lines."""
        low, middle, high = np.quantile(self.a, [0.05, 0.5, 0.95])
        lines = [
            f"{self.family}: N* grows as C^{middle:.3f} (90 %: {low:.3f} to {high:.3f}), D* as "
            f"C^{np.median(self.b):.3f}."
        ]
        for o in self.optima:
            n, d = o.advised
            size = np.quantile(o.params, [0.05, 0.95])
            loss = np.quantile(o.loss, [0.05, 0.5, 0.95])
            lines.append(
                f"{o.flops:.3g} FLOP: train {n:.3g} params on {d:.3g} tokens ({d / n:.3g} per "
                f"param); N* 90 %: {size[0]:.3g} to {size[1]:.3g}; loss {loss[1]:.3f} "
                f"({loss[0]:.3f} to {loss[2]:.3f})."
            )
            lines.append(
                f"  {o.near.low:.3g} to {o.near.high:.3g} params lose at most {o.near.slack:.2%} "
                f"of the loss with probability {o.near.probability:.0%} each; twice the budget "
                f"takes off {o.per_doubling:.3g} nats."
            )
            if o.limited:
                lines.append(
                    f"  limited by {' and '.join(o.limited)}: {o.penalty:.3g} nats above the best "
                    "of the budget."
                )
            if o.lifetime is not None:
                lines.append(_served(o.lifetime))
            lines += [f"  {note}" for note in o.notes]
        if not self.healthy:
            lines.append("The fit failed its health gate: do not rely on this.")
        return "\n".join(lines)

    def exponents(self) -> dict[str, Any]:
        """Return the summary of the exponents a and b."""
        return {"a": summary(self.a), "b": summary(self.b)}

    def records(self) -> list[dict[str, Any]]:
        """Return one record per budget in the contract's JSON form."""
        return [self._record(o) for o in self.optima]

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON form."""
        return {"exponents": self.exponents(), "allocations": self.records()}

    def _record(self, o: Optimum) -> dict[str, Any]:
        out: dict[str, Any] = {
            "family": self.family,
            "flops": o.flops,
            "params": summary(o.params),
            "tokens": summary(o.tokens),
            "tokens_per_param": summary(o.tokens / o.params),
            "loss": summary(o.loss),
            "near_optimal": {
                "params": [o.near.low, o.near.high],
                "loss_slack": o.near.slack,
                "probability": o.near.probability,
            },
            "advised": {"params": o.advised[0], "tokens": o.advised[1]},
            "limited_by": list(o.limited),
            "penalty_nats": o.penalty,
            "nats_per_doubling": o.per_doubling,
            "extrapolation_factor": o.extrapolation_factor,
            "warnings": list(o.notes),
        }
        if self.price is not None:
            # At the margin: a doubling adds the budget once more.
            out["price"] = o.flops * self.price
            out["nats_per_money"] = o.per_doubling / np.log(2) / out["price"]
        if o.lifetime is not None:
            served = o.lifetime
            out["lifetime"] = {
                "inference_tokens": served.served,
                "params": summary(served.params),
                "tokens": summary(served.tokens),
                "saving": summary(served.saving),
            }
        return out

    def __repr__(self) -> str:
        return f"<Allocation>\n{self.text}"


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
        compute, 6 N D + 2 N T, is reported that reaches the loss of the budget's optimum; it is
        smaller and trained for longer.
    max_params, max_tokens : the largest model, and all the data, there can be.
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
    n, d = _limited(flops, float(np.exp(np.median(size))), most_n, most_d)
    limited = tuple(
        what
        for what, value, most in (("params", n, most_n), ("tokens", d, most_d))
        if most is not None and value >= most * (1 - 1e-12)
    )
    best = frontier.best_loss(flops)
    there = frontier.loss(np.full((1, 1), np.log(n)), np.full((1, 1), np.log(d)))[:, 0]
    lifetime = None
    if served is not None:
        small, long = frontier.cheapest_to_serve(flops, served)
        before = TRAINING * np.exp(size + data) + INFERENCE * np.exp(size) * served
        after = TRAINING * np.exp(small + long) + INFERENCE * np.exp(small) * served
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
        near=_near(frontier, flops, size, slack, probability),
        limited=limited,
        penalty=float(np.median(there - best)) if limited else 0.0,
        per_doubling=float(np.median(best - frontier.best_loss(2 * flops))),
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
    flops: float, n: float, most_n: float | None, most_d: float | None
) -> tuple[float, float]:
    """Return size and data within the limits; if both bind, some of the budget stays unspent."""
    if most_n is not None:
        n = min(n, most_n)
    d = flops / (TRAINING * n)
    if most_d is not None and d > most_d:
        d = most_d
        n = flops / (TRAINING * d) if most_n is None else min(flops / (TRAINING * d), most_n)
    return n, d


def _near(
    frontier: Frontier, flops: float, size: np.ndarray, slack: float, probability: float
) -> NearOptimal:
    """Return the sizes that are within a slack of the best with a probability."""
    grid = np.median(size) + np.linspace(-_SPAN, _SPAN, _FINE)
    best = frontier.on_line(flops, size[:, None])
    within = frontier.on_line(flops, np.broadcast_to(grid, (len(size), _FINE)))
    chance = (within <= best * (1 + slack)).mean(axis=0)
    top = float(chance.max())
    # Where no size is safe, the less likely ones are told, and how likely they are.
    level = next((p for p in (probability, *_LEVELS) if p <= min(probability, top)), top)
    good = np.exp(grid[chance >= level])
    return NearOptimal(float(good[0]), float(good[-1]), slack, level)


def _served(lifetime: Lifetime) -> str:
    n, d = np.median(lifetime.params), np.median(lifetime.tokens)
    low, middle, high = np.quantile(lifetime.saving, [0.05, 0.5, 0.95])
    return (
        f"  to serve {lifetime.served:.3g} tokens at that loss, train {n:.3g} params on {d:.3g} "
        f"tokens ({d / n:.3g} per param): {middle:.1%} less compute over its life (90 %: "
        f"{low:.1%} to {high:.1%})."
    )
