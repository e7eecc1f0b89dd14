"""Truths about the engines: they agree, they say why, and none ends in the degenerate corner."""

import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import least_squares

from bayeslaw.errors import ConvergenceWarning, SpecError
from bayeslaw.inference import engines, fit
from bayeslaw.inference.collapsed.density import FARTHEST, Collapsed, above
from bayeslaw.inference.drawn import Settings
from bayeslaw.inference.fit import judge
from bayeslaw.inference.nuts import sample_density
from bayeslaw.model import Spec, lay_out
from bayeslaw.prediction import Target, forecast
from tests.inference.ladders import TRUTH, TRUTHS, ladder


def _log_target(made, kind: str = "mean") -> np.ndarray:
    targets = [Target(1e10, 3e11, f, kind=kind) for f in made.families]
    draws = forecast(made, targets).draws.values
    return np.log(draws).reshape(-1, len(targets))


@pytest.fixture(scope="module")
def by_engine(small_fit):
    """The session's small fit by every engine."""
    out = {"pymc": small_fit}
    for engine in ("quadrature", "collapsed"):
        out[engine] = fit(small_fit.runs, small_fit.spec, engine=engine, seed=6)
    return out


@pytest.mark.filterwarnings("ignore::bayeslaw.errors.ExtrapolationWarning")
@pytest.mark.parametrize("engine", ["quadrature", "collapsed"])
def test_engines_agree_on_the_target(by_engine, engine):
    assert by_engine[engine].health.ok, str(by_engine[engine].health)
    reference, found = _log_target(by_engine["pymc"]), _log_target(by_engine[engine])
    off = (found.mean(0) - reference.mean(0)) / reference.std(0)
    # Monte Carlo error of two runs of some 2000 effective draws is about 0.03 of each.
    assert np.abs(off).max() < 0.15
    ratio = found.std(0) / reference.std(0)
    assert ((ratio > 0.9) & (ratio < 1.1)).all()


@pytest.mark.parametrize("engine", ["quadrature", "collapsed"])
def test_engines_agree_on_the_population(by_engine, engine):
    reference, found = by_engine["pymc"].posterior, by_engine[engine].posterior
    for name in ("log_population", "between", "log_typical_run_sd"):
        mean = reference[name].mean(("chain", "draw"))
        off = (found[name].mean(("chain", "draw")) - mean) / reference[name].std(("chain", "draw"))
        assert float(np.abs(off).max()) < 0.25, name


@pytest.mark.parametrize("engine", ["quadrature", "collapsed"])
def test_every_engine_gives_the_same_names_and_dims(by_engine, engine):
    reference, found = by_engine["pymc"], by_engine[engine]
    assert {n: v.dims for n, v in found.posterior.data_vars.items()} == {
        n: v.dims for n, v in reference.posterior.data_vars.items()
    }
    assert found.log_likelihood["loss"].dims == reference.log_likelihood["loss"].dims
    assert found.engine == engine
    xr.testing.assert_equal(found.posterior["family"], reference.posterior["family"])


@pytest.mark.parametrize("law", TRUTHS)
def test_quadrature_serves_laws_of_every_shape(law):
    made = fit(ladder(families=1, law=law), Spec(law), engine="quadrature", seed=1)
    assert made.health.ok
    assert dict(made.health.figures)["misfit"] < 0.02


