"""Truths about the graph: it is one model in two coordinate systems, finite for every choice."""

import numpy as np
import pytensor
import pytest
from scipy import stats

from bayeslaw.model import Checkpoints, Discrepancy, Noise, Spec, build_model, lay_out
from bayeslaw.model.affine import conditional_gaussian
from bayeslaw.model.discrepancy import features, matern32
from bayeslaw.model.likelihood import Residuals, run_log_likelihood
from bayeslaw.model.tensor import pt
from bayeslaw.simulation import simulate
from tests.inference.ladders import TRUTHS

MODE = "FAST_COMPILE"
PUBLISHED = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}


@pytest.fixture(scope="module")
def ladders():
    families = np.repeat(["one", "two", "three"], 4)
    sizes = np.tile([3e7, 1e8, 3e8, 1e9], 3)
    runs = simulate(
        "chinchilla", PUBLISHED, params=sizes, tokens=20 * sizes, family=families, checkpoints=6
    )
    table = runs.table.assign(lab=np.where(runs.table.family == "one", "north", "south"))
    return runs.replace_table(table)


def finite_at_start(spec, runs):
    model = build_model(spec, lay_out(spec, runs))
    point = model.initial_point(random_seed=1)
    log_density = model.compile_logp(mode=MODE)(point)
    gradient = model.compile_dlogp(mode=MODE)(point)
    return np.isfinite(log_density) and np.isfinite(gradient).all()


@pytest.mark.parametrize("law", TRUTHS)
@pytest.mark.parametrize("discrepancy", [None, Discrepancy()])
def test_laws_of_every_shape_have_a_finite_log_density_and_gradient(law, discrepancy, ladders):
    assert finite_at_start(Spec(law, discrepancy=discrepancy), ladders)


@pytest.mark.parametrize("pool", ["partial", "shared", "none", {"E": "none", "alpha": "shared"}])
@pytest.mark.parametrize("noise", [Noise(), Noise(tails=None)])
@pytest.mark.parametrize("labs", [True, False])
def test_every_pooling_and_noise_has_a_finite_log_density(pool, noise, labs, ladders):
    assert finite_at_start(Spec(pool=pool, noise=noise, labs=labs), ladders)


@pytest.mark.parametrize("pool", ["partial", "shared", "none"])
def test_a_single_family_and_single_rows_have_a_finite_log_density(pool, ladders):
    assert finite_at_start(Spec(pool=pool), ladders.where("family == 'one'").last())


@pytest.mark.parametrize("kept", [1, 4])
@pytest.mark.parametrize("pool", ["partial", {"E": "shared", "beta": "none"}])
def test_whitening_changes_coordinates_and_not_the_posterior(kept, pool, ladders, rng):
    """log p(z) in white coordinates = log p(T(z)) in plain ones + log |det dT/dz|."""
    spec = Spec(pool=pool, discrepancy=Discrepancy(rank=2), checkpoints=Checkpoints(at_most=kept))
    layout = lay_out(spec, ladders)
    white, plain = build_model(spec, layout), build_model(spec, layout, whiten=False)
    start = white.initial_point(random_seed=2)
    names = list(start)
    shapes = [np.shape(start[n]) for n in names]

    levels = white.named_vars
    parameters = spec.law.parameter_names
    own = [n for n in parameters if spec.pooling(n) != "shared"]
    outputs = [levels["log_population"], levels["log_lab"], levels["between"]]
    outputs += [levels[n] for n in own] + [levels["wander"]]
    free = white.replace_rvs_by_values(outputs)
    transform = pytensor.function(
        [white.rvs_to_values[levels[n]] for n in _rvs(white)], free, mode=MODE,
        on_unused_input="ignore",
    )  # fmt: skip

    def to_plain(vector):
        point = _unpack(vector, names, shapes)
        population, lab, between, *rest = transform(*[point[n] for n in names])
        out = {n: point[n] for n in plain.initial_point(random_seed=0) if n in point}
        out["log_population"], out["log_lab"] = population, lab
        centres = lab[layout.lab_of_family]
        for n, value in zip(own, rest[:-1], strict=True):
            i = parameters.index(n)
            prior = layout.priors[n]
            fixed = spec.pooling(n) == "none"
            centre = prior.location if fixed else centres[:, i]
            spread = prior.spread if fixed else between[i]
            out[f"offset_{n}"] = (np.log(value / prior.scale) - centre) / spread
        out["raw_wander"] = rest[-1]
        return out

    order = list(plain.initial_point(random_seed=0))
    flat = lambda point: np.concatenate([np.ravel(point[n]) for n in order])  # noqa: E731
    in_white, in_plain = white.compile_logp(mode=MODE), plain.compile_logp(mode=MODE)
    base = np.concatenate([np.ravel(start[n]) for n in names])
    for _ in range(2):
        z = base + 0.3 * rng.standard_normal(len(base))
        step = 1e-5
        jacobian = np.stack(
            [(flat(to_plain(z + step * e)) - flat(to_plain(z - step * e))) / (2 * step)
             for e in np.eye(len(z))], axis=1,
        )  # fmt: skip
        stretch = np.linalg.slogdet(jacobian)[1]
        expected = in_plain(to_plain(z)) + stretch
        assert in_white(_unpack(z, names, shapes)) == pytest.approx(expected, abs=1e-4)


