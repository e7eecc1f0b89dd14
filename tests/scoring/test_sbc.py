"""Simulation-based calibration: right posteriors pass it, and wrong ones of every kind do not."""

import json
from typing import ClassVar

import arviz_stats.ecdf_utils
import numpy as np
import pytest
import xarray as xr
from scipy import stats
from typer.testing import CliRunner

import bayeslaw
from bayeslaw.cli import app
from bayeslaw.errors import FitError, SpecError
from bayeslaw.inference import Fit, Health
from bayeslaw.inference.health import Check, Failure
from bayeslaw.inference.prior import draw_prior, log_likelihood
from bayeslaw.laws import LAWS
from bayeslaw.model import Checkpoints, Noise, Spec, lay_out
from bayeslaw.prediction import forecast
from bayeslaw.scoring import Calibration, sbc
from bayeslaw.scoring.bands import holm, p_value, uniform_band
from bayeslaw.scoring.estimands import estimands, target_beyond, truth_beyond
from bayeslaw.scoring.sbc import in_nats, in_order, small_design
from bayeslaw.simulation import simulate
from tests.inference.ladders import TRUTHS

SIMULATIONS = 60
#: So noisy that a sample of the prior, weighted by the likelihood, stands for the posterior.
SPEC = Spec("power_params", noise=Noise(run=(0.2, 0.5)))


@pytest.fixture(scope="module")
def design():
    sizes, families = np.tile([1e7, 1e8, 1e9], 2), np.repeat(["a", "b"], 3)
    truth = {"E": 1.7, "A": 400.0, "alpha": 0.34}
    return simulate("power_params", truth, params=sizes, tokens=2e10, family=families)


class Importance:
    """A fit by importance sampling: exact without a sampler, and open to harm.

    Parameters
    ----------
    informed : whether the draws are weighted by the likelihood, or stay draws of the prior.
    change : what is done to the draws before they are handed over.
    """

    _weights: ClassVar = {}

    def __init__(self, informed=True, change=lambda posterior: posterior, health=None):
        self.informed, self.change, self.health = informed, change, health or Health()
        self.prior, self.given = None, []

    def __call__(self, runs, spec, *, seed, **given):
        layout = lay_out(spec, runs)
        if self.prior is None:  # in nats, so the same whatever the losses are
            self.prior = draw_prior(spec, layout, draws=10_000, seed=99).drop_vars("log_loss")
        weights = np.ones(self.prior.sizes["draw"])
        if self.informed:
            weights = self.weights(spec, layout)
        self.given.append((layout, given, weights.sum() ** 2 / (weights**2).sum()))
        rng = np.random.default_rng(seed)
        pick = rng.choice(len(weights), 300, p=weights / weights.sum())
        posterior = self.change(self.prior.isel(draw=pick)).transpose("draw", ...)
        posterior = posterior.expand_dims("chain").assign_coords(chain=[0], draw=range(300))
        nothing = xr.Dataset()
        return Fit(spec, runs, posterior, nothing, nothing, self.health, seed, "importance", "")

    def weights(self, spec, layout):
        """The likelihood of every draw, the same whatever is done to the posterior."""
        key = (repr(spec), layout.log_loss.tobytes(), layout.loss_sd.tobytes())
        if key not in self._weights:
            found = log_likelihood(spec, layout, self.prior, layout.log_loss).sum(axis=1)
            self._weights[key] = np.exp(found - found.max())
        return self._weights[key]


def scaled(name, factor):
    def change(posterior):
        logs = np.log(posterior[name])
        return posterior.assign({name: np.exp(logs.mean("draw") + factor * (logs - logs.mean()))})

    return change


def moved(name, factor):
    return lambda posterior: posterior.assign({name: factor * posterior[name]})


def outside(calibration):
    return set(calibration.summary.loc[~calibration.summary["inside"], "quantity"])


@pytest.fixture(scope="module")
def right(design):
    engine = Importance()
    return engine, sbc(design, SPEC, simulations=SIMULATIONS, fitter=engine)


# The harness


def test_an_exact_posterior_passes(right):
    engine, made = right
    assert np.median([ess for *_, ess in engine.given]) > 500  # or it would not be exact
    assert made.passed and not made.dropped
    assert made.summary["coverage90"].mean() == pytest.approx(0.9, abs=0.03)
    assert (made.law, made.engine, made.kept) == ("power_params", "importance", SIMULATIONS)


