"""Parameters of the latent-skill model and the covariances they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Normal(NamedTuple):
    """A prior: mean and standard deviation."""

    mean: float
    sd: float


#: Of the logarithms of spreads, in logits. Loadings carry the scale of families.
PRIORS = {
    "input": Normal(np.log(1.5), 0.6),  # effect of an input over family, per skill
    "lab": Normal(np.log(0.7), 0.6),  # lab over family
    "slope": Normal(np.log(0.25), 0.6),  # efficiency of a family, per s.d. of the first input
    "model": Normal(np.log(0.4), 0.6),  # model over family
    "offset": Normal(np.log(0.15), 0.7),  # of a family in one benchmark
    "jitter": Normal(np.log(0.12), 0.7),  # of a model in one benchmark
}
LOADING_SD = 0.8  #: of the first skill; each further one is expected to matter less
SHRINK = 0.75
OWN_EFFECT = 0.25  #: of an input on one benchmark past its skills, in logits
LEVEL_SD = 3.0  #: of the level of a benchmark, in logits
UNKNOWN_INPUT = 2.5  #: s.d. of an input that is not known, in s.d. of the known ones


@dataclass(frozen=True)
class Shape:
    """Numbers of benchmarks and skills, and how parameters lie in one vector.

    Order: loadings (benchmark, skill), then logarithms of the spreads of inputs, lab, slope and
    model (each per skill), of offset and jitter (each per benchmark).
    """

    benchmarks: int
    skills: int

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.benchmarks * self.skills + 4 * self.skills + 2 * self.benchmarks

    def split(self, theta: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return loadings, and the log spreads of input, lab, slope, model, offset, jitter."""
        k, j = self.skills, self.benchmarks
        loadings, *spreads = np.split(theta, np.cumsum([j * k, k, k, k, k, j]))
        return loadings.reshape(j, k), *spreads

    def prior(self) -> tuple[np.ndarray, np.ndarray]:
        """Return means and standard deviations of the normal prior."""
        k, j = self.skills, self.benchmarks
        loading = np.tile(LOADING_SD * SHRINK ** np.arange(k), j)
        counts = {"input": k, "lab": k, "slope": k, "model": k, "offset": j, "jitter": j}
        means = [np.full(n, PRIORS[name].mean) for name, n in counts.items()]
        sds = [np.full(n, PRIORS[name].sd) for name, n in counts.items()]
        return np.concatenate([np.zeros(j * k), *means]), np.concatenate([loading, *sds])


@dataclass(frozen=True, eq=False)
class Covariances:
    """Covariances between benchmarks, in squared logits, each (benchmark, benchmark).

    Attributes
    ----------
    effect : of the effect of each input.
    lab, family, slope, model : of what all models of a lab, all of a family, the efficiency of a
        family, and one model have in common across benchmarks.
    """

    effect: np.ndarray
    lab: np.ndarray
    family: np.ndarray
    slope: np.ndarray
    model: np.ndarray


def covariances(theta: np.ndarray, shape: Shape) -> Covariances:
    """Return the covariances that parameters stand for."""
    loadings, effect, lab, slope, model, offset, jitter = shape.split(theta)
    own = np.diag(np.exp(2 * offset))

    def shared(log_sd: np.ndarray) -> np.ndarray:
        return (loadings * np.exp(2 * log_sd)) @ loadings.T

    return Covariances(
        effect=shared(effect) + OWN_EFFECT**2 * np.eye(shape.benchmarks),
        lab=shared(lab),
        family=loadings @ loadings.T + own,
        slope=shared(slope) + 0.1 * own,
        model=shared(model) + np.diag(np.exp(2 * jitter)),
    )


def pull_back(theta: np.ndarray, shape: Shape, grad: Covariances) -> np.ndarray:
    """Return the gradient in the parameters from that in the covariances (symmetric)."""
    loadings, effect, lab, slope, model, offset, jitter = shape.split(theta)
    in_loadings = 2 * grad.family @ loadings
    in_spreads = []
    for log_sd, part in (
        (effect, grad.effect), (lab, grad.lab), (slope, grad.slope), (model, grad.model)
    ):  # fmt: skip
        scaled = part @ loadings
        in_loadings += 2 * scaled * np.exp(2 * log_sd)
        in_spreads.append(2 * np.exp(2 * log_sd) * (loadings * scaled).sum(0))
    own = np.diag(grad.family) + 0.1 * np.diag(grad.slope)
    in_spreads.append(2 * np.exp(2 * offset) * own)
    in_spreads.append(2 * np.exp(2 * jitter) * np.diag(grad.model))
    return np.concatenate([in_loadings.ravel(), *in_spreads])


def effects_covariance(c: Covariances, inputs: int) -> np.ndarray:
    """Return the prior covariance of levels and of the effects of each input."""
    j = len(c.effect)
    total = np.zeros((j * (1 + inputs), j * (1 + inputs)))
    total[:j, :j] = LEVEL_SD**2 * np.eye(j)
    for p in range(1, 1 + inputs):
        total[p * j : (p + 1) * j, p * j : (p + 1) * j] = c.effect
    return total
