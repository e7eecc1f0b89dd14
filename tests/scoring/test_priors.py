"""Learning priors: labs are the unit, a lab left out has no say, a population is found again."""

import numpy as np
import pandas as pd
import pytest

from bayeslaw import FitError, RunsError, Spec, learn_priors, names
from bayeslaw.runs import Runs
from bayeslaw.scoring.priors import learn_each, scores_of
from bayeslaw.scoring.priors_choice import Setting, around, best, parted, scored
from bayeslaw.scoring.priors_drift import KAPPAS, best_drift, drift_scored
from bayeslaw.scoring.priors_ladders import joined, ladders_of, public_ladder
from bayeslaw.scoring.priors_messages import Message, message, predictive
from bayeslaw.simulation import simulate

LABS = ("north", "south", "east", "west")
SETTING = Setting(1.0, 0.015, 5.0)


def world(seed=0, floor=1.7, families=2):
    """Labs whose floors scatter a little, families of one lab less, seven sizes each."""
    rng = np.random.default_rng(seed)
    tables = []
    for lab in LABS:
        level = rng.normal(0, 0.03)
        for i in range(families):
            truth = {"E": floor * np.exp(level + rng.normal(0, 0.02)), "A": 120.0, "B": 900.0,
                     "alpha": 0.28, "beta": 0.32}  # fmt: skip
            sizes = np.repeat(np.geomspace(2e7, 6e9, 7), 2)
            runs = simulate(
                "chinchilla", truth, params=sizes, tokens=np.tile([8.0, 80.0], 7) * sizes,
                family=f"{lab}-{i}", seed=100 * seed + i,
            )  # fmt: skip
            tables.append(runs.table.assign(lab=lab))
    table = pd.concat(tables, ignore_index=True)
    return Runs(table.assign(run=[f"r{i}" for i in range(len(table))]), "world")


@pytest.fixture(scope="module")
def runs():
    return world()