def test_only_the_likelihood_tells_a_posterior_that_equals_the_prior(design):
    made = sbc(design, SPEC, simulations=SIMULATIONS, fitter=Importance(informed=False))
    assert not made.passed
    assert outside(made) == {"log likelihood"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (scaled("E", 0.5), "E[a]"),  # too sure
        (scaled("alpha", 3.0), "alpha[b]"),  # not sure enough
        (moved("E", 1.3), "loss beyond the runs, mean[a]"),  # off
        (moved("run_sd", 0.5), "run_sd[b]"),
    ],
)
def test_a_wrong_posterior_does_not_pass(change, named, design):
    made = sbc(design, SPEC, simulations=SIMULATIONS, fitter=Importance(change=change))
    assert not made.passed
    assert named in outside(made)
    assert "NOT calibrated" in made.text and "NOT calibrated" in repr(made)


def test_the_refits_see_the_simulated_losses_and_one_prior(right, design):
    engine, _ = right
    spec = in_nats(SPEC)
    base = lay_out(spec, in_order(spec, design))
    truth = draw_prior(spec, base, draws=SIMULATIONS, seed=0)
    for i, (layout, given, _) in enumerate(engine.given):
        np.testing.assert_allclose(layout.log_loss, truth["log_loss"][i], rtol=1e-12)
        for name in spec.law.parameter_names:
            assert layout.priors[name].location == base.priors[name].location
            assert (layout.priors[name].scale == 1.0).all()
        assert given == {"engine": "auto", "retry": False}


def test_checkpoints_and_measurement_error_keep_their_rows():
    table = small_design().table.sample(frac=1.0, random_state=1)
    design = small_design().replace_table(table.assign(loss_sd=0.01 * table["loss"]))
    spec = in_nats(Spec(checkpoints=Checkpoints(at_most=5)))
    engine = Importance(informed=False)
    made = sbc(design, spec, simulations=2, fitter=engine, jobs=1, draws=7)
    truth = draw_prior(spec, lay_out(spec, in_order(spec, design)), draws=2, seed=0)
    for i, (layout, given, _) in enumerate(engine.given):
        np.testing.assert_allclose(layout.log_loss, truth["log_loss"][i], rtol=1e-12)
        np.testing.assert_allclose(layout.loss_sd, 0.01)
        assert given["draws"] == 7
    assert {"checkpoint_sd[two]", "across E", "compute-optimal exponent[one]"} <= set(
        made.table["quantity"]
    )


def test_the_same_seed_gives_the_same_ranks_in_one_process_or_two(design):
    def ranks(**given):
        return sbc(design, SPEC, simulations=3, fitter=Importance(), **given).table

    assert ranks().equals(ranks(jobs=2))
    assert not ranks().equals(ranks(seed=1))


def test_unsound_fits_are_dropped_counted_and_told(design):
    class Sometimes(Importance):
        def __call__(self, *arguments, **given):
            self.health = Health(*verdicts.pop())
            return super().__call__(*arguments, **given)

    failure = [(Failure(check, "found"),) for check in (Check.DIVERGENCES, Check.TAIL_ESS)]
    verdicts = [
        (), (failure[0],), (failure[1],),
        ((), (), (("R-hat", 1.2),)), ((), (), (("bulk ESS", 30.0),)),
    ]  # fmt: skip
    made = sbc(design, SPEC, simulations=5, fitter=Sometimes())
    assert [i for i, _ in made.dropped] == [0, 1, 3]
    assert made.kept == 2 and set(made.table["simulation"]) == {2, 4}
    assert "1 times: it failed divergences" in made.text
    assert "3 more (60.0%) were dropped" in made.text


def test_a_fit_that_raises_is_dropped_and_none_left_is_an_error(design):
    def broken(*_, **__):
        raise FitError("no start was found")

    with pytest.raises(FitError, match=r"all 2 simulations were dropped.*no start was found"):
        sbc(design, SPEC, simulations=2, fitter=broken)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"law": "kaplan"}, "inside the spec"),
        ({"simulations": 0}, "expected 1 or more"),
        ({"ranked": 400}, "300 draws, expected at least the 400"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message, design):
    with pytest.raises(SpecError, match=message):
        sbc(design, SPEC, **{"simulations": 1, "fitter": Importance(), **arguments})


# What is ranked


@pytest.mark.parametrize("law", TRUTHS)
@pytest.mark.parametrize("pool", ["partial", "none", "mixed"])
def test_laws_of_every_shape_and_pooling_have_finite_quantities(law, pool):
    if pool == "mixed":
        first, *_, last = LAWS[law].parameter_names
        pool = {first: "none", last: "shared"}
    spec = in_nats(Spec(law, pool=pool))
    runs = in_order(spec, small_design())
    layout, target = lay_out(spec, runs), target_beyond(runs)
    drawn = draw_prior(spec, layout, draws=4)
    beyond = truth_beyond(spec, layout, drawn, target, seed=0)
    found = estimands(spec, layout, drawn, drawn["log_loss"].values, beyond)
    assert all(v.shape == (4,) and np.isfinite(v).all() for v in found.values())
    exponent = {"compute-optimal exponent[one]"} & set(found)
    assert bool(exponent) == (len(LAWS[law].inputs) == 2)


