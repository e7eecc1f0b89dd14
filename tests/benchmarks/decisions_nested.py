"""Expected s.d. and value of information against refits of simulated outcomes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.simulation import simulate
from tests.benchmarks.ladders import FAMILY, fitted_quietly
from tests.benchmarks.report import Row, Section, at_least, at_most

if TYPE_CHECKING:
    from bayeslaw.design import Plan
    from bayeslaw.inference import Fit
    from bayeslaw.model import Spec
    from bayeslaw.prediction import Target
    from tests.benchmarks.decisions_sizes import Sizes

TITLE = "Linear-Gaussian conditioning against nested refits"
TRUTH = {"E": 1.8172, "A": 477.8, "B": 2143.4, "alpha": 0.3473, "beta": 0.3672}
# What is asked, as in the design's table: 1.08e21 FLOP, plans of 1e20.
PARAMS, TOKENS, BUDGET = 3e9, 6e10, 1e20
LENGTH = 3.0
RATIO_BAND, MEDIAN_LOG, SPEARMAN, LOWEST = (0.93, 1.07), 0.02, 0.9, 0.97
# s.d. of the discrepancy and of the seeds, the base's sizes, and the plans that are refitted.
SCENARIOS = (
    (0.0005, 0.003, 3, ("one large", "two halves", "tenths", "ladder")),
    (0.0005, 0.01, 3, ("one large", "diverse small")),
    (0.003, 0.003, 3, ("one large", "diverse small")),
    (0.01, 0.003, 3, ("one large", "tenths", "ladder")),
    (0.01, 0.003, 1, ("one large", "ladder", "diverse small")),
    (None, None, 3, ("one large", "ladder")),
)


@dataclass(frozen=True)
class Cell:
    """One plan in one scenario: s.d. and value of information, conditioned and refitted."""

    scenario: str
    plan: str
    sd: float
    nested_sd: float
    evsi: float
    evpi: float
    nested_evsi: float
    evsi_error: float

    @property
    def ratio(self) -> float:
        """Conditioned over refitted s.d."""
        return self.sd / self.nested_sd


def spec_of(discrepancy: float | None, seed_sd: float | None, length: float = LENGTH) -> Spec:
    """Return a model with these levels known to five per cent; the default if they are None."""
    from bayeslaw.model import Discrepancy, Noise, Spec

    if discrepancy is None or seed_sd is None:
        return Spec()
    return Spec(
        noise=Noise(run=(seed_sd / 1.05, seed_sd * 1.05), tails=None),
        discrepancy=Discrepancy(scale=(discrepancy / 1.05, discrepancy * 1.05), length=length),
    )


def base_fit(discrepancy: float | None, seed_sd: float | None, ratios: int, effort, length=LENGTH):
    """Fit the base: three sizes at so many ratios."""
    params = np.repeat([1e7, 3e7, 1e8], ratios)
    ratio = np.tile([10.0, 20.0, 60.0] if ratios > 1 else [20.0], 3)
    runs = simulate(
        "chinchilla", TRUTH, params=params, tokens=ratio * params, family=FAMILY,
        run_sd=seed_sd or 0.003, seed=1,
    )  # fmt: skip
    return fitted_quietly(runs, spec_of(discrepancy, seed_sd, length), effort, 1, 0)


def plans() -> dict[str, Plan]:
    """Return the plans of the design's table, each of one cost."""
    from bayeslaw.design import Plan

    ratio = TOKENS / PARAMS
    few = np.geomspace(1, 16, 6)
    share = BUDGET / 8 * few / few.sum()
    # 48 small ones: six sizes at eight ratios.
    ratios = np.geomspace(5, 80, 8)
    cost, spread = (v.ravel() for v in np.meshgrid(share, ratios, indexing="ij"))
    params = np.sqrt(cost / (6 * spread))
    small = pd.DataFrame({"params": params, "tokens": spread * params})
    tenth = Plan.one_large(BUDGET / 10, ratio).runs.assign(seeds=10)
    made = {
        "one large": Plan.one_large(BUDGET, ratio),
        "two halves": Plan.halves(BUDGET, ratio),
        "ladder": Plan.ladder(BUDGET, tokens_per_param=ratio),
        "diverse mid": Plan.diverse(BUDGET, 10, ratio),
        "tenths": Plan("tenths", tenth),
        "diverse small": Plan("diverse small", small),
    }
    return {name: Plan(name, plan.runs) for name, plan in made.items()}


def run(sizes: Sizes, cores: int) -> Section:
    """Compare every cell."""
    cells = []
    for discrepancy, seed_sd, ratios, chosen in SCENARIOS:
        label = "levels learned, heavy tails" if seed_sd is None else (
            f"discrepancy {discrepancy:.2%}, seeds {seed_sd:.1%}"
        )  # fmt: skip
        label += f", {3 * ratios} base runs"
        base = base_fit(discrepancy, seed_sd, ratios, sizes.effort)
        for name in chosen:
            cells.append(cell(label, base, plans()[name], sizes.simulations, sizes))
            print(cells[-1], file=sys.stderr, flush=True)
    many = cell(
        "many simulations", base_fit(0.003, 0.003, 3, sizes.effort), plans()["one large"],
        sizes.many_simulations, sizes,
    )  # fmt: skip
    return Section(2, TITLE, tuple(rows(cells, many)), _NOTES)


