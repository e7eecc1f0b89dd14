"""Simulation-based calibration of the fast engines: the posterior is that of the declared model."""

import pytest

from bayeslaw.model import Noise, Spec
from bayeslaw.scoring.sbc import sbc, small_design

# As short as leaves enough effective draws to rank the truth among 99.
SHORT = {"draws": 150, "tune": 250, "chains": 2}


def test_quadrature_passes_its_simultaneous_bands():
    found = sbc(simulations=64, engine="quadrature", seed=1, jobs=2, **SHORT)
    assert found.passed, found.text
    assert found.kept >= 60, found.text


def test_collapsed_passes_its_simultaneous_bands():
    # Gaussian noise: with heavy tails every run would be one more coordinate.
    spec = Spec(labs=False, noise=Noise(tails=None))
    found = sbc(small_design(), spec, simulations=64, engine="collapsed", seed=1, jobs=2, **SHORT)
    assert found.passed, found.text
    # Amplitudes that the rows leave open are refused, not sampled wrongly.
    assert found.kept >= 50, found.text


@pytest.mark.parametrize("engine", ["quadrature"])
def test_a_single_family_passes_too(engine):
    design = small_design().where("family == 'one'")
    found = sbc(design, simulations=64, engine=engine, seed=2, jobs=2, draws=250, chains=2)
    assert found.passed, found.text
    assert found.kept >= 62, found.text
