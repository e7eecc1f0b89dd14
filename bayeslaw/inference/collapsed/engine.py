"""The collapsed engine: sample all but the discrepancy, then draw that from its conditional."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from bayeslaw.inference.assemble import tidy
from bayeslaw.inference.collapsed.density import Collapsed, above
from bayeslaw.inference.collapsed.known import Hints
from bayeslaw.inference.collapsed.pilot import hinted, relaid
from bayeslaw.inference.collapsed.recover import recover
from bayeslaw.inference.drawn import Drawn, Settings
from bayeslaw.inference.likelihood import run_log_likelihood
from bayeslaw.inference.nuts import sample_density
from bayeslaw.inference.rows import noise_levels
from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec

# Draws per chain below which a pilot says too little.
_LEAST = 25
# Pilots, the second of which sees spreads that the first has only come near, and chains of each.
_PILOTS, _CHAINS = 2, 2
# Doublings of its trajectories: it need not mix, only come near.
_DEEPEST = 5


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
    for _ in range(_PILOTS):
        density, start = piloted(density, start, settings)
    found, stats = sample_density(density.log_density, start, **settings.of_chains)
    rng = np.random.default_rng([settings.seed, 4])
    values = recovered(density, found.reshape(-1, density.size), rng)
    likelihood = run_log_likelihood(spec, layout, values, settings.cores)
    seconds = {"compile": compiled - begin, "sample": time.perf_counter() - compiled}
    return Drawn(
        tidy(spec, layout, values, settings.chains),
        stats,
        tidy(spec, layout, {"loss": likelihood}, settings.chains),
        seconds,
    )


def piloted(
    density: Collapsed, start: np.ndarray, settings: Settings
) -> tuple[Collapsed, np.ndarray]:
    """Return the density in coordinates that a short run found better, and where to start."""
    short = replace(
        settings, draws=settings.tune // 5, tune=settings.tune // 3, progress=False,
        chains=min(settings.chains, _CHAINS), target_accept=0.8,
    )  # fmt: skip
    if short.draws < _LEAST:
        return density, start
    found, _ = sample_density(density.log_density, start, **short.of_chains, deepest=_DEEPEST)
    flat = found.reshape(-1, density.size)
    spec, known = density.spec, density.known
    log_values, noise, weight = density.families(flat)
    layout, eases = relaid(
        spec, density.layout, np.median(log_values, 0), np.median(noise, 0), np.median(weight, 0)
    )
    _, between, across, _, levels = (
        np.array(v) for v in zip(*(above(x, known) for x in flat), strict=True)
    )
    guess = Hints(*(getattr(known, name) for name in Hints._fields))
    hints = hinted(layout, guess, eases, noise, weight, levels, known.noise_between)
    if not known.alone:
        hints = hints._replace(apart=np.median(between, 0))
    if known.lab_centre.size:
        hints = hints._replace(labs_apart=np.median(across, 0))
    better = Collapsed(spec, layout, hints)
    start = np.median(flat, axis=0)
    at = better.coordinates(start)
    # These have changed their meaning, and at zero they are near the middle.
    for name in ("population", "lab", "own"):
        at[name][:] = 0.0
    away = np.median(levels, 0) - known.levels[:, 0]
    own = np.log(np.median(noise, 0)[:, : len(away)]) - known.levels[:, 0]
    stretch = known.noise_between ** (1.0 - hints.noise_share)
    at["noise"][:] = (own - away) / stretch + hints.noise_share * away
    if at["weight"].size:
        follow = np.sum(hints.lean * own[layout.family_of_run], axis=1)
        at["weight"][:] = np.log(np.median(weight, 0)) - follow
    return better, start


def recovered(
    density: Collapsed, coordinates: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return every named quantity at draws of the coordinates, shape (draws, size)."""
    spec, layout, known = density.spec, density.layout, density.known
    law: Law = spec.law  # type: ignore[assignment]
    log_values, noise, weight = density.families(coordinates)
    wander = np.zeros((len(coordinates), len(layout.families), layout.phi.shape[1]))
    unit = rng.standard_normal(wander.shape)
    recover(known, log_values, noise, weight, unit, wander)
    values = np.exp(log_values + known.log_scale)
    out = {n: values[..., i] for i, n in enumerate(law.parameter_names)}
    levels = [n for n, _ in noise_levels(spec, layout)]
    out |= {n: noise[..., j] for j, n in enumerate(levels)}
    if spec.process is not None:
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
