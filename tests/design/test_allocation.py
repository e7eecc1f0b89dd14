"""Allocations: the closed form is the minimum, limits hold, serving shifts them as it must."""

import json

import numpy as np
import pytest

from bayeslaw.design import Plan, allocate, best_plan, chance, decide, smallest_budget
from bayeslaw.design.budgets import frontier_of
from bayeslaw.design.optimum import Frontier, lowest
from bayeslaw.errors import FitError, LawError, TargetError
from bayeslaw.laws import LAWS, get_law
from bayeslaw.model.spec import Spec
from bayeslaw.prediction import Target
from tests.scoring.synthetic import ladder, synthetic_fit

C = 1e22
TWO = {name: law for name, law in LAWS.items() if set(law.input_names) == {"params", "tokens"}}


@pytest.fixture(scope="module")
def fit():
    return synthetic_fit(ladder(), chains=1, draws=400)


def drawn(law, count=40, seed=0):
    """Draws around the middle of a law's priors, at reference 1e9 params and 2e10 tokens."""
    rng = np.random.default_rng(seed)
    parameters = {
        p.name: np.sqrt(p.low * p.high) * np.exp(0.1 * rng.standard_normal(count))
        for p in law.parameters
    }
    return Frontier(law, {"params": 1e9, "tokens": 2e10}, parameters, {})


def best(frontier):
    """log N* and log D*."""
    size = frontier.best_size(C)
    return size, np.log(C / 6) - size


@pytest.mark.parametrize("name", TWO)
def test_the_best_size_is_a_minimum_along_equal_compute(name):
    frontier = drawn(TWO[name])
    best = frontier.best_size(C)
    inside = np.isfinite(best)
    assert inside.mean() > 0.5
    for step in (-0.3, -0.01, 0.01, 0.3):
        aside = frontier.on_line(C, best[:, None] + step)[inside]
        assert (aside >= frontier.best_loss(C)[inside, None] * (1 - 1e-12)).all()


@pytest.mark.parametrize("name", ["chinchilla", "kaplan"])
def test_the_closed_form_is_what_a_search_finds(name):
    closed, searched = drawn(get_law(name)), drawn(get_law(name))
    assert closed.additive is not None
    searched.__dict__["additive"] = None
    assert searched.best_size(C) == pytest.approx(closed.best_size(C), abs=1e-5)
    assert searched.exponent(C) == pytest.approx(closed.exponent(C), abs=1e-5)
    both = [np.array(f.cheapest_to_serve(*best(f), 1e13)) for f in (closed, searched)]
    assert both[0] == pytest.approx(both[1], abs=1e-4)


def test_serving_meets_its_condition_exactly_and_keeps_the_loss(fit):
    frontier = frontier_of(fit, "ours", {}, 0)
    served = 1e13
    size, data = frontier.cheapest_to_serve(*best(frontier), served)
    p = {k: v.values.ravel() for k, v in fit.published("ours").items()}
    left = p["alpha"] * p["A"] * np.exp(-p["alpha"] * size)
    right = p["beta"] * p["B"] * np.exp(-p["beta"] * data) * (1 + served / 3 * np.exp(-data))
    assert left == pytest.approx(right, rel=1e-9)
    loss = frontier.loss(size[:, None], data[:, None])[:, 0]
    assert loss == pytest.approx(frontier.best_loss(C), rel=1e-12)
    nothing = np.array(frontier.cheapest_to_serve(*best(frontier), 1e-6))
    assert nothing[0] == pytest.approx(frontier.best_size(C), abs=1e-9)


def test_more_served_tokens_mean_smaller_models_trained_for_longer(fit):
    lives = [allocate(fit, C, inference_tokens=t).optima[0].lifetime for t in (1e10, 1e12, 1e14)]
    sizes = [np.median(life.params) for life in lives]
    assert sizes[0] > sizes[1] > sizes[2]
    savings = [np.median(life.saving) for life in lives]
    assert 0 <= savings[0] < savings[1] < savings[2] < 1


