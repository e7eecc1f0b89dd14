"""Back-tests hide whole runs, compare with plain baselines and count families."""

import json
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bayeslaw.errors import RunsError, SpecError, TargetError
from bayeslaw.inference import Health
from bayeslaw.inference.health import Check, Failure
from bayeslaw.model import Spec
from bayeslaw.prediction import Target, forecast
from bayeslaw.runs import load_runs
from bayeslaw.scoring import Scorecard, backtest, score
from bayeslaw.scoring.baselines import baselines
from bayeslaw.scoring.holdout import hide
from bayeslaw.scoring.rivals import plain_bayes
from tests.scoring.synthetic import ladder, synthetic_fit

SUMMARY = {
    "n_targets", "n_families", "mean_are", "median_are", "bias", "crps", "coverage", "width90",
    "baselines",
}  # fmt: skip
TARGET = {
    "family", "run", "params", "tokens", "observed", "median", "sd", "intervals", "crps",
    "log_score", "baselines",
}  # fmt: skip
PLAIN = {"last_value", "two_point", "least_squares"}
HOLDOUTS = ["largest", "smallest-k:3", "flops > 5e19", "params > 1e8 and tokens > 1e8", "tail:0.3"]


@pytest.fixture(autouse=True)
def no_sampling(monkeypatch):
    monkeypatch.setattr(sys.modules["bayeslaw.scoring.backtest"], "fit", synthetic_fit)


def card_of(observed, median=2.0, spread=0.02, families=None, labs=None, **settings):
    """A card whose intervals are median x (1 +- spread x level)."""
    n = len(observed)
    families = families or [f"f{i}" for i in range(n)]
    table = pd.DataFrame(
        {
            "family": families, "lab": labs or families,
            "run": [f"r{i}" for i in range(n)],
            "params": 1e9, "tokens": 2e10, "observed": observed, "median": median, "sd": 0.02,
            "crps": 0.01, "log_score": -3.0, "interval_score": 0.1, "pit": 0.5, "z": 0.0,
            "energy_score": 0.01, "extrapolation_factor": 4.0, "known_family": True,
        }
    )  # fmt: skip
    for level in ("50", "80", "90", "95"):
        table[f"low{level}"] = median * (1 - spread * float(level) / 100)
        table[f"high{level}"] = median * (1 + spread * float(level) / 100)
    return Scorecard(table, **settings)


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
    assert set(card.summary["baselines"]) == PLAIN | {"inflated"}
    assert all({"mean_are", "median_are"} <= set(b) for b in card.summary["baselines"].values())
    found = json.loads(json.dumps(card.to_dict(), allow_nan=False))
    for target in found["targets"]:
        assert set(target) >= TARGET and set(target["baselines"]) == PLAIN | {"inflated"}
    assert found["summary"]["n_families"] == 2
    assert len(card.text.splitlines()) == 12


@pytest.mark.parametrize("holdout", HOLDOUTS)
@pytest.mark.parametrize("which", ["last", "tail"])
def test_no_hidden_loss_reaches_a_fit(holdout, which, monkeypatch):
    runs, seen = ladder(("a", "b"), checkpoints=8), []

    def fit(training, *arguments, **settings):
        seen.append(training)
        return synthetic_fit(training, *arguments, **settings)

    monkeypatch.setattr(sys.modules["bayeslaw.scoring.backtest"], "fit", fit)
    card = backtest(runs, holdout, score=which, parametric=True)
    training, hidden = hide(runs, holdout)
    assert len(seen) == 3 and all(runs == training for runs in seen)
    losses = set(training.table["loss"])
    assert losses.isdisjoint(hidden.table["loss"]) and losses.isdisjoint(card.table["observed"])
    assert set(card.table["observed"]) <= set(hidden.table["loss"])


