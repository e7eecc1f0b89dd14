"""The quadrature engine: families one by one on adaptive lattices, then the population."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from bayeslaw.inference.assemble import tidy
from bayeslaw.inference.drawn import Drawn, Settings
from bayeslaw.inference.health import MIN_IMPORTANCE_ESS, WORST_TAIL_SHAPE
from bayeslaw.inference.likelihood import run_log_likelihood
from bayeslaw.inference.quadrature.assemble import family_draws, population_draws
from bayeslaw.inference.quadrature.gaussian import gaussian_draws
from bayeslaw.inference.quadrature.ladder import Belief, Ladder, ladders
from bayeslaw.inference.quadrature.laplace import load_kernel
from bayeslaw.inference.quadrature.lattice import Guide, mixed, systematic
from bayeslaw.inference.quadrature.pointwise import Pointwise
from bayeslaw.inference.quadrature.population import Population, Sampled, first_belief
from bayeslaw.inference.quadrature.sampler import Cloud, weighted_points
from bayeslaw.inference.quadrature.select import choose, covered, seen_again
from bayeslaw.inference.rows import noise_levels
from bayeslaw.laws.law import prior_location
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec
from bayeslaw.pool import call, in_parallel


@dataclass(frozen=True)
class _Pass:
    """Lattice points of a family to begin with, and how many effective ones are wanted."""

    points: int
    enough: float
    most: int


_FIRST = _Pass(128, 200.0, 1024)
_LAST = _Pass(512, 800.0, 2048)
# Of many families each adds little, and must cost little.
_LAST_OF_MANY = _Pass(256, 400.0, 4096)
_MANY = 100
_ALONE = _Pass(1024, 800.0, 4096)
# So many families are one task of a pool.
_TOGETHER = 4
# A family whose draws have too few points behind them is sampled again with this many.
_AGAIN = (_Pass(2048, 1600.0, 4096), _Pass(4096, 3200.0, 16384))
_AGAIN_OF_MANY = (_Pass(512, 800.0, 4096), _Pass(2048, 1600.0, 4096))
# Where a larger part of the families was sampled again, a population of points is drawn again too.
_PART = 0.1


def quadrature(spec: Spec, layout: Layout, settings: Settings) -> Drawn:
    """Sample the posterior by importance-weighted lattices of families and of the population.

    Each family's posterior under a working prior is a cloud of weighted points. Weighted anew they
    tell the evidence of any population, and where the population lies is the next working prior.
    At the end each family's points are weighted anew for every draw of the population, so its
    draws are exact given the population. Only where labs hold several families, so that labs are
    too many coordinates, does what a family's rows say stand as a Gaussian in that evidence.
    """
    begin = time.perf_counter()
    load_kernel()
    start = time.perf_counter()
    rows = ladders(spec.law, layout)  # type: ignore[arg-type]
    seeds = np.random.SeedSequence([settings.seed, 3])
    work = _Work(spec, layout, rows, settings, seeds)
    out = _alone(work, settings) if len(rows) == 1 else _together(work, settings)
    seconds = {"compile": start - begin, "sample": time.perf_counter() - start}
    return replace(out, seconds=seconds)


def _together(work: _Work, settings: Settings) -> Drawn:
    spec, layout, rows = work.spec, work.layout, work.rows
    population, families = Population(spec, layout), list(range(len(rows)))
    beliefs = [first_belief(spec, layout)] * len(rows)
    guides = [_first_guide(spec, layout, beliefs[0])] * len(rows)
    looks = [True] * len(rows)
    # Of many families some are enough to tell where all lie, unless labs are to be told apart.
    some = families[:: -(-len(rows) // _MANY) if population.flat else 1]
    found: Sampled | None = None
    for step in (_FIRST,) if len(some) == len(rows) else (_FIRST, _LAST_OF_MANY):
        clouds = work.clouds(beliefs, guides, step, some, looks=looks)
        found = work.drawn(population, clouds, beliefs, some, found)
        at = [covered(*population.around(found.values, f)) for f in families]
        near = [seen_again(c, beliefs[f], at[f]) for c, f in zip(clouds, some, strict=True)]
        guides, looks = [mixed([g for g, _ in near])] * len(rows), [True] * len(rows)
        for f, (guide, known) in zip(some, near, strict=True):
            guides[f], looks[f] = guide, not known
        beliefs = at
    step = _LAST if len(rows) <= _MANY else _LAST_OF_MANY
    clouds = work.clouds(beliefs, guides, step, families, looks=looks)
    found = work.drawn(population, clouds, beliefs, families, found)
    chosen, ess = work.choose(population, clouds, beliefs, found.values, families)
    for step in _AGAIN if len(rows) <= _MANY else _AGAIN_OF_MANY:
        heavy = np.array([c.shape > WORST_TAIL_SHAPE for c in clouds])
        poor = np.flatnonzero((ess < MIN_IMPORTANCE_ESS) | heavy).tolist()
        if not poor:
            break
        for f in poor:
            now = covered(*population.around(found.values, f))
            guides[f], known = seen_again(clouds[f], beliefs[f], now)
            beliefs[f], looks[f] = now, not known
        again = work.clouds(beliefs, guides, step, poor, looks=looks)
        for f, cloud in zip(poor, again, strict=True):
            clouds[f] = cloud
        if population.flat and len(poor) > _PART * len(rows):
            found, poor = work.drawn(population, clouds, beliefs, families, found), families
        chosen[poor], ess[poor] = work.choose(population, clouds, beliefs, found.values, poor)
    drawn = found.values
    if population.has_labs:
        values = np.stack([c.log_parameters[i] for c, i in zip(clouds, chosen, strict=True)])
        drawn["log_lab"] = population.redrawn_labs(drawn, values, work.rng())
    own = family_draws(spec, layout, rows, clouds, chosen)
    whole = own | population_draws(population, drawn)
    shapes = np.array([c.shape for c in clouds])
    return _gathered(
        work, settings, whole, np.append(ess, found.ess), np.append(shapes, found.shape)
    )


def _alone(work: _Work, settings: Settings) -> Drawn:
    """Sample one family, whose population was integrated out."""
    belief = first_belief(work.spec, work.layout)
    guide = _first_guide(work.spec, work.layout, belief)
    (cloud,) = clouds = work.clouds([belief], [guide], _ALONE, [0], looks=[True])
    rng = work.rng()
    index = rng.permutation(systematic(cloud.log_weight, settings.chains * settings.draws, rng))
    own = family_draws(work.spec, work.layout, work.rows, clouds, index[None])
    return _gathered(work, settings, own, np.array([cloud.ess]), np.array([cloud.shape]))


def _gathered(
    work: _Work,
    settings: Settings,
    values: dict[str, np.ndarray],
    ess: np.ndarray,
    shapes: np.ndarray,
) -> Drawn:
    likelihood = {"loss": run_log_likelihood(work.spec, work.layout, values, work.cores)}
    return Drawn(
        tidy(work.spec, work.layout, values, settings.chains),
        xr.Dataset(),
        tidy(work.spec, work.layout, likelihood, settings.chains),
        {},
        importance_ess=ess,
        tail_shape=shapes,
    )


@dataclass(frozen=True)
class _Work:
    """What every pass needs."""

    spec: Spec
    layout: Layout
    rows: list[Ladder]
    settings: Settings
    seeds: np.random.SeedSequence

    @property
    def cores(self) -> int:
        return self.settings.cores

    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seeds.spawn(1)[0])

    def clouds(
        self,
        beliefs: list[Belief],
        guides: list[Guide],
        step: _Pass,
        which: Iterable[int],
        *,
        looks: list[bool],
    ) -> list[Cloud]:
        """Sample families; where to look is known unless told to look."""
        calls = [
            call(
                weighted_points, self.spec, self.rows[f], beliefs[f], guides[f],
                rng=self.rng(), look=looks[f],
                cores=self.cores if len(self.rows) == 1 else 1, **vars(step),
            )
            for f in which
        ]  # fmt: skip
        return self.settings.pool.made(
            calls, makes=Cloud, together=_TOGETHER, threads=self.cores,
            shown="families" if self.settings.progress else None,
        )  # fmt: skip

    def drawn(
        self,
        population: Population,
        clouds: list[Cloud],
        beliefs: list[Belief],
        which: list[int],
        before: Sampled | None,
    ) -> Sampled:
        """Draw the population by the clouds of some families, looking first where it was."""
        n, rng = self.settings.chains * self.settings.draws, self.rng()
        at = [beliefs[f] for f in which]
        if population.flat:
            known = Pointwise.of(population, which, clouds, at)
            return known.draws(n, before, rng, self.cores)
        return gaussian_draws(population, clouds, at, n, before, rng, self.cores)

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
            call(choose, clouds[f], beliefs[f], *population.around(drawn, f), self.rng())
            for f in which
        ]
        found = in_parallel(self.cores, calls)
        return np.array([i for i, _ in found]), np.array([e for _, e in found])


def _first_guide(spec: Spec, layout: Layout, belief: Belief) -> Guide:
    law = spec.law
    names = law.parameter_names  # type: ignore[union-attr]
    curved = [names.index(n) for n in law.nonlinear]  # type: ignore[union-attr]
    pick = [*curved, *range(len(names), len(names) + len(noise_levels(spec, layout)))]
    mean, spread = belief.mean[pick], belief.spread[pick]
    if spec.process is not None:
        middle, width = prior_location(*spec.process.scale)
        mean, spread = np.append(mean, middle), np.append(spread, width)
    return mean, np.diag(spread**2)