def test_exponents_sum_to_one_and_sizes_grow_with_them(fit):
    made = allocate(fit, [1e21, 1e23])
    assert made.a + made.b == pytest.approx(1.0)
    low, high = made.optima
    grown = np.log(high.params / low.params) / np.log(100)
    assert grown == pytest.approx(made.a, abs=1e-9)
    for o in made.optima:
        assert 6 * o.params * o.tokens == pytest.approx(o.flops)


def test_near_optimal_sizes_are_within_the_slack_as_often_as_said(fit):
    o = allocate(fit, C, loss_slack=0.01, probability=0.8).optima[0]
    assert o.near.probability == 0.8 and o.near.low < np.median(o.params) < o.near.high
    frontier = frontier_of(fit, "ours", {}, 0)
    best = frontier.best_loss(C)
    for size, inside in ((o.near.low, True), (o.near.high, True), (o.near.high * 1.2, False)):
        loss = frontier.on_line(C, np.full((len(best), 1), np.log(size)))[:, 0]
        share = (loss <= 1.01 * best).mean()
        assert (share >= 0.8 - 1e-9) == inside


def test_limits_hold_and_cost(fit):
    free = allocate(fit, C).optima[0]
    n, d = free.advised
    few = allocate(fit, C, max_tokens=d / 4).optima[0]
    assert few.limited == ("tokens",) and few.advised[1] == pytest.approx(d / 4)
    assert 6 * few.advised[0] * few.advised[1] == pytest.approx(C)
    small = allocate(fit, C, max_params=n / 4).optima[0]
    assert small.limited == ("params",) and small.advised[0] == pytest.approx(n / 4)
    both = allocate(fit, C, max_params=n / 4, max_tokens=d / 4).optima[0]
    assert both.limited == ("params", "tokens") and 6 * np.prod(both.advised) < C
    assert free.penalty == 0 < min(few.penalty, small.penalty) < both.penalty


def test_limits_hold_for_serving_and_for_near_optimal_sizes(fit):
    n, d = allocate(fit, C).optima[0].advised
    for limits in ({"max_params": n / 4}, {"max_tokens": d / 4}, {"max_tokens": 1.5 * d},
                   {"max_params": n / 4, "max_tokens": d / 4}):  # fmt: skip
        o = allocate(fit, C, inference_tokens=1e14, **limits).optima[0]
        least = C / 6 / limits.get("max_tokens", np.inf)
        most = limits.get("max_params", np.inf)
        assert min(least, most) * (1 - 1e-9) <= o.near.low <= o.near.high <= most * (1 + 1e-9)
        assert (o.lifetime.params <= most * (1 + 1e-9)).all()
        assert (o.lifetime.tokens <= limits.get("max_tokens", np.inf) * (1 + 1e-6)).all()
        assert (o.lifetime.saving >= -1e-9).all()
    # Data that just suffice for training leave nothing to trade size for.
    tight = allocate(fit, C, inference_tokens=1e14, max_tokens=d / 4).optima[0]
    assert tight.lifetime.saving == pytest.approx(0.0, abs=1e-6)
    assert np.median(allocate(fit, C, inference_tokens=1e14).optima[0].lifetime.saving) > 0.1


def test_a_search_keeps_to_the_tokens_there_are():
    frontier = drawn(get_law("chinchilla"))
    frontier.__dict__["additive"] = None
    size, data = best(frontier)
    small, long = frontier.cheapest_to_serve(size, data, 1e15, np.exp(data.max()) * 1.1)
    assert (long <= data.max() + np.log(1.1) + 1e-5).all() and (small <= size + 1e-9).all()


def test_the_records_have_the_keys_of_the_contract(fit):
    made = allocate(fit, C, inference_tokens=1e12, price=1e-18)
    found = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    assert set(found) == {"exponents", "allocations"}
    assert set(found["exponents"]) == {"a", "b"} and "intervals" in found["exponents"]["a"]
    (entry,) = found["allocations"]
    assert {"flops", "params", "tokens", "loss", "near_optimal"} <= set(entry)
    assert {"params", "loss_slack"} <= set(entry["near_optimal"])
    assert entry["price"] == pytest.approx(C * 1e-18)
    assert len(made.table) == 1 and "N* grows" in made.text


