"""The population's density with what each family's rows say standing as a Gaussian."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayeslaw.inference.quadrature.evidence import population_evidence
from bayeslaw.inference.quadrature.ladder import Belief
from bayeslaw.inference.quadrature.lattice import (
    Guide,
    Lattice,
    adapted,
    effective,
    moments,
    systematic,
    weighed,
)
from bayeslaw.inference.quadrature.population import Population, Sampled
from bayeslaw.inference.quadrature.sampler import Cloud
from bayeslaw.inference.quadrature.select import heard, messages, under
from bayeslaw.pool import call, in_parallel

_COARSE = 512
# Points behind the draws, at least and at most.
_FEWEST, _MOST = 4096, 2**16
# The working prior of a family is this much wider than what the other families say of it.
_WIDER = 1.25
# How often families and population answer each other, and what is no answer any more, in s.d.
_TALKS, _STILL = 6, 0.05


@dataclass(frozen=True)
class Gaussian:
    """The population, known by what each family's rows say of it.

    Given its spreads between families, and across labs, all else of it is Gaussian.

    Attributes
    ----------
    population : what it is.
    precision, moment : what each family's rows say of its log parameters in units and log noise
        levels, as a Gaussian in the region where the population puts them; shapes (families,
        values, values) and (families, values).
    """

    population: Population
    precision: np.ndarray
    moment: np.ndarray

    def log_density(self, x: np.ndarray, cores: int = 1) -> np.ndarray:
        """Return the log density of spreads at coordinates, shape (points, size)."""
        named = self.population.spreads(x)
        block = -(-len(x) // cores)
        blocks = [slice(i, i + block) for i in range(0, len(x), block)]
        calls = [call(self._evidence, {n: v[b] for n, v in named.items()}) for b in blocks]
        evidence = np.concatenate([e for e, _ in in_parallel(cores, calls)])
        found = self.population.log_prior(x) + evidence
        return np.where(np.isfinite(found), found, -np.inf)

    def _evidence(
        self, named: dict[str, np.ndarray], rng: np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the log evidence of spreads, and draws of population and labs if asked for."""
        centre, sd = self.population.top
        own, across = self.population.scatter(named)
        shape = (len(own), 2 + int(self.population.lab_of_family.max()), len(centre))
        unit = np.empty((0, *shape[1:])) if rng is None else rng.standard_normal(shape)
        drawn, out = np.empty_like(unit), np.empty(len(own))
        shifted = self.moment - self.precision @ centre
        lab = self.population.lab_of_family
        population_evidence(
            self.precision, shifted, lab, own, across, sd, unit, drawn, out
        )  # fmt: skip
        return out, centre + drawn

    def adapted(self, guide: Guide | None, rng: np.random.Generator, cores: int) -> Guide:
        """Return where the spreads lie, looking first where a guide says."""
        guide = guide or (np.zeros(self.population.size), np.eye(self.population.size))
        return adapted(lambda x: self.log_density(x, cores), guide, _COARSE, rng)

    def draws(self, n: int, guide: Guide, rng: np.random.Generator, cores: int) -> Sampled:
        """Draw from the population's posterior: weighted spreads, and all else given them."""
        lattice = Lattice.around(guide, rng)
        x, log_share, shape = weighed(
            lambda x: self.log_density(x, cores), lattice, _FEWEST, _MOST, n
        )
        values = self.population.spreads(x[rng.permutation(systematic(log_share, n, rng))])
        _, drawn = self._evidence(values, rng)
        k = len(self.population.known[0])
        values["log_population"], values["levels"] = drawn[:, 0, :k], drawn[:, 0, k:]
        if self.population.has_labs:
            values["log_lab"] = drawn[:, 1:, :k]
        return Sampled(values, effective(log_share), shape)

    def cavities(self, x: np.ndarray, wider: float) -> list[Belief]:
        """Return what the other families say of each family, made wider by a factor.

        Parameters
        ----------
        x : coordinates of the spreads, near their mode.
        """
        own_sd, across_sd = self.population.scatter(self.population.spreads(x))
        between, across = own_sd**2, across_sd**2
        centre, sd = self.population.top
        top = np.diag(sd**2)
        lab, n_labs = self.population.lab_of_family, self.population.lab_of_family.max() + 1
        own = _passed(self.precision, self.moment, between)
        labs = np.zeros((n_labs, *own[0].shape[1:])), np.zeros((n_labs, own[1].shape[1]))
        np.add.at(labs[0], lab, own[0])
        np.add.at(labs[1], lab, own[1])
        up = _passed(labs[0], labs[1], across)
        mean, covariance = _combined(centre, top, up[0].sum(0) - up[0], up[1].sum(0) - up[1])
        covariance = covariance + np.diag(across)
        mean, covariance = _combined(
            mean[lab], covariance[lab], labs[0][lab] - own[0], labs[1][lab] - own[1]
        )
        spread = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2) + between)
        return [Belief(m, wider * s) for m, s in zip(mean, spread, strict=True)]


