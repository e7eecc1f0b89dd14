"""A population with labs of several families, walked by the points of those families.

Spreads, population and labs are too many coordinates for one lattice, and what rows say of a lab
is seldom Gaussian. Many short Markov chains start where Gaussians put them and know each family by
its points alone: labs move by Metropolis steps, all else of the population by draws given families.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayeslaw.inference.quadrature.evidence import WIDTH, lab_messages
from bayeslaw.inference.quadrature.gaussian import Gaussian
from bayeslaw.inference.quadrature.pointwise import Pointwise, log_evidence
from bayeslaw.inference.quadrature.population import Population, Sampled
from bayeslaw.inference.quadrature.tree import Tree
from bayeslaw.pool import call, in_parallel

# Sweeps of each chain in a round, and rounds at most before the one whose draws are kept: chains go
# on while where they began tells where they are, as a correlation.
_SWEEPS, _ROUNDS, _REMEMBERED = 12, 5, 0.5
# Labs proposed anywhere have tails of so many degrees of freedom, others are a step away.
_TAILS, _STEP = 6.0, 0.8
# Steps of the spreads in each sweep, and their length in terms of the spreads' s.d.
_STEPS, _STRIDE = 8, 2.4


@dataclass
class _Chains:
    """Where all chains are.

    Attributes
    ----------
    x : coordinates of the spreads, shape (chains, spreads).
    centre : the population's centres and levels, shape (chains, values).
    labs : shape (chains, labs, values); what labs do not scatter is the population's.
    """

    x: np.ndarray
    centre: np.ndarray
    labs: np.ndarray


@dataclass(frozen=True)
class Walk:
    """What moves chains over spreads, population and labs.

    Attributes
    ----------
    known : what families say as Gaussians; labs are proposed by it.
    points : what they say.
    rng : random numbers.
    cores : threads.
    """

    known: Gaussian
    points: Pointwise
    rng: np.random.Generator
    cores: int

    @property
    def population(self) -> Population:
        """What moves."""
        return self.known.population

    @cached_property
    def _partial(self) -> np.ndarray:
        """Which of the population's values scatter between families and labs, indices."""
        return np.flatnonzero(self.population.known[3])

    def draws(self, n: int, start: Sampled) -> Sampled:
        """Let a chain begin at each draw, and return n draws of where they come to.

        Draws repeat where more are asked for than chains have places.
        """
        chains = self._begin(start)
        begin = self._moving(chains.x, chains.centre, chains.labs)
        for _ in range(_ROUNDS):
            parts = self._round(chains)
            forgot = _remembered(begin, self._moving(*parts)[-1]) < _REMEMBERED
            if forgot:
                break
        parts = self._round(chains)
        pick = self.rng.permutation(np.resize(self.rng.permutation(_SWEEPS * len(chains.x)), n))
        ess = min(start.ess, _effective(self._moving(*parts))) if forgot else 0.0
        x, centre, labs = (part.reshape(-1, *part.shape[2:])[pick] for part in parts)
        k = len(self.population.known[0])
        values = self.population.spreads(x)
        values |= {"log_population": centre[:, :k], "levels": centre[:, k:]}
        return Sampled(values | {"log_lab": labs[..., :k]}, ess, start.shape)

    def _round(self, chains: _Chains) -> list[np.ndarray]:
        """Sweep, and return where chains were, each part of shape (sweeps, chains, ...)."""
        path = []
        for _ in range(_SWEEPS):
            self._move_others(chains, self._move_labs(chains))
            path.append((chains.x, chains.centre, chains.labs))
        return [np.array(part) for part in zip(*path, strict=True)]

    def _begin(self, start: Sampled) -> _Chains:
        drawn, partial = start.values, self._partial
        centre = np.hstack([drawn["log_population"], drawn["levels"]])
        labs = np.repeat(centre[:, None], drawn["log_lab"].shape[1], 1)
        labs[..., partial] = drawn["log_lab"][..., partial]
        return _Chains(self.population.places(drawn), centre, labs)

    def _look(self, labs: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what families say of labs, their points averaged, and a point drawn of each.

        Parameters
        ----------
        labs : shape (chains, labs, values).
        own : s.d. of families around them, shape (chains, values).

        Returns
        -------
        Log evidence (chains, labs), and values of families (families, chains, values).
        """
        lab, points = self.population.lab_of_family, self.points.points
        calls = [
            call(log_evidence, *points[f], labs[:, lab[f]], own, self.rng.random(len(own)))
            for f in points
        ]
        told = np.zeros(labs.shape[:2])
        # A family without points says nothing, and lies anywhere around its lab.
        values = labs[:, lab].swapaxes(0, 1) + own * self.rng.standard_normal(
            (len(lab), *own.shape)
        )
        for f, (evidence, drawn) in zip(points, in_parallel(self.cores, calls), strict=True):
            told[:, lab[f]] += evidence
            values[f] = drawn
        return told, values

    def _move_labs(self, chains: _Chains) -> np.ndarray:
        """Propose every lab twice, anywhere and near by; return values drawn of families."""
        lab = self.population.lab_of_family
        own, across = self.population.scatter(self.population.spreads(chains.x))
        live = self._partial
        middle, scale = chains.centre[:, None, live], across[:, None, live]
        mode, back = self._proposal(chains.centre, own, scale)
        place = (chains.labs[..., live] - middle) / scale
        told, families = self._look(chains.labs, own)
        for anywhere in (True, False):
            unit = self.rng.standard_normal(place.shape)
            if anywhere:
                unit /= np.sqrt(self.rng.chisquare(_TAILS, place.shape[:2]) / _TAILS)[..., None]
            step = np.linalg.solve(back, unit[..., None])[..., 0]
            there = mode + step if anywhere else place + _STEP * step
            labs = chains.labs.copy()
            labs[..., live] = middle + scale * there
            new, drawn = self._look(labs, own)
            gain = new - told - 0.5 * (there**2 - place**2).sum(-1)
            if anywhere:
                off = (back @ (place - mode)[..., None])[..., 0]
                gain += _log_tails(off) - _log_tails(unit)
            taken = np.log(self.rng.random(gain.shape)) < gain
            chains.labs = np.where(taken[..., None], labs, chains.labs)
            place = np.where(taken[..., None], there, place)
            told = np.where(taken, new, told)
            families = np.where(taken[:, lab].T[..., None], drawn, families)
        return families

    def _proposal(
        self, centre: np.ndarray, own: np.ndarray, scale: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return where Gaussians put each lab around the population, in units of its scatter.

        Returns
        -------
        Modes (chains, labs, pooled values), and roots R, the covariance being inverse of R'R.
        """
        known, live = self.known, self._partial
        shape = (len(own), len(self._share), own.shape[1])
        precision, moment = np.empty((*shape, shape[-1])), np.empty(shape)
        lab_messages(
            known.precision, known.moment, self.population.lab_of_family, own, precision, moment
        )
        told = moment - (precision @ centre[:, None, :, None])[..., 0]
        seen = precision[..., live, :][..., live] * scale[..., None] * scale[..., None, :]
        root = np.linalg.cholesky(np.eye(len(live)) + seen)
        back = root.swapaxes(-1, -2)
        half = np.linalg.solve(root, (told[..., live] * scale)[..., None])
        return np.linalg.solve(back, half)[..., 0], back

    @cached_property
    def _share(self) -> np.ndarray:
        """Share of each family in its lab's mean, shape (labs, families)."""
        lab = self.population.lab_of_family
        member = (lab == np.arange(lab.max() + 1)[:, None]).astype(float)
        return member / member.sum(1, keepdims=True)

    def _move_others(self, chains: _Chains, families: np.ndarray) -> None:
        """Move spreads, population and labs, families staying where they are.

        Each value's families, labs and population are then normals by themselves: its spreads
        move with labs and population integrated out, and these are drawn given them.
        """
        population = self.population
        k, partial = len(population.known[3]), self._partial
        top, wide = population.top
        tree = Tree.of(families[..., partial] - top[partial], self._share, wide[partial])

        def variances(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            own, across = population.spreads(x).values()
            return own[:, partial] ** 2, across[:, partial] ** 2

        def log_density(x: np.ndarray) -> np.ndarray:
            out = population.log_priors(x).reshape(len(x), 2, k).sum(1)
            out[:, partial] += tree.log_evidence(*variances(x))
            return out

        counts = np.repeat([len(families), len(self._share)], k)
        stride = _STRIDE / np.sqrt(1.0 + 2.0 * counts * WIDTH**2)
        x, now = chains.x, log_density(chains.x)
        for step in range(_STEPS):
            move = stride * self.rng.standard_normal(x.shape)
            move.reshape(len(x), 2, k)[:, step % 2] = 0.0
            then = log_density(x + move)
            taken = np.log(self.rng.random(now.shape)) < then - now
            x, now = x + move * np.tile(taken, 2), np.where(taken, then, now)
        centre, labs = tree.drawn(*variances(x), self.rng)
        chains.x, chains.centre = x, chains.centre.copy()
        chains.centre[:, partial] = centre + top[partial]
        prior = wide[k:] ** -2.0
        each = population.spec.noise.between**-2.0
        precision = prior + len(families) * each
        mean = (prior * top[k:] + each * families[..., k:].sum(0)) / precision
        chains.centre[:, k:] = mean + self.rng.standard_normal(mean.shape) / np.sqrt(precision)
        chains.labs = np.repeat(chains.centre[:, None], len(labs), 1)
        chains.labs[..., partial] = labs.swapaxes(0, 1) + top[partial]

    def _moving(self, x: np.ndarray, centre: np.ndarray, labs: np.ndarray) -> np.ndarray:
        """Return what is not declared of places, side by side, shape (..., chains, coordinates)."""
        k, partial = len(self.population.known[3]), self._partial
        spreads = x.reshape(*x.shape[:-1], 2, k)[..., partial]
        parts = spreads, centre[..., partial], centre[..., k:], labs[..., partial]
        return np.concatenate([part.reshape(*x.shape[:-1], -1) for part in parts], -1)


def _log_tails(unit: np.ndarray) -> np.ndarray:
    """Return the log density of a Student-t with unit scale, but for a constant."""
    return -0.5 * (_TAILS + unit.shape[-1]) * np.log1p((unit**2).sum(-1) / _TAILS)


def _remembered(begin: np.ndarray, end: np.ndarray) -> float:
    """Return the correlation of what moves slowest, both of shape (chains, coordinates)."""
    first, last = (v - v.mean(0) for v in (begin, end))
    return float(((first * last).mean(0) / (first.std(0) * last.std(0))).max())


def _effective(path: np.ndarray) -> float:
    """Return the effective number of draws of what moves slowest.

    Chains begin apart, so that the scatter of their means says how much is known.

    Parameters
    ----------
    path : where chains were, shape (draws, chains, coordinates).
    """
    return float(path.shape[1] * (path.var((0, 1)) / path.mean(0).var(0)).min())
