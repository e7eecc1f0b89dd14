"""The value of information: bounded, in order, and nothing where nothing is learned."""

import numpy as np
import pandas as pd
import pytest

from bayeslaw.design import Plan, break_even, candidate_plans, decide
from bayeslaw.design.choice import expected_best_gain, worth
from bayeslaw.errors import TargetError
from bayeslaw.prediction import Target
from tests.scoring.synthetic import ladder, synthetic_fit

A, B, C = (Target(7e9, 1.4e11, name, kind="mean") for name in "abc")


@pytest.fixture(scope="module")
def fit():
    return synthetic_fit(ladder(("a", "b", "c")), chains=4)


def test_the_gain_of_knowing_a_difference_is_its_simulation(rng):
    for mean, sd in ((0.0, 1.0), (0.5, 1.0), (-2.0, 0.3)):
        d = mean + sd * rng.standard_normal(400_000)
        simulated = np.maximum(d, 0).mean() - max(mean, 0.0)
        assert expected_best_gain(mean, sd) == pytest.approx(simulated, abs=0.005)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_sample_is_worth_no_more_than_certainty_and_no_less_than_nothing(k, rng):
    root = rng.standard_normal((k, k))
    covariance, mean = root @ root.T, 0.3 * rng.standard_normal(k)
    shares = [worth(mean, covariance, share * covariance) for share in (0.0, 0.3, 0.7, 1.0)]
    evsi, regret, right = (np.array([getattr(w, n) for w in shares]) for n in ("evsi", "regret",
                                                                                "pcs"))  # fmt: skip
    assert evsi[0] == pytest.approx(0.0, abs=1e-12) and regret[-1] == pytest.approx(0.0, abs=1e-12)
    assert (np.diff(evsi) > 0).all() and (np.diff(regret) < 0).all() and (np.diff(right) > 0).all()
    assert evsi + regret == pytest.approx(evsi[-1])
    assert right[-1] == pytest.approx(1.0)


def test_many_candidates_agree_with_two_in_closed_form(rng):
    covariance, mean = np.array([[1.0, 0.4], [0.4, 0.8]]), np.array([0.0, 0.2])
    pair = worth(mean, covariance, 0.5 * covariance)
    # A third candidate that is hopeless changes nothing.
    wide = np.pad(covariance, (0, 1)) + np.diag([0.0, 0.0, 1e-6])
    three = worth(np.append(mean, 50.0), wide, 0.5 * wide)
    assert three.evsi == pytest.approx(pair.evsi, rel=0.03)
    assert three.regret == pytest.approx(pair.regret, rel=0.03)
    assert three.pcs == pytest.approx(pair.pcs, abs=0.01)


def test_a_choice_ranks_plans_by_regret_and_trains_in_every_candidate(fit):
    plans = [Plan.one_large(1e21), Plan.one_large(1e17), Plan.ladder(1e21)]
    plans[1] = Plan("tiny", plans[1].runs)
    choice = decide(fit, plans, target=[A, B])
    by = {v.plan.name: v for v in choice.values}
    assert choice.values[-1].plan.name == "tiny"
    assert by["one large"].plan.cost == pytest.approx(2e21)
    assert by["one large"].evsi > by["tiny"].evsi >= 0
    assert choice.evpi >= max(v.evsi for v in choice.values)
    for v in choice.values:
        assert v.evsi + v.regret == pytest.approx(choice.evpi)
        assert v.pcs >= choice.pcs_now - 1e-9
    found = choice.to_dict()
    assert found["utility"] == "choice" and len(found["candidates"]) == 2
    assert "P(right)" in choice.text


def test_candidates_of_a_choice_share_the_budget(fit):
    plans = candidate_plans(fit, 1e21, [A, B, C])
    choice = decide(fit, plans, target=[A, B, C])
    costs = [v.plan.cost for v in choice.values]
    assert max(costs) == pytest.approx(1e21)
    names = {v.plan.name for v in choice.values}
    assert {"one large", "two halves", "ladder", "many small", "more seeds", "longer training",
            "half-way checkpoint"} <= names  # fmt: skip


