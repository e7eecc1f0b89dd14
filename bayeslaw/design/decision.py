"""Decisions: ranked plans, what they buy and the reason for the choice."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from bayeslaw.design.checks import Check
from bayeslaw.design.plan import Plan
from bayeslaw.prediction import Target

# Linear-Gaussian conditioning is within 2.2 % of refitting, so smaller gaps decide nothing.
TIE = 0.025
_Z90 = 1.6448536269514722
_ROUNDING = 1e-3
_NOTES = {
    "prediction": (
        "One target leaves no choice to improve, so evsi and evpi are the expected and the largest "
        "possible fall of its squared error (variance of log loss of the curve); regret is the "
        "expected sd above the best plan's. sd and width90 are fractions of the loss."
    ),
    "choice": (
        "sd and width90 are of the gap between the two candidates ahead, as fractions of the loss; "
        "evsi, evpi and regret are log losses: what the candidate chosen after the plan is "
        "expected to gain, could gain at most, and still to lose against the best; pcs is the "
        "probability that it is the best; net_flops is the compute at the target that would lower "
        "the loss by evsi, less the plan's cost."
    ),
}


@dataclass(frozen=True)
class Variance:
    """Variances of the log loss at the target, or of the gap between two candidates.

    Attributes
    ----------
    discrepancy : of the true curve around the law; runs near the target remove it.
    seed : of a run around the curve; it averages out over seeds, but not for the target itself.
    checkpoint : of its last checkpoint around the run.
    parameters : of the law; runs anywhere remove it.
    shared : twice the covariance of law and discrepancy, below zero where data fix their sum.
    """

    discrepancy: float
    seed: float
    checkpoint: float
    parameters: float = 0.0
    shared: float = 0.0


@dataclass(frozen=True, eq=False)
class PlanValue:
    """What a plan is expected to buy.

    Attributes
    ----------
    plan : the runs.
    sd : expected s.d. of the target's log loss afterwards, or of the gap of a choice.
    sd_error : its Monte Carlo error.
    information : on the target's curve, in nats.
    evsi : expected value of sample information: of a choice in log loss, of a forecast the fall
        of its squared error.
    regret : of a choice what it is still expected to lose; of a forecast the s.d. above the best
        plan's.
    pcs : probability of choosing the best candidate; None for a forecast.
    left : where the variance left comes from.
    net : of a choice, the compute at the target that ``evsi`` is worth less the plan's cost, in
        FLOP; None for a forecast, or where the law gives compute no price.
    check : what two other estimators say of it; None for more than ten settings.
    """

    plan: Plan
    sd: float
    sd_error: float
    information: float
    evsi: float
    regret: float = 0.0
    pcs: float | None = None
    left: Variance | None = None
    net: float | None = None
    check: Check | None = None


@dataclass(frozen=True, eq=False)
class Decision:
    """Plans for one target, or for a choice between candidates, best first.

    Attributes
    ----------
    targets : what is to be forecast, or the candidates.
    values : plans with their worth, by expected s.d. or regret.
    now_sd : s.d. of the target's log loss, that is of its relative loss, before any plan; of the
        gap between the two candidates ahead for a choice.
    loss : median loss of the (best) target's curve in nats per token.
    variance : where the uncertainty comes from.
    evpi : expected value of perfect information, the limit of every plan's ``evsi``.
    seed : seed of the random numbers.
    pcs_now, regret_now : of a choice without another run.
    price : money per FLOP, if known.
    budget : compute there is in FLOP, if known.
    extrapolation_factor : compute of the target over the largest seen.
    notes : warnings about the targets.
    healthy : whether the fit passed its gate.
    """

    targets: tuple[Target, ...]
    values: tuple[PlanValue, ...]
    now_sd: float
    loss: float
    variance: Variance
    evpi: float
    seed: int
    pcs_now: float | None = None
    regret_now: float | None = None
    price: float | None = None
    budget: float | None = None
    extrapolation_factor: float = 1.0
    notes: tuple[str, ...] = ()
    healthy: bool = True

    @property
    def target(self) -> Target:
        """The target, or the first candidate."""
        return self.targets[0]

    @property
    def choosing(self) -> bool:
        """Whether candidates are to be chosen from."""
        return len(self.targets) > 1

    @cached_property
    def recommended(self) -> PlanValue:
        """The best plan; among ties the cheapest, and at one cost the one of most settings.

        Plans tie within 2.5 % of expected s.d. (of a choice: of the value of perfect information)
        or two Monte Carlo errors. Several settings show curvature and broken runs, which a single
        run hides. Plans above the budget are passed over unless all are.
        """
        paid = [v for v in self.values if not self.over_budget(v)] or list(self.values)
        best = paid[0]
        if self.choosing:
            ties = [v for v in paid if v.regret - best.regret <= TIE * self.evpi]
        else:
            ties = [
                v
                for v in paid
                if v.sd - best.sd <= max(TIE * best.sd, 2 * max(v.sd_error, best.sd_error))
            ]
        cheapest = min(v.plan.cost for v in ties)
        return min(
            (v for v in ties if v.plan.cost <= (1 + TIE) * cheapest),
            key=lambda v: (-len(v.plan.runs), v.sd),
        )

    def over_budget(self, value: PlanValue) -> bool:
        """Return whether a plan costs more than there is."""
        return self.budget is not None and value.plan.cost > self.budget * (1 + _ROUNDING)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What to beware of: in the targets, in the plans' cost and in their value."""
        dear = [
            f"'{v.plan.name}' costs {v.plan.cost / self.budget:.3g} times the budget"
            for v in self.values
            if self.budget and self.over_budget(v)
        ]
        doubtful = [
            f"the value of '{v.plan.name}' is doubtful: the posterior mean is not linear in its "
            f"outcomes (a cubic explains {v.check.curvature:.1%} more), and re-weighted draws put "
            f"the s.d. at {v.check.sd:.2%} instead of {v.sd:.2%}"
            for v in self.values
            if v.check is not None and v.check.flagged
        ]
        return (*self.notes, *dear, *doubtful)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per plan: name, cost in FLOP, runs, expected s.d. and 90 % width."""
        rows = []
        for v in self.values:
            row = {"plan": v.plan.name, "cost": v.plan.cost, "runs": v.plan.n_runs}
            if self.price is not None:
                row["price"] = v.plan.cost * self.price
            row |= self._widths(v.sd)
            row |= {"sd_error": v.sd_error, "information": v.information}
            row |= {"evsi": v.evsi, "regret": v.regret}
            if self.choosing:
                row |= {"pcs": v.pcs, "net": v.net}
            rows.append(row)
        return pd.DataFrame(rows)

    @cached_property
    def reason(self) -> str:
        """Why the recommended plan, with the numbers that decide."""
        chosen, now = self.recommended, self.now_sd
        rest = [v for v in self.values if v is not chosen]
        seed = (self.variance.seed + self.variance.checkpoint) ** 0.5
        discrepancy = self.variance.discrepancy**0.5
        where = "in the gap" if self.choosing else "at the target"
        parts = [
            f"seed noise {seed:.2%} is below the discrepancy {discrepancy:.2%} {where}: "
            "spread sizes and token counts rather than repeat seeds"
            if seed < discrepancy
            else f"seed noise {seed:.2%} is above the discrepancy {discrepancy:.2%} {where}: "
            "repeats average out the larger part",
        ]
        if self.choosing:
            parts.append(
                f"'{chosen.plan.name}' raises the probability of choosing the best from "
                f"{self.pcs_now:.0%} to {chosen.pcs:.0%} and lowers the expected regret from "
                f"{self.regret_now:.2%} to {chosen.regret:.2%} of the loss"
            )
        else:
            parts.append(
                f"'{chosen.plan.name}' is expected to leave an s.d. of {chosen.sd:.2%} "
                f"(now {now:.2%})"
            )
        if rest:
            measure = "regret" if self.choosing else "sd"
            others = ", ".join(f"'{v.plan.name}' {getattr(v, measure):.2%}" for v in rest[:4])
            parts.append(f"beside {others}")
        if chosen is not self.values[0]:
            parts.append("the difference to the best is a tie, broken by cost, then by settings")
        gain = chosen.evsi < TIE * self.evpi if self.choosing else 1 - chosen.sd / now < TIE
        if gain:
            what = "improves the choice" if self.choosing else "narrows the forecast"
            parts.append(f"no plan {what} by more than {TIE:.1%}, keep the money")
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
        lines = [self._question(), self._standing()]
        for v in self.values:
            w = self._widths(v.sd)
            line = f"  {v.plan.name}: {v.plan.cost:.3g} FLOP, {v.plan.n_runs} runs -> "
            if v.pcs is not None:
                line += f"P(right) {v.pcs:.0%}, regret {v.regret:.2%}, gap "
            lines.append(
                f"{line}s.d. {v.sd:.2%}, 90 % width {w['width90']:.2%} ({w['width90_nats']:.3g} "
                "nats)"
            )
        lines += [f"Recommended: {self.recommended.plan.name}. {self.reason}"]
        if not self.healthy:
            lines.append("The fit failed its health gate: do not rely on this ranking.")
        return "\n".join([*lines, *self.warnings])

    def _question(self) -> str:
        t = self.target
        who = f"Choice between {', '.join(str(t.family) for t in self.targets)}"
        return (
            f"{who if self.choosing else f'Target {t.family}'}: {t.params:.3g} params, "
            f"{t.tokens:.3g} tokens ({t.kind}), {self.extrapolation_factor:.3g} times the largest "
            "compute seen."
        )

    def _standing(self) -> str:
        now = self._widths(self.now_sd)
        choice = (
            f"P(right) {self.pcs_now:.0%}, expected regret {self.regret_now:.2%} of the loss, gap "
            if self.choosing
            else ""
        )
        return (
            f"Now: {choice}s.d. {now['sd']:.2%} of the loss, 90 % width {now['width90']:.2%} "
            f"({now['width90_nats']:.3g} nats)."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON form."""
        plans = []
        for v in self.values:
            made = {
                "name": v.plan.name,
                "cost": v.plan.cost,
                "runs": v.plan.records(),
                **self._widths(v.sd),
                "sd_error": v.sd_error,
                "information": v.information,
                "evsi": v.evsi,
                "regret": v.regret,
            }
            if self.price is not None:
                made["price"] = v.plan.cost * self.price
            if v.pcs is not None:
                made |= {"pcs": v.pcs, "net_flops": v.net}
            if v.left is not None:
                made["left"] = asdict(v.left)
            if v.check is not None:
                made["check"] = asdict(v.check)
            if self.budget is not None:
                made["over_budget"] = self.over_budget(v)
            plans.append(made)
        now: dict[str, Any] = {**self._widths(self.now_sd), "evpi": self.evpi}
        if self.choosing:
            now |= {"pcs": self.pcs_now, "regret": self.regret_now}
        utility = "choice" if self.choosing else "prediction"
        asked = [
            {"family": t.family, "params": t.params, "tokens": t.tokens, "kind": t.kind}
            for t in self.targets
        ]
        return {
            "utility": utility,
            "target": asked[0] | {"extrapolation_factor": self.extrapolation_factor},
            **({"candidates": asked} if self.choosing else {}),
            "seed": self.seed,
            "now": now,
            "plans": plans,
            "recommendation": {"plan": self.recommended.plan.name, "reason": self.reason},
            "variance": asdict(self.variance),
            "note": _NOTES[utility],
            "warnings": list(self.warnings),
        }

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