@pytest.mark.parametrize("engine", ["quadrature", "collapsed"])
def test_the_same_seed_gives_the_same_draws(engine):
    runs = ladder(families=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # too short to be healthy
        made = [
            fit(runs, engine=engine, seed=s, draws=50, tune=60, retry=False, cores=c)
            for s, c in ((1, 1), (1, 2), (2, 1))
        ]
    xr.testing.assert_identical(made[0].posterior, made[1].posterior)
    assert not made[0].posterior.equals(made[2].posterior)


def test_auto_says_what_it_picked_and_why():
    alone = fit(ladder(families=1), seed=1)
    assert alone.engine == "quadrature" and "one family" in alone.reason
    spec = Spec(pool={"E": "shared"})
    order = engines.candidates(spec, lay_out(spec, ladder(families=6)), "auto")
    assert [name for name, _ in order] == ["collapsed", "pymc"]
    assert "E is shared" in order[0][1]
    few = lay_out(spec, ladder(families=3))
    assert [name for name, _ in engines.candidates(spec, few, "auto")] == ["collapsed", "pymc"]
    with pytest.raises(SpecError, match="E is shared"):
        engines.candidates(spec, few, "quadrature")


def test_collapsed_serves_what_is_shared_by_all():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # too short to be healthy
        made = fit(
            ladder(families=2), Spec(pool="shared"), engine="collapsed", draws=100, tune=200,
            retry=False,
        )  # fmt: skip
    for n in made.law.parameter_names:
        assert float(np.ptp(made.posterior[n].values, axis=-1).max()) < 1e-9
    assert dict(made.health.figures)["misfit"] < 0.02


def test_auto_goes_on_when_an_engine_fails_its_checks(monkeypatch):
    monkeypatch.setattr("bayeslaw.inference.health.MIN_IMPORTANCE_ESS", 1e9)
    order = [("quadrature", "first"), ("collapsed", "second")]
    # By its module: the package has a function of the same name.
    monkeypatch.setattr(sys.modules["bayeslaw.inference.fit"], "candidates", lambda *_: order)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # too short to be healthy
        made = fit(ladder(families=2), seed=1, draws=60, tune=100, retry=False)
    assert made.engine == "collapsed"
    assert made.reason.startswith("first; quadrature failed: ")
    assert "importance ESS" in made.reason and "; second" in made.reason


def test_rows_that_come_later_are_the_same_as_rows_that_were_there():
    runs = ladder(families=2)
    early, late = runs.where("params < 9e8"), runs.where("params > 9e8")
    updated = fit(early, seed=3).update(late)
    whole = fit(early.extended(late), seed=3)
    xr.testing.assert_equal(updated.posterior, whole.posterior)
    assert updated.runs.n_runs == runs.n_runs


def _in_the_corner(made):
    """Every amplitude gone, and the discrepancy left to explain the losses."""
    tiny = {n: made.posterior[n] * 1e-6 for n in made.law.linear}
    scale = xr.full_like(made.posterior["discrepancy_sd"], 0.6)
    return made.posterior.assign(**tiny, discrepancy_sd=scale)


def test_the_gate_refuses_the_degenerate_corner(by_engine):
    made = by_engine["quadrature"]
    drawn = engines.Drawn(_in_the_corner(made), made.sample_stats, made.log_likelihood, {})
    health = judge(made.spec, made.layout, made.runs, drawn)
    assert any("off by" in f.found for f in health.failures)


def test_the_gate_refuses_one_degenerate_family_among_many(by_engine):
    made = by_engine["quadrature"]
    posterior = made.posterior.copy(deep=True)
    for n in made.law.linear:
        posterior[n].values[..., 0] *= 1e-6
    drawn = engines.Drawn(posterior, made.sample_stats, made.log_likelihood, {})
    health = judge(made.spec, made.layout, made.runs, drawn)
    assert any("off by" in f.found and made.families[0] in f.found for f in health.failures)


def test_the_collapsed_chain_leaves_the_degenerate_corner():
    spec = Spec(labs=False)
    density = Collapsed(spec, lay_out(spec, ladder()))
    corner = _cornered(density)
    assert np.exp(density.families(corner[None])[0][0, :, 0]).max() < 1e-3
    # The corner itself is out of bounds, so start as near to it as a chain may.
    assert density.log_density(corner)[0] == -np.inf
    start = corner * (0.9 * FARTHEST / abs(corner).max())
    assert np.exp(density.families(start[None])[0][0, :, 0]).max() < 0.3
    settings = Settings(100, 300, 2, 2, 0, 0.9, False)
    found, _ = sample_density(density.log_density, start, **settings.of_chains)
    inside = density.log_density(start)[0]
    reached = np.array([[density.log_density(x)[0] for x in chain[::10]] for chain in found])
    assert (reached > inside + 100).all()
    floor = [above(x, density.known)[0][0] for x in found[:, -1]]
    assert np.exp(floor).min() > 0.3


def _cornered(density: Collapsed) -> np.ndarray:
    """Coordinates where nothing is left of the law and the discrepancy is free to replace it."""
    x = np.zeros(density.size)
    at = density.coordinates(x)
    at["scale"][:] = 5.0
    law, known = density.spec.law, density.known
    target = known.location - 8.0 * np.array([n in law.linear for n in law.parameter_names])
    moved = [at["population"], at["own"].reshape(-1)]
    size = len(moved[0])

    def off(z: np.ndarray) -> np.ndarray:
        moved[0][:], moved[1][:] = z[:size], z[size:]
        log_values = density.families(x[None])[0][0]
        return np.concatenate([above(x, known)[0] - target, (log_values - target).ravel()])

    off(least_squares(off, np.zeros(size + len(moved[1]))).x)
    return x


def test_engines_recover_the_law_that_made_the_runs(by_engine):
    for engine, made in by_engine.items():
        for symbol in ("E", "alpha", "beta"):
            for family in made.families:
                low, high = made.parameters()[family][symbol]["intervals"]["95"]
                assert low < TRUTH[symbol] < high, (engine, family, symbol)


def test_a_thousand_draws_of_a_family_come_from_many_points(by_engine):
    made = by_engine["quadrature"]
    values = made.posterior["alpha"].values.reshape(-1, len(made.families))
    for f in range(len(made.families)):
        # Grids whose nodes are shared between families make the population collapse.
        assert len(np.unique(values[:, f])) > 200
    shared = set(values[:, 0]) & set(values[:, 1])
    assert not shared


def test_a_fit_without_chains_is_judged_all_the_same():
    alone = fit(ladder(families=1), seed=1)
    figures = dict(alone.health.figures)
    assert "divergences" not in figures and figures["importance ESS"] > 200
    assert replace(alone).health.ok


def test_without_jax_its_engine_names_what_to_install(small_fit, monkeypatch):
    monkeypatch.setitem(sys.modules, "pymc.sampling.jax", None)
    with pytest.raises(SpecError, match=r"bayeslaw\[jax\]"):
        fit(small_fit.runs, engine="jax")
