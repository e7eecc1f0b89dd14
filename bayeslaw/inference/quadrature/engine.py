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
from bayeslaw.inference.quadrature.gaussian import settled
from bayeslaw.inference.quadrature.ladder import Belief, Ladder, ladders
from bayeslaw.inference.quadrature.laplace import load_kernel
from bayeslaw.inference.quadrature.lattice import Guide, mixed, systematic
from bayeslaw.inference.quadrature.pointwise import Pointwise
from bayeslaw.inference.quadrature.population import Population, Sampled, first_belief
from bayeslaw.inference.quadrature.sampler import Cloud, weighted_points
from bayeslaw.inference.quadrature.select import choose, covered, says_something, seen_again
from bayeslaw.inference.quadrature.walk import Walk
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
# Tails of few families in labs of several are told by few points, and cost little.
_LAST_OF_FEW, _FEW = _Pass(1024, 1600.0, 4096), 12
# Of many families each adds little, and must cost little.
_LAST_OF_MANY = _Pass(256, 400.0, 4096)
_MANY = 100
_ALONE = _Pass(1024, 800.0, 4096)
# First passes where labs hold several families: points say little of a lab far from them, so that
# it is reached step by step, and eight passes find what four find. Draws of the population after
# a first pass.
_FIRST_PASSES, _ROUGH = 4, 1000
# A walk over labs has fewer chains, and looks at fewer points of each family, the more families
# there are: at least, at most, and of all families together.
_WALK = (200, 500, 6000), (1024, 4096, 2**15)
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
    draws are exact given the population. Where labs hold several families, labs are too many
    coordinates for a lattice: what rows say stands as Gaussians first, and chains that know each
    family by its points walk on from there. Only above a hundred families, or where nothing is
    partially pooled, Gaussians are the end.
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
    first = (_FIRST,) * (1 if population.flat or len(rows) > _MANY else _FIRST_PASSES)
    for step in first if len(some) == len(rows) else (_FIRST, _LAST_OF_MANY):
        clouds = work.clouds(beliefs, guides, step, some, looks=looks)
        found = work.drawn(population, clouds, beliefs, some, found, last=False)
        at = [covered(*population.around(found.values, f)) for f in families]
        near = [seen_again(c, beliefs[f], at[f]) for c, f in zip(clouds, some, strict=True)]
        guides, looks = [mixed([g for g, _ in near])] * len(rows), [True] * len(rows)
        for f, (guide, known) in zip(some, near, strict=True):
            guides[f], looks[f] = guide, not known
        beliefs = at
    step = _LAST if len(rows) <= _MANY else _LAST_OF_MANY
    if len(rows) <= _FEW and not population.flat:
        step = _LAST_OF_FEW
    clouds = work.clouds(beliefs, guides, step, families, looks=looks)
    found = work.drawn(population, clouds, beliefs, families, found, last=True)
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
        # Labs of several families stay where they are: another walk is dear.
        if population.flat and len(poor) > _PART * len(rows):
            found = work.drawn(population, clouds, beliefs, families, found, last=True)
            poor = families
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
    index = rng.permutation(systematic(cloud.log_weight, work.draws, rng))
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
    def draws(self) -> int:
        """Draws of all chains."""
        return self.settings.chains * self.settings.draws

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
        *,
        last: bool,
    ) -> Sampled:
        """Draw the population by the clouds of some families, looking first where it was."""
        rng, n = self.rng(), self.draws if last else _ROUGH
        at = [beliefs[f] for f in which]
        if population.flat:
            known = Pointwise.of(population, which, clouds, at)
            return known.draws(n, before, rng, self.cores)
        known, guide = settled(population, clouds, at, before, rng, self.cores)
        walked = last and len(which) <= _MANY and population.known[3].any()
        if not walked:
            return known.draws(n, guide, rng, self.cores)
        chains, most = (min(max(whole // len(which), least), top) for least, top, whole in _WALK)
        found = known.draws(chains, guide, rng, self.cores)
        told = [f for f, cloud in enumerate(clouds) if says_something(cloud)]
        fewer = [clouds[f].thinned(most, rng) for f in told]
        points = Pointwise.of(population, told, fewer, [at[f] for f in told])
        return Walk(known, points, rng, self.cores).draws(n, found)

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
