"""Truths about the hand-written densities: gradients are right, and all describe one model."""

import numpy as np
import pytest

from bayeslaw.inference.collapsed.density import Collapsed
from bayeslaw.inference.likelihood import run_log_likelihood
from bayeslaw.inference.prior import draw_prior, log_likelihood
from bayeslaw.inference.quadrature.ladder import Belief, ladders
from bayeslaw.inference.quadrature.population import Population, first_belief
from bayeslaw.inference.quadrature.sampler import Cloud, weighted_points
from bayeslaw.inference.quadrature.select import choose
from bayeslaw.model import Noise, Spec, lay_out
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
        density = Collapsed(spec, lay_out(spec, runs))
        x = 0.3 * rng.standard_normal(density.size)
        picks = rng.choice(density.size, min(30, density.size), replace=False)
        assert _slope_error(density.log_density, x, picks) < 1e-3


def _population(pooling: str, rng: np.random.Generator) -> Population:
    """Five families with a Gaussian message each, some of them silent in some directions."""
    spec = spec_for("chinchilla", pooling)
    layout = lay_out(spec, ladder(families=5, checkpoints=8))
    roots = 3.0 * rng.standard_normal((5, 7, 4))
    return Population(spec, layout, roots @ roots.swapaxes(1, 2), rng.standard_normal((5, 7)))


def _joint(population: Population, spreads: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """Return mean and covariance of (population, labs, families), stacked as one Gaussian."""
    centre, sd = population.top
    own, across = (v[0] for v in population._scatter({n: v[None] for n, v in spreads.items()}))
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
    population = _population(pooling, rng)
    size = len(population.top[0])
    found, expected = [], []
    for x in 0.5 * rng.standard_normal((3, population.size)):
        mean, covariance = _joint(population, population.spreads(x))
        precision = np.zeros_like(covariance)
        moment = np.zeros_like(mean)
        first = len(mean) - 5 * size
        for f in range(5):
            at = slice(first + f * size, first + (f + 1) * size)
            precision[at, at], moment[at] = population.precision[f], population.moment[f]
        inner = np.eye(len(mean)) + covariance @ precision
        shifted = moment - precision @ mean
        expected.append(
            0.5 * shifted @ np.linalg.solve(inner, covariance @ shifted)
            - 0.5 * np.linalg.slogdet(inner)[1]
        )
        named = {n: v[None] for n, v in population.spreads(x).items()}
        found.append(population._evidence(named)[0][0])
        many = {n: np.repeat(v, 20_000, axis=0) for n, v in named.items()}
        drawn = population._evidence(many, np.random.default_rng(0))[1].reshape(20_000, -1)
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


@pytest.mark.parametrize("pooling", ["partial", "no labs"])
def test_a_family_hears_from_the_others_and_not_from_itself(pooling, rng):
    spec = spec_for("chinchilla", pooling)
    layout = lay_out(spec, ladder(families=4))
    precision = np.stack([np.eye(6) * 50.0] * 4)
    moment = rng.standard_normal((4, 6))
    loud = moment.copy()
    loud[2] += 1000.0
    both = [Population(spec, layout, precision, m) for m in (moment, loud)]
    beliefs = [population.cavities(np.zeros(population.size), 1.0) for population in both]
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
        spec, layout, rows, belief, guide, points=2048, enough=1.0, rng=np.random.default_rng(0)
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
