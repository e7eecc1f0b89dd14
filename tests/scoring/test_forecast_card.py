"""Truths about the card of a forecast: it counts what held, by reach, and says what it cannot."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bayeslaw.errors import FitError
from bayeslaw.prediction import Forecast, Target
from bayeslaw.scoring import calibration_card, own_ladder, public_scores as public
from bayeslaw.scoring.evidence import Evidence, markdown
from bayeslaw.scoring.forecast_card import CalibrationCard
from tests.scoring.synthetic import ladder, synthetic_fit
from tests.scoring.test_backtest import card_of


@pytest.fixture(scope="module")
def fit():
    return synthetic_fit(ladder(("ours", "theirs")), draws=200)


def forecast_at(fit, *factors, kind="run", known=True):
    """A forecast of targets that lie so far beyond; its draws do not matter to a card."""
    from bayeslaw.prediction import forecast

    targets = [Target(1e9, 2e10, "ours", kind=kind) for _ in factors]
    made = forecast(fit, targets)
    return replace(made, extrapolation=tuple(factors), known=(known,) * len(factors))


def scores(**changes):
    """Two families of one lab and one of another, 10 to 30 times beyond."""
    row = {"model": "discrepancy", "bin": 2, "cases": 4, "least": 11.0, "most": 29.0, "bias": 0.01,
           "crps": 0.02, "energy_score": 0.02, "width90": 0.1, "pit": 0.5}  # fmt: skip
    row |= {f"held{level}": 1.0 for level in ("50", "80", "90", "95")} | changes
    place = [("one", "a"), ("one", "b"), ("two", "c")]
    return pd.DataFrame([{"lab": lab, "family": family, **row} for lab, family in place])


def test_public_evidence_counts_labs_alike_and_bounds_by_lab():
    table = scores()
    table.loc[table["family"] == "c", "held90"] = 0.0
    found = Evidence.of_bin(table, 2, "discrepancy")
    assert (found.n_cases, found.n_families, found.n_labs) == (12, 3, 2)
    assert found.coverage["90"] == 0.5  # not two of three families
    assert found.bounds["90"] == pytest.approx((0.0126, 0.9874), abs=1e-4)
    assert found.sentence == (
        "On public ladders 10 to 30 times beyond, 90 % intervals held 50% (3 families, 2 labs; "
        "1% to 99%)."
    )
    assert Evidence.of_bin(table, 1, "discrepancy") is None
    assert Evidence.of_bin(table, 2, "trusting") is None


def test_evidence_of_a_card_is_the_card_summed_up():
    card = card_of([2.0, 2.1, 2.4], families=["a", "b", "c"])
    found = Evidence.of_card(card)
    assert found.coverage == card.summary["coverage"]
    assert found.bounds == card.coverage_bounds
    assert found.crps == card.summary["crps"] and found.n_families == 3
    assert found.energy_score == pytest.approx(card.by_family(card.table["energy_score"]).mean())
    assert found.uniformity["p_value"] == card.uniformity["p_value"]


def test_evidence_goes_through_json_and_back():
    open_ended = Evidence.of_bin(scores(bin=5), 5, "discrepancy")
    for found in (Evidence.of_card(card_of([2.0, 2.1])), open_ended):
        assert Evidence.from_dict(json.loads(json.dumps(found.to_dict()))) == found


@pytest.mark.parametrize(
    ("factor", "reach"),
    [
        (0.5, "up to 4x"),
        (4.1, "4 to 10x"),
        (300.0, "100 to 300x"),
        (29.9, "10 to 30x"),
        (300.5, "over 300x"),
    ],
)
def test_a_target_is_judged_by_ladders_that_reach_as_far(fit, factor, reach):
    card = calibration_card(fit, forecast_at(fit, factor), backtest=False)
    assert [e.reach for e in card.evidence if e.where == "public ladders"] == [reach]


def test_each_target_has_a_record_and_each_reach_one_line(fit):
    card = calibration_card(fit, forecast_at(fit, 5.0, 20.0, 6.0), backtest=False)
    assert [r["public"]["least"] for r in card.records()] == [4.0, 10.0, 4.0]
    assert len(card.evidence) == len(card.table) == 2
    assert json.dumps(card.records(), allow_nan=False)


def test_nothing_supports_an_interval_beyond_300_times(fit):
    card = calibration_card(fit, forecast_at(fit, 301.0, 5.0), backtest=False)
    assert [r["supported"] for r in card.records()] == [False, True]
    assert "Beyond 300 times nothing supports an interval (1 of 2 targets)" in card.text
    near = calibration_card(fit, forecast_at(fit, 5.0), backtest=False)
    assert "nothing supports" not in near.text


def test_a_forecast_unlike_the_back_tests_says_so(fit):
    trusting = synthetic_fit(ladder(), replace(fit.spec, discrepancy=None), draws=100)
    card = calibration_card(trusting, forecast_at(trusting, 5.0), backtest=False)
    assert "Without a discrepancy" in card.text
    gp = calibration_card(fit, forecast_at(fit, 5.0), backtest=False)
    assert card.public[0].coverage["90"] < gp.public[0].coverage["90"]
    mean = calibration_card(fit, forecast_at(fit, 5.0, kind="mean", known=False), backtest=False)
    assert "kind mean" in mean.text and "without rows" in mean.text


def test_the_own_ladder_is_back_tested_once_per_fit(fit, monkeypatch):
    calls = []

    def counted(runs, **settings):
        calls.append(settings["engine"])
        return card_of([2.0, 2.1], families=["ours", "theirs"])

    monkeypatch.setattr(own_ladder, "backtest", counted)
    made = forecast_at(fit, 5.0)
    cards = [calibration_card(fit, made) for _ in range(2)]
    assert calls == ["quadrature"]
    assert cards[0].own is cards[1].own and cards[0].own.n_families == 2
    assert calibration_card(fit, made, backtest=False).own is cards[0].own


def test_a_ladder_of_two_sizes_says_why_it_was_not_back_tested():
    short = synthetic_fit(ladder(sizes=2), draws=100)
    card = calibration_card(short, forecast_at(short, 5.0))
    assert card.own is None and "no family has three sizes" in card.text
    assert card.records()[0]["own"] is None and "three sizes" in card.records()[0]["missing"]


def test_kept_evidence_belongs_to_one_fit_only(fit, tmp_path):
    found = Evidence.of_card(card_of([2.0, 2.1]))
    path = tmp_path / "fit.card.json"
    path.write_text(own_ladder.to_text(fit, found))
    other = synthetic_fit(ladder(("others",)), draws=100)
    assert own_ladder.recall(fit, path) and own_ladder.known(fit) == found
    assert not own_ladder.recall(other, path) and own_ladder.known(other) is None
    for damage in ("", "[]", "{}", path.read_text()[:200]):
        path.write_text(damage)
        assert not own_ladder.recall(fit, path)


def test_many_families_are_thinned_so_that_a_card_stays_cheap():
    many = ladder(tuple(f"family {i}" for i in range(30)), sizes=3)
    assert len(own_ladder._few(many).families) == 20
    few = ladder(("a", "b"))
    assert own_ladder._few(few) is few


def test_the_shipped_scores_have_what_the_card_says_of_them():
    table = public.shipped_scores()
    assert set(table["model"]) == {"discrepancy", "trusting"}
    held = [f"held{level}" for level in ("50", "80", "90", "95")]
    assert ((table[[*held, "pit"]] >= 0) & (table[[*held, "pit"]] <= 1)).all(axis=None)
    assert (np.diff(table[held].to_numpy(), axis=1) >= 0).all()
    assert not table.duplicated(["model", "lab", "family", "bin"]).any()
    edges = np.array(public.EDGES)
    assert (table["least"] >= edges[table["bin"]]).all()
    assert (table["most"] <= edges[table["bin"] + 1]).all()
    assert markdown(table).count("\n") == 1 + table.groupby(["model", "bin"]).ngroups


def test_no_lab_was_judged_by_priors_that_saw_it():
    for lab in set(public.shipped_scores()["lab"]):
        assert lab not in public.unseen(lab, "discrepancy").beliefs.labs
        assert public.unseen(lab, "trusting").discrepancy is None


def test_priors_that_saw_a_lab_are_refused(monkeypatch):
    monkeypatch.setattr(public, "shipped_priors", dict)
    with pytest.raises(FitError, match="have seen lab 'Gadre2024'"):
        public.unseen("Gadre2024", "discrepancy")


def test_public_scores_are_of_forecasts_from_runs_far_below(monkeypatch):
    seen = []

    def fitted(runs, spec, *, draws, seed):
        seen.append(runs.table["flops"].max())
        return synthetic_fit(runs, spec, draws=draws)

    monkeypatch.setattr(public, "short_fit", fitted)
    runs = ladder(("a", "b"), sizes=9)
    runs = replace(runs, table=runs.table.assign(lab="lab"))
    found = public.public_scores(
        {"lab": runs}, believing=lambda *_: fit_spec(), cuts=(4.0, 10.0), draws=100
    )
    top = runs.table["flops"].max()
    assert (np.array(seen) <= top / np.repeat([4.0, 10.0], 2) * (1 + 1e-9)).all()
    assert set(found["family"]) == {"a", "b"} and set(found["lab"]) == {"lab"}
    # An open truth is covered, and two cuts of one target are two cases of one family.
    assert found["cases"].sum() == 2 * 2 * 2
    text = public.as_text(found, {"version": "x"})
    values = json.loads(text)
    assert values["columns"] == list(found) and len(values["rows"]) == len(found)


def fit_spec():
    from bayeslaw.model import Spec

    return Spec()


def test_a_card_without_any_evidence_still_speaks(fit):
    made: Forecast = forecast_at(fit, 5.0)
    card = CalibrationCard(None, "it was not asked for", (None,), made.extrapolation)
    assert card.evidence == [] and card.table.empty
    assert "not back-tested: it was not asked for" in card.text