def test_the_variance_of_a_forecast_is_split_and_adds_up(fit):
    choice = decide(fit, [Plan.one_large(1e21)], target=A)
    v = choice.variance
    assert v.parameters + v.discrepancy + v.shared == pytest.approx(choice.now_sd**2)
    left = choice.values[0].left
    assert left.parameters + left.discrepancy + left.shared == pytest.approx(
        choice.values[0].sd ** 2
    )
    assert left.discrepancy < v.discrepancy


def test_checkpoints_of_one_run_are_not_runs(fit):
    (row,) = Plan.one_large(1e21).rows
    at = row.tokens * np.linspace(0.5, 1.0, 20)

    def of_one_run(tokens):
        return pd.DataFrame({"params": row.params, "tokens": tokens, "run": "job"})

    plans = [
        Plan("final", of_one_run([row.tokens])),
        Plan("twice", of_one_run([row.tokens, row.tokens * (1 - 1e-9)])),
        Plan("twenty", of_one_run(at)),
        Plan("runs", pd.DataFrame({"params": row.params, "tokens": at})),
    ]
    sd = {v.plan.name: v.sd for v in decide(fit, plans, target=A).values}
    assert sd["twice"] == pytest.approx(sd["final"], rel=1e-6)
    assert 0.85 * sd["final"] <= sd["twenty"] <= sd["final"]
    assert plans[2].n_runs == 1 and plans[2].cost == pytest.approx(row.flops)


def test_one_more_row_never_raises_the_variance_on_the_way_that_decides(fit):
    rows = Plan.diverse(1e21, 8).runs
    plans = [Plan(str(m), rows.iloc[:m]) for m in range(1, 9)]
    by = {v.plan.name: v.sd for v in decide(fit, plans, target=A).values}
    assert (np.diff([by[p.name] ** 2 for p in plans]) <= 1e-10).all()


def test_a_run_that_goes_on_costs_the_rest(fit):
    last = fit.runs.table.query("family == 'a'").iloc[-1]
    longer = Plan.longer(1e20, last["run"], last["params"], last["tokens"], "a")
    assert longer.cost == pytest.approx(1e20)
    found = decide(fit, [longer], target=A)
    # What the run was seen to be off the curve says where its end will be, so the end tells less.
    assert found.values[0].sd < found.now_sd


def test_seed_noise_makes_the_split_overtake_at_one_point(fit):
    plans = [Plan.one_large(1e21), Plan.halves(1e21)]
    curve = break_even(fit, plans, target=A)
    (at,) = (at for *pair, at in curve.crossings if pair == ["one large", "two halves"])
    best = curve.table.set_index("seed_sd")["best"]
    assert best.iloc[0] == "one large" and best.iloc[-1] == "two halves"
    assert (best[best.index < at] == "one large").all()
    assert (best[best.index > at] == "two halves").all()
    assert f"{at:.2%}" in curve.text
    with pytest.raises(TargetError, match="two or more"):
        break_even(fit, plans[:1], target=A)


def test_a_sample_is_worth_the_compute_that_would_lower_the_loss_as_much(fit):
    choice = decide(fit, [Plan.one_large(1e20)], target=[A, B])
    (value,) = choice.values
    slopes = []
    for t in (A, B):
        p = {k: v.values.ravel() for k, v in fit.published(t.family).items()}
        size, data = p["A"] * t.params ** -p["alpha"], p["B"] * t.tokens ** -p["beta"]
        falls = (p["alpha"] * size + p["beta"] * data) / 2  # size and data grow alike
        slopes.append(np.median(falls / (p["E"] + size + data)))
    assert value.net + value.plan.cost == pytest.approx(
        value.evsi * A.flops / max(slopes), rel=0.03
    )
    assert choice.to_dict()["plans"][0]["net_flops"] == value.net


def test_one_target_twice_is_no_choice(fit):
    with pytest.raises(TargetError, match="targets that differ"):
        decide(fit, [Plan.one_large(1e21)], target=[A, A])


@pytest.mark.parametrize(
    ("rows", "words"),
    [({"run": "x", "tokens": [1e9, 2e9], "seeds": [1, 2]}, "checkpoints of one run"),
     ({"tokens": [1e9], "extra": "much"}, "no number"),
     ({"tokens": [1e9], "extra": -1e30}, "left to pay")],
)  # fmt: skip
def test_a_plan_that_contradicts_itself_is_refused(rows, words):
    with pytest.raises(TargetError, match=words):
        Plan("p", pd.DataFrame({"params": 1e8, **rows}))
