"""The value of plans: exact where the model is linear and Gaussian, sane everywhere."""

import json
import time

import numpy as np
import pandas as pd
import pytest

from bayeslaw.design import Plan, decide, expected_variance, posterior_variance
from bayeslaw.errors import TargetError
from bayeslaw.model.spec import Spec
from bayeslaw.prediction import Target, forecast
from tests.scoring.synthetic import ladder, synthetic_fit

TARGET = Target(7e9, 1.4e11, "ours")


@pytest.fixture(scope="module")
def fit():
    return synthetic_fit(ladder(), chains=4)


@pytest.fixture
def linear(rng):
    """Weights w ~ N(0, P); target x*.w, outcomes X w + noise."""
    root = rng.standard_normal((3, 3))
    prior = root @ root.T + np.eye(3)
    design, target = rng.standard_normal((5, 3)), rng.standard_normal(3)
    noise = rng.uniform(0.1, 0.5, 5)
    x = np.vstack([target, design])
    exact = target @ np.linalg.inv(
        np.linalg.inv(prior) + design.T @ np.diag(1 / noise) @ design
    ) @ target  # fmt: skip
    return x, prior, noise, exact


def test_conditioning_is_exact_on_a_linear_gaussian_model(linear):
    x, prior, noise, exact = linear
    found = posterior_variance(x @ prior @ x.T, noise)
    assert abs(found / exact - 1) < 1e-8


def test_draws_give_the_same_within_three_percent(linear, rng):
    x, prior, noise, exact = linear
    ratios = []
    for _ in range(20):
        draws = rng.multivariate_normal(np.zeros(3), prior, 4000) @ x.T
        ratios.append(expected_variance(draws[:, 0], draws[:, 1:], noise) / exact)
    assert abs(np.mean(ratios) - 1) < 0.03


def test_without_noise_the_correction_makes_few_draws_unbiased(rng):
    # Residual variance of a regression on m columns, known to be 1.
    found = []
    for _ in range(400):
        g = rng.standard_normal((60, 5))
        t = g.sum(axis=1) + rng.standard_normal(60)
        found.append(expected_variance(t, g, np.zeros(5)))
    assert abs(np.mean(found) - 1) < 0.04


def test_one_more_run_never_raises_the_variance(linear):
    x, prior, noise, _ = linear
    covariance = x @ prior @ x.T
    steps = [posterior_variance(covariance[: m + 1, : m + 1], noise[:m]) for m in range(6)]
    assert (np.diff(steps) <= 1e-10).all()


def test_replicates_divide_the_noise(linear):
    x, prior, noise, _ = linear
    covariance = (x @ prior @ x.T)[:2, :2]
    thrice = np.full((4, 4), covariance[1, 1])
    thrice[0], thrice[:, 0] = covariance[0, 1], covariance[0, 1]
    thrice[0, 0] = covariance[0, 0]
    apart = posterior_variance(thrice, np.full(3, noise[0]))
    assert apart == pytest.approx(posterior_variance(covariance, noise[:1] / 3), abs=1e-10)


def test_the_order_of_runs_does_not_matter(fit):
    plan = Plan.many_small(1e21)
    back = Plan("back", plan.runs.iloc[::-1])
    sds = decide(fit, [plan, back], target=TARGET).table["sd"]
    # Joint draws are shared, so only rounding differs.
    assert sds[0] == pytest.approx(sds[1], rel=1e-9)


def test_the_sd_before_any_plan_is_that_of_the_forecast(fit):
    choice = decide(fit, [Plan.one_large(1e21)], target=TARGET, seed=5)
    with pytest.warns(UserWarning):
        made = forecast(fit, [TARGET], seed=5)
    assert choice.now_sd == pytest.approx(float(np.log(made.draws).std()), rel=0.05)


def test_every_plan_helps_and_the_ladder_loses_almost_nothing(fit):
    plans = [Plan.many_small(1e21, sizes=16, seeds=3), Plan.one_large(1e21), Plan.ladder(1e21)]
    choice = decide(fit, plans, target=TARGET)
    sd = choice.table.set_index("plan")["sd"]
    assert (sd < choice.now_sd).all()
    assert sd["ladder"] < 1.06 * sd["one large"]
    assert sd["one large"] < sd["many small"]
    assert "below the discrepancy" in choice.reason


