"""The parameters of a family at every draw: known, or drawn from the population."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayeslaw.inference import Fit
from bayeslaw.laws.law import prior_location
from bayeslaw.model.discrepancy import Features
from bayeslaw.model.spec import Inflated

# Between families of unlike tokenizers and evaluation sets, log losses differ by this much
# (fifteen families of seven labs); it counts as this many families' worth of evidence.
_LEVEL_SD, _LEVEL_WEIGHT = 0.26, 4.0


@dataclass(frozen=True)
class FamilyDraws:
    """One family's draws, each of shape (chain, draw) and components (chain, draw, rank).

    ``features`` is None for a family without rows: its discrepancy is drawn from the prior.
    ``drift`` is what the log loss gains per e-fold of compute beyond the runs.
    """

    parameters: dict[str, np.ndarray]
    noise: np.ndarray
    discrepancy: np.ndarray
    drift: np.ndarray
    components: np.ndarray | None
    features: Features | None


def known_family(fit: Fit, family: str, rng: np.random.Generator) -> FamilyDraws:
    """Return the posterior of a family that has rows."""
    post, layout = fit.posterior, fit.layout
    f = layout.families.index(family)
    shape = post["run_sd"].shape[:2]
    variance = post["run_sd"].values[..., f] ** 2
    if "checkpoint_sd" in post:
        variance = variance + post["checkpoint_sd"].values[..., f] ** 2
    has = fit.spec.process is not None
    features = layout.features[f] if has else None
    return FamilyDraws(
        {n: post[n].values[..., f] for n in fit.law.parameter_names},
        np.sqrt(variance),
        post["discrepancy_sd"].values[..., f] if has else np.zeros(shape),
        _drift(fit, shape, rng),
        post["wander"].values[..., f, : features.rank] if features is not None else None,
        features,
    )


def new_family(fit: Fit, rng: np.random.Generator) -> FamilyDraws:
    """Draw a family from the population: of a new lab, with a level of its own."""
    post, layout, spec = fit.posterior, fit.layout, fit.spec
    shape = post["run_sd"].shape[:2]
    between = post["between"].values ** 2
    if "across" in post:
        between = between + post["across"].values ** 2
    level = np.exp(_new_level(np.log(layout.anchors), shape, rng))
    parameters = {}
    for i, p in enumerate(fit.law.parameters):
        prior, middle = layout.priors[p.name], post["log_population"].values[..., i]
        unit = rng.standard_normal(shape)
        match spec.pooling(p.name):
            case "shared":
                parameters[p.name] = np.exp(middle) * prior.scale[0]
                continue
            case "none":
                drawn = prior.location + prior.spread * unit
            case _:
                drawn = middle + np.sqrt(between[..., i]) * unit
        # A prior in nats already says where the level is; otherwise it scales with the losses.
        relative = p.in_loss_units and p.name not in spec.priors
        parameters[p.name] = np.exp(drawn) * (level if relative else 1.0)

    def noise_level(name: str) -> np.ndarray:
        if f"log_typical_{name}" in post:
            middle = post[f"log_typical_{name}"].values
        else:
            middle = np.log(post[name].values[..., 0])
        return np.exp(middle + spec.noise.between * rng.standard_normal(shape))

    noise = noise_level("run_sd") ** 2
    if "checkpoint_sd" in post:
        noise = noise + noise_level("checkpoint_sd") ** 2
    discrepancy = np.zeros(shape)
    if spec.process is not None:
        middle, width = prior_location(*spec.process.scale)
        discrepancy = np.exp(middle + width * rng.standard_normal(shape))
    drift = _drift(fit, shape, rng)
    return FamilyDraws(parameters, np.sqrt(noise), discrepancy, drift, None, None)


def _drift(fit: Fit, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw a family's drift per e-fold: its s.d. from the prior, for no run tells of it."""
    inflated = fit.spec.discrepancy
    if not isinstance(inflated, Inflated):
        return np.zeros(shape)
    middle, width = prior_location(*inflated.kappa)
    kappa = np.exp(middle + width * rng.standard_normal(shape))
    return kappa * rng.standard_normal(shape)


def _new_level(
    log_anchors: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    """Draw the log loss level of a family without rows, given the levels of the others.

    A normal with unknown mean and variance: the conjugate predictive, a Student-t.
    """
    n = len(log_anchors)
    freedom = _LEVEL_WEIGHT + n - 1
    square = _LEVEL_WEIGHT * _LEVEL_SD**2 + ((log_anchors - log_anchors.mean()) ** 2).sum()
    scale = np.sqrt(square / freedom * (1 + 1 / n))
    return log_anchors.mean() + scale * rng.standard_t(freedom, shape)
