"""Truths about the hand-written densities: gradients are right, and all describe one model."""

import numpy as np
import pytest

from bayeslaw.inference.collapsed.density import Collapsed
from bayeslaw.inference.likelihood import run_log_likelihood
from bayeslaw.inference.prior import draw_prior, log_likelihood
from bayeslaw.inference.quadrature.ladder import Belief, ladders
from bayeslaw.inference.quadrature.population import Population, first_belief
from bayeslaw.inference.quadrature.sampler import weighted_points
from bayeslaw.model import Noise, Spec, lay_out
from tests.inference.ladders import POOLINGS, TRUTHS, ladder, spec_for


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


@pytest.mark.parametrize("pooling", ["partial", "none", "no labs"])
def test_the_population_gradient_is_the_slope_of_its_density(pooling, rng):
    spec = spec_for("chinchilla", pooling)
    layout = lay_out(spec, ladder(families=5, checkpoints=8))
    roots = rng.standard_normal((5, 7, 4))
    population = Population(spec, layout, roots @ roots.swapaxes(1, 2), rng.standard_normal((5, 7)))
    x = 0.5 * rng.standard_normal(population.size)
    assert _slope_error(population.log_density, x, np.arange(population.size)) < 1e-4


@pytest.mark.parametrize("pooling", ["partial", "no labs"])
def test_a_family_hears_from_the_others_and_not_from_itself(pooling, rng):
    spec = spec_for("chinchilla", pooling)
    layout = lay_out(spec, ladder(families=4))
    precision = np.stack([np.eye(6) * 50.0] * 4)
    moment = rng.standard_normal((4, 6))
    loud = moment.copy()
    loud[2] += 1000.0
    beliefs = [
        Population(spec, layout, precision, m).cavities(np.zeros(Population(
            spec, layout, precision, m).size), 1.0)
        for m in (moment, loud)
    ]  # fmt: skip
    np.testing.assert_allclose(beliefs[0][2].mean, beliefs[1][2].mean)
    assert not np.allclose(beliefs[0][0].mean, beliefs[1][0].mean)


@pytest.mark.parametrize("tails", [None, 4.0])
def test_the_run_likelihood_is_that_of_the_declared_model(tails):
    spec = Spec(noise=Noise(tails=tails))
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
        spec, layout, rows, belief, guide, points=2048, rng=np.random.default_rng(0)
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
