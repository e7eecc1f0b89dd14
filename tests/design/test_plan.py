"""Plans spend their budget and say what they buy."""

import numpy as np
import pandas as pd
import pytest

from bayeslaw.design import Plan, plans_from
from bayeslaw.errors import TargetError


@pytest.mark.parametrize(
    "plan",
    [Plan.many_small("1e21"), Plan.many_small(1e21, sizes=3, seeds=4), Plan.one_large(1e21),
     Plan.ladder(1e21), Plan.ladder(1e21, sizes=1)],
)  # fmt: skip
def test_a_plan_spends_exactly_its_budget(plan):
    assert plan.cost == pytest.approx(1e21)
    assert plan.runs["tokens"].to_numpy() == pytest.approx(20 * plan.runs["params"].to_numpy())


def test_a_ladder_has_its_top_share_and_even_steps():
    compute = Plan.ladder(1e21, sizes=5).runs["flops"].to_numpy()
    assert compute[-1] / compute.sum() == pytest.approx(0.86)
    assert np.ptp(np.diff(np.log(compute))) < 1e-8


def test_more_seeds_never_overspend():
    plan = Plan.more_seeds(1e21, "1B", "20B")
    assert (plan.n_runs, plan.cost) == (8, pytest.approx(9.6e20))
    with pytest.raises(TargetError, match="does not pay for one run"):
        Plan.more_seeds(1e19, "1B", "20B")


def test_cost_is_additive_and_rows_of_one_setting_are_replicates():
    rows = pd.DataFrame({"params": [1e9, 1e9, 2e9], "tokens": 2e10, "seeds": [1, 2, 1]})
    plan = Plan("p", rows)
    assert plan.runs["seeds"].tolist() == [3, 1]
    parts = [Plan("q", rows.iloc[[i]]).cost for i in range(3)]
    assert plan.cost == pytest.approx(sum(parts))


def test_a_flops_column_replaces_the_rule_of_thumb():
    assert Plan("p", pd.DataFrame({"params": [1e9], "tokens": 2e10, "flops": 5e20})).cost == 5e20


def test_a_plan_keeps_its_own_copy():
    rows = pd.DataFrame({"params": [1e9], "tokens": [2e10]})
    plan = Plan("p", rows)
    rows.loc[0, "params"] = 1.0
    assert plan.runs["params"].tolist() == [1e9]


def test_a_table_of_candidates_becomes_plans():
    table = pd.DataFrame({"plan": ["x", "y", "x"], "params": ["1B", "2B", "3B"], "tokens": "20B"})
    assert [(p.name, p.n_runs) for p in plans_from(table)] == [("x", 2), ("y", 1)]
    with pytest.raises(TargetError, match="expected plan, params"):
        plans_from(table.drop(columns="plan"))


@pytest.mark.parametrize(
    ("rows", "words"),
    [({"params": [1e9]}, "lacks tokens"), ({"params": [-1], "tokens": [1]}, "params"),
     ({"params": [1], "tokens": [1], "seeds": [1.5]}, "whole")],
)  # fmt: skip
def test_a_plan_with_nonsense_is_refused(rows, words):
    with pytest.raises(TargetError, match=words):
        Plan("p", pd.DataFrame(rows))
    with pytest.raises(TargetError, match="budget"):
        Plan.one_large("lots")
