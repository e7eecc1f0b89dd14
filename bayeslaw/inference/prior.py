"""The declared model in plain numpy: draws from the prior, the losses they imply, their density.

The graph in ``model/build.py`` says the same to PyMC; the tests hold the two descriptions together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import gammaln

from bayeslaw.laws import Law
from bayeslaw.laws.law import Z95, prior_location
from bayeslaw.model.layout import APART, CAP, Layout, lay_out
from bayeslaw.model.spec import Spec
from bayeslaw.runs import Runs


def prior_predictive(
    runs: Runs, spec: Spec | None = None, *, draws: int = 500, seed: int = 0
) -> xr.Dataset:
    """Draw parameters and the losses of the runs' curves from the prior.

    Parameters
    ----------
    runs : where to evaluate; their losses set only the families' loss scales.
    spec : the model; the default one unless given.
    draws : number of draws.
    seed : seed of the random numbers.

    Returns
    -------
    xarray.Dataset
        Parameters with dims (draw, family) and ``loss`` with dims (draw, row), nats per token.
    """
    spec = Spec() if spec is None else spec
    layout = lay_out(spec, runs)
    drawn = draw_prior(spec, layout, draws=draws, seed=seed)
    law: Law = spec.law  # type: ignore[assignment]
    loss = np.exp(_log_curve(spec, layout, drawn))
    return drawn[[*law.parameter_names]].assign(loss=(("draw", "row"), loss))


def draw_prior(spec: Spec, layout: Layout, *, draws: int, seed: int = 0) -> xr.Dataset:
    """Draw everything the model declares, and new losses of the same runs, from the prior.

    Parameters
    ----------
    spec : the model.
    layout : the runs, from :func:`bayeslaw.model.lay_out`; its losses set only loss scales.
    draws : number of draws.
    seed : seed of the random numbers.

    Returns
    -------
    xarray.Dataset
        The variables of a fit's posterior under the same names, with ``draw`` as first dim, and
        ``log_loss`` with dims (draw, row). The light tails that cap the standard deviations are
        honoured. For a single family ``between`` is the typical spread, as in its fit.
    """
    rng = np.random.default_rng(seed)
    law: Law = spec.law  # type: ignore[assignment]
    drawn, centre, spread = _levels(spec, law, layout, draws, rng)
    log_values = centre + spread[:, None] * rng.standard_normal(centre.shape)
    for i, n in enumerate(law.parameter_names):
        drawn[n] = (("draw", "family"), np.exp(log_values[..., i]) * layout.priors[n].scale)
    drawn |= _noise_level(spec, layout, "run_sd", spec.noise.run, draws, rng)
    if layout.has_checkpoints:
        drawn |= _noise_level(spec, layout, "checkpoint_sd", spec.noise.checkpoint, draws, rng)
    if spec.process is not None:
        shape = (draws, len(layout.families), layout.phi.shape[1])
        interval = np.outer(spec.process.scale, np.ones(shape[1]))
        drawn["discrepancy_sd"] = (("draw", "family"), _sd(interval, draws, rng))
        drawn["wander"] = (("draw", "family", "component"), rng.standard_normal(shape))
    labels = {"family": list(layout.families), "parameter": list(law.parameter_names)}
    out = xr.Dataset(drawn, coords=labels)
    log_loss = _log_curve(spec, layout, out) + _scatter(spec, layout, out, rng)
    return out.assign(log_loss=(("draw", "row"), log_loss))


def draw_losses(spec: Spec, layout: Layout, drawn: xr.Dataset, *, seed: int = 0) -> np.ndarray:
    """Draw new log losses of the same runs under each of the draws, shape (draws, rows).

    Parameters
    ----------
    spec, layout : the model and its runs.
    drawn : law parameters, noise levels and components, with ``draw`` as first dim.
    seed : seed of the random numbers.
    """
    rng = np.random.default_rng([seed, 8])
    return _log_curve(spec, layout, drawn) + _scatter(spec, layout, drawn, rng)


def log_likelihood(spec: Spec, layout: Layout, drawn: xr.Dataset, log_loss: Any) -> np.ndarray:
    """Return the log density of the losses of each run under each draw.

    Parameters
    ----------
    spec, layout : the model and its runs.
    drawn : law parameters, noise levels and components, with ``draw`` as first dim.
    log_loss : observed log losses, shape (rows,), or (draws, rows) for one set per draw.

    Returns
    -------
    numpy.ndarray
        Shape (draws, runs).
    """
    off = log_loss - _log_curve(spec, layout, drawn)
    nu, out = spec.noise.tails, np.empty((len(off), len(layout.runs)))
    for r, (rows, root) in enumerate(_roots(spec, layout, drawn)):
        n = len(rows)
        squared = (np.linalg.solve(root, off[:, rows, None]) ** 2).sum((1, 2))
        half = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
        if nu is None:
            out[:, r] = -half - 0.5 * squared - 0.5 * n * np.log(2 * np.pi)
        else:
            constant = gammaln((nu + n) / 2) - gammaln(nu / 2) - 0.5 * n * np.log(nu * np.pi)
            out[:, r] = constant - half - 0.5 * (nu + n) * np.log1p(squared / nu)
    return out


def _levels(
    spec: Spec, law: Law, layout: Layout, draws: int, rng: np.random.Generator
) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Return the upper levels, the log centre (draws, families, k) and the s.d. (draws, k)."""
    priors = [layout.priors[n] for n in law.parameter_names]
    location = np.array([p.location for p in priors])
    spread = np.array([p.spread for p in priors])
    typical = np.array([p.between for p in priors])
    pooling = np.array([spec.pooling(n) for n in law.parameter_names])
    partial, none = pooling == "partial", pooling == "none"

    n_families, k = len(layout.families), len(location)
    population = location + spread * rng.standard_normal((draws, k))
    if n_families == 1:
        # As the fit of one family has it: what pools nothing has no population but its prior.
        population = np.where(none, location, population)
        between = np.where(none, spread, np.where(partial, typical, 0.0)) * np.ones((draws, 1))
    else:
        between = _sd(np.outer(APART, typical), draws, rng)
    drawn: dict[str, Any] = {
        "log_population": (("draw", "parameter"), population),
        "population": (("draw", "parameter"), np.exp(population)),
        "between": (("draw", "parameter"), between),
    }
    centre = np.repeat(population[:, None], n_families, axis=1)
    if n_families > 1 and spec.labs and layout.has_labs:
        across = _sd(np.outer(APART, 2 * typical), draws, rng)
        unit = rng.standard_normal((draws, len(layout.labs), k))
        lab = population[:, None] + across[:, None] * unit
        drawn["across"] = (("draw", "parameter"), across)
        drawn["log_lab"] = (("draw", "lab", "parameter"), lab)
        centre = np.where(partial, lab[:, layout.lab_of_family], centre)
    around = np.where(none, spread, np.where(partial, between, 0.0))
    return drawn, np.where(none, location, centre), around


