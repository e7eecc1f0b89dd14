"""What stands in for a discrepancy: an error that grows with distance, and several laws at once."""

import json
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from bayeslaw import Checkpoints, Discrepancy, Inflated, Spec, SpecError, average, backtest, fit
from bayeslaw.errors import ExtrapolationWarning
from bayeslaw.laws.law import Z95
from bayeslaw.model.layout import lay_out
from bayeslaw.prediction import Average, Target, forecast
from bayeslaw.prediction.average import mixed
from bayeslaw.scoring import sbc, stacked
from tests.scoring.synthetic import ladder, synthetic_fit

KAPPA = (0.01, 0.02)
SPECS = (
    Spec(),
    Spec(discrepancy=None),
    Spec(discrepancy=Inflated(KAPPA)),
    Spec("kaplan", also=("chinchilla",), pool={"alpha": "none"}, priors={"E": (1.0, 2.0)}),
    Spec(checkpoints=Checkpoints(at_most=1), also="kaplan"),
)
QUIETLY = pytest.mark.filterwarnings("ignore::bayeslaw.errors.ConvergenceWarning")
SHORT = {"engine": "quadrature", "draws": 100, "chains": 2, "retry": False, "cores": 1}


def exact(spec: Spec):
    """A fit that knows the curve, and of which every spread is the discrepancy's."""
    return synthetic_fit(ladder(), spec, draws=4000, width=0.0, run_sd=1e-9)


def spread(made, factors):
    top = made.runs.table.sort_values("flops").iloc[-1]
    targets = [
        Target(top["params"] * f**0.5, top["tokens"] * f**0.5, "ours", kind="mean") for f in factors
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        draws = forecast(made, targets).draws.values
    return np.log(draws.reshape(-1, len(factors)))


def test_an_inflated_error_grows_with_the_log_of_the_extrapolation_factor():
    made = exact(Spec(discrepancy=Inflated(KAPPA)))
    logs = spread(made, [0.5, 1.0, np.e, np.e**4])
    middle, width = np.log(KAPPA).mean(), np.diff(np.log(KAPPA)).item() / (2 * Z95)
    kappa = np.exp(middle + width**2)  # root mean square of a log-normal
    assert logs[:, :2].std(0) == pytest.approx([0, 0], abs=1e-6)
    assert logs[:, 2:].std(0) == pytest.approx([kappa, 4 * kappa], rel=0.05)


def test_an_inflated_error_is_one_drift_for_all_targets_of_a_family():
    logs = spread(exact(Spec(discrepancy=Inflated(KAPPA))), [3.0, 9.0])
    assert np.corrcoef(logs.T)[0, 1] > 0.9999


@QUIETLY
def test_no_engine_sees_an_inflated_error():
    runs = ladder()
    inflated, plain = (
        fit(runs, Spec(discrepancy=d), seed=1, **SHORT) for d in (Inflated(KAPPA), None)
    )
    assert inflated.posterior.equals(plain.posterior) and "discrepancy_sd" not in plain.posterior
    assert inflated.spec.process is None and inflated.layout.phi.shape[1] == 0


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: f"{s.label}, {type(s.discrepancy).__name__}")
def test_every_alternative_is_kept_in_json(spec):
    assert Spec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_each_law_takes_what_is_said_of_its_own_parameters():
    kaplan, chinchilla = SPECS[3].each()
    assert (kaplan.law.name, dict(kaplan.priors), kaplan.pool) == ("kaplan", {}, {})
    assert dict(chinchilla.priors) == {"E": (1.0, 2.0)} and chinchilla.pool == {"alpha": "none"}
    assert not kaplan.also and kaplan.discrepancy == Discrepancy()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Inflated((0.0, 0.02)), r"discrepancy\.kappa is .*expected \(low, high\)"),
        (lambda: Spec("kaplan", also=("kaplan",)), "averaged with itself; expected each law once"),
        (lambda: Spec(also=("no_such",)), "unknown law 'no_such'"),
        (lambda: lay_out(Spec(also=("kaplan",)), ladder()), "a fit is of one law"),
        (lambda: average(ladder(), Spec()), "has one law, chinchilla; expected two or more"),
        (lambda: sbc(spec=Spec(discrepancy=Inflated())), "acts only beyond the runs"),
        (lambda: Average(Spec(also="kaplan"), (), (1.0,)), "0 fits have weights"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(SpecError, match=message):
        make()


def test_stacked_weights_are_the_best_there_are():
    rng = np.random.default_rng(0)
    logs = rng.normal(3.0, 1.0, (12, 2)) + np.array([1.0, 0.0])
    found = stacked(logs)
    share = np.linspace(0.001, 0.999, 9981)
    mixture = np.log(np.exp(logs) @ np.stack([share, 1 - share])).sum(0)
    best = share[np.argmax(mixture + np.log(share) + np.log(1 - share))]
    assert found.sum() == pytest.approx(1.0) and found[0] == pytest.approx(best, abs=2e-4)


def test_more_families_that_one_law_forecasts_better_give_it_more_weight():
    weights = [stacked(np.tile([3.0, 0.0], (count, 1)))[0] for count in (1, 5, 50)]
    assert 0.5 < weights[0] < weights[1] < weights[2] < 1.0


def test_a_mixture_keeps_draws_whole_and_weights_exact():
    shape, dims = (4, 50, 2), ("chain", "draw", "target")
    parts = [xr.DataArray(np.full(shape, v), dims=dims) for v in (1.0, 2.0, 3.0)]
    values = mixed(parts, (0.5, 0.3, 0.2), seed=0).values
    assert (values[..., 0] == values[..., 1]).all()
    assert [(values[..., 0] == v).mean() for v in (1, 2, 3)] == [0.5, 0.3, 0.2]


@QUIETLY
def test_an_average_over_laws_is_forecast_and_backtested_like_a_fit():
    runs, spec = ladder(sizes=7), Spec(also=("kaplan",), discrepancy=None)
    made = average(runs, spec, seed=2, **SHORT)
    assert set(made.by_law) == {"chinchilla", "kaplan"} and sum(made.weights) == pytest.approx(1)
    # The runs follow an additive law with a floor; of one hidden run this can be little.
    assert made.by_law["chinchilla"] > 0.5
    parts = [forecast(f, params=3e9, tokens=6e10, family="ours").draws for f in made.fits]
    whole = forecast(made, params=3e9, tokens=6e10, family="ours")
    assert np.isin(whole.draws.values, np.stack([p.values for p in parts])).all()
    card = backtest(runs, spec=spec, seed=2, **SHORT)
    assert card.law == "chinchilla, kaplan" and card.summary["n_targets"] == 1


def test_laws_weigh_alike_where_nothing_can_be_hidden(monkeypatch):
    runs = ladder(sizes=2)
    monkeypatch.setattr(
        sys.modules["bayeslaw.scoring.stacking"],
        "fit",
        lambda runs, spec, **settings: replace(synthetic_fit(runs), spec=spec),
    )
    made = average(runs, Spec(also=("kaplan",)))
    assert made.weights == (0.5, 0.5) and "weigh alike" in made.health.warnings[0]
