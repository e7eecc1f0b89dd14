"""The best plan of a pool: within its budget, and no worse than what it could have been."""

import numpy as np
import pandas as pd
import pytest

from bayeslaw.design import Plan, best_plan, decide
from bayeslaw.errors import TargetError
from bayeslaw.prediction import Target
from tests.scoring.synthetic import ladder, synthetic_fit

TARGET = Target(7e9, 1.4e11, "ours", kind="mean")


@pytest.fixture(scope="module")
def fit():
    return synthetic_fit(ladder(), chains=2)


def sds(fit, *plans):
    return {v.plan.name: v.sd for v in decide(fit, plans, target=TARGET).values}


def test_it_spends_no_more_than_its_budget_and_beats_single_runs(fit):
    made = best_plan(fit, 1e21, target=TARGET)
    assert made.cost <= 1e21 * (1 + 1e-9)
    found = sds(fit, made, Plan.one_large(1e21), Plan.many_small(1e21))
    assert found["best of pool"] <= 1.001 * min(found.values())


def test_it_is_the_best_of_every_subset_of_a_small_pool(fit):
    pool = pd.DataFrame({"params": [1e8, 3e8, 1e9, 1.5e9], "tokens": [4e9, 1e10, 2e10, 3e10],
                         "seeds": 1})  # fmt: skip
    budget = 3.2e20
    made = best_plan(fit, budget, target=TARGET, pool=pool)
    every = []
    for mask in range(1, 16):
        rows = pool[[bool(mask >> i & 1) for i in range(4)]]
        if (6 * rows["params"] * rows["tokens"]).sum() <= budget:
            every.append(Plan(str(mask), rows))
    found = sds(fit, made, *every)
    assert found.pop("best of pool") <= min(found.values()) * (1 + 1e-6)


def test_settings_run_out(fit):
    pool = pd.DataFrame({"params": [1e8, 2e8], "tokens": 2e9, "seeds": [2, 1]})
    made = best_plan(fit, 1e21, target=TARGET, pool=pool)
    assert sorted(made.runs["seeds"]) == [1, 2]
    assert best_plan(fit, 1e19, target=TARGET, pool=pool.drop(columns="seeds")).n_runs > 3


def test_a_pool_nobody_can_pay_is_refused(fit):
    with pytest.raises(TargetError, match="pays for nothing"):
        best_plan(fit, 1e15, target=TARGET, pool=pd.DataFrame({"params": [1e9], "tokens": 1e11}))
    with pytest.raises(TargetError, match="budget"):
        best_plan(fit, "much", target=TARGET)


def test_exchanges_do_not_leave_a_plan_worse_than_greedy(fit):
    rng = np.random.default_rng(0)
    pool = pd.DataFrame({"params": 10 ** rng.uniform(7.5, 9.3, 60),
                         "tokens": 10 ** rng.uniform(9, 11, 60)})  # fmt: skip
    budget = 5e20
    made = best_plan(fit, budget, target=TARGET, pool=pool)
    cost = 6 * pool["params"] * pool["tokens"]
    singles = [Plan(str(i), pool.iloc[[i]]) for i in np.flatnonzero(cost <= budget)]
    found = sds(fit, made, *singles)
    assert found.pop("best of pool") <= min(found.values())
