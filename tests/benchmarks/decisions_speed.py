"""How long decisions take, with 4,000 draws, in processor seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tests.benchmarks.decisions_nested import BUDGET, PARAMS, TOKENS, base_fit, plans
from tests.benchmarks.ladders import FAMILY
from tests.benchmarks.report import Row, Section, below

if TYPE_CHECKING:
    from tests.benchmarks.decisions_sizes import Sizes

TITLE = "Speed with 4,000 draws (processor time of one core)"
_REPEATS = 5


def run(sizes: Sizes, cores: int) -> Section:
    """Time single plans, long plans, the search and the commands' work on embedded data."""
    import bayeslaw as bl
    from tests.benchmarks.effort import Effort

    long = {"engine": "quadrature", "draws": sizes.draws, "chains": 4, "retry": False}
    fit = base_fit(None, None, 3, Effort(fit=long))
    target = bl.Target(PARAMS, TOKENS, FAMILY)
    rows: list[Row] = []
    for name, plan in plans().items():
        if plan.n_runs <= 10:
            spent = timed(lambda plan=plan: bl.decide(fit, [plan], target=target))
            rows.append(below(f"{name}, {plan.n_runs} runs", 1000 * spent, 50, "ms"))
    hundred = bl.Plan(
        "hundred",
        pd.DataFrame(
            {"params": np.geomspace(1e7, 3e8, 100), "tokens": np.geomspace(1e9, 3e9, 100)}
        ),
    )
    rows.append(below("100 runs", timed(lambda: bl.decide(fit, [hundred], target=target)), 1, "s"))
    pool = pd.DataFrame(
        {"params": np.tile(np.geomspace(1e7, 1e9, 50), 40),
         "tokens": np.repeat(np.geomspace(1e8, 2e10, 40), 50)}
    )  # fmt: skip
    search = timed(lambda: bl.best_plan(fit, BUDGET, target=target, pool=pool), 2)
    rows.append(below("greedy with exchanges over 2,000 candidates", search, 2, "s"))
    rows += _embedded(sizes)
    return Section(3, TITLE, tuple(rows), ("Processor time: the machine is shared.",))


def _embedded(sizes: Sizes):
    import bayeslaw as bl
    from bayeslaw.cli.demonstration import FAMILIES
    from tests.benchmarks.ladders import fitted_quietly

    chosen = ", ".join(f"'{name}'" for name in FAMILIES)
    runs = bl.load_dataset("published").where(f"family in ({chosen})")
    fit = fitted_quietly(runs, bl.Spec(), sizes.effort, 1, 0)
    family = FAMILIES[0]
    target = bl.Target(3.5e10, 9e11, family)

    def plan() -> Any:
        candidates = bl.candidate_plans(fit, 1e22, target)
        best = bl.best_plan(fit, 1e22, target=target)
        return bl.decide(fit, [*candidates, best], target=target).text

    yield below("plan on the embedded data, after the fit", timed(plan, 2), 5, "s")
    spend = timed(lambda: [bl.allocate(fit, 1e24, family=f).text for f in fit.families], 2)
    yield below("allocate for seven embedded families, after the fit", spend, 5, "s")


def timed(work: Callable[[], Any], repeats: int = _REPEATS) -> float:
    """Return the median processor time of some work, done once before."""
    work()
    found = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return float(np.median(found))
