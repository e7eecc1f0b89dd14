"""Truths about the hand-written densities: gradients are right, and all describe one model."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from bayeslaw.inference.collapsed.density import Collapsed, above
from bayeslaw.inference.collapsed.known import Hints
from bayeslaw.inference.collapsed.tape import play, rewind, tape
from bayeslaw.inference.likelihood import run_log_likelihood
from bayeslaw.inference.prior import draw_prior, log_likelihood
from bayeslaw.inference.quadrature.evidence import MIDDLE, WIDTH
from bayeslaw.inference.quadrature.gaussian import Gaussian
from bayeslaw.inference.quadrature.ladder import Belief, ladders
from bayeslaw.inference.quadrature.pointwise import Pointwise
from bayeslaw.inference.quadrature.population import Population, first_belief
from bayeslaw.inference.quadrature.sampler import Cloud, weighted_points
from bayeslaw.inference.quadrature.select import choose
from bayeslaw.inference.rows import noise_levels, positions
from bayeslaw.laws import LAWS, get_law
from bayeslaw.laws.law import Input, Parameter, law, prior_location
from bayeslaw.model import Noise, Spec, lay_out
from bayeslaw.model.layout import APART, CAP, pooled
from bayeslaw.runs import load_runs
from tests.inference.ladders import LATE, POOLINGS, TRUTHS, ladder, spec_for


def _slope_error(density, x: np.ndarray, picks: np.ndarray) -> float:
    _, gradient = density(x)
    worst = 0.0
    for i in picks:
        step = np.zeros_like(x)
        step[i] = 1e-5
        slope = (density(x + step)[0] - density(x - step)[0]) / 2e-5
        worst = max(worst, abs(slope - gradient[i]) / (1 + abs(slope)))
    return worst


@pytest.mark.parametrize("tails", [None, 4.0])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("law", TRUTHS)
def test_the_collapsed_gradient_is_the_slope_of_the_density(law, pooling, tails, rng):
    spec = spec_for(law, pooling, noise=Noise(tails=tails))
    for runs in (ladder(checkpoints=8), ladder(families=1)):
        density = _hinted(Collapsed(spec, lay_out(spec, runs)), rng)
        x = 0.3 * rng.standard_normal(density.size)
        picks = rng.choice(density.size, min(30, density.size), replace=False)
        assert _slope_error(density.log_density, x, picks) < 1e-4


@pytest.mark.parametrize("tails", [None, 4.0])
@pytest.mark.parametrize("pooling", ["partial", "one shared", "no labs"])
def test_the_collapsed_density_is_that_of_the_declared_model(pooling, tails, rng):
    # Log-normal parameters, the curved law and the discrepancy, written down once more from the
    # declaration: the coordinates may only add the log determinant of their map.
    spec = spec_for("chinchilla", pooling, noise=Noise(tails=tails))
    density = _hinted(Collapsed(spec, lay_out(spec, ladder(checkpoints=8))), rng)
    away = []
    for _ in range(4):
        x = 0.5 * rng.standard_normal(density.size)
        steps = 1e-5 * np.eye(density.size)
        map_slopes = [(_plain(density, x + s) - _plain(density, x - s)) / 2e-5 for s in steps]
        expected = _declared(density, x) + np.linalg.slogdet(np.array(map_slopes))[1]
        away.append(expected - density.log_density(x)[0])
    np.testing.assert_allclose(away, away[0], atol=1e-5)


def test_amplitudes_move_with_their_own_exponents_as_rows_and_prior_hold_both(rng):
    spec = Spec()
    known = Collapsed(spec, lay_out(spec, ladder())).known
    names = spec.law.parameter_names
    pairs = [(names.index(q), names.index(p)) for q, p in (("a", "alpha"), ("b", "beta"))]
    for lever, information in zip(known.lever, known.information, strict=True):
        assert sorted(zip(*np.nonzero(lever), strict=True)) == sorted(pairs)
        # The slope of one on the other among draws of what rows and prior say.
        both = np.linalg.inv(information + np.diag(known.apart**-2.0))
        draws = rng.multivariate_normal(np.zeros(len(names)), both, 200_000)
        for i, j in pairs:
            slope = np.polyfit(draws[:, j], draws[:, i], 1)[0]
            assert lever[i, j] == pytest.approx(slope, abs=0.02 * np.sqrt(both[i, i] / both[j, j]))


def test_an_amplitude_of_several_powers_follows_all_of_their_exponents():
    known = Collapsed(Spec(product), lay_out(Spec(product), ladder())).known
    names = product.parameter_names
    i, at = names.index("c"), [names.index("alpha"), names.index("beta")]
    for lever, information in zip(known.lever, known.information, strict=True):
        both = np.linalg.inv(information + np.diag(known.apart**-2.0))
        assert np.nonzero(lever)[0].tolist() == [i, i]
        expected = np.linalg.solve(both[np.ix_(at, at)], both[at, i])
        np.testing.assert_allclose(lever[i, at], expected)


@pytest.mark.parametrize("name", ["coupled", "kaplan"])
def test_amplitudes_before_no_power_are_not_sheared(name):
    spec = Spec(name)
    assert not Collapsed(spec, lay_out(spec, ladder())).known.lever.any()


def test_labs_and_population_know_of_a_shared_parameter_what_the_rows_say():
    spec = spec_for("chinchilla", "one shared")
    layout = lay_out(spec, ladder(checkpoints=8))
    names = spec.law.parameter_names
    (place,) = (names.index(n) for n in layout.shared)
    found = Collapsed(spec, layout).known
    assert found.lab_centre.size and found.top_information[place, place] > 0
    low, high = layout.centre[:, place].min(), layout.centre[:, place].max()
    assert low - 0.05 < found.top_centre[place] < high + 0.05


@pytest.mark.parametrize("pooling", ["partial", "no labs"])
def test_centres_move_with_the_spread_as_pooling_says(pooling, rng):
    spec = spec_for("chinchilla", pooling)
    layout = lay_out(spec, ladder(checkpoints=8))
    firmer = np.exp(rng.normal(0.0, 1.0, len(layout.families)))
    layout = replace(layout, information=layout.information * firmer[:, None, None])
    found = Collapsed(spec, layout).known
    labs = found.lab_centre.size > 0
    groups = layout.lab_of_family if labs else np.zeros(len(firmer), int)
    centre = found.lab_centre if labs else found.top_centre[None]
    moves = found.lab_moves if labs else found.top_moves[None]
    for j in range(len(found.typical)):
        wider = found.apart * np.exp(0.02 * (np.arange(len(found.apart)) == j))
        there = pooled(layout.information, layout.centre, wider, groups)[1]
        np.testing.assert_allclose(there - centre, 0.02 * moves[:, :, j], rtol=0.1, atol=1e-5)
    assert abs(moves).max() > 1e-3


def _hinted(density: Collapsed, rng: np.random.Generator) -> Collapsed:
    """The same density in coordinates such as a pilot may propose."""
    known = density.known
    shape = known.eases.shape
    # Where there are no checkpoints, or no discrepancy, nothing follows them.
    there = np.array([True, len(known.levels) > 1, density.spec.process is not None])
    hints = Hints(
        -rng.uniform(0.0, 1.0, shape) * there,
        rng.normal(-5.0, 0.3, shape),
        rng.uniform(0.0, 1.0, known.noise_share.shape),
        rng.normal(0.0, 0.3, known.lean.shape),
        known.apart * rng.uniform(0.5, 2.0, known.apart.shape),
        known.labs_apart * rng.uniform(0.5, 2.0, known.apart.shape),
    )
    return replace(density, hints=hints)


def _plain(density: Collapsed, x: np.ndarray) -> np.ndarray:
    """What the coordinates stand for, on log scales."""
    upper, between, across, lab, levels = above(x, density.known)
    log_values, noise, weight = density.families(x[None])
    spec, known = density.spec, density.known
    parts = [upper, np.log(between), levels, log_values[0][:, known.own].ravel()]
    if lab.size:
        parts += [np.log(across), lab.ravel()]
    parts += [np.log(noise[0]).ravel()]
    return np.concatenate(parts if spec.noise.tails is None else [*parts, np.log(weight[0])])


def _declared(density: Collapsed, x: np.ndarray) -> float:
    spec, layout = density.spec, density.layout
    upper, between, across, lab, levels = above(x, density.known)
    log_values, noise, weight = (v[0] for v in density.families(x[None]))
    parameters = spec.law.parameters
    typical = np.array([layout.priors[p.name].between for p in parameters])
    priors = [layout.priors[p.name] for p in parameters]
    value = norm.logpdf(upper, [p.location for p in priors], [p.spread for p in priors]).sum()
    value += _spread_prior(between, typical)
    if lab.size:
        value += _spread_prior(across, 2 * typical) + norm.logpdf(lab, upper, across).sum()
    for j, (_, interval) in enumerate(noise_levels(spec, layout)):
        value += norm.logpdf(levels[j], *prior_location(*interval))
        value += norm.logpdf(np.log(noise[:, j]), levels[j], spec.noise.between).sum()
        value -= 0.5 * ((noise[:, j] / (CAP * interval[1])) ** 2).sum()
    scale = spec.process.scale
    value += norm.logpdf(np.log(noise[:, 2]), *prior_location(*scale)).sum()
    value -= 0.5 * ((noise[:, 2] / (CAP * scale[1])) ** 2).sum()
    if spec.noise.tails is not None:
        value += 0.5 * spec.noise.tails * (np.log(weight) - weight).sum()
    for i, p in enumerate(parameters):
        if spec.pooling(p.name) == "partial":
            middle = lab[layout.lab_of_family, i] if lab.size else upper[i]
            value += norm.logpdf(log_values[:, i], middle, between[i]).sum()
    return value + _data(density, log_values, noise, weight)


def _spread_prior(spread: np.ndarray, typical: np.ndarray) -> float:
    tail = 0.5 * ((spread / (CAP * APART[1] * typical)) ** 2).sum()
    return norm.logpdf(np.log(spread / typical), MIDDLE, WIDTH).sum() - tail


def _data(density: Collapsed, log_values, noise, weight) -> float:
    layout, law = density.layout, density.spec.law
    family, run, position = layout.family_of_row, layout.run_of_row, positions(layout)
    scales = np.stack([layout.priors[n].scale for n in law.parameter_names], axis=1)
    at_rows = (np.exp(log_values) * scales)[family].T
    loss = law(layout.inputs(law), dict(zip(law.parameter_names, at_rows, strict=True)))
    run_sd, checkpoint, tau = noise[family].T
    common = np.sqrt(run_sd**2 + layout.loss_sd**2 + tau**2 * layout.remainder)
    near = np.exp(-np.abs(position[:, None] - position))
    cover = np.outer(common, common) + checkpoint[:, None] ** 2 * near
    cover *= (run[:, None] == run) / weight[run]
    same = family[:, None] == family
    cover += same * np.outer(tau, tau) * (layout.phi @ layout.phi.T)
    return multivariate_normal.logpdf(layout.log_loss - np.log(loss), cov=cover)


@law(
    inputs=(Input("params", "N", "parameters"), Input("tokens", "D", "tokens")),
    parameters=(
        *(Parameter(n, n, 0.3, 1.0, n, linear=True) for n in "Ec"),
        *(Parameter(n, n, 0.1, 0.4, n) for n in ("alpha", "beta")),
    ),
    reference="arXiv:2001.08361",
    to_published=lambda references, **values: values,
    from_published=lambda references, **values: values,
)
def product(xp, params, tokens, E, c, alpha, beta):
    """One amplitude before two powers."""
    return E + c * params**-alpha * tokens**-beta


@law(
    inputs=(Input("params", "N", "parameters"), Input("tokens", "D", "tokens")),
    parameters=tuple(Parameter(n, n, 0.1, 1.0, n) for n in "abc"),
    reference="arXiv:2001.08361",
    to_published=lambda references, **values: values,
    from_published=lambda references, **values: values,
)
def everything(xp, params, tokens, a, b, c):
    """Every function and operator that a formula may use."""
    bent = xp.sqrt(params) / (1 + a) - xp.tanh(b * tokens - c) * 0.1 + 2 ** (-a) / tokens
    return 3.0 + bent**2 + xp.minimum(params**-a, b) + xp.maximum(c, 1 / tokens) + xp.exp(-b) / 2


@pytest.mark.parametrize("name", [*LAWS, "everything"])
def test_the_tape_of_a_law_is_the_law_and_its_slopes(name, rng):
    chosen = everything if name == "everything" else get_law(name)
    steps, constants = tape(chosen)
    points = 0.7 * rng.standard_normal((len(chosen.inputs), 6))
    log_parameters = 0.3 * rng.standard_normal(len(chosen.parameters))

    def curve(at: np.ndarray) -> np.ndarray:
        inputs = dict(zip(chosen.input_names, np.exp(points), strict=True))
        return np.log(chosen(inputs, dict(zip(chosen.parameter_names, np.exp(at), strict=True))))

    values, bars = np.empty((len(steps), 6)), np.empty((len(steps), 6))
    play(steps, constants, points, log_parameters, values)
    np.testing.assert_allclose(values[-1], curve(log_parameters), rtol=1e-12)
    pull, found = rng.standard_normal(6), np.zeros(len(log_parameters))
    bars[-1] = pull
    rewind(steps, values, bars, found)
    slopes = [
        pull @ (curve(log_parameters + s) - curve(log_parameters - s)) / 2e-6
        for s in 1e-6 * np.eye(len(log_parameters))
    ]
    np.testing.assert_allclose(found, slopes, rtol=1e-5, atol=1e-8)


def _gaussian(pooling: str, rng: np.random.Generator) -> Gaussian:
    """Five families with a Gaussian message each, some of them silent in some directions."""
    spec = spec_for("chinchilla", pooling)
    layout = lay_out(spec, ladder(families=5, checkpoints=8))
    roots = 3.0 * rng.standard_normal((5, 7, 4))
    precision, moment = roots @ roots.swapaxes(1, 2), rng.standard_normal((5, 7))
    return Gaussian(Population(spec, layout), precision, moment)


def _joint(population: Population, spreads: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """Return mean and covariance of (population, labs, families), stacked as one Gaussian."""
    centre, sd = population.top
    own, across = (v[0] for v in population.scatter({n: v[None] for n, v in spreads.items()}))
    lab = population.lab_of_family
    up = np.zeros((1 + int(lab.max()) + 1 + len(lab), 1 + int(lab.max()) + 1 + len(lab)))
    above = np.array([-1, *[0] * (int(lab.max()) + 1), *(1 + lab)])
    parts = [sd, *[across] * (int(lab.max()) + 1), *[own] * len(lab)]
    for i in range(len(above)):
        j = i
        while j >= 0:
            up[i, j] = 1.0
            j = above[j]
    mix = np.kron(up, np.eye(len(sd)))
    return np.tile(centre, len(above)), mix @ np.diag(np.concatenate(parts) ** 2) @ mix.T


@pytest.mark.parametrize("pooling", ["partial", "none", "no labs"])
def test_the_population_is_integrated_out_exactly(pooling, rng):
    known = _gaussian(pooling, rng)
    population = known.population
    size = len(population.top[0])
    found, expected = [], []
    for x in 0.5 * rng.standard_normal((3, population.size)):
        mean, covariance = _joint(population, population.spreads(x))
        precision = np.zeros_like(covariance)
        moment = np.zeros_like(mean)
        first = len(mean) - 5 * size
        for f in range(5):
            at = slice(first + f * size, first + (f + 1) * size)
            precision[at, at], moment[at] = known.precision[f], known.moment[f]
        inner = np.eye(len(mean)) + covariance @ precision
        shifted = moment - precision @ mean
        expected.append(
            0.5 * shifted @ np.linalg.solve(inner, covariance @ shifted)
            - 0.5 * np.linalg.slogdet(inner)[1]
        )
        named = {n: v[None] for n, v in population.spreads(x).items()}
        found.append(known._evidence(named)[0][0])
        many = {n: np.repeat(v, 20_000, axis=0) for n, v in named.items()}
        drawn = known._evidence(many, np.random.default_rng(0))[1].reshape(20_000, -1)
        k = drawn.shape[1]
        exact = mean + np.linalg.solve(inner, covariance @ shifted)
        spread = np.sqrt(np.diag(np.linalg.solve(inner, covariance)))
        assert (np.abs(drawn.mean(0) - exact[:k]) <= 0.04 * spread[:k] + 1e-9).all()
        np.testing.assert_allclose(drawn.std(0), spread[:k], rtol=0.04, atol=1e-9)
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-8)


def test_points_are_chosen_by_their_weights_whether_offered_or_weighed(rng):
    # Two points, one near what every draw scatters around: the odds are known.
    values = np.array([[0.0, 0.0], [1.0, -1.0]])
    nothing = np.zeros(2)
    centre = 0.3 * rng.standard_normal((4000, 2))
    spread = np.exp(0.2 * rng.standard_normal((4000, 2)))
    cloud = Cloud(
        values, np.empty((2, 0)), np.empty((2, 0)), nothing, 0.0, (nothing, np.eye(2)), []
    )
    belief = Belief(nothing, np.full(2, 1e6))
    log_odds = -0.5 * (((values[:, None] - centre) / spread) ** 2).sum(-1)
    share = 1.0 / (1.0 + np.exp(log_odds[0] - log_odds[1]))
    index, _ = choose(cloud, belief, centre, spread, rng)
    sd = np.sqrt((share * (1 - share)).sum())
    assert abs(index.sum() - share.sum()) < 4 * sd
    # Far apart draws are seldom served by an offer, and all points are weighed for them.
    far = centre + 30.0 * rng.choice([-1.0, 1.0], (4000, 1))
    index, _ = choose(cloud, belief, far, spread, rng)
    log_odds = -0.5 * (((values[:, None] - far) / spread) ** 2).sum(-1)
    share = 1.0 / (1.0 + np.exp(np.clip(log_odds[0] - log_odds[1], -30, 30)))
    assert abs(index.sum() - share.sum()) < 4 * np.sqrt((share * (1 - share)).sum()) + 1


@pytest.mark.parametrize("pooling", ["partial", "no labs", "none"])
def test_points_tell_the_evidence_that_their_density_integrates_to(pooling, rng):
    # Each family's rows are Gaussian here, so the density of centres and spreads is known.
    spec = spec_for("chinchilla", pooling)
    table = ladder(families=3).table
    layout = lay_out(spec, load_runs(table.assign(lab=table["family"])))  # a lab each
    population = Population(spec, layout)
    middle, size = population.top[0], len(population.top[0])
    wide = first_belief(spec, layout)
    clouds, likelihoods = [], []
    for _ in layout.families:
        mean = middle + 0.1 * rng.standard_normal(size)
        root = 0.1 * np.tril(rng.standard_normal((size, size))) + 0.1 * np.eye(size)
        values = mean + rng.standard_normal((100_000, size)) @ root.T
        # Drawn from what the rows say, so that the weights are those of the working prior.
        log_weight = norm.logpdf(values, wide.mean, wide.spread).sum(1)
        clouds.append(Cloud(
            values[:, : size - 1], values[:, size - 1 :], np.empty((len(values), 0)), log_weight,
            0.0, (mean, np.eye(size)), [],
        ))  # fmt: skip
        likelihoods.append((mean, root @ root.T))
    known = Pointwise.of(population, [0, 1, 2], clouds, [wide] * 3)
    z = 0.3 * rng.standard_normal((6, population.size + int(known.free.sum())))
    drawn = known.named(z)
    np.testing.assert_allclose(known.coordinates(drawn), z, atol=1e-12)
    exact = population.log_prior(z[:, : population.size]) + norm.logpdf(
        z[:, population.size :]
    ).sum(1)
    for f, (mean, covariance) in enumerate(likelihoods):
        for d, (centre, spread) in enumerate(zip(*population.around(drawn, f), strict=True)):
            exact[d] += multivariate_normal.logpdf(mean, centre, covariance + np.diag(spread**2))
    found = known.log_density(z)
    np.testing.assert_allclose(found - found[0], exact - exact[0], atol=0.15)


@pytest.mark.parametrize("pooling", ["partial", "no labs"])
def test_a_family_hears_from_the_others_and_not_from_itself(pooling, rng):
    spec = spec_for("chinchilla", pooling)
    layout = lay_out(spec, ladder(families=4))
    precision = np.stack([np.eye(6) * 50.0] * 4)
    moment = rng.standard_normal((4, 6))
    loud = moment.copy()
    loud[2] += 1000.0
    population = Population(spec, layout)
    both = [Gaussian(population, precision, m) for m in (moment, loud)]
    beliefs = [known.cavities(np.zeros(population.size), 1.0) for known in both]
    np.testing.assert_allclose(beliefs[0][2].mean, beliefs[1][2].mean)
    assert not np.allclose(beliefs[0][0].mean, beliefs[1][0].mean)


@pytest.mark.parametrize("tails", [None, 4.0])
def test_the_run_likelihood_is_that_of_the_declared_model(tails):
    spec = Spec(noise=Noise(tails=tails), checkpoints=LATE)
    layout = lay_out(spec, ladder(checkpoints=8))
    drawn = draw_prior(spec, layout, draws=20, seed=1)
    plain = log_likelihood(spec, layout, drawn, layout.log_loss)
    values = {n: v.values for n, v in drawn.data_vars.items()}
    np.testing.assert_allclose(run_log_likelihood(spec, layout, values), plain, rtol=1e-8)


@pytest.mark.parametrize("law", TRUTHS)
def test_weighted_points_reproduce_the_prior_when_rows_say_nothing(law):
    # With noise far above any signal the posterior is the prior: weights must give it back.
    spec = Spec(law, noise=Noise(run=(500.0, 5000.0)), discrepancy=None, pool="none")
    layout = lay_out(spec, ladder(families=1))
    belief = first_belief(spec, layout)
    guide = _guide(spec, belief)
    (rows,) = ladders(spec.law, layout)
    cloud = weighted_points(
        spec, rows, belief, guide, points=2048, enough=1.0, rng=np.random.default_rng(0)
    )
    weight = np.exp(cloud.log_weight)
    mean = weight @ cloud.log_parameters
    sd = np.sqrt(weight @ (cloud.log_parameters - mean) ** 2)
    k = len(mean)
    np.testing.assert_allclose(mean, belief.mean[:k], atol=0.15 * belief.spread[:k].max())
    np.testing.assert_allclose(sd, belief.spread[:k], rtol=0.2)


def _guide(spec: Spec, belief: Belief) -> tuple[np.ndarray, np.ndarray]:
    names = spec.law.parameter_names
    pick = [*(names.index(n) for n in spec.law.nonlinear), len(names)]
    return belief.mean[pick], np.diag(belief.spread[pick] ** 2)
