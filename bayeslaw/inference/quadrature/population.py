"""The population behind the families, what each family's rows say standing as a Gaussian."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayeslaw.inference.quadrature.evidence import MIDDLE, WIDTH, population_density
from bayeslaw.inference.quadrature.ladder import Belief
from bayeslaw.inference.rows import noise_levels
from bayeslaw.laws import Law
from bayeslaw.laws.law import prior_location
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec

# A lab of this many families is as well known from them as from the other labs.
_HALF_CENTRED = 3.0
_FARTHEST = 50.0


@dataclass(frozen=True)
class Population:
    """The population's density in standard coordinates.

    Coordinates, in this order: population medians and spreads between families, each of shape
    (parameters,); if labs are a level, spreads across labs (parameters,) and labs (labs,
    parameters); then typical noise levels.

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

    @cached_property
    def centred(self) -> np.ndarray:
        """By how much each lab is centred, shape (labs,); none if labs are not a level."""
        families = np.bincount(self.lab_of_family)
        return families / (families + _HALF_CENTRED) if self.has_labs else np.zeros(0)

    @property
    def size(self) -> int:
        """Number of coordinates."""
        k, levels = len(self.known[0]), len(self.known[-1])
        return 2 * k + self.has_labs * (1 + len(self.centred)) * k + levels

    def unpack(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Turn coordinates, shape (..., size), into named quantities."""
        location, wide, typical, _, levels = self.known
        k = len(location)
        out = {
            "log_population": location + wide * x[..., :k],
            "between": typical * np.exp(MIDDLE + WIDTH * x[..., k : 2 * k]),
        }
        if self.has_labs:
            out["across"] = across = 2 * typical * np.exp(MIDDLE + WIDTH * x[..., 2 * k : 3 * k])
            raw = x[..., 3 * k : 3 * k + len(self.centred) * k]
            raw = raw.reshape(*x.shape[:-1], -1, k)
            share, off = self.centred[:, None], wide * x[..., None, :k]
            stretch = across[..., None, :] ** (1 - share)
            out["log_lab"] = out["log_population"][..., None, :] + stretch * (raw - share * off)
        out["levels"] = levels[:, 0] + levels[:, 1] * x[..., x.shape[-1] - len(levels) :]
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

    def log_density(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the log density and its gradient at coordinates, shape (size,)."""
        gradient = np.empty_like(x)
        if not np.all(np.abs(x) < _FARTHEST):
            return -np.inf, np.zeros_like(x)
        location, wide, typical, partial, levels = self.known
        value = population_density(
            x, location, wide, typical, partial, levels, self.lab_of_family, self.centred,
            self.spec.noise.between, self.precision, self.moment, gradient,
        )  # fmt: skip
        return value, gradient

    def cavities(self, x: np.ndarray, wider: float) -> list[Belief]:
        """Return what the other families say of each family, made wider by a factor.

        Parameters
        ----------
        x : coordinates near the mode; spreads are taken from there.
        """
        location, wide, _, partial, levels = self.known
        drawn = self.unpack(x)
        k = len(location)
        noise = np.full(len(levels), self.spec.noise.between)
        between = np.append(np.where(partial, drawn["between"], wide), noise) ** 2
        across = np.zeros_like(between)
        if self.has_labs:
            across[:k] = np.where(partial, drawn["across"], 0.0) ** 2
        top = np.diag(np.append(np.where(partial, wide, 0.0), levels[:, 1]) ** 2)
        centre = np.append(location, levels[:, 0])
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
