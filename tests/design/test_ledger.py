"""The ledger: what is written stays, and is scored by what lands."""

import json
import warnings
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from bayeslaw.design import add_forecasts, read_ledger, score_forecasts
from bayeslaw.errors import DataError, TargetError
from bayeslaw.prediction import Target, forecast
from bayeslaw.runs import load_runs
from bayeslaw.scoring import rules
from tests.scoring.synthetic import ladder, synthetic_fit

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def fit():
    return synthetic_fit(ladder(), draws=500)


@pytest.fixture(scope="module")
def made(fit):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return forecast(fit, [Target(2e9, 4e10, "ours"), Target(7e9, 1.4e11, "ours")])


def landed(loss, params=2e9, tokens=4e10, family="ours"):
    return load_runs(pd.DataFrame({"family": [family], "params": params, "tokens": tokens,
                                   "loss": loss, "run": "big"}))  # fmt: skip


def test_a_forecast_is_read_back_as_it_was_written(fit, made, tmp_path):
    path = tmp_path / "ledger.jsonl"
    entries = add_forecasts(path, fit, made, note="before the big run", now=WHEN)
    ledger = read_ledger(path)
    assert list(ledger.forecasts) == entries and len(ledger.open) == 2
    first = entries[0]
    assert first["data"] == fit.runs.digest and first["made"] == "2026-01-02T03:04:05+00:00"
    assert first["median"] == pytest.approx(float(np.median(made.draws.isel(target=0))))
    assert len(ledger.table) == 2


def test_a_run_that_lands_is_scored_once_by_the_usual_rules(fit, made, tmp_path):
    path = tmp_path / "ledger.jsonl"
    add_forecasts(path, fit, made)
    observed = float(made.draws.isel(target=0).quantile(0.7))
    (score,) = score_forecasts(path, landed(observed))
    draws = made.draws.isel(target=0).values.ravel()[None]
    assert score["pit"] == pytest.approx(0.7, abs=0.01)
    assert score["crps"] == pytest.approx(float(rules.crps(draws, np.array([observed]))[0]),
                                          rel=0.03)  # fmt: skip
    assert score["log_score"] == pytest.approx(
        float(rules.log_score(draws, np.array([observed]))[0]), rel=1e-9
    )
    assert not score["same_data"]
    assert score_forecasts(path, landed(observed)) == []
    ledger = read_ledger(path)
    assert len(ledger.open) == 1 and ledger.table["observed"].iloc[0] == observed


def test_only_the_run_that_was_forecast_counts(fit, made, tmp_path):
    path = tmp_path / "ledger.jsonl"
    add_forecasts(path, fit, made)
    for other in (landed(2.2, params=3e9), landed(2.2, tokens=5e10), landed(2.2, family="x")):
        assert score_forecasts(path, other) == []


def test_lines_are_only_ever_added(fit, made, tmp_path):
    path = tmp_path / "ledger.jsonl"
    add_forecasts(path, fit, made)
    before = path.read_bytes()
    add_forecasts(path, fit, made)
    score_forecasts(path, landed(2.2))
    assert path.read_bytes().startswith(before)
    assert len(path.read_text().splitlines()) == 6  # both forecasts of that run are scored


def test_a_line_without_an_end_is_not_run_into(fit, made, tmp_path):
    path = tmp_path / "ledger.jsonl"
    add_forecasts(path, fit, made)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    add_forecasts(path, fit, made)
    assert len(read_ledger(path).forecasts) == 4


@pytest.mark.parametrize(
    "spoil",
    [lambda t: t.replace('"median": ', '"median": 1'), lambda t: t + "{}\n",
     lambda t: t[: len(t) // 2], lambda t: "not json\n" + t, lambda t: t + "[1]\n"],
)  # fmt: skip
def test_a_changed_or_damaged_ledger_is_refused(fit, made, tmp_path, spoil):
    path = tmp_path / "ledger.jsonl"
    add_forecasts(path, fit, made)
    path.write_text(spoil(path.read_text()))
    for use in (lambda: read_ledger(path), lambda: add_forecasts(path, fit, made),
                lambda: score_forecasts(path, landed(2.2))):  # fmt: skip
        with pytest.raises(DataError, match=r"line \d+"):
            use()


def test_a_curve_cannot_be_written_down_for_it_is_never_observed(fit, made, tmp_path):
    curve = forecast(fit, Target(1e9, 2e10, "ours", kind="mean"))
    with pytest.raises(TargetError, match="never observed"):
        add_forecasts(tmp_path / "l", fit, curve)
    with pytest.raises(DataError, match="cannot be read"):
        read_ledger(tmp_path / "nowhere")


def test_every_line_is_strict_json(fit, made, tmp_path):
    path = tmp_path / "ledger.jsonl"
    add_forecasts(path, fit, made)
    for line in path.read_text().splitlines():
        assert json.loads(line, parse_constant=pytest.fail)["kind"] == "forecast"
