"""Simulation-based calibration of the fast engines: the posterior is that of the declared model."""

import pytest

from bayeslaw.model import Noise, Spec
from bayeslaw.scoring.sbc import sbc, small_design


def test_quadrature_passes_its_simultaneous_bands():
    found = sbc(simulations=64, engine="quadrature", seed=1, jobs=2, draws=400, tune=300, chains=2)
    assert found.passed, found.text
    assert found.kept >= 62, found.text


def test_quadrature_of_a_single_family_passes_too():
    design = small_design().where("family == 'one'")
    found = sbc(design, simulations=64, engine="quadrature", seed=2, jobs=2, draws=250, chains=2)
    assert found.passed, found.text
    assert found.kept >= 62, found.text


@pytest.mark.xfail(
    strict=True,
    reason="its normal amplitudes bias the population of a and b when families are few; auto "
    "gives it nothing below six",
)
def test_collapsed_passes_its_simultaneous_bands():
    # Gaussian noise: with heavy tails every run would be one more coordinate.
    spec = Spec(labs=False, noise=Noise(tails=None))
    found = sbc(
        small_design(), spec, simulations=64, engine="collapsed", seed=1, jobs=2, draws=200,
        tune=250, chains=2,
    )  # fmt: skip
    assert found.passed, found.text
    # Amplitudes that the rows leave open are refused, not sampled wrongly.
    assert found.kept >= 52, found.text
