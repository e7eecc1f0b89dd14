"""The population's density by the points of its families, with no Gaussian in between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np

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
from bayeslaw.inference.quadrature.select import values_of, weigh, without_belief
from bayeslaw.pool import call, in_parallel

# Points of a look, points behind the draws and how many effective ones are enough; where there are
# many families each point costs much.
_LOOK, _LOOK_OF_MANY, _MANY = 512, 256, 100
_FEWEST, _MOST, _ENOUGH = 2048, 2**14, 1000.0


@dataclass(frozen=True)
class Pointwise:
    """The population, known by weighted points of each family.

    Its coordinates are those of the spreads and then the centres that are not fixed, both in
    units of their prior. A family's evidence is the average of its points' weights, so nothing
    that its rows say is taken for Gaussian.

    Attributes
    ----------
    population : what the families scatter around.
    points : by family: what the population scatters, shape (values, points), and log weights
        without a prior, shape (points,).
    """

    population: Population
    points: dict[int, tuple[np.ndarray, np.ndarray]]

    @classmethod
    def of(
        cls,
        population: Population,
        which: list[int],
        clouds: list[Cloud],
        beliefs: list[Belief],
    ) -> Pointwise:
        """Take points of some families, sampled under these working priors."""
        points = {}
        for f, cloud, belief in zip(which, clouds, beliefs, strict=True):
            there = np.isfinite(cloud.log_weight)
            values = values_of(cloud, len(belief.mean))[there]
            log_weight = without_belief(cloud, belief)[there]
            points[f] = np.ascontiguousarray(values.T), log_weight
        return cls(population, points)

    @cached_property
    def free(self) -> np.ndarray:
        """Which centres are not fixed, shape (values,)."""
        return self.population.top[1] > 0

    def named(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """Turn coordinates, shape (points, d), into spreads, centres and noise levels."""
        population = self.population
        middle, wide = population.top
        centre = np.broadcast_to(middle, (len(z), len(middle))).copy()
        centre[:, self.free] += wide[self.free] * z[:, population.size :]
        out = population.spreads(z[:, : population.size])
        k = len(population.known[0])
        out["log_population"], out["levels"] = centre[:, :k], centre[:, k:]
        if population.has_labs:
            shape = (len(z), int(population.lab_of_family.max()) + 1, k)
            out["log_lab"] = np.broadcast_to(centre[:, None, :k], shape)
        return out

    def coordinates(self, drawn: dict[str, np.ndarray]) -> np.ndarray:
        """Turn draws of the population into coordinates, the inverse of :meth:`named`."""
        middle, wide = self.population.top
        centre = np.hstack([drawn["log_population"], drawn["levels"]]) - middle
        x = self.population.places(drawn)
        return np.hstack([x, centre[:, self.free] / wide[self.free]])

    def log_density(self, z: np.ndarray, cores: int = 1) -> np.ndarray:
        """Return the log density at coordinates, shape (points, d)."""
        drawn, size = self.named(z), self.population.size
        calls = [
            call(log_evidence, *own, *self.population.around(drawn, f))
            for f, own in self.points.items()
        ]
        out = self.population.log_prior(z[:, :size]) - 0.5 * (z[:, size:] ** 2).sum(-1)
        for evidence in in_parallel(cores, calls):
            out += evidence
        return np.where(np.isfinite(out), out, -np.inf)

    def draws(
        self, n: int, before: Sampled | None, rng: np.random.Generator, cores: int
    ) -> Sampled:
        """Draw from the population's posterior, looking first where it was."""

        def log_density(z: np.ndarray) -> np.ndarray:
            return self.log_density(z, cores)

        d = self.population.size + int(self.free.sum())
        guide: Guide = np.zeros(d), np.eye(d)
        if before is not None:
            known = self.coordinates(before.values)
            guide = moments(known, np.full(len(known), 1.0 / len(known)))
        look = _LOOK if len(self.points) <= _MANY else _LOOK_OF_MANY
        lattice = Lattice.around(adapted(log_density, guide, look, rng), rng)
        z, log_share, shape = weighed(log_density, lattice, _FEWEST, _MOST, _ENOUGH)
        values = self.named(z[rng.permutation(systematic(log_share, n, rng))])
        return Sampled(values, effective(log_share), shape)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _log_evidence(values, log_weight, centre, spread, out):
    """Write the log of the summed weights of all points under each normal."""
    weight = np.empty(log_weight.size)
    for d in range(len(centre)):
        total, top = weigh(values, log_weight, centre[d], spread[d], weight)
        out[d] = top + math.log(total)
        for q in range(len(values)):
            out[d] -= math.log(spread[d, q])


def log_evidence(
    values: np.ndarray, log_weight: np.ndarray, centre: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """Return a family's log evidence, but for a constant, where it scatters around centres.

    Parameters
    ----------
    values, log_weight : points of the family, shapes (values, points) and (points,).
    centre, spread : shape (draws, values).
    """
    out = np.zeros(len(centre))
    if log_weight.size:  # a family without a point says nothing, and the gate says so
        _log_evidence(
            values, log_weight, np.ascontiguousarray(centre), np.ascontiguousarray(spread), out
        )
    return out
