"""Truths about the stored references: they may serve as such, and quadrature agrees with them."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from bayeslaw.inference import fit
from bayeslaw.model import Spec
from tests.posteriors.cases import CASES
from tests.posteriors.comparison import gaps
from tests.posteriors.database import (
    read_data,
    read_draws,
    read_info,
    read_model,
    read_posterior,
    stored,
)
from tests.posteriors.diagnostics import diagnose, faults

# The lattice has 200 effective points of a family at least, and ends before the tails of these do:
# parameters miss the limit, forecasts do not.
SHORT_TAILS = ("published", "heavy")
SHORT = {"engine": "quadrature", "draws": 1000, "cores": 1, "seed": 1}


def test_enough_references_are_stored():
    assert len(stored()) >= 4


@pytest.mark.parametrize("name", stored())
def test_a_reference_is_of_the_data_and_model_that_it_names(name):
    case, entry, data = CASES[name], read_posterior(name), read_data(name)
    assert entry["name"] == name and set(entry["dimensions"]) == set(read_draws(name))
    found, stored_table = case.runs.table, pd.DataFrame(data["columns"])
    if data["digest"] != case.runs.digest:
        # Processors differ in the last digit of a logarithm, and with it of a simulated loss.
        pd.testing.assert_frame_equal(found, stored_table, check_dtype=False, rtol=1e-12, atol=0)
    assert Spec.from_dict(read_model(name)) == case.spec


@pytest.mark.parametrize("name", stored())
def test_a_reference_has_ten_thousand_draws_that_mixed(name):
    info, draws = read_info(name), read_draws(name)
    assert all(values.shape == (10, 1000) for values in draws.values())
    assert not faults(info["diagnostics"])
    assert info["diagnostics"]["divergent_transitions"] == 0
    first = dict(list(draws.items())[:1])
    again = diagnose(first, 0)
    np.testing.assert_allclose(again["r_hat"][0], info["diagnostics"]["r_hat"][0], atol=1e-3)


def test_draws_that_did_not_mix_are_no_reference():
    stuck = np.exp(np.arange(10.0)[:, None] + np.random.default_rng(0).normal(size=(10, 1000)))
    said = faults(diagnose({"a": stuck}, 0))
    assert any("R-hat of a" in text for text in said) and any("bulk ESS" in text for text in said)


@cache
def found(name):
    case = CASES[name]
    return gaps(fit(case.runs, case.spec, **SHORT), name)


@pytest.mark.parametrize("name", stored())
def test_quadrature_forecasts_what_the_reference_does(name):
    losses = {label: gap for label, gap in found(name).items() if label.startswith("loss[")}
    assert losses
    for label, gap in losses.items():
        # A thousand draws scatter by some per cent around the limit of .95 to 1.05.
        assert abs(gap.apart) < 0.1 and 0.93 < gap.ratio < 1.07, (label, gap)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=pytest.mark.xfail(n in SHORT_TAILS, reason="tails", strict=True))
        for n in stored()
    ],
)
def test_quadrature_has_the_parameters_of_the_reference(name):
    for label, gap in found(name).items():
        assert abs(gap.apart) < 0.1 and 0.93 < gap.ratio < 1.07, (label, gap)


def test_another_model_is_not_taken_for_the_reference():
    case = CASES["single"]  # the same runs with a discrepancy
    other = fit(case.runs, case.spec, **SHORT)
    with pytest.raises(ValueError, match=r"only one of the two: \['discrepancy_sd\[one\]'\]"):
        gaps(other, "trusted")
