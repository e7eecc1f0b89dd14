"""Truths about prior sensitivity: data contract, beliefs move forecasts, and both are measured."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from bayeslaw.errors import SpecError
from bayeslaw.inference.log_prior import DISCREPANCY, EXPONENTS, LEVELS, NOISE, log_prior
from bayeslaw.model import Discrepancy, Spec, build_model, lay_out
from bayeslaw.prediction import forecast
from bayeslaw.scoring import identifiability, sensitivity
from bayeslaw.scoring.identifiability import prior_driven
from bayeslaw.scoring.power_scaling import EVERY, power_scaling
from bayeslaw.scoring.sensitivity import changes
from tests.scoring.synthetic import ladder, synthetic_fit

# The package binds the function over its module.
MODULE = sys.modules[sensitivity.__module__]
TARGET = {"params": 3e9, "tokens": 6e10}


def test_the_log_prior_is_that_of_the_graph(small_fit):
    """Compared in differences between draws, so that constants do not count."""
    spec, layout, post = small_fit.spec, small_fit.layout, small_fit.posterior
    ours = sum(log_prior(spec, layout, post)[n].values.ravel() for n in (EXPONENTS, LEVELS, NOISE))
    ours = ours + log_prior(spec, layout, post)[DISCREPANCY].values.ravel()
    model = build_model(spec, layout, whiten=False)
    wanted = ["log_population", "between", "log_typical_run_sd", "discrepancy_sd"]
    tails = [p for p in model.potentials if p.name in ("between_tail", "discrepancy_sd_tail")]
    density = model.compile_logp([*(model[n] for n in wanted), *tails], mode="FAST_COMPILE")
    points = []
    for d in range(0, 200, 40):
        at = model.initial_point()
        for name in wanted:
            value = post[name].values[0, d]
            at[name if name in at else f"{name}_log__"] = value if name in at else np.log(value)
        points.append(float(density(at)))
    # The graph caps the noise of each family as well; that belongs to the families.
    chosen = ours[range(0, 200, 40)]
    assert np.diff(chosen) == pytest.approx(np.diff(points), abs=1e-6)


def test_what_the_runs_tell_contracts_and_what_they_do_not_equals_the_prior():
    sharp = synthetic_fit(ladder(("a", "b")), width=0.02)
    table = identifiability(sharp).set_index(["family", "parameter"])
    assert (table.loc["a"].loc[["alpha", "beta"], "contraction"] > 0.9).all()
    assert table.loc[("a", "alpha"), "verdict"] == "data"
    prior = sharp.layout.priors["alpha"]
    rng = np.random.default_rng(0)
    sd = table.loc[("a", "alpha"), "prior_sd"]
    drawn = np.exp(prior.location + sd * rng.standard_normal(sharp.posterior["alpha"].shape))
    alpha = sharp.posterior["alpha"].copy(data=drawn)
    vague = replace(sharp, posterior=sharp.posterior.assign(alpha=alpha))
    found = identifiability(vague).set_index(["family", "parameter"])
    assert found.loc[("a", "alpha"), "verdict"] == "equals prior"
    assert found.loc[("a", "alpha"), "contraction"] == pytest.approx(0, abs=0.1)
    assert any("family 'a': alpha (equals its prior)" in text for text in prior_driven(vague))
    assert not any("alpha" in text for text in prior_driven(sharp))


def test_an_exponent_of_tokens_all_alike_rests_on_its_prior():
    from bayeslaw.inference import fit
    from bayeslaw.simulation import simulate

    truth = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}
    sizes = np.geomspace(3e7, 3e9, 6)
    runs = simulate("chinchilla", truth, params=sizes, tokens=2e10)
    made = fit(runs, engine="quadrature", draws=250, retry=False)
    found = identifiability(made).set_index("parameter")
    assert found.loc["beta", "contraction"] < 0.2 < 0.5 < found.loc["a", "contraction"]
    assert "beta" in prior_driven(made)[0]


def weighted_fit(spread):
    """A fit whose runs tell nothing, of which the prior of the exponents decides so much."""
    made = synthetic_fit(ladder(), draws=500, width=spread)
    flat = np.zeros((*(made.posterior.sizes[d] for d in ("chain", "draw")), 6))
    noise = np.random.default_rng(0).normal(0, 1, flat.shape)
    import xarray as xr

    likelihood = xr.Dataset(
        {"loss": (("chain", "draw", "run"), flat + 0.01 * noise)},
        {"chain": made.posterior["chain"], "draw": made.posterior["draw"],
         "run": list(made.layout.runs)},
    )  # fmt: skip
    return replace(made, log_likelihood=likelihood)


def test_a_forecast_that_priors_decide_moves_when_they_count_double():
    made = weighted_fit(0.15)
    found = power_scaling(made, forecast(made, **TARGET)).set_index("prior")
    assert list(found.index) == [EVERY, EXPONENTS, LEVELS, NOISE, DISCREPANCY]
    assert found.loc[EVERY, "verdict"] == "prior decides"
    assert found.loc[EVERY, "sensitivity"] > 0.05 > found.loc[EVERY, "likelihood"]
    sharp = weighted_fit(0.001)
    calm = power_scaling(sharp, forecast(sharp, **TARGET)).set_index("prior")
    assert calm.loc[EXPONENTS, "sensitivity"] < found.loc[EXPONENTS, "sensitivity"]


def test_other_beliefs_are_what_they_are_called():
    spec = Spec(discrepancy=Discrepancy(scale=(0.01, 0.04)))
    named = dict(changes(spec))
    assert named["discrepancy doubled"].discrepancy.scale == (0.02, 0.08)
    assert named["discrepancy halved"].discrepancy.scale == (0.005, 0.02)
    alpha = spec.law.parameter("alpha")
    low, high = spec.interval(alpha)[0]
    lower, higher = (
        named[f"exponents {word} by one s.d."].interval(alpha)[0] for word in ("lower", "higher")
    )
    assert lower[0] < low < higher[0] and lower[1] < high < higher[1]
    assert lower[1] / lower[0] == pytest.approx(high / low)
    assert np.log(higher[0] / low) == pytest.approx(np.log(high / low) / (2 * 1.6448536))


def test_refits_show_how_far_a_forecast_moves(monkeypatch):
    made = weighted_fit(0.02)
    specs = []

    def again(runs, spec, *, seed, engine):
        specs.append(spec)
        lower = 0.01 if spec.discrepancy.scale[0] < made.spec.discrepancy.scale[0] else 0.04
        return synthetic_fit(runs, spec, draws=500, discrepancy_sd=lower)

    monkeypatch.setattr(MODULE, "fit_again", again)
    found = sensitivity(made, forecast(made, **TARGET))
    assert [s for _, s in changes(made.spec)] == specs
    table = found.refits.set_index("change")
    assert table.loc["as stated", "shift"] == 0 and table.loc["as stated", "width_ratio"] == 1
    assert table.loc["discrepancy halved", "width_ratio"] < 1
    assert table.loc["discrepancy doubled", "width_ratio"] > 1
    assert "discrepancy doubled: median" in found.text
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_without_refits_nothing_is_fitted(monkeypatch):
    monkeypatch.setattr(MODULE, "fit_again", None)
    made = weighted_fit(0.02)
    assert list(sensitivity(made, forecast(made, **TARGET), refit=False).refits["shift"]) == [0.0]
    with pytest.raises(SpecError, match="expected a forecast made from this fit"):
        sensitivity(made, forecast(synthetic_fit(ladder(), draws=100), **TARGET))


def test_the_layout_of_a_single_family_has_priors_of_its_own():
    single = synthetic_fit(ladder(), draws=50)
    found = log_prior(single.spec, lay_out(single.spec, single.runs), single.posterior)
    assert set(found) == {EXPONENTS, LEVELS, NOISE, DISCREPANCY}
    assert all(v.dims == ("chain", "draw") for v in found.values())