def test_a_law_without_a_trade_is_refused():
    runs = ladder()
    with pytest.raises(LawError, match="expected one of params and tokens"):
        frontier_of(one_input(runs), "ours", {}, 0)


def one_input(runs):
    from dataclasses import replace

    made = synthetic_fit(runs, draws=50)
    return replace(made, spec=Spec("power_params"))


def test_unclear_budgets_are_refused(fit):
    two = synthetic_fit(ladder(("a", "b")), draws=50)
    with pytest.raises(TargetError, match="no family was named"):
        allocate(two, C)
    for budget in (-1, "lots", []):
        with pytest.raises(TargetError, match="budget"):
            allocate(fit, budget)
    with pytest.raises(TargetError, match="loss_slack"):
        allocate(fit, C, loss_slack=2)


def test_draws_without_an_optimum_are_not_made_up(fit, monkeypatch):
    frontier = drawn(get_law("chinchilla"))
    frontier.__dict__["additive"] = None
    frontier.parameters["a"][:] = 1e-30  # a model of any size is as good
    assert not np.isfinite(frontier.best_size(C)).any()
    monkeypatch.setattr(Frontier, "best_size", lambda self, c: np.full(self.draws, np.inf))
    with pytest.raises(FitError, match="only 0% of the draws"):
        allocate(fit, C)


def test_the_lowest_point_is_found_at_an_end_too():
    assert lowest(lambda u: u, np.zeros(2), np.ones(2)) == pytest.approx([0.0, 0.0], abs=1e-6)


# Questions of target and budget


def test_a_larger_budget_makes_a_loss_more_likely(fit):
    chances = [chance(fit, 2.3, Target(n, 20 * n, "ours")) for n in (1e9, 3e9, 1e10)]
    assert 0 <= chances[0] < chances[1] < chances[2] <= 1


def test_the_smallest_budget_reaches_the_loss_just_so(fit):
    found = smallest_budget(fit, 2.3, probability=0.9)
    assert found.achieved == pytest.approx(0.9, abs=0.02)
    at = Target(found.params, found.tokens, "ours")
    assert chance(fit, 2.3, at) == pytest.approx(found.achieved)
    assert smallest_budget(fit, 2.3, probability=0.5).flops < found.flops
    assert f"{found.flops:.3g}" in found.text


def test_a_loss_that_all_budgets_reach_is_said_to_be_one(fit):
    found = smallest_budget(fit, 50.0)
    assert "may do as well" in found.text and found.achieved > 0.99


def test_a_loss_below_the_floor_is_never_promised(fit):
    found = smallest_budget(fit, 0.5)
    assert found.flops is None and found.achieved < 0.01
    assert "No budget" in found.text
    with pytest.raises(TargetError, match="probability"):
        smallest_budget(fit, 2.0, probability=1.0)


def test_laws_of_more_inputs_are_told_them():
    from bayeslaw.inference import fit as fitted
    from bayeslaw.simulation import simulate

    law, tokens = get_law("muennighoff"), np.repeat([2e9, 6e9, 2e10, 6e10], 3)
    at = {"params": 3e8, "tokens": 1e10, "unique_tokens": 5e9}
    middle = {p.name: float(np.sqrt(p.low * p.high)) for p in law.parameters}
    runs = simulate(
        law, law.to_published(at, **middle), params=np.tile([1e8, 3e8, 1e9], 4), tokens=tokens,
        inputs={"unique_tokens": np.minimum(tokens, 5e9)},
    )  # fmt: skip
    made = fitted(runs, law=law, engine="quadrature", draws=500)
    optima = [
        np.median(allocate(made, 1e21, given={"unique_tokens": unique}).optima[0].tokens)
        for unique in (1e9, 1e12)
    ]
    assert np.isfinite(optima).all() and optima[0] != optima[1]
    sds = []
    for unique in (1e9, 1e12):
        target = Target(3e9, 3e11, inputs={"unique_tokens": unique})
        plans = [best_plan(made, 1e21, target=target), Plan.one_large(1e21)]
        sds.append(decide(made, plans, target=target).now_sd)
    assert sds[0] != sds[1]
