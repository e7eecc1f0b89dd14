"""The model in numpy is the model of the graph: the same prior, the same density of the losses."""

import numpy as np
import pymc as pm
import pytest
from pytensor.compile.mode import Mode
from scipy import stats

from bayeslaw.inference.prior import draw_prior, log_likelihood
from bayeslaw.model import Discrepancy, Noise, Spec, build_model, lay_out
from bayeslaw.simulation import simulate
from tests.inference.ladders import LATE

DRAWS = 4000
MODE = Mode("py", None)  # evaluated once or twice: compiling costs more than it saves
PUBLISHED = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}
MIXED = {"E": "none", "alpha": "shared"}


@pytest.fixture(scope="module")
def ladders():
    families = np.repeat(["one", "two", "three"], 4)
    sizes = np.tile([3e7, 1e8, 3e8, 1e9], 3)
    runs = simulate(
        "chinchilla", PUBLISHED, params=sizes, tokens=20 * sizes, family=families, checkpoints=6
    )
    lab = np.where(runs.table.family == "one", "north", "south")
    return runs.replace_table(runs.table.assign(lab=lab, loss_sd=0.004))


def graph_draws(spec, layout):
    """Draws of the plain graph; its own tail potentials say which of them to reject."""
    model = build_model(spec, layout, whiten=False)
    named = [v.name for v in (*model.free_RVs, *model.deterministics)]
    wanted = [n for n in named if not n.startswith("offset_") and n != "run_log_likelihood"]
    tails = [p for p in model.potentials if p.name.endswith("_tail")]
    values = pm.draw([*(model[n] for n in wanted), *tails], DRAWS, random_seed=1, mode=MODE)
    log_chance = np.sum(values[len(wanted) :], axis=0)
    kept = np.log(np.random.default_rng(2).random(DRAWS)) < log_chance
    assert kept.mean() < 1 - 1e-3  # or the caps would go untested
    drawn = dict(zip(wanted, (v[kept] for v in values), strict=False))
    return {"wander" if n == "raw_wander" else n: v for n, v in drawn.items()}


@pytest.mark.parametrize(
    ("pool", "labs", "query"),
    [
        ("partial", True, "params > 0"),
        ("none", False, "params > 0"),
        (MIXED, True, "family == 'one'"),
    ],
)
def test_numpy_and_the_graph_draw_from_one_prior(pool, labs, query, ladders):
    # Wide intervals, so that the caps bite.
    spec = Spec(
        pool=pool,
        labs=labs,
        checkpoints=LATE,
        noise=Noise(run=(0.001, 0.1), checkpoint=(0.001, 0.1), between=1.5),
        discrepancy=Discrepancy(scale=(0.001, 0.5), rank=3),
    )
    layout = lay_out(spec, ladders.where(query))
    ours, theirs = draw_prior(spec, layout, draws=DRAWS, seed=3), graph_draws(spec, layout)
    single = len(layout.families) == 1
    integrated_out = {"log_population", "population", "between"} if single else set()
    assert set(ours.data_vars) - {"log_loss"} - integrated_out == set(theirs)
    for name, values in theirs.items():
        mine = ours[name].values
        assert mine.shape[1:] == values.shape[1:]
        logs = (values > 0).all()
        a, b = ((np.log(v) if logs else v).reshape(len(v), -1) for v in (mine, values))
        # Neighbours too: what families and labs share shows in their differences.
        for left, right in ((a, b), (np.diff(a), np.diff(b))):
            for x, y in zip(left.T.round(9), right.T.round(9), strict=True):
                assert stats.ks_2samp(x, y).pvalue > 1e-5, name
                assert abs(np.std(x) - np.std(y)) <= 0.085 * np.std(y), name


@pytest.mark.parametrize("tails", [None, 4.0])
@pytest.mark.parametrize("pool", ["partial", MIXED])
@pytest.mark.parametrize("last", [True, False])
def test_numpy_and_the_graph_have_one_likelihood(tails, pool, last, ladders):
    spec = Spec(pool=pool, noise=Noise(tails=tails))
    layout = lay_out(spec, ladders.last() if last else ladders)
    drawn = draw_prior(spec, layout, draws=3, seed=1)
    found = log_likelihood(spec, layout, drawn, layout.log_loss)
    model = build_model(spec, layout, whiten=False)
    inputs = list(model.free_RVs)
    point = model.compile_fn(
        model["run_log_likelihood"], inputs=inputs, mode=MODE, on_unused_input="ignore"
    )
    for d in range(3):
        given = plain(spec, layout, drawn.isel(draw=d))
        np.testing.assert_allclose(
            point({v.name: given[v.name] for v in inputs}), found[d], rtol=1e-6
        )


def plain(spec, layout, drawn):
    """The coordinates of the plain graph in which a draw lies."""
    out = {n: drawn[n].values for n in drawn.data_vars} | {"raw_wander": drawn["wander"].values}
    for n in ("run_sd", "checkpoint_sd"):
        if n in drawn:
            apart = np.log(drawn[n].values) - float(drawn[f"log_typical_{n}"])
            out[f"offset_{n}"] = apart / spec.noise.between
    for i, n in enumerate(spec.law.parameter_names):
        prior = layout.priors[n]
        centre = drawn["log_lab"].values[layout.lab_of_family, i]
        spread = float(drawn["between"][i])
        if spec.pooling(n) == "none":
            centre, spread = prior.location, prior.spread
        out[f"offset_{n}"] = (np.log(drawn[n].values / prior.scale) - centre) / spread
    return out


@pytest.mark.parametrize("tails", [None, 4.0])
def test_new_losses_scatter_as_the_likelihood_says(tails, ladders):
    spec = Spec(noise=Noise(tails=tails), checkpoints=LATE)
    layout = lay_out(spec, ladders)
    drawn = draw_prior(spec, layout, draws=DRAWS, seed=4)
    rows = layout.family_of_row
    at_rows = {n: drawn[n].values[:, rows] for n in spec.law.parameter_names}
    scale = drawn["discrepancy_sd"].values[:, rows]
    wander = scale * np.einsum("rc,drc->dr", layout.phi, drawn["wander"].values[:, rows])
    off = drawn["log_loss"].values - np.log(spec.law(layout.inputs(spec.law), at_rows)) - wander
    variance = drawn["run_sd"].values[:, rows] ** 2 + layout.loss_sd**2
    shared = np.sqrt(variance + scale**2 * layout.remainder)
    for r in range(len(layout.runs)):
        mine = np.flatnonzero(layout.run_of_row == r)
        n = len(mine)
        step = np.cumsum(-np.log(np.where(layout.link[mine] > 0, layout.link[mine], 1.0)))
        own = drawn["checkpoint_sd"].values[:, rows[mine[0]], None, None] ** 2
        covariance = own * np.exp(-np.abs(step[:, None] - step))
        covariance = covariance + shared[:, mine, None] * shared[:, None, mine]
        white = np.linalg.solve(np.linalg.cholesky(covariance), off[:, mine, None])[..., 0]
        squared = (white**2).sum(1)
        whole = stats.chi2(n) if tails is None else stats.f(n, tails, scale=n)
        assert stats.kstest(squared, whole.cdf).pvalue > 1e-4
        each = stats.norm() if tails is None else stats.t(tails)
        assert all(stats.kstest(w, each.cdf).pvalue > 1e-4 for w in white.T)


def test_the_same_seed_draws_the_same(ladders):
    layout = lay_out(Spec(), ladders)
    once, again, other = (draw_prior(Spec(), layout, draws=5, seed=s) for s in (1, 1, 2))
    assert once.identical(again) and not once.equals(other)
