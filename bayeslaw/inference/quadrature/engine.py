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
from bayeslaw.inference.quadrature.ladder import Belief, Ladder, ladders
from bayeslaw.inference.quadrature.laplace import load_kernel
from bayeslaw.inference.quadrature.lattice import Guide, systematic
from bayeslaw.inference.quadrature.population import Population, first_belief
from bayeslaw.inference.quadrature.sampler import Cloud, weighted_points
from bayeslaw.inference.quadrature.select import choose, heard, messages, seen_again, under
from bayeslaw.inference.rows import noise_levels
from bayeslaw.laws.law import prior_location
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec
from bayeslaw.pool import call, in_parallel

# The working prior of a family is this much wider than what the other families say of it.
_WIDER = 1.25


@dataclass(frozen=True)
class _Pass:
    """Lattice points of a family to begin with, and how many effective ones are wanted."""

    points: int
    enough: float
    most: int


# How often families and population answer each other, and what is no answer any more, in s.d.
_TALKS, _STILL = 6, 0.05

_FIRST = _Pass(128, 200.0, 1024)
_LAST = _Pass(512, 800.0, 4096)
# Of many families each adds little, and must cost little.
_LAST_OF_MANY = _Pass(256, 400.0, 4096)
_MANY = 100
_ALONE = _Pass(1024, 800.0, 4096)
# So many families are one task of a pool.
_TOGETHER = 4
# A family whose draws have too few points behind them is sampled again with this many.
_AGAIN = (_Pass(2048, 1600.0, 4096), _Pass(4096, 3200.0, 16384))


def quadrature(spec: Spec, layout: Layout, settings: Settings) -> Drawn:
    """Sample the posterior by importance-weighted lattices of families and of the population.

    Each family's posterior under a working prior is a cloud of weighted points. What its rows say,
    as a Gaussian with the working prior divided out, goes into the population's density; what the
    other families then say of it is its next working prior. At the end each family's points are
    weighted anew for every draw of the population, so its draws are exact given the population.
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
    beliefs = [first_belief(spec, layout)] * len(rows)
    guides = [_first_guide(spec, layout, beliefs[0])] * len(rows)
    clouds = work.clouds(beliefs, guides, _FIRST, looks=[True] * len(rows))
    population, guide = work.settled(clouds, beliefs, None)
    last = _LAST if len(rows) <= _MANY else _LAST_OF_MANY
    before, beliefs = beliefs, population.cavities(guide[0], _WIDER)
    moved = [seen_again(*m) for m in zip(clouds, before, beliefs, strict=True)]
    clouds = work.clouds(beliefs, [g for g, _ in moved], last, looks=[not k for _, k in moved])
    population, guide = work.settled(clouds, beliefs, guide)
    found = population.draws(settings.chains * settings.draws, guide, work.rng(), settings.cores)
    drawn = found.values
    chosen, ess = work.choose(population, clouds, beliefs, drawn, range(len(rows)))
    for step in _AGAIN:
        heavy = np.array([c.shape > WORST_TAIL_SHAPE for c in clouds])
        poor = np.flatnonzero((ess < MIN_IMPORTANCE_ESS) | heavy)
        if not poor.size:
            break
        now = population.cavities(guide[0], _WIDER)
        moved = [seen_again(clouds[f], beliefs[f], now[f]) for f in poor]
        for (near, _), f in zip(moved, poor, strict=True):
            clouds[f], beliefs[f] = replace(clouds[f], guide=near), now[f]
        again = work.clouds(
            beliefs, [c.guide for c in clouds], step, poor, looks=[not k for _, k in moved]
        )
        for f, cloud in zip(poor, again, strict=True):
            clouds[f] = cloud
        chosen[poor], ess[poor] = work.choose(population, clouds, beliefs, drawn, poor)
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
    (cloud,) = clouds = work.clouds([belief], [guide], _ALONE, looks=[True])
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
    likelihood = {"loss": run_log_likelihood(work.spec, work.layout, values)}
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
        which: Iterable[int] | None = None,
        *,
        looks: list[bool],
    ) -> list[Cloud]:
        """Sample families, all unless told which; where to look is known unless told to look."""
        chosen = range(len(self.rows)) if which is None else list(which)
        calls = [
            call(
                weighted_points, self.spec, self.rows[f], beliefs[f], guides[f],
                rng=self.rng(), look=look,
                cores=self.cores if len(self.rows) == 1 else 1, **vars(step),
            )
            for f, look in zip(chosen, looks, strict=True)
        ]  # fmt: skip
        return self.settings.pool.made(
            calls, makes=Cloud, together=_TOGETHER, threads=self.cores,
            shown="families" if self.settings.progress else None,
        )  # fmt: skip

    def settled(
        self, clouds: list[Cloud], beliefs: list[Belief], guide: Guide | None
    ) -> tuple[Population, Guide]:
        """Let families and population speak until neither moves, the points staying where they are.

        Returns
        -------
        The population, and where its spreads lie.
        """
        spec, layout = self.spec, self.layout
        seen, at = clouds, beliefs
        size = len(beliefs[0].mean)
        precision = np.zeros((len(clouds), size, size))
        moment = np.zeros((len(clouds), size))
        population: Population | None = None
        for talk in range(_TALKS):
            calls = [call(heard, c, b) for c, b in zip(seen, at, strict=True)]
            found = in_parallel(self.cores, calls)
            told = [f for f, said in enumerate(found) if said is not None]
            if told:
                ess = np.array([seen[f].ess for f in told])
                said = messages([found[f] for f in told], ess, [at[f] for f in told])
                # Half of what was said before keeps them from talking past each other.
                old = 0.5 if talk else 0.0
                precision[told] = old * precision[told] + (1 - old) * said[0]
                moment[told] = old * moment[told] + (1 - old) * said[1]
            population = Population(spec, layout, precision.copy(), moment.copy())
            guide = population.adapted(guide, self.rng(), self.cores)
            before, at = at, population.cavities(guide[0], _WIDER)
            far = max(
                np.abs((b.mean - a.mean) / a.spread).max() for b, a in zip(before, at, strict=True)
            )
            if far < _STILL and at is not beliefs:
                break
            calls = [call(under, *m) for m in zip(clouds, beliefs, at, strict=True)]
            seen = in_parallel(self.cores, calls)
        assert population is not None and guide is not None  # there is a first talk
        return population, guide

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
