"""Where conditioning must be exact: linear models, order, replicates, checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tests.benchmarks.decisions_nested import BUDGET, PARAMS, TOKENS, base_fit
from tests.benchmarks.ladders import FAMILY
from tests.benchmarks.report import Section, at_most, below

if TYPE_CHECKING:
    from tests.benchmarks.decisions_sizes import Sizes

TITLE = "Exactness, invariances and honesty about checkpoints"
_DRAWS = 4000
_LEVELS = ((None, None), (0.01, 0.003), (0.0005, 0.01))


def run(sizes: Sizes, cores: int) -> Section:
    """Check all three."""
    rows = [*_linear(), *_invariances(sizes), *_checkpoints(sizes)]
    return Section(1, TITLE, tuple(rows))


def _linear():
    from bayeslaw.design import expected_variance, posterior_variance

    worst, sampled = 0.0, []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        root, x = rng.standard_normal((5, 5)), rng.standard_normal((9, 5))
        prior, noise = root @ root.T + np.eye(5), rng.uniform(0.1, 0.5, 8)
        told = x[1:].T @ np.diag(1 / noise) @ x[1:]
        exact = x[0] @ np.linalg.inv(np.linalg.inv(prior) + told) @ x[0]
        worst = max(worst, abs(posterior_variance(x @ prior @ x.T, noise) / exact - 1))
        draws = rng.multivariate_normal(np.zeros(5), prior, _DRAWS) @ x.T
        sampled.append(expected_variance(draws[:, 0], draws[:, 1:], noise) / exact - 1)
    yield below("linear-Gaussian model, 20 designs: relative error of the variance", worst, 1e-8)
    yield below("the same from 4,000 draws: mean error", abs(float(np.mean(sampled))), 0.03)


def _invariances(sizes: Sizes):
    from bayeslaw.design import Plan, decide
    from bayeslaw.prediction import Target

    fit = base_fit(None, None, 3, sizes.effort)
    target = Target(PARAMS, TOKENS, FAMILY, kind="mean")
    grown, rows = [], Plan.diverse(BUDGET, 8).runs
    plans = [Plan(str(m), rows.iloc[:m]) for m in range(1, 9)]
    by = {v.plan.name: v.sd for v in decide(fit, plans, target=target).values}
    grown = np.diff([by[p.name] ** 2 for p in plans])
    yield at_most("one more run raises the expected variance by", float(grown.max()), 1e-10)
    back = Plan("back", rows.iloc[::-1])
    one = decide(fit, [Plan("on", rows), back], target=target).values
    yield at_most(
        "order of runs changes the variance by", abs(one[0].sd ** 2 - one[1].sd ** 2), 1e-10
    )
    setting = rows.iloc[[0]]
    apart = Plan("apart", pd.concat([setting] * 5))
    at_once = Plan("at once", setting.assign(seeds=5))
    two = decide(fit, [apart, at_once], target=target).values
    yield at_most("five rows or five seeds differ by", abs(two[0].sd ** 2 - two[1].sd ** 2), 1e-10)


def _checkpoints(sizes: Sizes):
    from bayeslaw.design import Plan, decide
    from bayeslaw.prediction import Target

    target = Target(PARAMS, TOKENS, FAMILY, kind="mean")
    (row,) = Plan.one_large(BUDGET).rows
    for levels in _LEVELS:
        fit = base_fit(*levels, 3, sizes.effort)
        label = "default model" if levels[0] is None else (
            f"discrepancy {levels[0]:.2%}, seeds {levels[1]:.1%}"
        )  # fmt: skip

        def checkpoints(name: str, at: list[float]) -> Plan:
            tokens = row.tokens * np.array(at)
            table = {"params": row.params, "tokens": tokens, "run": "job"}
            return Plan(name, pd.DataFrame(table))

        plans = [
            checkpoints("final", [1.0]),
            checkpoints("twice", [1.0, 1.0 - 1e-9]),
            checkpoints("late", np.linspace(0.5, 1.0, 20).tolist()),
            checkpoints("all", np.linspace(0.05, 1.0, 20).tolist()),
        ]
        sd = {v.plan.name: v.sd for v in decide(fit, plans, target=target).values}
        cut = {name: 100 * (1 - value / sd["final"]) for name, value in sd.items()}
        yield at_most(f"{label}: the final checkpoint twice cuts the s.d. by", cut["twice"], 1e-3,
                      "%")  # fmt: skip
        yield at_most(f"{label}: 20 checkpoints of the last half cut it by", cut["late"], 15, "%")
        yield at_most(f"{label}: 20 checkpoints from 5 % of the run on", cut["all"], 15, "%")