def _rvs(model):
    return [rv.name for rv in model.free_RVs]


def _unpack(vector, names, shapes):
    sizes = [int(np.prod(s)) for s in shapes]
    parts = np.split(vector, np.cumsum(sizes)[:-1])
    return {n: p.reshape(s) for n, p, s in zip(names, parts, shapes, strict=True)}


@pytest.mark.parametrize("tails", [None, 4.0])
def test_the_likelihood_of_a_run_is_a_multivariate_t_with_the_stated_covariance(
    tails, ladders, rng
):
    spec = Spec(noise=Noise(tails=tails))
    layout = lay_out(spec, ladders)
    n_families, rows = len(layout.families), layout.family_of_row
    run_sd, checkpoint_sd, scale = rng.uniform(0.002, 0.02, (3, n_families))
    residuals = Residuals(spec, layout, pt.as_tensor(run_sd), checkpoint_sd, pt.as_tensor(scale))
    off = 0.01 * rng.standard_normal(len(rows))
    found = run_log_likelihood(residuals, pt.as_tensor(off)).eval(mode=MODE)
    for r in range(len(layout.runs)):
        mine = np.flatnonzero(layout.run_of_row == r)
        f = rows[mine[0]]
        position = np.cumsum(-np.log(np.where(layout.link[mine] > 0, layout.link[mine], 1.0)))
        correlation = np.exp(-np.abs(position[:, None] - position[None]))
        shared = np.sqrt(run_sd[f] ** 2 + scale[f] ** 2 * layout.remainder[mine])
        covariance = np.outer(shared, shared) + checkpoint_sd[f] ** 2 * correlation
        if tails is None:
            expected = stats.multivariate_normal.logpdf(off[mine], cov=covariance)
        else:
            expected = stats.multivariate_t.logpdf(off[mine], shape=covariance, df=tails)
        assert found[r] == pytest.approx(expected, rel=1e-8)


def test_the_conditional_gaussian_has_the_right_mean_scale_and_derivatives(rng):
    starts, k = np.array([0, 4, 9]), 3
    values = [
        rng.normal(size=(9, k)), rng.normal(size=9), np.exp(rng.normal(size=(2, k))),
        rng.normal(size=(2, k)), rng.normal(size=(2, k)),
    ]  # fmt: skip
    symbols = [pt.vector() if v.ndim == 1 else pt.matrix() for v in values]
    weight = rng.normal(size=(2, k))
    draw, scale = conditional_gaussian(symbols[0], symbols[1], starts, *symbols[2:])
    cost = (draw * weight).sum() + 1.7 * scale
    run = pytensor.function(symbols, [cost, draw, scale, *pytensor.grad(cost, symbols)], mode=MODE)
    _, drawn, log_scale, *gradients = run(*values)
    design, aim, precision, moment, raw = values
    for f in range(2):
        rows = slice(starts[f], starts[f + 1])
        total = design[rows].T @ design[rows] + np.diag(precision[f])
        mean = np.linalg.solve(total, design[rows].T @ aim[rows] + moment[f])
        root = np.linalg.cholesky(total)
        np.testing.assert_allclose(drawn[f], mean + np.linalg.solve(root.T, raw[f]), rtol=1e-9)
        log_scale = log_scale - np.log(np.diag(root)).sum()
    assert abs(log_scale) < 1e-9
    for i, value in enumerate(values):
        for index in np.ndindex(value.shape):
            moved = [[v.copy() for v in values] for _ in range(2)]
            moved[0][i][index] += 1e-6
            moved[1][i][index] -= 1e-6
            slope = (run(*moved[0])[0] - run(*moved[1])[0]) / 2e-6
            assert gradients[i][index] == pytest.approx(slope, abs=1e-6)


def test_the_components_of_a_discrepancy_and_their_remainder_make_up_its_covariance(rng):
    points = rng.normal(size=(30, 2)) * 3
    some = features(points, 5.0, 12)
    elsewhere = rng.normal(size=(5, 2)) * 5
    phi = some.at(elsewhere)
    whole = matern32(elsewhere, elsewhere, 5.0)
    np.testing.assert_allclose(phi @ phi.T + some.remainder(elsewhere), whole, atol=1e-10)
    assert np.linalg.eigvalsh(some.remainder(elsewhere)).min() > -1e-9
    assert np.diag(some.remainder(points)).max() < 0.1