def _noise_level(
    spec: Spec,
    layout: Layout,
    name: str,
    interval: tuple[float, float],
    draws: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    n_families = len(layout.families)
    if n_families == 1:
        return {name: (("draw", "family"), _sd(np.outer(interval, [1.0]), draws, rng))}
    middle, width = prior_location(*interval)

    def propose(n: int) -> tuple[np.ndarray, np.ndarray]:
        typical = middle + width * rng.standard_normal(n)
        offset = spec.noise.between * rng.standard_normal((n, n_families))
        return typical, np.exp(typical[:, None] + offset)

    typical, sd = _capped(propose, np.array(interval[1]), draws, rng)
    return {f"log_typical_{name}": ("draw", typical), name: (("draw", "family"), sd)}


def _sd(interval: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draw independent standard deviations (draws, k) with 90 % intervals of shape (2, k)."""
    low, high = np.log(interval)
    middle, width = (low + high) / 2, (high - low) / (2 * Z95)

    def propose(n: int) -> tuple[np.ndarray]:
        return (np.exp(middle + width * rng.standard_normal((n, len(middle)))),)

    return _capped(propose, interval[1], draws, rng)[0]


def _capped(
    propose: Callable[[int], tuple[np.ndarray, ...]],
    high: np.ndarray,
    draws: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, ...]:
    """Draw, and draw again whatever the Gaussian tail beyond the cap of the s.d. rejects.

    ``propose`` returns arrays that belong together, standard deviations (n, k) last.
    """
    kept = propose(draws)
    waiting = np.arange(draws)
    fresh = kept
    while len(waiting):
        for old, new in zip(kept, fresh, strict=True):
            old[waiting] = new
        log_chance = -0.5 * ((fresh[-1] / (CAP * high)) ** 2).sum(axis=1)
        waiting = waiting[np.log(rng.random(len(waiting))) > log_chance]
        fresh = propose(len(waiting))
    return kept


def _log_curve(spec: Spec, layout: Layout, drawn: xr.Dataset) -> np.ndarray:
    """Return the law with its discrepancy at the rows, on log loss, shape (draws, rows)."""
    law: Law = spec.law  # type: ignore[assignment]
    rows = layout.family_of_row
    at_rows = {n: drawn[n].values[:, rows] for n in law.parameter_names}
    out = np.log(law(layout.inputs(law), at_rows))
    if spec.process is not None:
        wander = (layout.phi * drawn["wander"].values[:, rows]).sum(-1)
        out = out + drawn["discrepancy_sd"].values[:, rows] * wander
    return out


def _scatter(spec: Spec, layout: Layout, drawn: xr.Dataset, rng: np.random.Generator) -> np.ndarray:
    """Draw how far the rows lie off their curve, shape (draws, rows)."""
    off = np.empty((drawn.sizes["draw"], len(layout.run_of_row)))
    nu = spec.noise.tails
    for rows, root in _roots(spec, layout, drawn):
        straight = (root @ rng.standard_normal((len(off), len(rows), 1)))[..., 0]
        shrink = 1.0 if nu is None else np.sqrt(rng.chisquare(nu, (len(off), 1)) / nu)
        off[:, rows] = straight / shrink
    return off


def _roots(
    spec: Spec, layout: Layout, drawn: xr.Dataset
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows of each run and the Cholesky root of their scale matrix, (draws, n, n)."""
    rows = layout.family_of_row
    variance = drawn["run_sd"].values[:, rows] ** 2 + layout.loss_sd**2
    if spec.process is not None:
        variance += drawn["discrepancy_sd"].values[:, rows] ** 2 * layout.remainder
    common = np.sqrt(variance)
    position = np.cumsum(-np.log(np.where(layout.link > 0, layout.link, 1.0)))
    for r in range(len(layout.runs)):
        mine = np.flatnonzero(layout.run_of_row == r)
        scale = common[:, mine, None] * common[:, None, mine]
        if layout.has_checkpoints:
            own = drawn["checkpoint_sd"].values[:, rows[mine[0]], None, None] ** 2
            apart = np.abs(position[mine, None] - position[mine])
            scale = scale + own * np.exp(-apart)
        yield mine, np.linalg.cholesky(scale)
