"""Truths about the walk over labs: where points are Gaussian, it ends where Gaussians are exact."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from bayeslaw.inference.quadrature.gaussian import Gaussian
from bayeslaw.inference.quadrature.pointwise import Pointwise
from bayeslaw.inference.quadrature.population import Population, Sampled
from bayeslaw.inference.quadrature.sampler import Cloud
from bayeslaw.inference.quadrature.tree import Tree
from bayeslaw.inference.quadrature.walk import Walk
from bayeslaw.model import Spec, lay_out
from tests.inference.ladders import ladder

CHAINS, POINTS = 500, 4000


def _moments(drawn: Sampled, population: Population) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and s.d. of spreads, centres, levels and labs, one after the other."""
    parts = [population.places(drawn.values)]
    parts += [drawn.values[n] for n in ("log_population", "levels", "log_lab")]
    flat = np.hstack([part.reshape(len(part), -1) for part in parts])
    return flat.mean(0), flat.std(0)


def _known(rng, pool: object = "partial", silent: int | None = None) -> tuple[Gaussian, Pointwise]:
    """Return what families in three labs say, as Gaussians and as points drawn of these.

    Parameters
    ----------
    pool : how parameters are pooled.
    silent : a family whose rows say nothing and which has no point.
    """
    spec, runs = Spec(pool=pool), ladder(families=5)
    # Two labs of two families, and one of the fifth.
    lab = runs.table["lab"].mask(runs.table["family"] == "family 4", "z")
    population = Population(spec, lay_out(spec, runs.replace_table(runs.table.assign(lab=lab))))
    middle, size = population.top[0], len(population.top[0])
    precisions, moments, points = [], [], {}
    for f in range(5):
        root = 0.1 * np.tril(rng.standard_normal((size, size)), -1) + 0.15 * np.eye(size)
        mean = middle + 0.2 * rng.standard_normal(size)
        values = mean + rng.standard_normal((POINTS, size)) @ root.T
        precisions.append(np.linalg.inv(root @ root.T))
        moments.append(precisions[-1] @ mean)
        points[f] = np.ascontiguousarray(values.T), np.zeros(POINTS)
    if silent is not None:
        precisions[silent], moments[silent] = np.zeros((size, size)), np.zeros(size)
        del points[silent]
    known = Gaussian(population, np.array(precisions), np.array(moments))
    return known, Pointwise(population, points)


@pytest.mark.parametrize(
    ("pool", "silent"),
    [("partial", None), ({"alpha": "none"}, None), ("partial", 1)],
    ids=["partial", "mixed pooling", "a silent family"],
)
def test_a_walk_from_elsewhere_ends_where_gaussians_are_exact(pool, silent, rng):
    gaussian, points = _known(rng, pool, silent)
    population = gaussian.population
    exact = gaussian.draws(20_000, gaussian.adapted(None, rng, 1), rng, 1)
    mean, sd = _moments(exact, population)
    start = {n: v[:CHAINS] for n, v in exact.values.items()}
    # Half a s.d. off along every centre and lab, and spreads a third wider than they are.
    for name in ("log_population", "levels", "log_lab"):
        start[name] = start[name] + 0.5 * start[name].std(0)
    for name in ("between", "across"):
        start[name] = 1.3 * start[name]
    before, _ = _moments(Sampled(start, 0.0, 0.0), population)
    walked = Walk(gaussian, points, rng, 1).draws(8000, Sampled(start, 1e4, 0.0))
    there, wide = _moments(walked, population)
    moves = sd > 1e-6
    off = ((there - mean) / np.where(moves, sd, 1.0))[moves]
    began = ((before - mean) / np.where(moves, sd, 1.0))[moves]
    assert np.abs(began).mean() > 0.4
    assert np.abs(off).max() < 0.2 and np.abs(off).mean() < 0.07
    assert np.abs(wide[moves] / sd[moves] - 1.0).max() < 0.15
    assert walked.ess > 400


class Still(Walk):
    """A walk whose spreads never move."""

    def _move_others(self, chains, families):
        pass


def test_a_walk_that_is_stuck_says_so(rng):
    gaussian, points = _known(rng)
    start = gaussian.draws(CHAINS, gaussian.adapted(None, rng, 1), rng, 1)
    assert Walk(gaussian, points, rng, 1).draws(100, start).ess > 0
    assert Still(gaussian, points, rng, 1).draws(100, start).ess == 0


def test_a_walk_draws_as_many_as_asked_for_and_the_same_by_seed(rng):
    gaussian, points = _known(rng)
    start = gaussian.draws(50, gaussian.adapted(None, rng, 1), rng, 1)
    for n in (7, 1000):
        drawn = [
            Walk(gaussian, points, np.random.default_rng(3), cores).draws(n, start)
            for cores in (1, 2)
        ]
        for name, values in drawn[0].values.items():
            assert len(values) == n
            np.testing.assert_array_equal(values, drawn[1].values[name])


def test_a_tree_tells_the_density_of_families(rng):
    lab = np.array([0, 1, 0, 2, 1, 0])
    share = (lab == np.arange(3)[:, None]) / np.bincount(lab)[:, None]
    families, wide = rng.standard_normal((6, 4, 1)), np.array([1.5])
    tree = Tree.of(families, share, wide)
    own, across = np.exp(rng.standard_normal((2, 4, 1)))

    def exact(own, across):
        covariance = [
            o * np.eye(6) + a * (lab[:, None] == lab) + wide**2
            for o, a in zip(own, across, strict=True)
        ]
        seen = zip(families[..., 0].T, covariance, strict=True)
        return np.array([multivariate_normal.logpdf(f, np.zeros(6), c) for f, c in seen])

    # What does not hang on the variances is left out of the evidence.
    found = tree.log_evidence(own, across) - tree.log_evidence(own[::-1], across[::-1])
    expected = exact(own, across) - exact(own[::-1], across[::-1])
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-9)


def test_fewer_points_of_a_cloud_are_drawn_by_their_weights(rng):
    log_weight = np.log(rng.dirichlet(np.ones(1000)))
    values = rng.standard_normal((1000, 2))
    none = np.empty((1000, 0))
    cloud = Cloud(values, none, none, log_weight, 0.3, (np.zeros(2), np.eye(2)), [0])
    fewer = cloud.thinned(400, rng)
    assert cloud.thinned(1000, rng) is cloud
    assert len(fewer.log_parameters) == 400 and fewer.ess == pytest.approx(400)
    exact = np.exp(log_weight) @ values
    np.testing.assert_allclose(fewer.log_parameters.mean(0), exact, atol=4 / np.sqrt(400))