def test_the_baselines_see_the_training_runs_alone():
    runs = ladder(("a", "b"))
    card = backtest(runs)
    table = runs.table
    hidden = table["params"] == table["params"].max()
    other = runs.replace_table(table.assign(loss=table["loss"] * np.where(hidden, 1.3, 1.0)))
    again = backtest(other)
    columns = ["last_value", "two_point", "least_squares", "inflated_low90"]
    assert again.table[columns].equals(card.table[columns])
    assert again.table["median"].equals(card.table["median"])
    assert not again.table["observed"].equals(card.table["observed"])


def test_what_a_fit_can_do_is_passed_on_as_it_is(monkeypatch):
    found = []

    def fit(training, spec=None, **settings):
        found.append((spec, settings))
        return synthetic_fit(training, spec, **settings)

    monkeypatch.setattr(sys.modules["bayeslaw.scoring.backtest"], "fit", fit)
    settings = {"engine": "an engine", "draws": 100, "tune": 150, "chains": 2, "retry": False}
    spec = Spec("chinchilla", pool="shared")
    backtest(ladder(), spec=spec, seed=3, parametric=True, **settings)
    (ours, given), *rivals = found
    assert all(asked == {"seed": 3} | settings for asked in (given, *(s for _, s in rivals)))
    assert ours is spec
    assert [rival for rival, _ in rivals] == [
        replace(spec, discrepancy=None),
        plain_bayes("chinchilla"),
    ]


@pytest.mark.parametrize("name", ["parametric", "plain_bayes"])
def test_a_rival_with_a_posterior_is_scored_like_ours(name):
    card = backtest(ladder(("a", "b")), parametric=True)
    rival = card.summary["baselines"][name]
    assert set(rival["coverage"]) == set(card.summary["coverage"])
    assert rival["width90"] < card.summary["width90"]
    assert rival["crps_ratio"] == pytest.approx(card.summary["crps"] / rival["crps"])
    assert f"beside {name}" in card.text
    targets = card.to_dict()["targets"]
    assert set(targets[0]["baselines"]) == PLAIN | {"inflated", "parametric", "plain_bayes"}


def test_an_unhealthy_rival_is_a_warning_on_a_card_that_stands(monkeypatch):
    sick = Health((Failure(Check.RHAT, "R-hat of E is 1.2"),))

    def fit(training, spec=None, **settings):
        bad = spec is not None and spec.discrepancy is None
        return synthetic_fit(training, spec, health=sick if bad else None, **settings)

    monkeypatch.setattr(sys.modules["bayeslaw.scoring.backtest"], "fit", fit)
    health = backtest(ladder(), parametric=True).health
    assert health.ok
    assert "parametric refit failed" in health.warnings[-2]
    assert "plain_bayes refit failed" in health.warnings[-1]


def test_a_model_without_discrepancy_has_no_parametric_rival():
    with pytest.raises(SpecError, match="this spec has none"):
        backtest(ladder(), spec=Spec(discrepancy=None), parametric=True)


def test_a_run_seen_in_part_has_its_own_last_value_and_line():
    runs = ladder(sizes=4, checkpoints=10)
    card = backtest(runs, "tail:0.3")
    training, _ = hide(runs, "tail:0.3")
    for row in card.table.to_dict("records"):
        own = training.where(f"run == '{row['run']}'").table.sort_values("tokens")["loss"]
        assert row["last_value"] == pytest.approx(own.iloc[-1])
        assert row["two_point"] < row["last_value"]
    assert card.table["extrapolation_factor"].max() < 2


def test_least_sizes_chooses_the_families_that_are_scored():
    runs = ladder(("a", "b"), sizes=4)
    short = runs.where("family == 'b'").table.head(2)
    both = runs.replace_table(pd.concat([runs.where("family == 'a'").table, short]))
    scored = {n: set(backtest(both, least_sizes=n).table["family"]) for n in (2, 3)}
    assert scored == {2: {"a", "b"}, 3: {"a"}}


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
