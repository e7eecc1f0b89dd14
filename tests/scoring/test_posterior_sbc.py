"""Truths about calibration given real runs: right posteriors pass it, wrong ones do not."""

from dataclasses import replace

import numpy as np
import pytest

from bayeslaw.errors import FitError, SpecError
from bayeslaw.inference import Health, fit
from bayeslaw.inference.health import Check, Failure
from bayeslaw.scoring import posterior_sbc
from tests.benchmarks.alarms import ladder

SHORT = {"engine": "quadrature", "draws": 50, "simulations": 12}


def narrow(runs, spec, **settings):
    """An engine that is too sure of the second half of each table: half the true spread."""
    made = fit(runs, spec, **settings)
    if not any("again" in run for run in runs.table["run"]):
        return made
    log = np.log(made.posterior[list(made.law.parameter_names)])
    middle = log.mean(("chain", "draw"))
    return replace(made, posterior=made.posterior.assign(np.exp(middle + (log - middle) / 4)))


@pytest.fixture(scope="module")
def runs():
    return ladder(0).where("params > 1e8")


def test_quadrature_is_calibrated_given_the_runs(runs):
    found = posterior_sbc(runs, seed=3, **SHORT)
    assert found.passed and found.kept >= 11
    by_family = ("E", "alpha", "run_sd", "compute-optimal exponent", "loss beyond the runs, run")
    wanted = {"log likelihood", *(f"{name}[simulated]" for name in by_family)}
    assert wanted <= set(found.summary["quantity"])


def test_a_posterior_that_is_too_sure_given_more_runs_fails(runs):
    found = posterior_sbc(runs, seed=3, fitter=narrow, **SHORT)
    outside = set(found.summary.loc[~found.summary["inside"], "quantity"])
    assert "E[simulated]" in outside or "alpha[simulated]" in outside
    assert not found.passed


def test_what_cannot_be_simulated_from_is_refused(runs):
    def sick(runs, spec, **settings):
        made = fit(runs, spec, **settings)
        return replace(made, health=Health((Failure(Check.DIVERGENCES, "9 divergent draws"),)))

    with pytest.raises(FitError, match="it failed divergences"):
        posterior_sbc(runs, fitter=sick, **SHORT)
    with pytest.raises(SpecError, match="simulations is 0"):
        posterior_sbc(runs, simulations=0)
    with pytest.raises(SpecError, match="expected at least the 900"):
        posterior_sbc(runs, **(SHORT | {"simulations": 900}))
