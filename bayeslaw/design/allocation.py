"""Allocation: how large a model, and how much data, a budget should buy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw.inference.result import summary


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

    def per_money(self, o: Optimum) -> float | None:
        """Return the nats that one more unit of money would take off at a budget, if priced."""
        if self.price is None:
            return None
        # At the margin: a doubling adds the budget once more.
        return o.per_doubling / np.log(2) / (o.flops * self.price)

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
            out["price"] = o.flops * self.price
            out["nats_per_money"] = self.per_money(o)
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


def _served(lifetime: Lifetime) -> str:
    n, d = np.median(lifetime.params), np.median(lifetime.tokens)
    low, middle, high = np.quantile(lifetime.saving, [0.05, 0.5, 0.95])
    return (
        f"  to serve {lifetime.served:.3g} tokens at that loss, train {n:.3g} params on {d:.3g} "
        f"tokens ({d / n:.3g} per param): {middle:.1%} less compute over its life (90 %: "
        f"{low:.1%} to {high:.1%})."
    )
