"""The quadrature engine: families one by one on adaptive lattices, then the population."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from joblib import delayed
from scipy.optimize import minimize

from bayeslaw.inference.assemble import tidy
from bayeslaw.inference.drawn import Drawn, Settings
from bayeslaw.inference.health import MIN_IMPORTANCE_ESS, WORST_TAIL_SHAPE
from bayeslaw.inference.likelihood import run_log_likelihood
from bayeslaw.inference.nuts import sample_density
from bayeslaw.inference.parallel import in_parallel
from bayeslaw.inference.quadrature.assemble import family_draws, population_draws
from bayeslaw.inference.quadrature.ladder import Belief, Ladder, ladders
from bayeslaw.inference.quadrature.laplace import load_kernel
from bayeslaw.inference.quadrature.population import Population, first_belief
from bayeslaw.inference.quadrature.sampler import Cloud, weighted_points
from bayeslaw.inference.quadrature.select import choose, messages, systematic
from bayeslaw.inference.rows import noise_levels
from bayeslaw.laws.law import prior_location
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec

# The working prior of a family is this much wider than what the other families say of it.
_WIDER = 1.5
# Lattice points of a family in each pass, one family alone, and at most.
_PASSES = (128, 256, 1024)
_ALONE = 1024
_MOST = 4096
_CAREFUL = 0.95


def quadrature(spec: Spec, layout: Layout, settings: Settings) -> Drawn:
    """Sample the posterior by importance-weighted lattices and NUTS on the population.

    Each family's posterior under a working prior is a cloud of weighted points. What its rows say,
    as a Gaussian with the working prior divided out, goes into the population's density; what the
    other families then say of it is its next working prior. At the end each family's points are
    weighted anew for every draw of the population, so its draws are exact given the population.
    """
    begin = time.perf_counter()
    load_kernel()
    start = time.perf_counter()
    rows = ladders(spec.law, layout)  # type: ignore[arg-type]
    work = _Work(spec, layout, rows, settings.cores, np.random.SeedSequence([settings.seed, 3]))
    out = _alone(work, settings) if len(rows) == 1 else _together(work, settings)
    seconds = {"compile": start - begin, "sample": time.perf_counter() - start}
    return replace(out, seconds=seconds)


def _together(work: _Work, settings: Settings) -> Drawn:
    spec, layout, rows = work.spec, work.layout, work.rows
    beliefs = [first_belief(spec, layout)] * len(rows)
    guides = [_first_guide(spec, layout, beliefs[0])] * len(rows)
    clouds = work.clouds(beliefs, guides, _PASSES[0])
    population = Population(spec, layout, *messages(clouds, beliefs))
    mode = _mode(population, np.zeros(population.size))
    for points in _PASSES[1:]:
        beliefs = population.cavities(mode, _WIDER)
        clouds = work.clouds(beliefs, [c.guide for c in clouds], points)
        population = Population(spec, layout, *messages(clouds, beliefs))
        mode = _mode(population, mode)
    # Its steps are cheap, and few labs leave a funnel: smaller ones cost little.
    careful = replace(settings, target_accept=max(settings.target_accept, _CAREFUL))
    found, stats = sample_density(population.log_density, mode, **vars(careful))
    drawn = population.unpack(found.reshape(-1, found.shape[-1]))
    chosen, ess = work.choose(population, clouds, beliefs, drawn, range(len(rows)))
    while points < _MOST:
        heavy = np.array([c.shape > WORST_TAIL_SHAPE for c in clouds])
        poor = np.flatnonzero((ess < MIN_IMPORTANCE_ESS) | heavy)
        if not poor.size:
            break
        points *= 2
        again = work.clouds(beliefs, [c.guide for c in clouds], points, poor)
        for f, cloud in zip(poor, again, strict=True):
            clouds[f] = cloud
        chosen[poor], ess[poor] = work.choose(population, clouds, beliefs, drawn, poor)
    if population.has_labs:
        values = np.stack([c.log_parameters[i] for c, i in zip(clouds, chosen, strict=True)])
        drawn["log_lab"] = population.redrawn_labs(drawn, values, work.rng())
    own = family_draws(spec, layout, rows, clouds, chosen)
    whole = own | population_draws(population, drawn)
    return _gathered(work, settings, whole, stats, ess, clouds)


def _alone(work: _Work, settings: Settings) -> Drawn:
    """Sample one family, whose population was integrated out."""
    belief = first_belief(work.spec, work.layout)
    guide = _first_guide(work.spec, work.layout, belief)
    (cloud,) = clouds = work.clouds([belief], [guide], _ALONE)
    rng = work.rng()
    index = rng.permutation(systematic(cloud.log_weight, settings.chains * settings.draws, rng))
    own = family_draws(work.spec, work.layout, work.rows, clouds, index[None])
    return _gathered(work, settings, own, xr.Dataset(), np.array([cloud.ess]), clouds)


def _gathered(
    work: _Work,
    settings: Settings,
    values: dict[str, np.ndarray],
    stats: xr.Dataset,
    ess: np.ndarray,
    clouds: list[Cloud],
) -> Drawn:
    likelihood = {"loss": run_log_likelihood(work.spec, work.layout, values)}
    return Drawn(
        tidy(work.spec, work.layout, values, settings.chains),
        stats,
        tidy(work.spec, work.layout, likelihood, settings.chains),
        {},
        importance_ess=ess,
        tail_shape=np.array([c.shape for c in clouds]),
    )


@dataclass(frozen=True)
class _Work:
    """What every pass needs."""

    spec: Spec
    layout: Layout
    rows: list[Ladder]
    cores: int
    seeds: np.random.SeedSequence

    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seeds.spawn(1)[0])

    def clouds(
        self,
        beliefs: list[Belief],
        guides: list[tuple[np.ndarray, np.ndarray]],
        points: int,
        which: Iterable[int] | None = None,
    ) -> list[Cloud]:
        """Sample families, all unless told which."""
        chosen = range(len(self.rows)) if which is None else list(which)
        calls = [
            delayed(weighted_points)(
                self.spec, self.layout, self.rows[f], beliefs[f], guides[f], points=points,
                rng=self.rng(), cores=self.cores if len(self.rows) == 1 else 1,
            )
            for f in chosen
        ]  # fmt: skip
        return in_parallel(self.cores, calls)

    def choose(
        self,
        population: Population,
        clouds: list[Cloud],
        beliefs: list[Belief],
        drawn: dict[str, np.ndarray],
        which: Iterable[int],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return points of these families at each draw, (families, draws), and their ESS."""
        calls = [
            delayed(choose)(clouds[f], beliefs[f], *population.around(drawn, f), self.rng())
            for f in which
        ]
        found = in_parallel(self.cores, calls)
        return np.array([i for i, _ in found]), np.array([e for _, e in found])


def _first_guide(spec: Spec, layout: Layout, belief: Belief) -> tuple[np.ndarray, np.ndarray]:
    law = spec.law
    names = law.parameter_names  # type: ignore[union-attr]
    curved = [names.index(n) for n in law.nonlinear]  # type: ignore[union-attr]
    pick = [*curved, *range(len(names), len(names) + len(noise_levels(spec, layout)))]
    mean, spread = belief.mean[pick], belief.spread[pick]
    if spec.process is not None:
        middle, width = prior_location(*spec.process.scale)
        mean, spread = np.append(mean, middle), np.append(spread, width)
    return mean, np.diag(spread**2)


def _mode(population: Population, start: np.ndarray) -> np.ndarray:
    def downhill(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = population.log_density(x)
        return -value, -gradient

    return minimize(downhill, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
