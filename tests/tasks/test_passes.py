"""Truths about rare successes: unbiased rates, honest bounds, and a law that covers."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from bayeslaw.errors import RunsError, TargetError
from bayeslaw.tasks.passes import (
    PassCounts,
    fit_passes,
    load_passes,
    rate_interval,
    unbiased_rate,
)
from tests.benchmarks.tasks_simulated import coverage_of_rates, pass_counts, pass_rate


@pytest.mark.parametrize(("rate", "wanted"), [(0.01, 2), (0.01, 5), (0.3, 2)])
def test_the_rate_is_unbiased_however_few_passes_were_waited_for(rate, wanted, rng):
    samples = wanted + rng.negative_binomial(wanted, rate, 200_000)
    found = unbiased_rate(np.full(len(samples), wanted), samples)
    assert abs(found.mean() - rate) < 5 * found.std() / np.sqrt(len(samples))
    naive = wanted / samples
    assert naive.mean() > found.mean() + 20 * found.std() / np.sqrt(len(samples))


def test_one_pass_says_nothing_unbiased():
    with pytest.raises(RunsError, match="1 rows have fewer than 2 passes; expected at least 2"):
        unbiased_rate(np.array([1, 2]), np.array([10, 10]))


@pytest.mark.parametrize("wanted", [1, 2, 5])
@pytest.mark.parametrize("rate", [3e-5, 3e-4, 0.02])
def test_intervals_of_one_rate_cover_when_sampling_stops_at_passes(rate, wanted):
    assert coverage_of_rates(wanted, rate) == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("expected", [3.0, 10.0, 30.0])
def test_intervals_of_one_rate_cover_when_a_number_of_samples_stops_it(expected):
    samples = 1000
    # Coverage goes up and down with the rate, since counts are whole; its mean over rates counts.
    rates = expected / samples * np.geomspace(0.7, 1.4, 60)
    counts = np.arange(150)
    ends = np.array([rate_interval(k, samples, capped=True) for k in counts])
    inside = (ends[:, 0] <= rates[:, None]) & (rates[:, None] <= ends[:, 1])
    held = (inside * binom.pmf(counts, samples, rates[:, None])).sum(1)
    assert held.mean() == pytest.approx(0.9, abs=0.005)


def test_no_pass_in_a_hundred_thousand_bounds_the_rate_near_three_in_a_hundred_thousand():
    low, high = rate_interval(0, 100_000, 0.95)
    assert low == 0.0
    assert high == pytest.approx(3e-5, rel=0.01)


def test_all_passes_leave_room_only_below():
    low, high = rate_interval(20, 20, 0.9)
    assert 0.8 < low < 1.0 and high == 1.0


@pytest.mark.parametrize(("passes", "samples"), [(5, 4), (-1, 4), (0, 0)])
def test_impossible_counts_are_refused(passes, samples):
    with pytest.raises(RunsError, match="expected 0 to all of them"):
        rate_interval(passes, samples)


@pytest.fixture(scope="module")
def fitted():
    return fit_passes(pass_counts(np.random.default_rng(3)), draws=600, seed=1)


def test_the_law_finds_the_exponent_it_was_simulated_from(fitted):
    low, high = np.quantile(fitted.exponent, [0.025, 0.975])
    assert low < 0.3 < high < 0.6
    assert fitted.tail_shape < 0.9
    assert fitted.verdict() == "as the law"


def test_a_sixth_size_is_forecast_around_its_true_rate(fitted):
    (record,) = fitted.forecast(2.4e9)
    low, high = record["intervals"]["95"]
    assert low < pass_rate(2.4e9) < high < 3 * pass_rate(2.4e9)
    assert record["extrapolation_factor"] == pytest.approx(1.6)


def test_rates_rise_with_size(fitted):
    medians = [record["median"] for record in fitted.seen()]
    assert (np.diff(medians) > 0).all()


def test_a_bend_upwards_is_called_accelerated():
    found = fit_passes(pass_counts(np.random.default_rng(5), bend=-0.2), draws=600, seed=1)
    assert found.p_concave > 0.95 and found.verdict() == "accelerated"


def test_counts_without_a_pass_among_others_are_as_good_as_any():
    counts = pass_counts(np.random.default_rng(7), cap=300)
    assert (counts.passes == 0).any()
    low, high = np.quantile(fit_passes(counts, draws=600).rate(1.5e9), [0.025, 0.975])
    assert low < pass_rate(1.5e9) < high


def test_what_the_counts_cannot_tell_is_refused():
    one = np.array([1e8, 1e8, 1e9])
    with pytest.raises(RunsError, match="2 sizes; a law over sizes needs at least 3"):
        fit_passes(PassCounts(one, np.ones(3), np.full(3, 10.0)))
    with pytest.raises(RunsError, match="not one sample passed"):
        fit_passes(PassCounts(np.array([1e8, 3e8, 1e9]), np.zeros(3), np.full(3, 10.0)))


def test_a_size_to_forecast_must_be_positive(fitted):
    with pytest.raises(TargetError, match="not a positive number"):
        fitted.rate([-1.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"passes": [5, 11]}, "no more than the samples"),
        ({"passes": [0.5, 1]}, "a whole number from 0"),
        ({"samples": [0, 10]}, "a whole number from 1"),
        ({"params": [-1, 1e9]}, "a number above 0"),
        ({"passes": ["x", 1]}, "'passes'"),
    ],
)
def test_bad_cells_are_named(change, message):
    table = {"params": [1e8, 1e9], "passes": [1, 2], "samples": [10, 10], **change}
    with pytest.raises(RunsError, match=message):
        load_passes(pd.DataFrame(table))


def test_a_missing_column_is_named_and_may_be_mapped():
    table = pd.DataFrame({"N": [1e8], "passes": [1], "samples": [10]})
    with pytest.raises(RunsError, match="no column 'params'"):
        load_passes(table)
    assert load_passes(table, rename={"params": "N"}).params.tolist() == [1e8]
