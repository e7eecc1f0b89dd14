"""Truths about fits: they recover what was simulated, repeat themselves, and survive the disk."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from bayeslaw.errors import ConvergenceWarning, FitError, RunsError, SpecError
from bayeslaw.inference import fit, load_fit, prior_predictive
from bayeslaw.inference.health import Check, Weighed, examine
from bayeslaw.model import Spec
from bayeslaw.simulation import simulate

TRUTH = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}


def test_a_healthy_fit_recovers_the_law_that_made_the_runs(small_fit):
    assert small_fit.health.ok, str(small_fit.health)
    for symbol in ("E", "alpha", "beta"):
        for family in small_fit.families:
            found = small_fit.parameters()[family][symbol]
            low, high = found["intervals"]["95"]
            assert low < TRUTH[symbol] < high
    # A Student-t with 4 degrees of freedom has twice the variance of its scale.
    noise = np.sqrt(2) * small_fit.posterior["run_sd"].mean(("chain", "draw"))
    assert (abs(np.log(noise / 0.003)) < 0.7).all()


def test_the_same_seed_gives_the_same_draws(small_fit):
    # The other engines have this test beside them; a small graph is compiled sooner.
    runs = small_fit.runs.where("family == 'one'")
    short = {"engine": "pymc", "draws": 40, "tune": 60, "retry": False}
    with pytest.warns(ConvergenceWarning, match="not trustworthy"):  # too short to be healthy
        draws = [
            fit(runs, Spec("power_params", discrepancy=None), seed=1, **short).posterior
            for _ in range(2)
        ]
    xr.testing.assert_identical(*draws)
    assert not draws[0].isel(chain=0).equals(draws[0].isel(chain=1))  # though chains differ


def test_a_saved_fit_comes_back_the_same(small_fit, tmp_path):
    back = load_fit(small_fit.save(tmp_path / "fit.nc"))
    xr.testing.assert_allclose(back.posterior, small_fit.posterior, rtol=0, atol=0)
    assert back.runs == small_fit.runs
    assert back.spec == small_fit.spec
    assert back.health == small_fit.health
    assert (back.seed, back.engine, back.versions) == (
        small_fit.seed, small_fit.engine, small_fit.versions,
    )  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()] == ["fit.nc"]


def test_extra_columns_of_every_kind_survive_the_disk(small_fit, tmp_path):
    n = len(small_fit.runs)
    odd = {
        "annealed": [True, False] * (n // 2),
        "when": ["2026-01-02"] * n,
        "limit": ["Infinity", "NA"] * (n // 2),
        "batch": range(n),
    }
    runs = small_fit.runs.replace_table(small_fit.runs.table.assign(**odd))
    back = load_fit(replace(small_fit, runs=runs).save(tmp_path / "fit.nc"))
    assert back.runs.table["batch"].tolist() == list(range(n))
    assert back.runs.table.astype(str).equals(runs.table.astype(str))


def test_a_loaded_fit_forecasts_with_the_components_it_was_sampled_with(small_fit, tmp_path):
    back = load_fit(small_fit.save(tmp_path / "fit.nc"))
    for old, new in zip(small_fit.layout.features, back.layout.features, strict=True):
        np.testing.assert_array_equal(old.projection, new.projection)
    np.testing.assert_array_equal(back.layout.anchors, small_fit.layout.anchors)


def test_a_damaged_fit_file_is_refused_with_a_remedy(small_fit, tmp_path):
    path = small_fit.save(tmp_path / "fit.nc")
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"family,params\n", whole[:100] + whole[500:]):
        path.write_bytes(damaged)
        with pytest.raises(FitError, match="Write it again"):
            load_fit(path)
    with pytest.raises(FitError, match="no fit file"):
        load_fit(tmp_path / "missing.nc")


def test_a_fit_that_cannot_be_written_leaves_nothing(small_fit, tmp_path):
    with pytest.raises(FitError, match="cannot write"):
        small_fit.save(tmp_path / "missing" / "fit.nc")
    assert not list(tmp_path.iterdir())


def test_the_datatree_is_what_arviz_reads(small_fit):
    import arviz_stats

    tree = small_fit.to_datatree()
    assert {"posterior", "sample_stats", "log_likelihood", "observed_data"} <= set(tree.children)
    assert tree["posterior"]["alpha"].dims == ("chain", "draw", "family")
    assert len(arviz_stats.summary(tree, var_names=["alpha"])) == len(small_fit.families)
    assert tree["log_likelihood"]["loss"].sizes["run"] == len(small_fit.layout.runs)


def test_the_gate_names_every_failure_and_its_remedy(small_fit):
    stuck = small_fit.posterior[["alpha"]].copy(deep=True)
    stuck["alpha"].values[0] += 1.0
    stuck["beta"] = stuck["alpha"].where(stuck["alpha"] > stuck["alpha"].mean())
    rising = np.cumsum(np.ones(stuck["alpha"].shape[:2]), axis=1)
    stats = xr.Dataset(
        {"diverging": (("chain", "draw"), rising == 1), "energy": (("chain", "draw"), rising)}
    )
    weighed = Weighed(("one",), np.array([9.0]), np.array([1.2]))
    health = examine(stuck, stats, misfit=0.5, weighed=weighed)
    assert not health.ok
    assert {f.check for f in health.failures} == set(Check)
    for failure in health.failures:
        assert failure.check.value in str(failure)
    broken = replace(small_fit, health=health)
    with pytest.raises(FitError, match="divergent"):
        broken.require_healthy()


def test_a_shared_loss_parameter_has_one_value_in_nats(small_fit):
    spec = Spec(pool={"E": "shared"}, labs=False)
    drawn = prior_predictive(small_fit.runs, spec, draws=20, seed=1)
    assert np.ptp(drawn["E"].values, axis=1).max() < 1e-12
    assert np.ptp(drawn["a"].values, axis=1).min() > 1e-3


def test_an_engine_that_is_not_here_is_refused(small_fit):
    with pytest.raises(SpecError, match="expected one of auto, quadrature, collapsed, pymc"):
        fit(small_fit.runs, engine="stan")


def test_a_law_and_a_spec_together_are_refused(small_fit):
    with pytest.raises(SpecError, match="inside the spec"):
        fit(small_fit.runs, Spec(), law="kaplan")


def test_one_row_cannot_be_fitted(small_fit):
    with pytest.raises(RunsError):
        fit(small_fit.runs.drop(range(1, len(small_fit.runs))))


def test_a_prior_interval_moves_the_prior_predictive(small_fit):
    base = prior_predictive(small_fit.runs, Spec(discrepancy=None), draws=400, seed=1)
    narrow = Spec(discrepancy=None, pool="none", priors={"alpha": (0.30, 0.31), "E": (1.6, 1.8)})
    moved = prior_predictive(small_fit.runs, narrow, draws=400, seed=1)
    assert base.sizes == {"draw": 400, "family": 3, "row": len(small_fit.layout.log_loss)}
    inside = ((moved["alpha"] > 0.30) & (moved["alpha"] < 0.31)).mean()
    assert 0.85 < inside < 0.95
    floor = ((moved["E"] > 1.6) & (moved["E"] < 1.8)).mean()
    assert 0.85 < floor < 0.95
    assert np.isfinite(base["loss"]).all() and (base["loss"] > 0).all()
    seen = np.exp(small_fit.layout.log_loss)
    low, high = base["loss"].quantile([0.01, 0.99], "draw").values
    assert ((low < seen) & (seen < high)).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pool": "some"}, "partial, shared, none"),
        ({"pool": {"gamma": "none"}}, "no parameter 'gamma'"),
        ({"priors": {"alpha": (0.5, 0.2)}}, "0 < low < high"),
        ({"priors": {"alpha": "wide"}}, "0 < low < high"),
        ({"priors": {"zeta": (0.1, 0.2)}}, "no parameter 'zeta'"),
        ({"law": "chinchila"}, "did you mean 'chinchilla'"),
    ],
)
def test_a_wrong_spec_says_what_was_expected(values, message):
    with pytest.raises((SpecError, TypeError), match=message):
        Spec(**values)


def test_a_spec_survives_json():
    import json

    spec = Spec(pool={"E": "none"}, priors={"alpha": (0.2, 0.4)}, discrepancy=None)
    assert Spec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_simulation_refuses_a_truth_of_another_law():
    with pytest.raises(SpecError, match="expected exactly"):
        simulate("kaplan", TRUTH, params=1e8, tokens=1e9)