def gaussian_draws(
    population: Population,
    clouds: list[Cloud],
    beliefs: list[Belief],
    n: int,
    before: Sampled | None,
    rng: np.random.Generator,
    cores: int,
) -> Sampled:
    """Draw the population by what points of families say, looking first where it was."""
    guide = None
    if before is not None:
        known = population.places(before.values)
        guide = moments(known, np.full(len(known), 1.0 / len(known)))
    found, guide = _settled(population, clouds, beliefs, guide, rng, cores)
    return found.draws(n, guide, rng, cores)


def _settled(
    population: Population,
    clouds: list[Cloud],
    beliefs: list[Belief],
    guide: Guide | None,
    rng: np.random.Generator,
    cores: int,
) -> tuple[Gaussian, Guide]:
    """Let families and population speak until neither moves, the points staying where they are.

    Returns
    -------
    The population, and where its spreads lie.
    """
    seen, at = clouds, beliefs
    size = len(beliefs[0].mean)
    precision = np.zeros((len(clouds), size, size))
    moment = np.zeros((len(clouds), size))
    known: Gaussian | None = None
    for talk in range(_TALKS):
        calls = [call(heard, c, b) for c, b in zip(seen, at, strict=True)]
        found = in_parallel(cores, calls)
        told = [f for f, said in enumerate(found) if said is not None]
        if told:
            ess = np.array([seen[f].ess for f in told])
            said = messages([found[f] for f in told], ess, [at[f] for f in told])
            # Half of what was said before keeps them from talking past each other.
            old = 0.5 if talk else 0.0
            precision[told] = old * precision[told] + (1 - old) * said[0]
            moment[told] = old * moment[told] + (1 - old) * said[1]
        known = Gaussian(population, precision.copy(), moment.copy())
        guide = known.adapted(guide, rng, cores)
        before, at = at, known.cavities(guide[0], _WIDER)
        far = max(
            np.abs((b.mean - a.mean) / a.spread).max() for b, a in zip(before, at, strict=True)
        )
        if far < _STILL and at is not beliefs:
            break
        calls = [call(under, *m) for m in zip(clouds, beliefs, at, strict=True)]
        seen = in_parallel(cores, calls)
    assert known is not None and guide is not None  # there is a first talk
    return known, guide


def _passed(
    precision: np.ndarray, moment: np.ndarray, variance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pass Gaussian messages up through scatter of this variance."""
    share = np.linalg.inv(np.eye(moment.shape[-1]) + precision * variance)
    out = share @ precision
    return (out + out.swapaxes(-1, -2)) / 2, (share @ moment[..., None])[..., 0]


def _combined(
    mean: np.ndarray, covariance: np.ndarray, precision: np.ndarray, moment: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Combine priors, perhaps without scatter, with Gaussian messages."""
    gain = np.linalg.inv(np.eye(mean.shape[-1]) + covariance @ precision)
    moved = mean[..., None] + covariance @ moment[..., None]
    return (gain @ moved)[..., 0], gain @ covariance
