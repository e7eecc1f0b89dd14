"""The population behind the families: its spreads, centres and labs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayeslaw.inference.quadrature.evidence import CEILING, MIDDLE, WIDTH
from bayeslaw.inference.quadrature.ladder import Belief
from bayeslaw.inference.rows import noise_levels
from bayeslaw.laws import Law
from bayeslaw.laws.law import prior_location
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec


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
    """What families scatter around.

    Its spreads between families, and across labs if those are a level, have standard normal
    coordinates of shape (spreads,).
    """

    spec: Spec
    layout: Layout

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

    def places(self, drawn: dict[str, np.ndarray]) -> np.ndarray:
        """Turn spreads into coordinates, the inverse of :meth:`spreads`."""
        named = [drawn[n] / (1 + i) for i, n in enumerate(self.spreads(np.zeros(self.size)))]
        return np.hstack([(np.log(s / self.known[2]) - MIDDLE) / WIDTH for s in named])

    def scatter(self, named: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return s.d. of families in their lab and of labs, shape (..., values)."""
        _, wide, _, partial, levels = self.known
        shape = (*named["between"].shape[:-1], len(levels))
        own = np.where(partial, named["between"], wide)
        own = np.concatenate([own, np.full(shape, self.spec.noise.between)], -1)
        across = np.zeros_like(own)
        if self.has_labs:
            across[..., : len(wide)] = np.where(partial, named["across"], 0.0)
        return own, across

    def log_prior(self, x: np.ndarray) -> np.ndarray:
        """Return the log prior density of spreads at coordinates, shape (points, size)."""
        out = -0.5 * (x**2).sum(-1)
        for i, spread in enumerate(self.spreads(x).values()):
            out -= 0.5 * ((spread / (CEILING * (1 + i) * self.known[2])) ** 2).sum(-1)
        return out

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

    @cached_property
    def flat(self) -> bool:
        """Whether families scatter around the population itself, no lab having two of them."""
        return not self.has_labs or len(set(self.lab_of_family)) == len(self.lab_of_family)

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
