"""The population behind the families, what each family's rows say standing as a Gaussian."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayeslaw.inference.health import MAX_TAIL_SHAPE
from bayeslaw.inference.quadrature.evidence import CEILING, MIDDLE, WIDTH, population_evidence
from bayeslaw.inference.quadrature.ladder import Belief
from bayeslaw.inference.quadrature.lattice import (
    Guide,
    Lattice,
    effective,
    smoothed,
    systematic,
    tempered,
)
from bayeslaw.inference.rows import noise_levels
from bayeslaw.laws import Law
from bayeslaw.laws.law import prior_location
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec
from bayeslaw.pool import call, in_parallel

_ROUNDS = 30
_COARSE = 512
# Points behind the draws, at least and at most.
_FEWEST, _MOST = 4096, 2**16


@dataclass(frozen=True)
class Sampled:
    """Draws of the population, and how far to trust them.

    Attributes
    ----------
    values : ``log_population`` and ``between`` of shape (draws, parameters), ``levels`` (draws,
        levels), and if labs are a level ``across`` (draws, parameters) and ``log_lab`` (draws,
        labs, parameters).
    ess, shape : effective number of the weighted points behind them, and the shape of the
        weights' tail.
    """

    values: dict[str, np.ndarray]
    ess: float
    shape: float


@dataclass(frozen=True)
class Population:
    """The population, known by what each family's rows say of it.

    Its spreads between families, and across labs if those are a level, have standard normal
    coordinates of shape (spreads,); given them all else is Gaussian.

    Attributes
    ----------
    precision, moment : what each family's rows say of its log parameters in units and log noise
        levels, as a Gaussian in the region where the population puts them; shapes (families,
        values, values) and (families, values).
    """

    spec: Spec
    layout: Layout
    precision: np.ndarray
    moment: np.ndarray

    @property
    def has_labs(self) -> bool:
        """Whether labs are a level."""
        return self.spec.labs and self.layout.has_labs

    @cached_property
    def known(self) -> tuple[np.ndarray, ...]:
        """Prior medians and spreads, typical spread between families, what is pooled, noise."""
        law: Law = self.spec.law  # type: ignore[assignment]
        priors = [self.layout.priors[n] for n in law.parameter_names]
        levels = [prior_location(*i) for _, i in noise_levels(self.spec, self.layout)]
        return (
            np.array([p.location for p in priors]),
            np.array([p.spread for p in priors]),
            np.array([p.between for p in priors]),
            np.array([self.spec.pooling(n) == "partial" for n in law.parameter_names]),
            np.array(levels),
        )

    @cached_property
    def lab_of_family(self) -> np.ndarray:
        """Lab of each family; one lab if labs are not a level."""
        lab = self.layout.lab_of_family
        return lab if self.has_labs else np.zeros_like(lab)

    @property
    def size(self) -> int:
        """Number of spreads."""
        return len(self.known[0]) * (1 + self.has_labs)

    @cached_property
    def top(self) -> tuple[np.ndarray, np.ndarray]:
        """Centre and s.d. of the population's own prior, of all that families scatter in."""
        location, wide, _, partial, levels = self.known
        own = np.where(partial, wide, 0.0)
        return np.append(location, levels[:, 0]), np.append(own, levels[:, 1])

    def spreads(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Turn coordinates, shape (..., size), into spreads of shape (..., parameters)."""
        typical = self.known[2]
        k = len(typical)
        out = {"between": typical * np.exp(MIDDLE + WIDTH * x[..., :k])}
        if self.has_labs:
            out["across"] = 2 * typical * np.exp(MIDDLE + WIDTH * x[..., k:])
        return out

    def _scatter(self, named: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return s.d. of families in their lab and of labs, shape (..., values)."""
        _, wide, _, partial, levels = self.known
        shape = (*named["between"].shape[:-1], len(levels))
        own = np.where(partial, named["between"], wide)
        own = np.concatenate([own, np.full(shape, self.spec.noise.between)], -1)
        across = np.zeros_like(own)
        if self.has_labs:
            across[..., : len(wide)] = np.where(partial, named["across"], 0.0)
        return own, across

    def log_density(self, x: np.ndarray, cores: int = 1) -> np.ndarray:
        """Return the log density of spreads at coordinates, shape (points, size)."""
        named = self.spreads(x)
        typical = self.known[2]
        out = -0.5 * (x**2).sum(-1)
        for i, n in enumerate(named):
            out -= 0.5 * ((named[n] / (CEILING * (1 + i) * typical)) ** 2).sum(-1)
        block = -(-len(x) // cores)
        blocks = [slice(i, i + block) for i in range(0, len(x), block)]
        calls = [call(self._evidence, {n: v[b] for n, v in named.items()}) for b in blocks]
        found = out + np.concatenate([e for e, _ in in_parallel(cores, calls)])
        return np.where(np.isfinite(found), found, -np.inf)

    def _evidence(
        self, named: dict[str, np.ndarray], rng: np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the log evidence of spreads, and draws of population and labs if asked for."""
        centre, sd = self.top
        own, across = self._scatter(named)
        shape = (len(own), 2 + int(self.lab_of_family.max()), len(centre))
        unit = np.empty((0, *shape[1:])) if rng is None else rng.standard_normal(shape)
        drawn, out = np.empty_like(unit), np.empty(len(own))
        shifted = self.moment - self.precision @ centre
        population_evidence(
            self.precision, shifted, self.lab_of_family, own, across, sd, unit, drawn, out
        )
        return out, centre + drawn

    def adapted(self, guide: Guide | None, rng: np.random.Generator, cores: int) -> Guide:
        """Return where the spreads lie, looking first where a guide says."""
        guide = guide or (np.zeros(self.size), np.eye(self.size))
        for _ in range(_ROUNDS):
            x, log_q = Lattice.around(guide, rng).points(0, _COARSE)
            guide, heat = tempered(x, self.log_density(x, cores) - log_q)
            if heat >= 1.0:
                break
        return guide

    def draws(self, n: int, guide: Guide, rng: np.random.Generator, cores: int) -> Sampled:
        """Draw from the population's posterior: weighted spreads, and all else given them."""
        lattice = Lattice.around(guide, rng)
        points, x, log_weight = 0, np.empty((0, self.size)), np.empty(0)
        while True:
            fresh, log_q = lattice.points(points, max(_FEWEST, 2 * points))
            x = np.concatenate([x, fresh])
            log_weight = np.append(log_weight, self.log_density(fresh, cores) - log_q)
            points = len(x)
            log_share, shape = smoothed(log_weight)
            ess = effective(log_share)
            if (ess >= n and shape <= MAX_TAIL_SHAPE) or points >= _MOST:
                break
        values = self.spreads(x[rng.permutation(systematic(log_share, n, rng))])
        _, drawn = self._evidence(values, rng)
        k = len(self.known[0])
        values["log_population"], values["levels"] = drawn[:, 0, :k], drawn[:, 0, k:]
        if self.has_labs:
            values["log_lab"] = drawn[:, 1:, :k]
        return Sampled(values, ess, shape)

    def around(self, drawn: dict[str, np.ndarray], f: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what one family scatters around at each draw, means and spreads (draws, values).

        Where a family is the only one of its lab, the lab is integrated out.
        """
        location, wide, _, partial, _ = self.known
        spread = drawn["between"]
        centre = drawn["log_population"]
        if self._only(f):
            spread = np.hypot(spread, drawn["across"])
        elif self.has_labs:
            centre = drawn["log_lab"][:, self.lab_of_family[f]]
        noise = np.full_like(drawn["levels"], self.spec.noise.between)
        return (
            np.hstack([np.where(partial, centre, location), drawn["levels"]]),
            np.hstack([np.where(partial, spread, wide), noise]),
        )

    def _only(self, f: int) -> bool:
        return self.has_labs and int((self.lab_of_family == self.lab_of_family[f]).sum()) == 1

    def redrawn_labs(
        self, drawn: dict[str, np.ndarray], values: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Return labs at each draw, those of a single family drawn again given that family.

        Parameters
        ----------
        values : log parameters of each family in their units, shape (families, draws, k).
        """
        partial = self.known[3]
        out = drawn["log_lab"].copy()
        above, below = drawn["across"] ** 2, drawn["between"] ** 2
        for f, lab in enumerate(self.lab_of_family):
            if self._only(f):
                share = above / (above + below)
                middle = drawn["log_population"] + share * (values[f] - drawn["log_population"])
                fresh = middle + np.sqrt(share * below) * rng.standard_normal(middle.shape)
                out[:, lab] = np.where(partial, fresh, out[:, lab])
        return out

    def cavities(self, x: np.ndarray, wider: float) -> list[Belief]:
        """Return what the other families say of each family, made wider by a factor.

        Parameters
        ----------
        x : coordinates of the spreads, near their mode.
        """
        own_sd, across_sd = self._scatter(self.spreads(x))
        between, across = own_sd**2, across_sd**2
        centre, sd = self.top
        top = np.diag(sd**2)
        lab, n_labs = self.lab_of_family, self.lab_of_family.max() + 1
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


def first_belief(spec: Spec, layout: Layout) -> Belief:
    """Return what a family scatters around before any family was seen."""
    law: Law = spec.law  # type: ignore[assignment]
    alone = len(layout.families) == 1
    mean, spread = [], []
    for p in law.parameters:
        prior = layout.priors[p.name]
        own = prior.between if spec.pooling(p.name) == "partial" else 0.0
        mean.append(prior.location)
        spread.append(np.hypot(prior.spread, own))
    for _, interval in noise_levels(spec, layout):
        middle, width = prior_location(*interval)
        mean.append(middle)
        spread.append(width if alone else np.hypot(width, spec.noise.between))
    return Belief(np.array(mean), np.array(spread))
