"""Truths about forecasts: they cover, widen with ignorance, and say how far they reach."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bayeslaw.errors import ExtrapolationWarning, TargetError
from bayeslaw.prediction import Target, forecast

NEAR = {"params": 2e9, "tokens": 6e10}


def expected(params, tokens):
    return 1.7 + 400 * params**-0.34 + 410 * tokens**-0.28


def test_a_forecast_close_to_the_runs_contains_the_true_curve(small_fit):
    found = forecast(small_fit, **NEAR, family="one", kind="mean")
    low, high = found.interval(0.95)
    assert low < expected(**NEAR) < high
    assert found.draws.dims == ("chain", "draw", "target")
    assert found.extrapolation[0] == pytest.approx(2.0)


def test_a_run_scatters_more_than_the_curve(small_fit):
    kinds = [forecast(small_fit, **NEAR, family="one", kind=k).draws.std() for k in ("run", "mean")]
    assert kinds[0] > kinds[1]


def test_a_new_family_is_less_certain_than_a_known_one(small_fit):
    widths = [np.ptp(forecast(small_fit, **NEAR, family=f).interval(0.9)) for f in ("one", "new")]
    assert np.isfinite(widths).all()
    assert widths[1] > 2 * widths[0]


def test_without_a_family_every_family_is_forecast(small_fit):
    found = forecast(small_fit, **NEAR)
    assert [t.family for t in found.targets] == list(small_fit.families)
    assert found.interval().shape == (3, 2)
    assert list(found.table["family"]) == list(small_fit.families)


def test_targets_of_one_family_share_their_draws(small_fit):
    near = [Target(2e9, 6e10, "one", kind="mean"), Target(2.02e9, 6e10, "one", kind="mean")]
    draws = forecast(small_fit, near).draws.values.reshape(-1, 2)
    assert np.corrcoef(draws.T)[0, 1] > 0.99
    assert np.ptp(draws[:, 0] - draws[:, 1]) < 0.2 * np.ptp(draws[:, 0])


def test_the_same_seed_gives_the_same_forecast_and_another_does_not(small_fit):
    runs = [forecast(small_fit, **NEAR, family="one", seed=s).draws.values for s in (1, 1, 2)]
    assert (runs[0] == runs[1]).all()
    assert not (runs[0] == runs[2]).all()


def test_a_target_far_beyond_the_runs_warns_with_the_factor(small_fit):
    with pytest.warns(ExtrapolationWarning, match="times the largest compute"):
        far = forecast(small_fit, params="20B", tokens="400B", family="one")
    with pytest.warns(ExtrapolationWarning, match="no back-test supports"):
        forecast(small_fit, params=1e12, tokens=2e13, family="one")
    near = forecast(small_fit, **NEAR, family="one")
    assert np.ptp(far.interval()) > np.ptp(near.interval())


def test_a_target_off_the_line_of_collinear_runs_warns(small_fit):
    on_line = small_fit.runs.table.assign(tokens=20 * small_fit.runs.table["params"])
    line = replace(small_fit, runs=small_fit.runs.replace_table(on_line.drop_duplicates("run")))
    with pytest.warns(ExtrapolationWarning, match="rose together"):
        forecast(line, params=1e9, tokens=2e11, family="one")


def test_records_have_the_keys_of_the_contract(small_fit):
    record = forecast(small_fit, **NEAR, family="one").records()[0]
    assert set(record) >= {
        "family", "known_family", "params", "tokens", "kind", "median", "mean", "sd",
        "intervals", "extrapolation_factor",
    }  # fmt: skip
    assert list(record["intervals"]) == ["50", "80", "90", "95"]
    ends = np.array(list(record["intervals"].values()))
    assert (np.diff(ends[:, 0]) < 0).all() and (np.diff(ends[:, 1]) > 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"params": 1e9}, "give either targets, or params and tokens"),
        ({"params": "many", "tokens": 1e9}, "expected a positive number"),
        ({"params": -1e9, "tokens": 1e9}, "positive, finite"),
        ({"params": float("nan"), "tokens": 1e9}, "positive, finite"),
        ({"params": 1e9, "tokens": float("inf")}, "positive, finite"),
        ({"params": 1e9, "tokens": 1e9, "kind": "median"}, "run, mean"),
        ({"targets": []}, "no target"),
        ({"targets": pd.DataFrame({"params": [1e9]})}, "no column tokens"),
    ],
)
def test_a_malformed_target_says_what_was_expected(small_fit, arguments, message):
    with pytest.raises(TargetError, match=message):
        forecast(small_fit, **arguments)
