"""Score cards count families and labs, and say what so few of them can tell."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from bayeslaw.errors import SpecError
from bayeslaw.inference.health import Check, Failure, Health
from bayeslaw.scoring import Scorecard
from bayeslaw.scoring.chance import clopper_pearson, uniformity
from bayeslaw.scoring.rivals import from_draws, from_normal
from tests.scoring.test_backtest import card_of


def test_a_family_of_many_runs_weighs_no_more_than_one_of_few():
    card = card_of([2.0, 2.0, 2.0, 2.2], families=["a", "a", "a", "b"])
    assert card.summary["mean_are"] == pytest.approx(0.2 / 2.2 / 2)
    assert card.summary["coverage"]["90"] == 0.5
    assert card.summary["bias"] < 0


def test_coverage_bounds_are_clopper_pearson_on_families():
    bounds = card_of([2.0] * 10).coverage_bounds["90"]
    assert bounds == pytest.approx((0.025**0.1, 1.0))
    none = card_of([9.0] * 10)
    assert none.coverage_bounds["90"] == pytest.approx((0.0, 1 - 0.025**0.1))
    assert "too narrow" in none.verdict


def test_coverage_is_that_of_each_level_family_by_family():
    # Intervals reach 1, 1.6, 1.8 and 1.9 % of the median 2: misses of 0.5, 1.2, 1.7 and 3 %.
    card = card_of([2.01, 2.024, 1.966, 2.06])
    assert card.summary["coverage"] == {"50": 0.25, "80": 0.5, "90": 0.75, "95": 0.75}
    assert card.summary["width90"] == pytest.approx(0.036)
    assert card.summary["bias"] == pytest.approx(np.mean([2 / o - 1 for o in card.table.observed]))
    assert card.summary["median_are"] == pytest.approx(np.median(np.abs(
        [2 / o - 1 for o in card.table.observed])))  # fmt: skip


def test_labs_weigh_the_same_however_many_families_they_have():
    card = card_of([2.0, 2.0, 2.0, 2.2], labs=["x", "x", "x", "y"])
    assert card.by_lab["n_families"].to_dict() == {"x": 3, "y": 1}
    assert card.by_lab["coverage90"].to_dict() == {"x": 1.0, "y": 0.0}
    assert card.by_lab["mean_are"].to_dict() == pytest.approx({"x": 0.0, "y": 0.2 / 2.2})
    assert card.lab_summary["n_labs"] == card.n_labs == 2
    assert card.lab_summary["coverage"]["90"] == 0.5 and card.summary["coverage"]["90"] == 0.75
    assert card.coverage_bounds_by_lab["90"] == pytest.approx(clopper_pearson(0.5, 2))
    assert card.coverage_bounds_by_lab["90"][0] < card.coverage_bounds["90"][0]
    assert "By lab" in card.text


def test_the_table_of_labs_is_markdown_with_means_over_both_units():
    table = card_of([2.0, 2.0, 2.1], families=["a", "b", "c"], labs=["x|y", "x|y", "z"])
    rows = table.table_by_lab.splitlines()
    assert len(rows) == 6 and rows[0].startswith("| lab | families | targets | ARE | bias | CRPS |")
    assert rows[2].startswith("| x\\|y | 2 | 2 | 0.00% | ")
    assert [row.split(" | ")[0] for row in rows[-2:]] == [
        "| mean of 2 labs",
        "| mean of 3 families",
    ]
    assert len({row.replace("\\|", "").count("|") for row in rows}) == 1


def test_a_point_forecast_has_its_error_as_crps():
    card = card_of([2.0, 2.0])
    card = Scorecard(card.table.assign(two_point=[2.2, np.nan]))
    found = card.summary["baselines"]["two_point"]
    assert found["crps"] == found["mean_are"] == pytest.approx(0.1)
    assert found["crps_ratio"] == pytest.approx(0.1) and found["n_families"] == 1
    assert "coverage" not in found


def test_a_rival_is_compared_where_it_can_forecast():
    card = card_of([2.0, 2.0, 2.0])
    rival = from_normal(np.array([2.0, 2.3, np.nan]), np.array([0.01, 0.01, np.nan]),
                        np.full(3, 2.0), "inflated")  # fmt: skip
    card = Scorecard(card.table.join(rival).assign(crps=[0.02, 0.04, 9.0]))
    found = card.summary["baselines"]["inflated"]
    assert found["coverage"]["90"] == 0.5 and found["n_families"] == 2
    assert found["crps_ratio"] == pytest.approx(0.03 / rival["inflated_crps"].mean())
    assert card.by_lab["crps_over_inflated"].isna().tolist() == [False, False, True]
    assert json.loads(json.dumps(card.to_dict(), allow_nan=False))["by_lab"][2][
        "crps_over_inflated"] is None  # fmt: skip


def test_a_rival_known_by_draws_and_by_its_normal_agree(rng):
    observed = np.array([2.05, 3.0])
    medians, sd = np.array([2.0, 3.1]), np.array([0.02, 0.05])
    draws = medians[:, None] * np.exp(sd[:, None] * rng.standard_normal((2, 100_000)))
    one, two = from_draws(draws, observed, "x"), from_normal(medians, sd, observed, "x")
    assert list(one) == list(two)
    np.testing.assert_allclose(one, two, rtol=0.01)


def test_joined_cards_count_families_and_labs_once():
    sick = Health((Failure(Check.RHAT, "R-hat of E is 1.2"),), ("beware",))
    one = card_of([2.0, 2.0], labs=["x", "x"], law="chinchilla", holdout="largest", seed=1,
                  health=Health(warnings=("beware",)))  # fmt: skip
    two = card_of([2.1], families=["other"], labs=["y"], law="chinchilla", holdout="tail:0.3",
                  seed=1, health=sick)  # fmt: skip
    both = Scorecard.joined([one, two])
    assert (both.n_families, both.n_labs, both.seed) == (3, 2, None)
    assert (both.law, both.holdout) == ("chinchilla", "largest; tail:0.3")
    assert not both.health.ok and both.health.warnings == ("beware",)
    assert both.summary["coverage"]["90"] == pytest.approx(2 / 3)
    assert both.text.endswith("do not rely on this card.")
    again = Scorecard.joined([one, one])
    assert again.n_families == 2 and again.summary == one.summary | {"n_targets": 4}
    assert again.health.ok and Scorecard.joined([card_of([2.0])]).health is None


def test_families_of_one_name_in_two_labs_are_two_families():
    card = Scorecard.joined([card_of([2.0], families=["a"], labs=[lab])
                             for lab in "xy"])  # fmt: skip
    assert card.n_families == 2 and len(card.by_family(card.table["crps"])) == 2


def test_no_card_cannot_be_joined():
    with pytest.raises(SpecError, match="no card to join"):
        Scorecard.joined([])


def test_uniformity_takes_the_farthest_target_of_each_family():
    card = card_of([2.0, 2.0, 2.0], families=["a", "a", "b"])
    table = card.table.assign(extrapolation_factor=[2, 9, 1], pit=[0.5, 0.999, 0.7])
    found = Scorecard(table).uniformity
    assert found == uniformity(np.array([0.999, 0.7]))
    assert found["n"] == 2


def test_a_test_of_uniformity_keeps_its_level_and_finds_what_it_promises(rng):
    tests = [uniformity(norm.cdf(scale * rng.standard_normal(15))) for scale in [1.0] * 400]
    assert 0.02 < np.mean([t["p_value"] < 0.05 for t in tests]) < 0.09
    narrow = [uniformity(norm.cdf(2 * rng.standard_normal(15)))["p_value"] < 0.05
              for _ in range(400)]  # fmt: skip
    assert np.mean(narrow) == pytest.approx(tests[0]["power_narrow"], abs=0.08)


def test_few_families_have_little_power_and_the_card_says_so():
    few, many = uniformity(np.full(3, 0.5)), uniformity(np.linspace(0.01, 0.99, 60))
    assert few["power_narrow"] < 0.5 < 0.95 < many["power_narrow"]
    assert f"would show in {few['power_narrow']:.0%} of such tests" in card_of([2.0] * 3).text


def test_bounds_on_a_share_hold_it():
    for share, trials in ((0.0, 4), (0.5, 7), (0.93, 12), (1.0, 3)):
        low, high = clopper_pearson(share, trials)
        assert 0 <= low <= share <= high <= 1


def test_hand_made_tables_keep_their_order_of_families():
    card = card_of([2.0, 2.2], families=["z", "a"])
    assert isinstance(card.by_family(card.table["crps"]), pd.Series)
    assert [family for _, family in card.by_family(card.table["crps"]).index] == ["z", "a"]