def judged(log_scores):
    """Scores as the grid gives them, one cut per lab."""
    rows = [
        {"centre": s.centre, "scale": s.scale, "length": s.length, "lab": lab, "cut": 4.0,
         "log_score": score, "crps": 0.01, "coverage90": 0.9}
        for s, by_lab in log_scores.items()
        for lab, score in by_lab.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_dividing_a_prior_out_gives_back_the_likelihood(rng):
    prior, told = Message(0.0, 1.0), Message(0.6, 0.5)
    precision = prior.sd**-2 + told.sd**-2
    draws = rng.normal(told.sd**-2 * told.mean / precision, precision**-0.5, 200_000)
    found = message(draws, prior.mean, prior.sd)
    assert (found.mean, found.sd) == pytest.approx((told.mean, told.sd), abs=0.01)


def test_a_posterior_that_is_the_prior_says_nothing(rng):
    assert message(rng.normal(0.3, 1.0, 50_000), 0.3, 1.0) is None


def test_no_lab_leaves_the_prior_and_many_labs_outweigh_it():
    low, high = predictive([], np.log(0.5), 0.3, 0.01)
    assert np.log(low * high) / 2 == pytest.approx(np.log(0.5), abs=0.01)
    assert np.log(high / low) == pytest.approx(2 * 1.645 * 0.3, rel=0.02)
    rng = np.random.default_rng(1)
    many = [Message(m, 0.05) for m in rng.normal(1.0, 0.2, 300)]
    low, high = predictive(many, 0.0, 0.3, 0.1)
    assert (np.log(low), np.log(high)) == pytest.approx((1 - 0.33, 1 + 0.33), abs=0.06)


def test_a_simulated_population_is_recovered(runs):
    priors = learn_priors(runs, scores=judged({SETTING: dict.fromkeys(LABS, -1.0)}))
    assert priors.labs == LABS and priors.families == 8 and not priors.left_out
    low, high = priors.trusting["alpha"]
    assert low < 0.28 < high and high / low < 0.54 / 0.20
    low, high = priors.trusting["beta"]
    assert low < 0.32 < high and high / low < 0.54 / 0.20
    law = Spec().law
    anchor = runs.table.loc[runs.table[names.FLOPS].idxmax(), names.LOSS]
    low, high = priors.intervals["E"]
    assert low < 1.7 / anchor < high
    declared = law.parameter("E")
    assert high / low < declared.high / declared.low
    assert priors.run is not None and priors.checkpoint is None
    assert priors.scale == SETTING.discrepancy().scale and priors.length == SETTING.length


def test_a_lab_left_out_has_no_say(runs):
    other = world(seed=7, floor=0.9).table
    strange = other[other[names.LAB] == "west"]
    kept = runs.table[runs.table[names.LAB] != "west"]
    spoilt = Runs(pd.concat([kept, strange.assign(run="s" + strange[names.RUN])],
                            ignore_index=True), "spoilt")  # fmt: skip
    scores = judged({SETTING: dict.fromkeys(LABS, -1.0)})
    honest, same = (learn_priors(r, leave_out=("west",), scores=scores, sources={"world": ""})
                    for r in (runs, spoilt))  # fmt: skip
    assert honest == same
    assert honest.left_out == ("west",) and "west" not in honest.labs


def test_settings_weigh_by_the_scores_of_the_other_labs():
    narrow, wide = Setting(1.0, 0.015, 3.0), Setting(1.0, 0.06, 3.0)
    scores = judged({narrow: {"north": -40, "south": 90}, wide: {"north": 0, "south": 0}})
    assert best(scores) == wide
    assert best(scores, without=("south",)) == narrow


def test_settings_that_score_alike_are_averaged_and_widen_the_prior():
    alike = {Setting(1.0, 0.015, 3.0): {"north": -2.0}, Setting(1.0, 0.06, 3.0): {"north": -2.0}}
    found = best(judged(alike))
    assert (found.centre, found.scale, found.length) == (1.0, 0.03, 3.0)
    assert found.scale_spread == pytest.approx(np.hypot(0.5, np.log(2)), rel=0.01)
    assert found.exponent_spread == 0.2


def test_all_files_at_once_are_those_made_one_by_one(runs):
    scores = judged({SETTING: dict.fromkeys(LABS, -1.0)})
    both = learn_each(runs, [(), ("east",)], scores=scores)
    assert both[1] == learn_priors(runs, leave_out=("east",), scores=scores)


def test_targets_are_far_above_what_is_fitted(runs):
    lab = ladders_of(runs, 100)["north"]
    training, targets = parted(lab, 10.0)
    top = lab.table.groupby("family")["flops"].max()
    assert (training.table["flops"] <= training.table["family"].map(top) / 10).all()
    assert (targets.table["flops"] > targets.table["family"].map(top) / 3).all()
    assert parted(lab, 1e9) is None


def test_scores_are_kept_and_a_stopped_search_goes_on(runs, tmp_path, monkeypatch):
    from bayeslaw.scoring import priors, priors_choice

    small = Runs(runs.table[runs.table["family"].str.endswith("0")], "small")
    monkeypatch.setattr(priors_choice, "SETTINGS", (SETTING, Setting(0.8, 0.03, 3.0)))

    def invented(labs, spec, *, settings, **_):
        return judged({s: dict.fromkeys(labs, -s.scale) for s in settings})

    def drifted(labs, spec, **_):
        rows = judged({SETTING: dict.fromkeys(labs, -1.0)}).assign(kappa=0.01, scale=0.0)
        tried.append(len(rows))
        return rows

    tried = []
    monkeypatch.setattr(priors_choice, "scored", invented)
    monkeypatch.setattr(priors.priors_drift, "drift_scored", drifted)
    path = tmp_path / "scores.csv"
    whole = scores_of(small, path=path)
    assert tried.pop() == len(LABS)
    monkeypatch.setattr(priors_choice, "scored", lambda *a, **k: tried.append(k))
    assert priors.scores_of(small, path=path)["log_score"].tolist() == whole["log_score"].tolist()
    assert not tried


def test_scores_are_of_every_lab_that_has_large_runs(runs):
    labs = {"north": ladders_of(runs, 20)["north"]}
    found = scored(labs, Spec(), settings=[SETTING], cuts=(10.0,))
    assert found["lab"].tolist() == ["north"] and found["n_families"].tolist() == [2]
    assert 0 < found["crps"].item() < 0.05 and found["coverage90"].between(0, 1).all()


def test_too_few_labs_are_refused_with_the_remedy(runs):
    with pytest.raises(FitError, match=r"there are 2 labs.*Add public data sets"):
        learn_priors(runs, leave_out=("north", "south"))


def test_an_unknown_lab_cannot_be_left_out(runs):
    with pytest.raises(RunsError, match=r"no lab 'nowhere' to leave out.*'north'"):
        learn_priors(runs, leave_out=("nowhere",))


def test_a_family_in_two_tables_is_refused(runs):
    with pytest.raises(RunsError, match=r"family 'north-0' is in both world and world"):
        joined([runs, runs])


def test_one_lab_under_two_names_is_left_out_whole(data_dir):
    assert set(public_ladder("olmo_ladder").load().table["lab"]) == {"Bhagia2024"}
    table = public_ladder("colpret_clean").load().table
    assert set(table.loc[table["family"] == "OLMo1", "lab"]) == {"Bhagia2024"}
    assert "Chinchilla" not in set(table["family"])


def test_drifts_weigh_by_the_scores_of_the_other_labs_and_never_vanish():
    rows = [(0.0025, "north", -40.0), (0.0025, "south", 90.0), (0.04, "north", 0.0),
            (0.04, "south", 0.0)]  # fmt: skip
    scores = pd.DataFrame(rows, columns=["kappa", "lab", "log_score"]).assign(cut=4.0)
    assert best_drift(scores) == pytest.approx(around(0.04, 0.5), rel=1e-3)
    assert best_drift(scores, without=("south",)) == pytest.approx(around(0.0025, 0.5), rel=1e-3)
    assert best_drift(judged({SETTING: {"north": -1.0}})) is None


def test_one_fit_serves_every_drift_and_the_widest_covers_most(runs):
    labs = {"north": ladders_of(runs, 12)["north"]}
    found = drift_scored(labs, Spec(), cuts=(10.0,))
    assert found["kappa"].tolist() == list(KAPPAS) and (found["scale"] == 0).all()
    assert found["coverage90"].is_monotonic_increasing
    # What is learned of drifts leaves the choice of a process alone.
    both = pd.concat([judged({SETTING: {"north": -1.0}}), found])
    assert best(both) == SETTING
