"""Truths about skills: a simulated table is recovered, gaps are forecast, bad tables refused."""

import numpy as np
import pandas as pd
import pytest

from bayeslaw.errors import RunsError, SpecError, TargetError
from bayeslaw.tasks.benchmarks import describe
from bayeslaw.tasks.health import skill_health
from bayeslaw.tasks.skill_choice import choose_skills
from bayeslaw.tasks.skill_forecast import forecast_skills
from bayeslaw.tasks.skill_marginal import log_marginal, solve
from bayeslaw.tasks.skill_table import load_skills
from bayeslaw.tasks.skills import beginning, choose_inputs, fit_skills, grouped
from bayeslaw.tasks.subset import choose_models
from tests.benchmarks.tasks_simulated import skill_frame

ITEMS = {"reading": 2000, "logic": 2000, "facts": 2000}


@pytest.fixture(scope="module")
def simulated():
    frame, truth = skill_frame(np.random.default_rng(21))
    rank = frame.groupby("family")["params"].rank(ascending=False)
    hidden = np.zeros((len(frame), 3), bool)
    hidden[rank == 1] = [True, True, True]  # the largest of a family
    hidden[rank == 2] = [False, True, False]  # and one score of the next
    table = load_skills(frame, items=ITEMS)
    fit = fit_skills(table.hide(hidden), skills=1, draws=6)
    return fit, hidden, truth.to_numpy(), table


@pytest.fixture(scope="module")
def made(simulated):
    return forecast_skills(simulated[0])


def cells_of(made, simulated):
    """Where each forecast cell lies in the table."""
    table = simulated[3]
    models, names = list(table.models), table.names
    return [(models.index(m), names.index(b))
            for m, b in zip(made.cells["model"], made.cells["benchmark"], strict=True)]  # fmt: skip


def test_loadings_are_recovered_up_to_scale(simulated):
    found = np.abs(simulated[0].loadings[:, 0])
    # In the order of the columns: reading .9, logic 1.3, facts .7.
    np.testing.assert_allclose(found / found.sum(), np.array([0.9, 1.3, 0.7]) / 2.9, atol=0.06)
    assert simulated[0].settled and skill_health(simulated[0]).ok


def test_hidden_scores_of_larger_models_are_covered(made, simulated):
    _, hidden, truth, table = simulated
    cells = cells_of(made, simulated)
    assert sorted(cells) == [tuple(c) for c in np.argwhere(hidden)]
    observed = np.array([table.share[c] for c in cells])
    low, high = made.interval(0.9).T
    assert 0.75 <= np.mean((low <= observed) & (observed <= high)) <= 1
    expected = np.array([truth[c] for c in cells])
    assert np.abs(made.median - expected).mean() < 0.09


def test_a_model_with_other_scores_is_known_better_than_one_without(made, simulated):
    width = np.ptp(made.interval(0.9), axis=1)
    logic = (made.cells["benchmark"] == "logic").to_numpy()
    alone = np.array([simulated[1][i].all() for i, _ in cells_of(made, simulated)])
    assert width[logic & alone].mean() > 1.2 * width[logic & ~alone].mean()


def test_few_items_widen_the_forecast_of_a_score(made, simulated):
    assert (made.draws.std(0) >= 0.9 * made.expected.std(0)).all()
    assert made.table.columns.tolist() == [
        "model", "family", "benchmark", "median", "low", "high"
    ]  # fmt: skip
    record = made.records()[0]
    assert set(record) == {"model", "family", "benchmark", "median", "mean", "sd", "intervals"}


def test_a_new_model_is_forecast_from_its_other_scores(simulated):
    fit, _, truth, table = simulated
    new = table.where(np.array([1]))
    new = load_skills(
        pd.DataFrame({"model": ["new"], "family": ["other"], "reading": new.share[0, 0],
                      "logic": [None], "facts": new.share[0, 2]}),
        benchmarks=table.names, items=ITEMS,
    )  # fmt: skip
    made = forecast_skills(fit, new)
    low, high = made.interval(0.95)[0]
    assert low < truth[1, 1] < high and high - low < 0.5


