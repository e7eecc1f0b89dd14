"""Chosen points as a posterior in the same names and dims as every engine's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayeslaw import names
from bayeslaw.inference.quadrature.ladder import Ladder, noise_levels
from bayeslaw.inference.quadrature.laplace import by_run
from bayeslaw.inference.quadrature.population import Population
from bayeslaw.inference.quadrature.sampler import Cloud
from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec

_DIMS = {
    "wander": (names.FAMILY, "component"),
    "loss": (names.RUN,),
    "population": ("parameter",),
    "log_population": ("parameter",),
    "between": ("parameter",),
    "across": ("parameter",),
    "log_lab": (names.LAB, "parameter"),
    "log_typical_run_sd": (),
    "log_typical_checkpoint_sd": (),
}


def family_draws(
    spec: Spec, layout: Layout, rows: list[Ladder], clouds: list[Cloud], chosen: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return what varies by family at each draw, and the log likelihood of each run.

    Parameters
    ----------
    chosen : index of each family's point at each draw, shape (families, draws).
    """
    law: Law = spec.law  # type: ignore[assignment]
    families, draws = chosen.shape
    levels = [n for n, _ in noise_levels(spec, layout)]
    if spec.discrepancy is not None:
        levels.append("discrepancy_sd")
    out = {n: np.empty((draws, families)) for n in (*law.parameter_names, *levels)}
    if spec.discrepancy is not None:
        out["wander"] = np.zeros((draws, families, layout.phi.shape[1]))
    likelihood = np.empty((draws, len(layout.runs)))
    first = np.searchsorted(layout.family_of_run, np.arange(families + 1))
    for f, (ladder, cloud, index) in enumerate(zip(rows, clouds, chosen, strict=True)):
        for i, n in enumerate(law.parameter_names):
            out[n][:, f] = np.exp(cloud.log_parameters[index, i]) * ladder.scale[i]
        for i, n in enumerate(levels):
            out[n][:, f] = np.exp(cloud.log_sd[index, i])
        if spec.discrepancy is not None:
            out["wander"][:, f, : cloud.components.shape[1]] = cloud.components[index]
        used, back = np.unique(index, return_inverse=True)
        likelihood[:, first[f] : first[f + 1]] = _by_run(spec, layout, ladder, cloud, used)[back]
    return out, {"loss": likelihood}


def _by_run(
    spec: Spec, layout: Layout, ladder: Ladder, cloud: Cloud, used: np.ndarray
) -> np.ndarray:
    law = ladder.law
    values = np.exp(cloud.log_parameters[used]) * ladder.scale
    at = {n: values[:, i, None] for i, n in enumerate(law.parameter_names)}
    sd = np.exp(cloud.log_sd[used])
    none = np.zeros(len(used))
    scale = np.ascontiguousarray(sd[:, -1]) if spec.discrepancy is not None else none
    wander = scale[:, None] * (cloud.components[used] @ ladder.phi.T)
    off = ladder.log_loss - np.log(law(ladder.inputs, at)) - wander
    checkpoint = np.ascontiguousarray(sd[:, 1]) if layout.has_checkpoints else none
    return by_run(
        np.ascontiguousarray(off), ladder.remainder, ladder.loss_sd, ladder.position,
        ladder.starts, np.ascontiguousarray(sd[:, 0]), checkpoint, scale,
        float(spec.noise.tails or 0.0),
    )  # fmt: skip


def population_draws(population: Population, drawn: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the population's named quantities, each of shape (draws, ...)."""
    out = {n: v for n, v in drawn.items() if n != "levels"}
    out["population"] = np.exp(drawn["log_population"])
    levels = noise_levels(population.spec, population.layout)
    for i, (n, _) in enumerate(levels):
        out[f"log_typical_{n}"] = drawn["levels"][:, i]
    return out


def tidy(spec: Spec, layout: Layout, values: Mapping[str, np.ndarray], chains: int) -> xr.Dataset:
    """Return draws, laid one chain after the other, as a dataset with named dims."""
    law: Law = spec.law  # type: ignore[assignment]
    coords: dict[str, Any] = {
        "parameter": list(law.parameter_names),
        names.FAMILY: list(layout.families),
        names.RUN: list(layout.runs),
        names.LAB: list(layout.labs),
        "component": [str(i) for i in range(layout.phi.shape[1])],
    }
    variables = {}
    for n, v in values.items():
        dims = _DIMS.get(n, (names.FAMILY,))
        variables[n] = (("chain", "draw", *dims), v.reshape(chains, -1, *v.shape[1:]))
    used = {d for dims, _ in variables.values() for d in dims}
    total = len(next(iter(values.values())))
    steps = {"chain": range(chains), "draw": range(total // chains)}
    return xr.Dataset(variables, {k: v for k, v in (steps | coords).items() if k in used})