_NOTES = (
    "ratio: expected s.d. of the target's curve by conditioning, over the root mean variance of "
    "refits (quadrature engine) of the table with outcomes drawn from the posterior predictive.",
    "EVSI: a choice between the target and a wider, shorter-trained model of the same compute.",
)


def rows(cells: list[Cell], many: Cell) -> list[Row]:
    """Return the rows of the report."""
    from scipy.stats import spearmanr

    out: list[Row] = []
    for c in cells:
        what = f"{c.scenario}: {c.plan}: s.d. {c.sd:.3%}, refitted {c.nested_sd:.3%}, ratio"
        low, high = RATIO_BAND
        out.append(Row(what, c.ratio, "", f"{low} to {high}", low <= c.ratio <= high))
    logs = np.abs(np.log([c.ratio for c in cells]))
    out.append(at_most(f"median |log ratio| of {len(cells)} cells", np.median(logs), MEDIAN_LOG))
    out.append(at_least("lowest ratio", min(c.ratio for c in cells), LOWEST))
    for scenario in dict.fromkeys(c.scenario for c in cells):
        own = [c for c in cells if c.scenario == scenario]
        if len(own) > 2:
            rank = spearmanr([c.sd for c in own], [c.nested_sd for c in own]).statistic
            out.append(at_least(f"{scenario}: Spearman of the ranking", float(rank), SPEARMAN))
    for c in [*cells, many]:
        apart = abs(c.evsi - c.nested_evsi)
        allowed = max(0.1 * c.nested_evsi, 2 * c.evsi_error)
        out.append(
            Row(
                f"{c.scenario}: {c.plan}: EVSI {c.evsi:.4%}, refitted {c.nested_evsi:.4%} "
                f"(s.e. {c.evsi_error:.4%}), apart", 100 * apart, "%",
                f"<= {100 * allowed:.3g} %", bool(apart <= allowed),
            )
        )  # fmt: skip
    beyond = max(c.evsi - c.evpi for c in [*cells, many])
    out.append(at_most("EVSI above EVPI, at most", beyond, 1e-12))
    out.append(at_least("lowest EVSI", min(c.evsi for c in [*cells, many]), 0.0))
    return out


def cell(label: str, base: Fit, plan: Plan, simulations: int, sizes: Sizes) -> Cell:
    """Value one plan by conditioning, and by refits of outcomes drawn from the base's posterior."""
    from bayeslaw.design import decide
    from bayeslaw.prediction import Target

    target = Target(PARAMS, TOKENS, FAMILY, kind="mean")
    rival = Target(PARAMS * 3, TOKENS / 3, FAMILY, kind="mean")
    judged = decide(base, [plan], target=target).values[0]
    choice = decide(base, [plan], target=[target, rival])
    outcomes = draw_outcomes(base, plan, simulations)
    variances, means = [], []
    for i, log_losses in enumerate(outcomes):
        again = fitted_quietly(
            base.runs.extended(as_new_runs(plan, np.exp(log_losses))), base.spec, sizes.effort, 1, i
        )
        mean, covariance = moments(again, [target, rival])
        means.append(mean)
        variances.append(covariance[0, 0])
    now = moments(base, [target, rival])[0]
    gains = now.min() - np.array(means).min(axis=1)
    # On average the candidate that leads now keeps its mean; what it strays in these simulations
    # is noise, and is taken off.
    at = int(now.argmin())
    gains = gains + np.array(means)[:, at] - now[at]
    return Cell(
        label, plan.name, judged.sd, float(np.sqrt(np.mean(variances))), choice.values[0].evsi,
        choice.evpi, float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(simulations)),
    )  # fmt: skip


def moments(fitted: Fit, targets: list[Target]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of log loss of the curve at targets."""
    from bayeslaw.design.beliefs import beliefs, family_draws

    found = beliefs(fitted, targets, {FAMILY: family_draws(fitted, FAMILY, 0)})
    return found.mean, found.covariance()


def draw_outcomes(base: Fit, plan: Plan, simulations: int) -> np.ndarray:
    """Draw log losses of a plan's runs, replicates apart, from the posterior predictive."""
    import warnings

    from bayeslaw.prediction import Target, forecast

    runs = [Target(r.params, r.tokens, FAMILY) for r in plan.rows for _ in range(r.seeds)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draws = np.log(forecast(base, runs, seed=7).draws.values).reshape(-1, len(runs))
    chosen = np.random.default_rng(11).choice(len(draws), simulations, replace=False)
    return draws[chosen]


def as_new_runs(plan: Plan, losses: np.ndarray):
    """Return a plan's runs with their losses, as a table."""
    from bayeslaw.runs import load_runs

    settings = [r for r in plan.rows for _ in range(r.seeds)]
    return load_runs(
        pd.DataFrame(
            {
                names.FAMILY: FAMILY,
                names.RUN: [f"new {i}" for i in range(len(settings))],
                names.SEED: [str(i) for i in range(len(settings))],
                names.PARAMS: [r.params for r in settings],
                names.TOKENS: [r.tokens for r in settings],
                names.LOSS: losses,
            }
        )
    )
