"""Simulation-based calibration of the fast engines: the posterior is that of the declared model."""

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


def test_collapsed_passes_its_simultaneous_bands():
    # Long enough for so many ranks, too short for the gate's own bounds: no second, longer attempt.
    found = sbc(
        simulations=20, engine="collapsed", seed=1, jobs=2, draws=150, tune=240, chains=2, cores=1,
        ranked=49, retry=False,
    )  # fmt: skip
    assert found.passed, found.text
    # Draws that diverge are refused, not ranked.
    assert found.kept >= 17, found.text