def test_the_gradient_of_the_marginal_likelihood_is_its_slope(simulated, rng):
    fit = simulated[0]
    groups, _ = grouped(fit.table, choose_inputs(fit.table))
    theta = beginning(fit.table, fit.shape, fit.link)
    theta = theta + 0.1 * rng.standard_normal(len(theta))
    at = solve(theta, fit.shape, groups, fit.link)
    _, grad = log_marginal(theta, fit.shape, groups, at)
    for i in range(0, len(theta), 3):
        step = 1e-5 * np.eye(len(theta))[i]
        up = log_marginal(theta + step, fit.shape, groups, at)[0]
        down = log_marginal(theta - step, fit.shape, groups, at)[0]
        assert grad[i] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-3)


def test_the_order_of_rows_changes_nothing_but_the_draws(simulated):
    _, hidden, _, table = simulated
    turned = np.arange(len(table))[::-1]
    one = fit_skills(table.hide(hidden), skills=1, draws=1)
    other = fit_skills(table.hide(hidden).where(turned), skills=1, draws=1)
    np.testing.assert_allclose(np.abs(one.loadings), np.abs(other.loadings), rtol=0.02)
    both = forecast_skills(one).table.merge(forecast_skills(other).table, on=["model", "benchmark"])
    assert len(both) == hidden.sum()
    np.testing.assert_allclose(both["median_x"], both["median_y"], atol=0.1)  # 40 draws each


def test_one_skill_is_enough_for_a_table_of_one(simulated):
    chosen, scores = choose_skills(simulated[3], (1, 2))
    assert set(scores) == {1, 2} and chosen == min(scores, key=lambda k: scores[k])
    assert scores[1] < 1.15 * scores[2]


def test_more_evaluated_models_tell_more_and_extremes_are_among_the_first(simulated):
    fit = simulated[0]
    few, more = choose_models(fit, 2), choose_models(fit, 6)
    assert few.variance > more.variance > more.variance_all
    assert len(set(more.models)) == 6
    with pytest.raises(SpecError, match="expected 1 to 32"):
        choose_models(fit, 33)
    with pytest.raises(SpecError, match="not among the fitted models"):
        choose_models(fit, 1, candidates=np.array(["nobody"]))


def test_nothing_missing_is_nothing_to_forecast(simulated):
    fit = fit_skills(simulated[3], skills=1, draws=1)
    with pytest.raises(TargetError, match="no score is missing"):
        forecast_skills(fit)


GOOD = {"model": ["a", "b", "c"], "family": "f", "params": [1e9, 3e9, 7e9], "tokens": 1e12,
        "MMLU": [0.3, 0.4, 0.5]}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"MMLU": [30, 40, 50]}, "'MMLU'.*a share from 0 to 1"),
        ({"ours": [0.1, 0.2, 0.3]}, "the number of items of 'ours' is unknown"),
        ({"model": ["a", "a", "c"]}, "'a' occur more than once"),
        ({"model": ["a", None, "c"]}, "printable characters"),
        ({"params": [0, 1e9, 1e9]}, "a number above 0"),
        ({"MMLU": [None, None, None]}, "no column of scores"),
    ],
)
def test_bad_tables_are_refused(change, message):
    with pytest.raises(RunsError, match=message):
        load_skills(pd.DataFrame({**GOOD, **change}))


def test_columns_that_are_absent_are_named():
    for column in ("model", "family"):
        with pytest.raises(RunsError, match=f"no column '{column}'"):
            load_skills(pd.DataFrame(GOOD).drop(columns=column))


def test_a_benchmark_of_two_scores_is_too_few():
    table = load_skills(pd.DataFrame({**GOOD, "GSM8K": [0.1, 0.2, None]}))
    with pytest.raises(RunsError, match="'GSM8K' have fewer than 3 scores"):
        fit_skills(table, skills=1)
    with pytest.raises(SpecError, match="3 skills for 2 benchmarks; expected 1 to 2"):
        fit_skills(table, skills=3)


def test_compute_follows_from_size_and_tokens_and_a_lone_family_is_a_warning():
    table = load_skills(pd.DataFrame(GOOD))
    assert table.sizes[0].tolist() == [1e9, 1e12, 6e21]
    health = skill_health(fit_skills(table, skills=1, draws=1))
    assert any("only 1 families" in w for w in health.warnings)


@pytest.mark.parametrize(
    ("items", "floors", "message"),
    [
        ({"x": 0}, None, "has 0 items"),
        ({"x": 10}, {"x": 1.0}, "floor of 'x' is 1"),
        ({"x": 10, "y": 5}, None, "'y', which the table lacks"),
    ],
)
def test_benchmarks_are_described_within_range(items, floors, message):
    with pytest.raises(RunsError, match=message):
        describe(["x"], items, floors)
