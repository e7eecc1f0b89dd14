"""Truths about the two steps: the curve follows the scores, and the doubt of both adds up."""

import numpy as np
import pandas as pd
import pytest

from bayeslaw.errors import RunsError, SpecError, TargetError
from bayeslaw.tasks.loss_to_task import (
    fit_task,
    load_task_scores,
    size_at,
    task_scores,
)
from bayeslaw.tasks.two_step import two_step
from tests.benchmarks.tasks_simulated import task_frame


def smooth(loss):
    return 0.25 + 0.65 / (1 + np.exp(-4 * (2.4 - loss)))


def kinked(loss):
    return 0.25 + 0.5 * np.maximum(2.2 - loss, 0)


def scored(truth, n=30, items=5000, seed=2):
    rng = np.random.default_rng(seed)
    loss = np.linspace(1.6, 3.4, n)
    return task_scores(loss, rng.binomial(items, truth(loss)) / items, np.full(n, items))


@pytest.fixture(scope="module")
def curve():
    return fit_task(scored(smooth), chance=0.25, draws=1500)


def test_the_curve_holds_the_truth_it_was_simulated_from(curve):
    at = np.array([1.8, 2.2, 2.6, 3.0])
    low, high = np.quantile(curve.share(np.tile(at, (1500, 1))), [0.01, 0.99], axis=0)
    assert ((low < smooth(at)) & (smooth(at) < high)).all()
    assert curve.tail_shape < 0.9


def test_the_share_falls_with_the_loss_and_stays_above_chance(curve):
    share = curve.share(np.tile(np.linspace(1, 5, 30), (1500, 1)))
    assert (np.diff(share, axis=1) <= 1e-12).all()
    assert share.min() >= 0.25 and share.max() <= 1


def test_a_small_evaluation_scatters_more_than_a_large_one(curve):
    loss = np.full((1500, 1), 2.3)
    few, many, none = (curve.share(loss, items=n).std() for n in (50, 5000, None))
    assert few > 3 * many > 2 * none
    assert few == pytest.approx(np.sqrt(0.64 * 0.36 / 50), rel=0.2)


def test_doubt_about_the_loss_is_doubt_about_the_task(curve, rng):
    sure = curve.share(np.full((1500, 1), 2.4))
    unsure = curve.share(2.4 + 0.1 * rng.standard_normal((1500, 1)))
    assert unsure.std() > 2 * sure.std()


def test_a_task_leaves_chance_a_twentieth_of_the_way_up(curve):
    low, high = np.quantile(curve.threshold(), [0.01, 0.99])
    assert low < 2.4 + np.log(19) / 4 < high
    share = curve.share(curve.threshold()[:1][None, :].repeat(3, 0))
    assert (share > 0.25).all() and share.max() < 0.4


def test_a_smooth_curve_is_not_called_a_change_point(curve):
    assert curve.shape == "sigmoid" and curve.p_change_point < 0.1


def test_a_change_point_is_found_where_it_is():
    found = fit_task(scored(kinked, n=60, items=14_000), chance=0.25, draws=1500)
    assert found.shape == "change point"
    assert abs(np.median(found.change) - 2.2) < 0.05


def test_few_items_do_not_decide_the_shape():
    found = fit_task(scored(kinked, n=8, items=30), chance=0.25, draws=1500)
    assert found.shape == "undecided"


@pytest.fixture(scope="module")
def simulated():
    frame, truth = task_frame(np.random.default_rng(12))
    target = {k: truth[k] for k in ("params", "tokens")}
    return two_step(frame, targets=[target], chance=0.25, engine="quadrature"), truth


def test_two_steps_hold_the_true_task_of_a_larger_model(simulated):
    found, truth = simulated
    (record,) = found.forecasts
    low, high = record["intervals"]["95"]
    assert low <= truth["share"] <= high and high - low < 0.5
    low, high = record["loss"]["intervals"]["95"]
    assert low <= truth["loss"] <= high
    assert record["extrapolation_factor"] > 10 and record["family"] == "ours"


def test_the_size_that_leaves_chance_lies_where_the_loss_meets_the_threshold(simulated):
    found, truth = simulated
    low, high = np.quantile(found.curve.threshold(), [0.01, 0.99])
    assert low < truth["threshold"] < high
    record = found.to_dict()
    assert record["size_that_leaves_chance"]["p_reached"] > 0.99
    low, high = record["size_that_leaves_chance"]["intervals"]["95"]
    n = np.geomspace(5e7, 3e9, 400)
    loss = 1.7 + 400 * n**-0.34 + 410 * (20 * n) ** -0.28
    assert low * 0.9 <= n[np.argmin(abs(loss - truth["threshold"]))] <= high * 1.1
    assert record["law"] == "chinchilla"


def test_without_a_target_only_the_curve_is_fitted():
    frame, _ = task_frame(np.random.default_rng(12))
    found = two_step(frame[["loss", "share", "items"]], chance=0.25)
    assert found.fit is None and found.forecasts == []
    assert "size_that_leaves_chance" not in found.to_dict()


def test_sizes_that_never_reach_the_threshold_are_infinite_and_the_first_if_all_do():
    loss, sizes = np.array([[3.0, 2.5, 2.0]]), np.array([1e8, 1e9, 1e10])
    assert size_at(loss, sizes, np.array([1.0, 5.0, 2.5])).tolist() == [np.inf, 1e8, 1e9]


def test_rows_without_a_share_are_left_out_and_bad_ones_named():
    table = pd.DataFrame({
        "loss": [3.0, 2.8, 2.5, 2.2, 2.0], "share": [0.2, None, 0.3, 0.5, 0.6], "items": 100
    })  # fmt: skip
    assert len(load_task_scores(table).loss) == 4
    with pytest.raises(RunsError, match="needs at least 4"):
        load_task_scores(table.head(4))
    with pytest.raises(RunsError, match="a share from 0 to 1"):
        load_task_scores(table.assign(share=[20, 30, 40, 50, 60]))


def test_what_makes_no_sense_is_refused():
    frame, _ = task_frame(np.random.default_rng(12))
    with pytest.raises(SpecError, match="chance is 1"):
        fit_task(scored(smooth), chance=1.0)
    with pytest.raises(TargetError, match="a target gives params; expected params and tokens"):
        two_step(frame, targets=["params=7B"])
