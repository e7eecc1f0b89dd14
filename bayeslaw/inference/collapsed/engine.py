"""The collapsed engine: sample the small density, then draw back what was integrated out."""

from __future__ import annotations

import time

import numpy as np

from bayeslaw.inference.assemble import tidy
from bayeslaw.inference.collapsed.density import Collapsed, State
from bayeslaw.inference.collapsed.recover import recover
from bayeslaw.inference.drawn import Drawn, Settings
from bayeslaw.inference.likelihood import run_log_likelihood
from bayeslaw.inference.nuts import sample_density
from bayeslaw.inference.rows import noise_levels
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec

# Draws of the amplitudes of which one is kept.
_CANDIDATES = 8


def collapsed(spec: Spec, layout: Layout, settings: Settings) -> Drawn:
    """Sample the posterior by NUTS on what remains once everything linear is integrated out.

    Amplitudes are taken as normal, close to their log-normal prior, while sampling; what
    that costs is checked by the share of draws with a negative amplitude, and mended within each
    family when amplitudes are drawn back. Heavy tails are a precision factor of each run.
    """
    begin = time.perf_counter()
    density = Collapsed(spec, layout)
    start = np.zeros(density.size)
    density.log_density(start)
    compiled = time.perf_counter()
    found, stats = sample_density(density.log_density, start, **vars(settings))
    flat = found.reshape(-1, density.size)
    values, rejected = _recovered(density, flat, np.random.default_rng([settings.seed, 4]))
    likelihood = run_log_likelihood(spec, layout, values)
    seconds = {"compile": compiled - begin, "sample": time.perf_counter() - compiled}
    return Drawn(
        tidy(spec, layout, values, settings.chains),
        stats,
        tidy(spec, layout, {"loss": likelihood}, settings.chains),
        seconds,
        rejected=rejected,
    )


def _recovered(
    density: Collapsed, coordinates: np.ndarray, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return every named quantity at every draw, and each family's share of rejected draws."""
    spec, layout, law = density.spec, density.layout, density.law
    families, draws = len(layout.families), len(coordinates)
    levels = [n for n, _ in noise_levels(spec, layout)]
    out: dict[str, np.ndarray] = {
        n: np.empty((draws, families)) for n in (*law.parameter_names, *levels)
    }
    if spec.process is not None:
        out["discrepancy_sd"] = np.empty((draws, families))
        out["wander"] = np.zeros((draws, families, layout.phi.shape[1]))
    rejected = np.zeros(families)
    for d, x in enumerate(coordinates):
        state = density.state(x)
        for j, n in enumerate(density.parts.known):
            out[n][d] = np.exp(state.log_known[:, j]) * layout.priors[n].scale
        for j, n in enumerate(levels):
            out[n][d] = np.exp(state.log_noise[:, j])
        if spec.process is not None:
            out["discrepancy_sd"][d] = np.exp(state.log_scale)
        for n, v in state.population.items():
            if n != "levels":
                out.setdefault(n, np.empty((draws, *v.shape)))[d] = v
        for j, n in enumerate(levels if state.population else []):
            out.setdefault(f"log_typical_{n}", np.empty(draws))[d] = state.population["levels"][j]
        rejected += _draw_back(density, state, out, d, rng) / draws
    if "log_population" in out:
        out["population"] = np.exp(out["log_population"])
    return out, rejected


def _draw_back(
    density: Collapsed, state: State, out: dict[str, np.ndarray], d: int, rng: np.random.Generator
) -> np.ndarray:
    """Write amplitudes and components of every family at one draw; return rejected shares."""
    layout = density.layout
    line = density.linearised(state)
    mean, variance, *_ = density.amplitude_prior(state)
    rows_of, runs_of, starts, phi, ranks, remainder, loss_sd, position = density.arrays
    noise, scale = np.exp(state.log_noise), np.exp(state.log_scale)
    weight = np.exp(state.log_weight)
    straight = bool(density.parts.free)
    curve = np.exp(layout.log_curve) if straight else np.exp(layout.log_loss - line.target)
    # What is known of the law, in units of the curve.
    fixed = 1.0 + layout.log_loss - layout.log_curve - line.target if straight else 1.0 + 0 * curve
    amplitudes, rejected = density.parts.free, np.empty(len(ranks))
    log_spread = state.spread[density.amplitudes]
    for f, rank in enumerate(ranks):
        a, b = rows_of[f], rows_of[f + 1]
        runs = slice(runs_of[f], runs_of[f + 1])
        unit = rng.standard_normal((_CANDIDATES + 1, int(rank) + len(amplitudes)))
        found, components = np.empty(len(amplitudes)), np.empty(rank)
        rejected[f] = recover(
            starts[runs_of[f] : runs_of[f + 1] + 1] - a, line.columns[a:b], line.target[a:b],
            layout.log_loss[a:b], curve[a:b], fixed[a:b], phi[a:b, :rank].copy(), remainder[a:b],
            loss_sd[a:b], position[a:b], noise[f, 0], noise[f, 1] if noise.shape[1] > 1 else 0.0,
            scale[f], weight[runs], mean[f], variance[f], state.centre[f, density.amplitudes],
            log_spread, unit, rng.random(), found, components,
        )  # fmt: skip
        for j, n in enumerate(amplitudes):
            out[n][d, f] = found[j] * layout.priors[n].scale[f]
        if rank:
            out["wander"][d, f, :rank] = components
    return rejected