def test_a_truth_beyond_the_runs_is_what_a_forecast_covers(design):
    """Two descriptions of a forecast: from the same parameters they make the same losses."""
    spec = in_nats(SPEC)
    runs = in_order(spec, design)
    layout, target = lay_out(spec, runs), target_beyond(runs)
    drawn = draw_prior(spec, layout, draws=3000, seed=1)
    ours = truth_beyond(spec, layout, drawn, target, seed=2)
    posterior = drawn.expand_dims("chain").assign_coords(chain=[0], draw=range(3000))
    nothing = xr.Dataset()
    fit = Fit(spec, runs, posterior, nothing, nothing, Health(), 3, "prior", "")
    for kind, values in ours.items():
        asked = [bayeslaw.Target(target.params, target.tokens, kind=kind)]
        theirs = forecast(fit, asked).draws.values[0]
        for mine, other in zip(values.T, theirs.T, strict=True):
            assert stats.ks_2samp(mine, other).pvalue > 1e-3


# The bands


def test_p_values_of_uniform_values_are_uniform(rng):
    found = [p_value(rng.random(20)) for _ in range(600)]
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_a_band_holds_as_often_as_it_says_and_agrees_with_arviz(rng):
    n, level = 64, 0.95
    lower, upper = uniform_band(n, level)
    sorted_values = np.sort(rng.random((20_000, n)), axis=1)
    inside = ((lower <= sorted_values) & (sorted_values <= upper)).all(axis=1)
    assert inside.mean() == pytest.approx(level, abs=0.006)
    at, _, low, high = arviz_stats.ecdf_utils.ecdf_pit(sorted_values[0], level, 2000, rng=rng)
    assert np.abs(np.searchsorted(upper, at, side="right") - n * low).max() <= 1
    assert np.abs(np.searchsorted(lower, at, side="left") - n * high).max() <= 1


def test_a_value_leaves_the_band_when_its_p_value_says_so(rng):
    for values in rng.beta(1.5, 1.5, (40, 50)):
        lower, upper = uniform_band(50, 0.9)
        stays = ((lower <= np.sort(values)) & (np.sort(values) <= upper)).all()
        assert stays == (p_value(values) >= 0.1)


def test_holm_keeps_the_order_and_is_never_below_the_p_value(rng):
    p = rng.random(30) ** 4
    adjusted = holm(p)
    assert (adjusted >= p).all() and (np.diff(adjusted[np.argsort(p)]) >= 0).all()
    assert adjusted.min() == pytest.approx(min(30 * p.min(), 1.0))


# The command


@pytest.fixture
def command(monkeypatch, tmp_path, design):
    path = tmp_path / "design.csv"
    design.table.to_csv(path, index=False)

    def run(engine, code, *flags):
        def harnessed(runs, spec, **given):
            return sbc(runs, Spec("power_params", noise=SPEC.noise), fitter=engine, **given)

        monkeypatch.setattr("bayeslaw.scoring.sbc", harnessed)
        done = CliRunner().invoke(app, ["sbc", str(path), "--law", "power_params", *flags])
        assert done.exit_code == code, done.output
        return done

    return run


def test_the_command_reports_and_its_exit_code_judges(command, tmp_path):
    out = tmp_path / "sbc.json"
    flags = ["--simulations", "40", "--seed", "2", "--json", str(out), "--engine", "pymc"]
    assert "stays inside" in command(Importance(), 0, *flags).stdout
    record = json.loads(out.read_text())
    assert list(record)[:3] == ["command", "version", "seed"]
    assert (record["command"], record["seed"], record["passed"]) == ("sbc", 2, True)
    assert len(record["ranks"]["log likelihood"]) == record["kept"] == 40
    assert {"quantity", "p_value", "p_holm", "inside", "coverage90"} <= set(record["quantities"][0])

    wrong = Importance(informed=False)
    done = command(wrong, 1, *flags, "--quiet")
    assert done.stdout == "" and done.stderr.endswith("NOT calibrated: log likelihood\n")
    assert json.loads(out.read_text())["passed"] is False
    assert all(given["engine"] == "pymc" for _, given, _ in wrong.given)


def test_a_calibration_explains_itself(right):
    _, made = right
    assert isinstance(made, Calibration)
    assert (
        f"{len(made.summary)} quantities, each ranked among 99 draws in 60 simulations" in made.text
    )
    assert "may pass" in made.text and len(made.text.splitlines()) < 12
    assert made.to_dict()["dropped"] == [] and json.dumps(made.to_dict(), allow_nan=False)
    assert made.table["pit"].between(0, 1).all() and made.table["rank"].between(0, 99).all()
