"""Decisions: ranked plans, what they buy and the reason for the choice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from bayeslaw.design.plan import Plan
from bayeslaw.prediction import Target

# Linear-Gaussian conditioning is within 2.2 % of refitting, so smaller gaps decide nothing.
TIE = 0.025
_Z90 = 1.6448536269514722
_NOTE = (
    "evsi needs a choice between candidates; one target has none. regret is the expected sd above "
    "the best plan's. sd and width90 are fractions of the loss."
)


@dataclass(frozen=True)
class Variance:
    """Variances of the log loss at the target, before anything is bought.

    Attributes
    ----------
    discrepancy : of the true curve around the law.
    seed : of a run around the curve.
    checkpoint : of its last checkpoint around the run.
    """

    discrepancy: float
    seed: float
    checkpoint: float


@dataclass(frozen=True, eq=False)
class PlanValue:
    """What a plan is expected to buy.

    Attributes
    ----------
    plan : the runs.
    sd : expected s.d. of the target's log loss afterwards.
    sd_error : its Monte Carlo error.
    information : on the target's curve, in nats.
    """

    plan: Plan
    sd: float
    sd_error: float
    information: float


@dataclass(frozen=True, eq=False)
class Decision:
    """Plans for one target, best first.

    There is no value of information here: ``evsi`` is None, because a single target leaves no
    choice to improve; ``regret`` is a plan's expected s.d. above the best plan's.

    Attributes
    ----------
    target : what is to be forecast.
    values : plans with their worth, by expected s.d.
    now_sd : s.d. of the target's log loss, that is of its relative loss, before any plan.
    loss : median loss of the target's curve in nats per token.
    variance : where the uncertainty comes from.
    seed : seed of the random numbers.
    price : money per FLOP, if known.
    extrapolation_factor : compute of the target over the largest seen.
    notes : warnings about the target.
    healthy : whether the fit passed its gate.
    """

    target: Target
    values: tuple[PlanValue, ...]
    now_sd: float
    loss: float
    variance: Variance
    seed: int
    price: float | None = None
    extrapolation_factor: float = 1.0
    notes: tuple[str, ...] = ()
    healthy: bool = True

    @cached_property
    def recommended(self) -> PlanValue:
        """The best plan; among ties the cheapest, and at one cost the one of most settings.

        Plans tie within 2.5 % of expected s.d. or two Monte Carlo errors. Several settings show
        curvature and broken runs, which a single run hides.
        """
        best = self.values[0]
        ties = [
            v
            for v in self.values
            if v.sd - best.sd <= max(TIE * best.sd, 2 * max(v.sd_error, best.sd_error))
        ]
        cheapest = min(v.plan.cost for v in ties)
        return min(
            (v for v in ties if v.plan.cost <= (1 + TIE) * cheapest),
            key=lambda v: (-len(v.plan.runs), v.sd),
        )

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per plan: name, cost in FLOP, runs, expected s.d. and 90 % width."""
        rows = []
        for v in self.values:
            row = {"plan": v.plan.name, "cost": v.plan.cost, "runs": v.plan.n_runs}
            if self.price is not None:
                row["price"] = v.plan.cost * self.price
            row |= self._widths(v.sd)
            row |= {
                "sd_error": v.sd_error,
                "information": v.information,
                "regret": v.sd - self.values[0].sd,
            }
            rows.append(row)
        return pd.DataFrame(rows)

    @cached_property
    def reason(self) -> str:
        """Why the recommended plan, with the numbers that decide."""
        chosen, now = self.recommended, self.now_sd
        rest = [v for v in self.values if v is not chosen]
        seed = (self.variance.seed + self.variance.checkpoint) ** 0.5
        discrepancy = self.variance.discrepancy**0.5
        below = seed < discrepancy
        gain = 1 - chosen.sd / now
        parts = [
            f"seed noise {seed:.2%} is below the discrepancy {discrepancy:.2%} at the target: "
            "spread sizes and token counts, do not repeat seeds"
            if below
            else f"seed noise {seed:.2%} is above the discrepancy {discrepancy:.2%} at the "
            "target: repeats average out the larger part",
            f"'{chosen.plan.name}' is expected to leave an s.d. of {chosen.sd:.2%} (now {now:.2%})",
        ]
        if rest:
            others = ", ".join(f"'{v.plan.name}' {v.sd:.2%}" for v in rest[:4])
            parts.append(f"beside {others}")
        if chosen is not self.values[0]:
            parts.append("the difference to the best is a tie, broken by cost, then by settings")
        if gain < TIE:
            parts.append(f"no plan narrows the forecast by more than {TIE:.1%}, keep the money")
        costs = [v.plan.cost for v in self.values]
        if max(costs) > 1.05 * min(costs):
            parts.append(
                f"costs differ by up to {max(costs) / min(costs):.3g} times, and the ranking does "
                "not weigh them"
            )
        text = "; ".join(parts)
        return text[0].upper() + text[1:] + "."

    @property
    def text(self) -> str:
        """The decision in about ten lines."""
        t = self.target
        now = self._widths(self.now_sd)
        lines = [
            f"Target {t.family}: {t.params:.3g} params, {t.tokens:.3g} tokens ({t.kind}), "
            f"{self.extrapolation_factor:.3g} times the largest compute seen.",
            f"Now: s.d. {now['sd']:.2%} of the loss, 90 % width {now['width90']:.2%} "
            f"({now['width90_nats']:.3g} nats).",
        ]
        for v in self.values:
            w = self._widths(v.sd)
            lines.append(
                f"  {v.plan.name}: {v.plan.cost:.3g} FLOP, {v.plan.n_runs} runs -> s.d. "
                f"{v.sd:.2%}, 90 % width {w['width90']:.2%} ({w['width90_nats']:.3g} nats)"
            )
        lines += [f"Recommended: {self.recommended.plan.name}. {self.reason}"]
        if not self.healthy:
            lines.append("The fit failed its health gate: do not rely on this ranking.")
        return "\n".join([*lines, *self.notes])

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON form."""
        best = self.values[0].sd
        plans = [
            {
                "name": v.plan.name,
                "cost": v.plan.cost,
                "runs": v.plan.records(),
                **self._widths(v.sd),
                "sd_error": v.sd_error,
                "information": v.information,
                "evsi": None,
                "regret": v.sd - best,
            }
            for v in self.values
        ]
        t = self.target
        return {
            "target": {
                "family": t.family, "params": t.params, "tokens": t.tokens, "kind": t.kind,
                "extrapolation_factor": self.extrapolation_factor,
            },
            "seed": self.seed,
            "now": self._widths(self.now_sd),
            "plans": plans,
            "recommendation": {"plan": self.recommended.plan.name, "reason": self.reason},
            "variance": {
                "discrepancy": self.variance.discrepancy,
                "seed": self.variance.seed,
                "checkpoint": self.variance.checkpoint,
            },
            "note": _NOTE,
            "warnings": list(self.notes),
        }  # fmt: skip

    def _widths(self, sd: float) -> dict[str, float]:
        """Return s.d. and 90 % width, of a normal, as fractions of the loss and in nats."""
        width = 2 * _Z90 * sd
        return {
            "sd": sd,
            "width90": width,
            "sd_nats": sd * self.loss,
            "width90_nats": width * self.loss,
        }

    def __repr__(self) -> str:
        plans = ", ".join(f"{v.plan.name} {v.sd:.2%}" for v in self.values[:6])
        return f"<Decision: {self.recommended.plan.name}; s.d. now {self.now_sd:.2%}, then {plans}>"
