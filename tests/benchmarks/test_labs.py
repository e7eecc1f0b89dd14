"""The benchmark by lab: what it hides, which priors it takes, and that it names its misses."""

import numpy as np
import pandas as pd
import pytest

from bayeslaw import Runs
from bayeslaw.scoring import Scorecard, backtest
from tests.benchmarks import labs, labs_ablation, labs_choice, labs_table
from tests.benchmarks.labs_cards import (
    declared,
    lab_figures,
    largest_tenfold,
    learned,
    scored_labs,
    trainable_tenfold,
)
from tests.scoring.synthetic import ladder, synthetic_fit


@pytest.fixture
def runs():
    made = ladder(("a", "b'|x", "c"), sizes=5)
    lab = {"a": "north", "b'|x": "north", "c": "south"}
    return Runs(made.table.assign(lab=made.table["family"].map(lab)), "synthetic")


@pytest.fixture
def card(runs, monkeypatch):
    import sys

    monkeypatch.setattr(sys.modules["bayeslaw.scoring.backtest"], "fit", synthetic_fit)
    return backtest(runs, parametric=True)


@pytest.mark.parametrize("lab", ["Gadre2024", "OLMo", "Brown2020"])
def test_a_lab_is_judged_by_priors_that_never_saw_it(lab):
    seen = learned(lab).beliefs
    assert lab not in seen.labs and seen.left_out and declared(lab).beliefs is None


def test_the_tenfold_split_hides_whatever_lies_within_a_factor_of_ten_of_the_largest(runs):
    kept = runs.where(f"not ({largest_tenfold(runs)})").table
    top = runs.table.groupby("family")["flops"].max()
    low = runs.table["flops"] <= runs.table["family"].map(top) / 10
    assert len(kept) == low.sum() > 0
    small = trainable_tenfold(runs).table
    assert set(small["family"]) <= set(runs.table["family"])


def test_labs_are_judged_if_something_of_theirs_is_hidden(runs):
    assert scored_labs(runs, "largest") == ["north", "south"]


def test_each_rival_stands_beside_the_forecasts_of_each_lab(card):
    table = lab_figures(card)
    assert set(table.index.get_level_values("lab")) == {"north", "south"}
    assert {"bayeslaw", "parametric", "last_value"} <= set(table.index.get_level_values(1))
    text = labs_table.beside(card, "synthetic")
    assert "nan" not in text and "| north | bayeslaw |" in text


def test_the_ratio_is_one_against_an_equal(card):
    same = card.table.assign(parametric_crps=card.table["crps"])
    assert labs.ratio(Scorecard(same), "parametric") == pytest.approx(1.0)
    half = card.table.assign(parametric_crps=2 * card.table["crps"])
    assert labs.ratio(Scorecard(half), "parametric") == pytest.approx(0.5)


def test_a_miss_is_shown_as_one():
    missed = labs.covered("here", dict.fromkeys(labs.COVERAGE, 0.1))
    assert [row.met for row in missed] == [False] * 4


def test_each_ablation_leaves_out_what_it_says():
    spec = declared("any")
    made = {name: change(spec) for name, change in labs_ablation.VARIANTS.items()}
    assert made["everything"] == spec and len({str(m) for m in made.values()}) == len(made)
    assert made["no discrepancy"].discrepancy is made["neither"].discrepancy is None
    assert made["no run effects"].noise.run[1] < 1e-4 and made["no pooling"].pool == "none"
    scale = np.array(made["small discrepancy"].discrepancy.scale)
    assert scale == pytest.approx(labs_ablation.SMALL * np.array(spec.discrepancy.scale))


def scores():
    """Two candidates: the second is better by half everywhere but in the east."""
    rows = [
        {"dataset": "d", "lab": lab, "split": "largest", "candidate": name,
         **dict.fromkeys(labs_choice.FIGURES, 0.9), "crps": crps}
        for lab in ("north", "south", "east")
        for name, crps in (("wide", 0.02), ("narrow", 0.05 if lab == "east" else 0.01))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_each_lab_is_scored_under_what_the_others_chose():
    found = labs_choice.chosen(scores())
    assert found["chosen"].to_dict() == {"north": "wide", "south": "wide", "east": "narrow"}
    assert found.loc["east", "over first"] == pytest.approx(2.5)
    assert found.loc["north", "over own best"] == pytest.approx(2.0)
    assert "| narrow |" in labs_choice.text(scores())


def test_a_candidate_is_the_default_but_for_what_its_name_says():
    made = {name: of("any") for name, of in labs_choice.CANDIDATES.items() if "learned" not in name}
    assert {spec.checkpoints.at_most for name, spec in made.items() if "final" in name} == {1}
    assert {spec.checkpoints.at_most for name, spec in made.items() if "half" in name} == {5}
    for name, spec in made.items():
        assert bool(spec.priors) == ("unshifted" in name)


def test_the_published_table_has_families_bounds_and_every_rival(card):
    text = labs_table.published(card, "synthetic")
    assert "nan" not in text and "north: a, b'|x; south: c" in text
    assert (
        "Clopper-Pearson" in text and "| plain_bayes |" in text and "| **mean of 2 labs**" in text
    )
