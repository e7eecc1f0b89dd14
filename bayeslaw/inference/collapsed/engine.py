"""The collapsed engine: sample all but the discrepancy, then draw that from its conditional."""

from __future__ import annotations

import time

import numpy as np

from bayeslaw.inference.assemble import tidy
from bayeslaw.inference.collapsed.density import Collapsed, above
from bayeslaw.inference.collapsed.recover import recover
from bayeslaw.inference.drawn import Drawn, Settings
from bayeslaw.inference.likelihood import run_log_likelihood
from bayeslaw.inference.nuts import sample_density
from bayeslaw.inference.rows import noise_levels
from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec


def collapsed(spec: Spec, layout: Layout, settings: Settings) -> Drawn:
    """Sample the posterior by NUTS on what remains once the discrepancy is integrated out.

    Nothing is approximated: the discrepancy is Gaussian on log loss whatever the law, and heavy
    tails are a precision factor of each run.
    """
    begin = time.perf_counter()
    density = Collapsed(spec, layout)
    start = np.zeros(density.size)
    density.log_density(start)
    compiled = time.perf_counter()
    found, stats = sample_density(density.log_density, start, **vars(settings))
    rng = np.random.default_rng([settings.seed, 4])
    values = recovered(density, found.reshape(-1, density.size), rng)
    likelihood = run_log_likelihood(spec, layout, values)
    seconds = {"compile": compiled - begin, "sample": time.perf_counter() - compiled}
    return Drawn(
        tidy(spec, layout, values, settings.chains),
        stats,
        tidy(spec, layout, {"loss": likelihood}, settings.chains),
        seconds,
    )


def recovered(
    density: Collapsed, coordinates: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return every named quantity at draws of the coordinates, shape (draws, size)."""
    spec, layout, known = density.spec, density.layout, density.known
    law: Law = spec.law  # type: ignore[assignment]
    draws, families = len(coordinates), len(layout.families)
    log_values = np.empty((draws, families, len(law.parameters)))
    noise = np.empty((draws, families, 3))
    wander = np.zeros((draws, families, layout.phi.shape[1]))
    place = list(density.shapes).index("weight")
    unit = rng.standard_normal(wander.shape)
    recover(coordinates, known, known.begins[place], unit, log_values, noise, wander)
    values = np.exp(log_values + known.log_scale)
    out = {n: values[..., i] for i, n in enumerate(law.parameter_names)}
    levels = [n for n, _ in noise_levels(spec, layout)]
    out |= {n: noise[..., j] for j, n in enumerate(levels)}
    if spec.discrepancy is not None:
        out |= {"discrepancy_sd": noise[..., 2], "wander": wander}
    return out if known.alone else out | _population(density, coordinates, levels)


def _population(
    density: Collapsed, coordinates: np.ndarray, levels: list[str]
) -> dict[str, np.ndarray]:
    """Return the quantities of the population at draws of the coordinates."""
    found = [above(x, density.known) for x in coordinates]
    upper, between, across, lab, typical = (np.array(v) for v in zip(*found, strict=True))
    out = {"log_population": upper, "population": np.exp(upper), "between": between}
    if lab.size:
        out |= {"across": across, "log_lab": lab}
    return out | {f"log_typical_{n}": typical[:, j] for j, n in enumerate(levels)}
