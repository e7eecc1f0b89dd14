"""The calibration benchmark runs at toy size, and what it reports is what it counts."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from bayeslaw import inference, names
from bayeslaw.model import Spec
from bayeslaw.runs import load_runs
from bayeslaw.scoring.rivals import from_draws
from bayeslaw.simulation import simulate
from tests.benchmarks import calibration, curves, ladders, splits, strange, transfer, worlds
from tests.benchmarks.curve_tables import simulated
from tests.benchmarks.effort import TOY
from tests.scoring.synthetic import TRUTH, synthetic_fit


def measured(rows):
    return {row.what: row.measured for row in rows}


@pytest.fixture
def invented(monkeypatch):
    """Replace sampling by invented draws."""
    monkeypatch.setattr(inference, "fit", synthetic_fit)


def test_only_known_items_are_taken():
    assert calibration.items("6,3") == [3, 6]
    for wrong in ("1", "three"):
        with pytest.raises(Exception, match=r"item 1|not a list"):
            calibration.items(wrong)


@pytest.mark.parametrize("title, run", calibration.ITEMS.values())
def test_every_item_has_a_title_and_a_function(title, run):
    assert title and callable(run)


# --- splits -----------------------------------------------------------------------------------


@pytest.fixture
def card():
    draws = np.linspace(1.9, 2.1, 401)[None] + np.array([[0.0], [0.5]])
    table = from_draws(draws, np.array([2.0, 3.0]))
    table = table.assign(observed=[2.0, 3.0], family="a")

    return SimpleNamespace(table=table, health=None)


def test_coverage_width_and_error_of_a_split_are_in_nats(card):
    found = splits.epoch_rows(card, "x", judged=True)
    values = measured(found)
    assert values["x: 95 % coverage"] == 0.5
    assert values["x: mean 95 % width"] == pytest.approx(0.19)
    assert values["x: mean absolute error"] == pytest.approx(0.25)
    assert [row.met for row in found if row.met is not None] == [False, False, False]
    assert all(row.met is None for row in splits.epoch_rows(card, "x", judged=False))


def test_the_error_of_a_split_by_size_is_relative(card):
    found = splits.gadre_rows(card, "c4", 10.0)
    values = measured(found)
    assert values["c4: mean error"] == pytest.approx(100 / 12)
    assert values["c4: bias"] == pytest.approx(-100 / 12)
    assert values["c4: runs inside 90 %, of 2"] == 1
    assert values["c4: health"] == "healthy"


def test_published_splits_hide_what_they_say(data_dir):
    from bayeslaw.runs.datasets import load_dataset
    from bayeslaw.scoring import hide

    train, hidden = hide(load_dataset("chinchilla_epoch_240"), splits.EPOCH_CUT)
    assert (len(train), len(hidden)) == (177, 63)
    train, hidden = hide(load_dataset("gadre_overtrain"), splits.GADRE_CUT)
    assert (len(train), len(hidden)) == (95, 9)


# --- the largest model from few others --------------------------------------------------------


@pytest.fixture
def two_families():
    sizes = np.repeat([1e8, 3e8, 1e9, 3e9], 2)
    runs = simulate(
        "chinchilla",
        TRUTH,
        params=sizes,
        tokens=2e10,
        family=np.tile(["ours", "theirs"], 4),
        checkpoints=12,
        seed=3,
    )
    return runs


def test_a_case_fits_the_chosen_sizes_and_all_other_families(two_families):
    case = transfer.Case("ours", "a lab", "ours from its second", slice(1, 2), 5.0)
    train, hidden = transfer.parted(two_families, case)
    own = train.table[train.table[names.FAMILY] == "ours"]
    assert own[names.PARAMS].unique().tolist() == [3e8]
    assert len(train.table) - len(own) == 4 * 12
    assert set(hidden.table[names.PARAMS]) == {3e9} and hidden.n_runs == 1
    assert hidden.table[names.TOKENS].min() >= 0.7 * 2e10


def test_a_run_keeps_its_noise_along_its_late_rows(two_families, invented):
    case = transfer.Case("ours", "a lab", "ours", slice(0, 3), 5.0, strict=True)
    train, hidden = transfer.parted(two_families, case)
    fitted = transfer.fit_quietly(train, Spec(), TOY, 1)
    one = transfer.mean_of_run(fitted, hidden.table.tail(1))
    all_rows = transfer.mean_of_run(fitted, hidden.table)
    # Drawn for each row, the noise of the mean would be smaller by the root of their number.
    assert np.log(all_rows).std() == pytest.approx(np.log(one).std(), rel=0.1)
    found = transfer.case_rows(fitted, hidden, case, "ours")
    assert found[0].target == "< 5 %" and "holds" in found[1].measured


# --- simulated worlds -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", strange.KINDS)
def test_strange_worlds_fall_with_size_and_data(kind):
    grid = np.geomspace(1e8, 1e12, 40)
    for seed in range(30):
        rng = np.random.default_rng(seed)
        world = strange.draw(kind, np.geomspace(2e7, 1e9, 5), 5e9, rng)
        for loss in (world(grid, 20 * grid), world(grid, np.full(40, 2e10))):
            assert np.isfinite(loss).all() and (np.diff(loss) < 0).all() and loss.min() > 1


def test_designs_are_reproduced_and_the_target_has_ten_times_the_compute():
    first, again = (ladders.shape(np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    runs = ladders.as_runs(*first)
    ratio = ladders.beyond(runs, 10.0).flops / runs.table[names.FLOPS].max()
    assert ratio == pytest.approx(10.0)


def test_both_kinds_of_worlds_are_simulated_and_counted():
    section = worlds.run(TOY, 1)
    values = measured(section.rows)
    judged = [row.what for row in section.rows if row.met is not None]
    assert "own worlds, stated priors: 90 % coverage of 2" in values
    assert {"broken powers: CRPS skill", "drifting recipes: CRPS skill"} <= set(values)
    assert len(judged) >= 3
    assert all(isinstance(v, str) or np.isfinite(v) for v in values.values())


def test_skill_is_what_the_score_lies_below_the_rivals():
    table = pd.DataFrame({"crps": [1.0, 1.0], "alone crps": [1.0, 3.0]})
    assert worlds.skill(table) == 0.5


# --- curves -----------------------------------------------------------------------------------


def test_a_simulated_curve_is_forecast_with_finite_scores():
    curve = next(simulated(1))
    found = curves.score(curve, curves.SPEC, TOY, 1)
    numbers = [found[n] for n in ("rmsle", "ll", "msce", "crps", "seconds")]
    assert np.isfinite(numbers).all() and found["covered"].shape == (7,)


def test_the_density_of_a_point_integrates_to_one(rng):
    grid = np.linspace(0.05, 2.0, 4000)
    under, sd = 0.5 * np.exp(0.1 * rng.standard_normal(60)), np.full(60, 0.03)
    for tails in (4.0, None):
        found = curves.log_density(np.tile(under, (len(grid), 1)), sd, tails, grid)
        assert np.trapezoid(np.exp(found), grid) == pytest.approx(1, abs=0.005)


def test_one_draw_has_the_density_of_its_noise():
    found = curves.log_density(np.array([[2.0]]), np.array([0.02]), 4.0, np.array([2.1]))
    scale = 0.02
    expected = t.logpdf(np.log(2.1 / 2.0) / scale, 4) - np.log(scale) - np.log(2.1)
    np.testing.assert_allclose(found, expected)


def test_curves_of_one_task_are_resampled_together():
    one = pd.DataFrame({"Domain": "IC", "Task": "birds", "rmsle": [0.1, 0.3]})
    assert curves.resampled(one, "rmsle") == "0.2000 to 0.2000"
    two = pd.concat([one, one.assign(Task="cars", rmsle=0.4)])
    assert curves.resampled(two, "rmsle") == "0.2000 to 0.4000"


def test_the_stored_curves_are_split_as_published(data_dir):
    found = curves.benchmark()
    assert len(found) == 116
    table = pd.DataFrame(
        {"Domain": c.domain, "Task": c.task, "Model": c.model,
         "last": curves.rmsle(np.full_like(c.y_new, c.y[-1]), c.y_new)}
        for c in found
    )  # fmt: skip
    stored = curves.peers()["last"].rename("stored")
    both = table.join(stored, on=["Domain", "Task", "Model"])
    np.testing.assert_allclose(both["last"], both["stored"], atol=2e-6)


def test_runs_of_a_curve_keep_its_points():
    curve = next(simulated(1))
    table = curves.as_runs(curve).table
    assert isinstance(load_runs(table).table, pd.DataFrame)
    np.testing.assert_allclose(table[names.LOSS], curve.y)
