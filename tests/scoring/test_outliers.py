"""Truths about broken runs: faults are found and named, clean tables pass, nothing is removed."""

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from bayeslaw.errors import SpecError
from bayeslaw.prediction import forecast
from bayeslaw.scoring import outliers
from bayeslaw.scoring.faults import copies
from bayeslaw.scoring.left_out import Others, seen_of, weights_by_run
from tests.benchmarks.alarms import FAULTS, ladder, looked_at, planted

CLEAN = 5


@cache
def found(fault):
    return looked_at(planted(fault, seed=2), seed=2)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_called_by_its_name(fault):
    _, rows, called = FAULTS[fault]
    assert found(fault).rows == rows
    assert set(found(fault).table["fault"]) <= called


def test_clean_tables_raise_no_more_alarms_than_they_say():
    alarms = sum(len(looked_at(ladder(seed), seed).table) > 0 for seed in range(CLEAN))
    assert alarms <= binom.ppf(0.999, CLEAN, 0.05)


def test_a_run_is_judged_by_the_others_and_leaving_it_out_has_its_effect():
    row = found("diverged").table.iloc[0]
    assert row["expected"] == pytest.approx(row["loss"] / 1.6, rel=0.02)
    assert row["z"] > 20 and row["p_adjusted"] < 1e-4
    assert row["width_ratio"] < 1  # a broken run makes the others look noisy
    assert found("diverged").together.keys() == {"simulated"}


def test_the_text_has_the_evidence_and_the_line_that_drops():
    text = found("bits").text
    assert "none was removed" in text and "reads like bits per token" in text
    assert "Pareto k" in text and "under the model" in text
    assert text.endswith("runs = runs.drop([6])")
    assert "flagged 5%" in looked_at(ladder(0), 0).text


@pytest.mark.parametrize("fault", FAULTS)
def test_outliers_are_plain_json(fault):
    result = found(fault)
    values = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert values["drop"] == result.rows and len(values["outliers"]) == len(result.table)


def test_leaving_out_by_weights_agrees_with_leaving_out():
    from bayeslaw.inference import fit
    from bayeslaw.scoring.left_out import refitted

    made = fit(ladder(0), engine="quadrature", draws=500, seed=1)
    last = made.runs.table.set_index("run", drop=False)
    for run, (weighted, shape, _) in list(weights_by_run(made).items())[2:8:2]:
        assert shape < 0.7
        seen = [seen_of(last.loc[run].to_dict())]
        ours = weighted.judge(seen).iloc[0]
        theirs = Others(refitted(made, [run])).judge(seen).iloc[0]
        assert np.log(ours["expected"] / theirs["expected"]) < 0.3 * theirs["predictive_sd"]
        assert ours["predictive_sd"] == pytest.approx(theirs["predictive_sd"], rel=0.35)


def test_the_forecast_that_was_asked_for_is_what_effects_are_measured_on():
    from bayeslaw.inference import fit

    made = fit(planted("diverged", 1), engine="quadrature", draws=200, retry=False)
    asked = forecast(made, params=2e9, tokens=4e10)
    assert outliers(made, asked).target["simulated"] == asked.targets[0]
    with pytest.raises(SpecError, match="level is 2"):
        outliers(made, level=2)


def test_a_copy_in_another_family_is_a_copy_and_chance_agreement_is_not():
    table = ladder(0).table
    twice = table.assign(family="other", run=table["run"] + " b")
    both = pd.concat([table, twice], ignore_index=True)
    assert set(copies(both, 0.003)) == set(twice["run"])
    rough = both.assign(loss=both["loss"].round(1))
    assert copies(rough, 0.003) == {}
