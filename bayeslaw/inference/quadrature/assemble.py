"""Chosen points, and the population they were chosen for, under the names of a posterior."""

from __future__ import annotations

import numpy as np

from bayeslaw.inference.quadrature.ladder import Ladder
from bayeslaw.inference.quadrature.population import Population
from bayeslaw.inference.quadrature.sampler import Cloud
from bayeslaw.inference.rows import noise_levels
from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec


def family_draws(
    spec: Spec, layout: Layout, rows: list[Ladder], clouds: list[Cloud], chosen: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what varies by family at each draw.

    Parameters
    ----------
    chosen : index of each family's point at each draw, shape (families, draws).
    """
    law: Law = spec.law  # type: ignore[assignment]
    families, draws = chosen.shape
    levels = [n for n, _ in noise_levels(spec, layout)]
    if spec.process is not None:
        levels.append("discrepancy_sd")
    out: dict[str, np.ndarray] = {
        n: np.empty((draws, families)) for n in (*law.parameter_names, *levels)
    }
    if spec.process is not None:
        out["wander"] = np.zeros((draws, families, layout.phi.shape[1]))
    for f, (ladder, cloud, index) in enumerate(zip(rows, clouds, chosen, strict=True)):
        for i, n in enumerate(law.parameter_names):
            out[n][:, f] = np.exp(cloud.log_parameters[index, i]) * ladder.scale[i]
        for i, n in enumerate(levels):
            out[n][:, f] = np.exp(cloud.log_sd[index, i])
        if spec.process is not None:
            out["wander"][:, f, : cloud.components.shape[1]] = cloud.components[index]
    return out


def population_draws(population: Population, drawn: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the population's named quantities, each of shape (draws, ...)."""
    out = {n: v for n, v in drawn.items() if n != "levels"}
    out["population"] = np.exp(drawn["log_population"])
    levels = noise_levels(population.spec, population.layout)
    for i, (n, _) in enumerate(levels):
        out[f"log_typical_{n}"] = drawn["levels"][:, i]
    return out