def test_splitting_pays_when_the_law_is_exact_and_seeds_are_noisy():
    spec = Spec(noise=type(Spec().noise)(tails=None))
    noisy = synthetic_fit(ladder(), spec, run_sd=0.03, discrepancy_sd=1e-4, chains=4)
    same = Plan.one_large(1e21).runs
    halves = pd.DataFrame({"params": same["params"], "tokens": same["tokens"] / 4, "seeds": 4})
    choice = decide(noisy, [Plan.one_large(1e21), Plan("split", halves)], target=TARGET)
    assert choice.recommended.plan.name == "split"
    assert "above the discrepancy" in choice.reason


def test_a_new_family_can_be_decided_for(fit):
    choice = decide(fit, [Plan.ladder(1e21)], target=Target(7e9, 1.4e11, "nobody yet"))
    assert choice.values[0].sd < 0.2 * choice.now_sd


def test_the_curve_can_become_better_known_than_any_run(fit):
    plans = [Plan("itself", pd.DataFrame({"params": 7e9, "tokens": 1.4e11, "seeds": [100]}))]
    mean = decide(fit, plans, target=Target(7e9, 1.4e11, "ours", kind="mean"))
    run = decide(fit, plans, target=TARGET)
    noise = run.variance.seed + run.variance.checkpoint
    assert mean.values[0].sd ** 2 == pytest.approx(noise / 100, rel=0.05)
    assert run.values[0].sd ** 2 == pytest.approx(noise * 1.01, rel=0.05)


def test_a_decision_has_the_keys_of_the_contract(fit):
    choice = decide(fit, [Plan.ladder(1e21), Plan.one_large(1e20)], target=TARGET, price=1e-17)
    found = json.loads(json.dumps(choice.to_dict(), allow_nan=False))
    assert {"sd", "width90"} <= set(found["now"])
    assert {"name", "cost", "runs", "sd", "width90", "evsi", "regret"} <= set(found["plans"][0])
    assert set(found["plans"][0]["runs"][0]) == {"params", "tokens", "seeds"}
    assert {"discrepancy", "seed", "checkpoint"} <= set(found["variance"])
    assert set(found["recommendation"]) == {"plan", "reason"}
    assert 0 < found["plans"][0]["evsi"] <= found["now"]["evpi"]
    assert found["plans"][0]["regret"] == 0.0 < found["plans"][1]["regret"]
    assert "costs differ" in choice.reason
    assert choice.table["price"].iloc[0] == pytest.approx(1e4)


def test_a_tie_goes_to_the_plan_that_would_show_a_broken_run(fit):
    one, ladder_ = Plan.one_large(1e21), Plan.ladder(1e21, sizes=2, top=0.999)
    choice = decide(fit, [one, ladder_], target=TARGET)
    assert choice.recommended.plan.name == "ladder"


def test_a_plan_above_the_budget_is_ranked_but_not_recommended(fit):
    plans = [Plan.one_large(1e21), Plan("small", Plan.one_large(1e20).runs)]
    choice = decide(fit, plans, target=TARGET, budget=1e20)
    assert choice.values[0].plan.name == "one large"
    assert choice.recommended.plan.name == "small"
    assert any("costs 10 times the budget" in text for text in choice.warnings)
    assert [p["over_budget"] for p in choice.to_dict()["plans"]] == [True, False]


def test_the_same_seed_gives_the_same_decision(fit):
    plans = [Plan.ladder(1e21)]
    assert (
        decide(fit, plans, target=TARGET).to_dict() == decide(fit, plans, target=TARGET).to_dict()
    )


def test_ten_runs_are_valued_at_once(fit):
    start = time.perf_counter()
    decide(fit, [Plan.many_small(1e21, sizes=10)], target=TARGET)
    assert time.perf_counter() - start < 2


def test_unclear_questions_are_refused(fit):
    two = synthetic_fit(ladder(("a", "b")), draws=100)
    with pytest.raises(TargetError, match="names no family and the fit has 2: a, b"):
        decide(two, [Plan.ladder(1e21)], target=Target(7e9, 1.4e11))
    with pytest.raises(TargetError, match="0 plans"):
        decide(fit, [], target=TARGET)
    with pytest.raises(TargetError, match="each with a name of its own"):
        decide(fit, [Plan.ladder(1e21)] * 2, target=TARGET)
    with pytest.raises(TargetError, match="ten draws per setting"):
        decide(two, [Plan.many_small(1e21, sizes=40)], target=Target(7e9, 1.4e11, "a"))
