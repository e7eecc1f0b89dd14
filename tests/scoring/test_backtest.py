"""Back-tests hide whole runs, compare with plain baselines and count families."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from bayeslaw.errors import RunsError, SpecError, TargetError
from bayeslaw.inference import Health
from bayeslaw.inference.health import Check, Failure
from bayeslaw.prediction import Target, forecast
from bayeslaw.runs import load_runs
from bayeslaw.scoring import Scorecard, backtest, score
from bayeslaw.scoring.backtest import hide
from bayeslaw.scoring.baselines import baselines
from tests.scoring.synthetic import ladder, synthetic_fit

SUMMARY = {
    "n_targets", "n_families", "mean_are", "median_are", "bias", "crps", "coverage", "width90",
    "baselines",
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_sampling(monkeypatch):
    monkeypatch.setattr(sys.modules["bayeslaw.scoring.backtest"], "fit", synthetic_fit)


def card_of(observed, median=2.0, spread=0.02, families=None):
    """A card whose intervals are median x (1 +- spread x level)."""
    n = len(observed)
    table = pd.DataFrame(
        {
            "family": families or [f"f{i}" for i in range(n)],
            "run": [f"r{i}" for i in range(n)],
            "params": 1e9, "tokens": 2e10, "observed": observed, "median": median, "sd": 0.02,
            "crps": 0.01, "log_score": -3.0, "interval_score": 0.1, "pit": 0.5,
            "extrapolation_factor": 4.0, "known_family": True,
        }
    )  # fmt: skip
    for level in ("50", "80", "90", "95"):
        table[f"low{level}"] = median * (1 - spread * float(level) / 100)
        table[f"high{level}"] = median * (1 + spread * float(level) / 100)
    return Scorecard(table)


def test_the_largest_size_of_every_family_of_three_sizes_is_hidden():
    runs = ladder(("a", "b"), sizes=4)
    short = runs.where("family == 'b'").table.head(2)
    both = runs.replace_table(pd.concat([runs.where("family == 'a'").table, short]))
    training, hidden = hide(both)
    assert hidden.families == ["a"]
    assert hidden.table["params"].tolist() == [1e9]
    assert len(training) == 5


def test_sizes_that_differ_by_counting_are_one_size():
    runs = ladder(sizes=4)
    table = runs.table
    twin = table.tail(1).assign(params=1.001e9, run="twin")
    _, hidden = hide(runs.replace_table(pd.concat([table, twin])))
    assert len(hidden) == 2


def test_smallest_k_trains_on_k_sizes():
    training, hidden = hide(ladder(sizes=6), "smallest-k:3")
    assert (len(training), len(hidden)) == (3, 3)
    assert training.table["params"].max() < hidden.table["params"].min()


def test_a_condition_hides_whole_runs_so_no_checkpoint_leaks():
    runs = ladder(sizes=5, checkpoints=4)
    training, hidden = hide(runs, "flops > 5e19")
    assert not set(training.table["run"]) & set(hidden.table["run"])
    assert len(training) + len(hidden) == len(runs)
    assert training.table["flops"].max() <= 5e19


@pytest.mark.parametrize(
    ("holdout", "words"),
    [("largest", "no family has 3 sizes"), ("smallest-k:9", "more than 9"),
     ("flops > 1e30", "no row satisfies"), ("flops > 1", "leaves no run")],
)  # fmt: skip
def test_a_holdout_that_hides_nothing_or_all_is_refused(holdout, words):
    with pytest.raises(RunsError, match=words):
        backtest(ladder(sizes=2), holdout)


def test_a_score_must_be_known():
    with pytest.raises(SpecError, match="'best'; expected one of last, tail"):
        backtest(ladder(), score="best")


def test_a_back_test_has_the_keys_of_the_contract_and_is_json():
    card = backtest(ladder(("a", "b")), seed=1)
    assert set(card.summary) == SUMMARY
    assert set(card.summary["coverage"]) == {"50", "80", "90", "95"}
    assert set(card.summary["baselines"]) == {"last_value", "two_point", "least_squares"}
    found = json.loads(json.dumps(card.to_dict(), allow_nan=False))
    assert found["targets"][0]["baselines"].keys() == card.summary["baselines"].keys()
    assert found["summary"]["n_families"] == 2
    assert len(card.text.splitlines()) == 10


def test_on_a_known_law_the_forecast_beats_the_last_value():
    card = backtest(ladder(("a", "b")))
    assert card.summary["mean_are"] < 0.01
    assert card.beaten("last_value") == (2, 2)
    assert card.table["extrapolation_factor"].between(6, 7).all()


def test_the_same_seed_gives_the_same_card():
    one, two = (backtest(ladder(), seed=4).to_dict() for _ in range(2))
    assert one == two


def test_the_tail_is_the_last_thirty_percent_of_tokens_averaged_per_run():
    runs = ladder(sizes=4, checkpoints=12)
    card = backtest(runs, score="tail")
    assert card.table["tokens"].min() >= 0.7 * card.table["tokens"].max()
    assert card.summary["n_targets"] == len(card.table) > 1
    are = ((card.table["median"] - card.table["observed"]) / card.table["observed"]).abs()
    assert card.summary["mean_are"] == pytest.approx(are.mean())


def test_baselines_are_what_they_say():
    runs = load_runs(
        pd.DataFrame({"family": "a", "params": [1e7, 1e8, 1e9], "tokens": [2e8, 2e9, 2e10],
                      "loss": [5.0, 4.0, 3.0]})
    )  # fmt: skip
    target = pd.DataFrame({"family": ["a", "b"], "params": 1e10, "tokens": 2e11, "flops": 1.2e22})
    found = baselines(runs, target, "chinchilla")
    assert found["last_value"].tolist()[0] == pytest.approx(3.0)
    assert found["two_point"].tolist()[0] == pytest.approx(3.0 * 3 / 4)
    assert found["least_squares"].isna().all()  # three runs, five parameters
    assert found.iloc[1].isna().all()


def test_replicates_of_the_largest_run_are_averaged():
    runs = load_runs(
        pd.DataFrame({"family": "a", "params": [1e8, 1e9, 1e9], "tokens": [2e9, 2e10, 2e10],
                      "loss": [4.0, 3.0, 3.3], "seed": ["0", "0", "1"]})
    )  # fmt: skip
    target = pd.DataFrame({"family": ["a"], "params": 1e10, "tokens": 2e11, "flops": 1.2e22})
    found = baselines(runs, target, "chinchilla").iloc[0]
    assert found["last_value"] == pytest.approx(np.sqrt(3.0 * 3.3))
    assert np.isfinite(found["two_point"])


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


def test_an_unhealthy_refit_is_said_first_of_all(monkeypatch):
    sick = Health((Failure(Check.RHAT, "R-hat of E is 1.2"),))
    monkeypatch.setattr(
        sys.modules["bayeslaw.scoring.backtest"], "fit",
        lambda *a, **k: synthetic_fit(*a, **k, health=sick),
    )  # fmt: skip
    card = backtest(ladder())
    assert card.text.endswith("do not rely on this card.")
    assert card.to_dict()["health"]["ok"] is False


def test_a_forecast_of_other_runs_or_of_the_curve_cannot_be_scored():
    runs = ladder()
    fit = synthetic_fit(runs)
    seen = runs.where("params < 1e8")
    with pytest.raises(TargetError, match=r"not the .* observed rows"):
        score(forecast(fit, [Target(1e8, 2e9, "ours")]), seen)
    with pytest.raises(TargetError, match="never observed"):
        score(forecast(fit, seen, kind="mean"), seen)
    assert score(forecast(fit, seen), seen).summary["baselines"] == {}
