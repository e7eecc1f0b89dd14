"""Truths about the papers' estimators: each finds what made the data, and says how well."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import bayeslaw as bl
from bayeslaw.errors import FitError
from bayeslaw.estimators import (
    Additive,
    Number,
    Practice,
    SeedNoise,
    Shape,
    errors_by_models,
    fit_envelope,
    fit_huber,
    fit_parabolas,
    fit_power_law,
    fit_raw_loss,
    flops_per_token,
    interpolate_optima,
)
from bayeslaw.estimators.curves import KINDS, fit_curve, rmsle
from bayeslaw.estimators.huber import bootstrap_huber, interval, summed_huber
from bayeslaw.estimators.isoflop import parabola_bias
from bayeslaw.estimators.practice import best_seen_forecast, borrowed_forecast, cells

TRUTH = {"E": 1.81686, "A": 482.01, "B": 2085.43, "alpha": 0.34781, "beta": 0.36585}
LAW = Additive(**TRUTH, objective=0.0)
BUDGETS = np.geomspace(1e19, 1e22, 6)


def sweep(rng, noise=0.003, sizes=8, budgets=BUDGETS):
    """Sizes from a quarter to four times a size near the optimum, at each budget."""
    c = np.repeat(budgets, sizes)
    n = np.sqrt(c / 120) * np.tile(np.geomspace(0.25, 4, sizes), len(budgets))
    return n, c, LAW(n, c / 6 / n) + noise * rng.standard_normal(len(c))


def additive_runs(rng, noise=0.0, count=60):
    n = np.exp(rng.uniform(np.log(5e7), np.log(1e10), count))
    d = n * np.exp(rng.uniform(np.log(5), np.log(200), count))
    return n, d, LAW(n, d) * np.exp(noise * rng.standard_normal(count))


# Approach 3


def test_the_huber_gradient_is_the_slope_of_the_objective(rng):
    n, d, loss = additive_runs(rng, 0.01)
    columns = np.log(n), np.log(d), np.log(loss)
    theta = np.array([6.0, 7.0, 0.6, 0.35, 0.36])
    _, gradient = summed_huber(theta, *columns, 0.02)
    for i, slope in enumerate(gradient):
        step = 1e-7 * np.eye(5)[i]
        up, down = (summed_huber(theta + s, *columns, 0.02)[0] for s in (step, -step))
        assert slope == pytest.approx((up - down) / 2e-7, rel=1e-4, abs=1e-6)


def test_approach_3_finds_the_law_that_made_the_losses(rng):
    found = fit_huber(*additive_runs(rng), starts=5)
    for name, value in TRUTH.items():
        assert getattr(found, name) == pytest.approx(value, rel=2e-2), name
    assert found.size_exponent == pytest.approx(LAW.size_exponent, abs=2e-3)


def test_resamples_scatter_around_the_estimate(rng):
    runs = additive_runs(rng, 0.01)
    fits = bootstrap_huber(*runs, count=8, starts=2, seed=1)
    ends = interval(fits, "alpha")
    assert ends.low < fit_huber(*runs, starts=2).alpha < ends.high
    again = bootstrap_huber(*runs, count=8, starts=2, seed=1)
    assert [f.alpha for f in again] == [f.alpha for f in fits]


def test_tokens_per_parameter_minimise_the_loss():
    c = 5.76e23
    ratio = LAW.tokens_per_parameter(c)
    around = [ratio * f for f in (0.9, 1.0, 1.1)]
    sizes = [np.sqrt(c / 6 / r) for r in around]
    low, best, high = (LAW(n, c / 6 / n) for n in sizes)
    assert best < min(low, high)


# Lines


def test_a_power_law_in_several_inputs_is_found(rng):
    n, d = np.exp(rng.uniform(15, 22, 30)), np.exp(rng.uniform(20, 26, 30))
    law = fit_power_law(1.79 * n**-0.713 * d**0.307, params=n, tokens=d)
    assert law.power("params").value == pytest.approx(-0.713)
    assert law.power("tokens").value == pytest.approx(0.307)
    assert law.at(params=1e9, tokens=1e11).value == pytest.approx(1.79 * 1e9**-0.713 * 1e11**0.307)


def test_intervals_of_a_line_hold_the_truth_as_often_as_they_say(rng):
    x = np.geomspace(1e18, 1e21, 6)
    held = 0
    for i in range(200):
        y = x**0.5 * np.exp(0.1 * rng.standard_normal(6))
        held += fit_power_law(y, draws=800, seed=i, flops=x).power(level=0.8).holds(0.5)
    low, high = binom.interval(0.999, 200, 0.8)
    assert low <= held <= high


def test_a_line_through_too_few_points_is_refused():
    with pytest.raises(FitError, match="2 points; expected more points"):
        fit_power_law([1.0, 2.0], flops=[1.0, 2.0])


# Approach 2


def test_posterior_optima_of_parabolas_hold_the_truth_as_often_as_they_say(rng):
    held = sum(
        fit_parabolas(*sweep(rng), draws=800, seed=i).exponent(0.8).holds(LAW.size_exponent)
        for i in range(100)
    )
    low, high = binom.interval(0.999, 100, 0.8)
    assert low <= held <= high


def test_a_budget_without_an_inner_optimum_is_left_out(rng):
    n, c, loss = sweep(rng)
    first = c == c[0]
    fit = fit_parabolas(n, c, np.where(first, 5 - 0.1 * np.log(n), loss))
    assert fit.left_out == (c[0],) and len(fit.flops) == 5


def test_parabolas_are_biased_where_exponents_differ():
    skewed = Additive(E=1.7, A=200.0, B=2e4, alpha=0.25, beta=0.45, objective=0.0)
    assert abs(parabola_bias(LAW, BUDGETS)) < 0.002 < 0.005 < abs(parabola_bias(skewed, BUDGETS))


def test_optima_that_are_not_determined_are_refused(rng):
    n, c, _ = sweep(rng)
    with pytest.raises(FitError, match="budgets have an optimum inside the sizes tried"):
        fit_parabolas(n, c, 5 - 0.1 * np.log(n))


# Interpolation


def test_interpolated_optima_grow_as_the_law_says(rng):
    fit = interpolate_optima(*sweep(rng, 0.0, 12), noise=SeedNoise(0.001, 0.001), replicates=100)
    assert fit.exponent().value == pytest.approx(LAW.size_exponent, abs=0.01)
    assert fit.exponent().holds(LAW.size_exponent)


def test_seed_noise_follows_the_loss_and_not_its_logarithm():
    loss = np.array([2.5, 4.2, 7.0])
    meant, as_run = SeedNoise(0.002, 0.05), SeedNoise(0.002, 0.05, as_run=True)
    assert meant.at(loss)[0] == pytest.approx(0.002) and meant.at(loss)[2] == pytest.approx(0.05)
    assert 0.002 < meant.at(loss)[1] < 0.05
    assert (as_run.at(loss) == 0.002).all()


def test_an_optimum_at_an_edge_is_left_out(rng):
    n, c, loss = sweep(rng, 0.0)
    fit = interpolate_optima(n, c, np.where(c == c[0], 5 - 0.1 * np.log(n), loss), replicates=50)
    assert fit.left_out == (c[0],)


# Approach 1


def test_the_envelope_of_training_curves_grows_as_the_law_says():
    sizes = np.geomspace(1e8, 1e10, 12)
    runs = bl.simulate("chinchilla", TRUTH, params=sizes, tokens=200 * sizes, checkpoints=60,
                       run_sd=0.0, checkpoint_sd=0.0)  # fmt: skip
    fit = fit_envelope(runs, resamples=30)
    assert fit.posterior().power().value == pytest.approx(LAW.size_exponent, abs=0.02)
    assert fit.exponent().low < LAW.size_exponent < fit.exponent().high
    inner = (fit.params > sizes.min()) & (fit.params < sizes.max())
    assert inner.all()


def test_an_envelope_of_few_sizes_is_refused():
    runs = bl.simulate("chinchilla", TRUTH, params=[1e8, 1e9], tokens=2e11, checkpoints=20)
    with pytest.raises(FitError, match="inner sizes touch the lower envelope; expected at least 4"):
        fit_envelope(runs, resamples=5)


# FLOP


@pytest.mark.parametrize(
    ("convention", "millions"), [("kaplan", 0.331776), ("standard", 5.17), ("attention", 5.76)]
)
def test_conventions_count_the_smallest_model_of_porian_as_they_do(convention, millions):
    shape = Shape(depth=3, width=96, vocab=50432)
    assert flops_per_token(shape, convention) / 6e6 == pytest.approx(millions, rel=2e-3)


def test_an_unknown_convention_is_refused():
    with pytest.raises(ValueError, match="expected one of kaplan, standard, attention"):
        flops_per_token(Shape(1, 8, 10), "all")


# Practice


def curves(sizes=5):
    params = np.geomspace(1e8, 1e10, sizes)
    return bl.simulate("chinchilla", TRUTH, params=params, tokens=3e11, checkpoints=30, run_sd=0.0,
                       checkpoint_sd=0.0)  # fmt: skip


def test_raw_least_squares_finds_the_law_from_clean_checkpoints():
    rows = curves().table
    found = fit_raw_loss(rows["params"], rows["tokens"], rows["loss"])
    assert found(1e11, 1e12) == pytest.approx(LAW(1e11, 1e12), rel=5e-3)
    held = fit_raw_loss(rows["params"], rows["tokens"], rows["loss"], fixed={"alpha": 0.34781})
    assert held.alpha == 0.34781
    tied = fit_raw_loss(rows["params"], rows["tokens"], rows["loss"], coupled=True)
    assert tied.alpha == pytest.approx(0.0116280 + 0.05004588 * np.log(tied.A))


def test_cells_show_the_smallest_models_and_hide_the_largest():
    found = list(cells(curves(), Practice(after=1e10)))
    assert [c.models for c in found] == [2, 3, 4]
    for cell in found:
        assert cell.train["params"].nunique() == cell.models
        assert cell.train["params"].max() < cell.target["params"].min()
        assert cell.train["tokens"].min() > 1e10
        assert cell.target["tokens"].min() >= 0.7 * 3e11


def test_less_of_training_is_seen_when_asked():
    whole, part = (next(cells(curves(), Practice(share=s))) for s in (1.0, 0.4))
    assert part.train["tokens"].max() <= 0.4 * 3e11 < whole.train["tokens"].max()


def test_the_report_of_errors_has_a_row_per_family_and_number_of_models():
    table = errors_by_models(curves())
    assert table["models"].tolist() == [2, 3, 4] and (table["are"] < 0.02).all()
    seen = errors_by_models(curves(), best_seen_forecast)
    assert (seen["are"] > table["are"]).all()
    borrowed = errors_by_models(curves(), borrowed_forecast)
    assert np.isfinite(borrowed["are"]).all()


# Learning curves


@pytest.mark.parametrize("kind", KINDS)
def test_a_learning_curve_follows_what_made_it(kind):
    x = np.geomspace(10, 2000, 40)
    y = 0.9 * (1 / x + 0.002) ** 0.4 if kind == "M3" else 0.15 * (kind != "M1") + 1.2 * x**-0.4
    fit = fit_curve(x, y, kind, guess=3.0)
    assert rmsle(fit, x, y) < 0.02
    assert rmsle(fit, [4000.0], [y[-1]]) < 0.5


def test_the_last_value_is_carried_forward():
    assert fit_curve([1.0, 2.0], [0.5, 0.4], "last")([10.0]).tolist() == [0.4]


def test_an_unknown_curve_is_refused():
    with pytest.raises(FitError, match="unknown curve 'M9'"):
        fit_curve([1.0, 2.0], [0.5, 0.4], "M9")


# Numbers


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Number(0.513), "0.5130"),
        (Number(0.497, 0.491, 0.505), "0.497 (0.491 to 0.505)"),
        (Number(7.69e10, 7e10, 8.64e10), "7.69e+10 (7e+10 to 8.64e+10)"),
        (Number(0.0), "0"),
    ],
)
def test_numbers_are_written_with_the_digits_they_warrant(number, text):
    assert str(number) == text


def test_a_number_knows_what_its_interval_holds():
    number = Number.of(pd.Series(np.linspace(0, 1, 1001)), 0.9)
    assert number.holds(0.5) and not number.holds(0.96) and number.width == pytest.approx(0.9)
    assert not Number(1.0).holds(1.0) and np.isnan(Number(1.0).width)
