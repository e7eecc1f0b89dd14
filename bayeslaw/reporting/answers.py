"""The questions a report answers, the answers in a sentence each, and what to know before."""

from __future__ import annotations

import numpy as np

from bayeslaw.design import Allocation, Comparison, Decision
from bayeslaw.prediction import Forecast, Target
from bayeslaw.reporting.results import Results
from bayeslaw.runs.quantities import quantity


def questions(results: Results) -> list[str]:
    """Return what was asked, a sentence for each kind of result."""
    out = []
    for made in results.forecasts[:1]:
        more = len(made.targets) - 1
        others = f" ({more} more target{'s' * (more > 1)} below.)" if more else ""
        out.append(f"What loss will {_run_at(made.targets[0])} reach?{others}")
    for choice in results.decisions[:1]:
        out.append(
            f"Which runs should be trained next to choose between {_families(choice)}?"
            if choice.choosing
            else f"Which runs should be trained next to forecast {_run_at(choice.target)}?"
        )
    for made in results.allocations[:1]:
        budgets = " or ".join(f"{o.flops:.3g}" for o in made.optima[:4])
        out.append(f"How large a model, on how many tokens, should {budgets} FLOP buy?")
    for made in results.comparisons[:1]:
        out.append(f"Which recipe has the lower loss at {_place(made.target)}?")
    if not out and results.cards:
        out.append("How well would runs that are already known have been forecast?")
    return out or ["What law do these runs follow?"]


def answers(results: Results) -> list[str]:
    """Return the answers, each in one sentence with its 90 % interval where there is one."""
    out = [_forecast(made) for made in results.forecasts[:1]]
    out += [_decision(choice) for choice in results.decisions[:1]]
    out += [_allocation(made) for made in results.allocations[:1]]
    out += [_comparison(made) for made in results.comparisons[:1]]
    if not out and results.cards:
        s = results.cards[0].summary
        low, high = results.cards[0].coverage_bounds["90"]
        out.append(
            f"Hidden runs were forecast with an error of {s['mean_are']:.2%}; 90 % intervals held "
            f"{s['coverage']['90']:.0%} of the time ({low:.0%} to {high:.0%} given the families)."
        )
    if not out and results.fits:
        fit = results.fits[0]
        out.append(f"{fit.law.name} fitted to {fit.runs.n_runs} runs of {len(fit.families)} "
                   "families.")  # fmt: skip
    return out or ["How often intervals like these have held."]


def alarms(results: Results) -> list[str]:
    """Return what a reader must know before anything else."""
    out = [
        "This fit is not trustworthy; its numbers are shown for inspection only. "
        + " ".join(str(f) for f in fit.health.failures)
        for fit in results.fits
        if not fit.health.ok
    ]
    advice = (*results.decisions, *results.allocations, *results.comparisons)
    if not results.fits and not all(made.healthy for made in advice):
        out.append("The fit failed its health gate; do not rely on this advice.")
    out += [
        "The back-test's refit failed its health gate; do not rely on the card."
        for card in results.cards
        if card.health is not None and not card.health.ok
    ]
    notes = [n for f in results.forecasts for group in f.notes for n in group]
    notes += [n for made in (*results.decisions, *results.comparisons) for n in made.notes]
    notes += [n for made in results.allocations for o in made.optima for n in o.notes]
    return list(dict.fromkeys(out + notes))


def _forecast(made: Forecast) -> str:
    r = made.records()[0]
    low, high = r["intervals"]["90"]
    text = _run_at(made.targets[0])
    return (
        f"{text[0].upper()}{text[1:]} is forecast at {r['median']:.3f} nats per token "
        f"(90 % interval {low:.3f} to {high:.3f})."
    )


def _decision(choice: Decision) -> str:
    best = choice.recommended
    if choice.choosing:
        return (
            f"Buy the plan '{best.plan.name}': the probability of choosing the best of "
            f"{_families(choice)} is expected to rise from {choice.pcs_now:.0%} to {best.pcs:.0%}."
        )
    now = choice.to_dict()["now"]["width90"]
    return (
        f"Buy the plan '{best.plan.name}': the forecast of {choice.target.family} is expected to "
        f"narrow from a 90 % width of {now:.2%} of the loss to {now * best.sd / choice.now_sd:.2%}."
    )


def _allocation(made: Allocation) -> str:
    best = made.optima[0]
    n, d = best.advised
    sizes = " to ".join(map(quantity, np.quantile(best.params, [0.05, 0.95])))
    low, middle, high = np.quantile(best.loss, [0.05, 0.5, 0.95])
    return (
        f"For {best.flops:.3g} FLOP train {quantity(n)} parameters on {quantity(d)} tokens of "
        f"{made.family} (best size, 90 % interval: {sizes}); the loss is forecast at {middle:.3f} "
        f"nats per token (90 % interval {low:.3f} to {high:.3f})."
    )


def _comparison(made: Comparison) -> str:
    pair = made.pairs[0]
    low, middle, high = np.quantile(pair.gap, [0.05, 0.5, 0.95])
    return (
        f"{pair.verdict} The loss of {pair.b} minus that of {pair.a} is {middle:+.3f} nats per "
        f"token (90 % interval {low:+.3f} to {high:+.3f})."
    )


def _families(choice: Decision) -> str:
    return ", ".join(str(t.family) for t in choice.targets)


def _run_at(target: Target) -> str:
    what = "a run" if target.kind == "run" else "the curve"
    return f"{what} of {target.family} at {_place(target)}"


def _place(target: Target) -> str:
    return f"{quantity(target.params)} parameters and {quantity(target.tokens)} tokens"
