"""The one place that writes a PyMC graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm

from bayeslaw.laws import Law
from bayeslaw.laws.law import Z95, prior_location
from bayeslaw.model.layout import APART, CAP, Layout, pooled, profiled
from bayeslaw.model.likelihood import Residuals, run_log_likelihood
from bayeslaw.model.spec import Spec
from bayeslaw.model.tensor import PYTENSOR, pt
from bayeslaw.model.whitening import informed_block, linear_block

# Spreads that stand for no relation and for identity between families.
_UNRELATED, _IDENTICAL = 1e3, 1e-3


def build_model(spec: Spec, layout: Layout, *, whiten: bool = True) -> pm.Model:
    """Write the model as a PyMC graph with named dims.

    Parameters
    ----------
    spec : the model.
    layout : the data, from :func:`lay_out`.
    whiten : sample in coordinates where the data make the posterior round. The model is the same
        either way; the plain form has only named prior distributions and serves prior draws.

    Returns
    -------
    pymc.Model
        With deterministics for each law parameter (dims family, natural units),
        ``population``, ``run_sd``, ``checkpoint_sd``, ``discrepancy_sd`` and ``wander``.
    """
    law: Law = spec.law  # type: ignore[assignment]
    coords = {"family": layout.families, "run": layout.runs, "parameter": law.parameter_names}
    if layout.phi.shape[1]:
        coords["component"] = tuple(str(i) for i in range(layout.phi.shape[1]))
    if spec.labs and layout.has_labs:
        coords["lab"] = layout.labs
    with pm.Model(coords=coords) as model:
        levels = _levels(spec, law, layout, whiten)
        run_sd = _noise_level(spec, layout, "run_sd", spec.noise.run)
        checkpoint_sd = None
        if layout.has_checkpoints:
            checkpoint_sd = _noise_level(spec, layout, "checkpoint_sd", spec.noise.checkpoint)
        wander = _discrepancy_level(spec)
        residuals = Residuals(spec, layout, run_sd, checkpoint_sd, wander)

        values = _parameters(law, layout, levels, residuals, whiten)
        for n in law.parameter_names:
            pm.Deterministic(n, values[n], dims="family")
        at_rows = {n: values[n][layout.family_of_row] for n in law.parameter_names}
        log_fit = pt.log(law(layout.inputs(law), at_rows, xp=PYTENSOR))
        if "wander" in values:
            pm.Deterministic("wander", values["wander"], dims=("family", "component"))
            log_fit = log_fit + residuals.wander(values["wander"])
        by_run = run_log_likelihood(residuals, layout.log_loss - log_fit)
        pm.Deterministic("run_log_likelihood", by_run, dims="run")
        pm.Potential("loss", by_run.sum())
    return model


def _levels(spec: Spec, law: Law, layout: Layout, whiten: bool) -> tuple[Any, Any]:
    """Return the log centre (families, parameters) and the s.d. around it (parameters,)."""
    priors = [layout.priors[n] for n in law.parameter_names]
    location = np.array([p.location for p in priors])
    spread = np.array([p.spread for p in priors])
    partial = np.array([spec.pooling(n) == "partial" for n in law.parameter_names])
    none = np.array([spec.pooling(n) == "none" for n in law.parameter_names])
    typical = np.array([p.between for p in priors])
    n_families = len(layout.families)
    if n_families == 1:
        # One family cannot tell the population from itself: integrate the population out.
        total = np.sqrt(spread**2 + np.where(partial, typical, 0.0) ** 2)
        return location * np.ones((1, 1)), total

    def level(name: str, dims: Any, mean: Any, sd: Any, size: int, known: Any) -> Any:
        if not whiten:
            return pm.Normal(f"log_{name}", mean, sd, dims=dims)
        values = informed_block(name, mean * np.ones((size, 1)), sd, known[1], known[0])
        return pm.Deterministic(f"log_{name}", values if len(dims) > 1 else values[0], dims=dims)

    # How far families lie from what they share decides what they say of it.
    apart = np.where(partial, typical, np.where(none, _UNRELATED, _IDENTICAL))
    below = (layout.information, layout.centre)
    has_labs = spec.labs and layout.has_labs
    if has_labs:
        below = of_labs = pooled(*below, apart, layout.lab_of_family)
        apart = 2 * apart
    of_all = pooled(*below, apart, np.zeros(len(below[0]), int))
    population = level("population", ("parameter",), location, spread, 1, of_all)
    pm.Deterministic("population", pt.exp(population), dims="parameter")
    between = _sd("between", np.outer(APART, typical), dims="parameter")
    centre = population * np.ones((n_families, 1))
    if has_labs:
        across = _sd("across", np.outer(APART, 2 * typical), dims="parameter")
        dims = ("lab", "parameter")
        lab = level("lab", dims, population, across, len(layout.labs), of_labs)
        centre = pt.where(partial, lab[layout.lab_of_family], centre)
    return pt.where(none, location, centre), pt.where(none, spread, between)


def _sd(name: str, interval: Any, dims: str) -> Any:
    low, high = np.log(interval)
    out = pm.LogNormal(name, (low + high) / 2, (high - low) / (2 * Z95), dims=dims)
    return _capped(name, out, interval)


def _capped(name: str, sd: Any, interval: Any) -> Any:
    pm.Potential(f"{name}_tail", -0.5 * ((sd / (CAP * np.asarray(interval)[1])) ** 2).sum())
    return sd


def _noise_level(spec: Spec, layout: Layout, name: str, interval: tuple[float, float]) -> Any:
    if len(layout.families) == 1:
        return _sd(name, interval, dims="family")
    level = pm.Normal(f"log_typical_{name}", *prior_location(*interval))
    offset = pm.Normal(f"offset_{name}", 0.0, 1.0, dims="family")
    out = pt.exp(level + spec.noise.between * offset)
    return pm.Deterministic(name, _capped(name, out, interval), dims="family")


def _discrepancy_level(spec: Spec) -> Any:
    if spec.process is None:
        return None
    return _sd("discrepancy_sd", spec.process.scale, dims="family")


def _parameters(
    law: Law, layout: Layout, levels: tuple[Any, Any], residuals: Residuals, whiten: bool
) -> dict[str, Any]:
    """Return each parameter by family in natural units, and the components as ``wander``."""
    names, shared = law.parameter_names, layout.shared
    centre, spread = levels
    place = {n: i for i, n in enumerate(names)}
    exponents = [n for n in law.nonlinear if n not in shared]
    amplitudes = [n for n in law.linear if n not in shared]
    out = {n: _in_units(layout, n, pt.exp(centre[:, place[n]])) for n in shared}
    rank = layout.phi.shape[1]

    if not whiten:
        for n in (*exponents, *amplitudes):
            offset = pm.Normal(f"offset_{n}", 0.0, 1.0, dims="family")
            i = place[n]
            out[n] = _in_units(layout, n, pt.exp(centre[:, i] + spread[i] * offset))
        if rank:
            out["wander"] = pm.Normal("raw_wander", 0.0, 1.0, dims=("family", "component"))
        return out

    if exponents:
        pick = [place[n] for n in exponents]
        wide = np.array([layout.priors[n].spread for n in names])
        log_values = informed_block(
            "exponents",
            centre[:, pick],
            spread[pick],
            layout.centre[:, pick],
            profiled(layout.information, pick, wide),
        )
        for i, n in enumerate(exponents):
            out[n] = _in_units(layout, n, pt.exp(log_values[:, i]))
    if amplitudes or rank:
        target, columns = _linearised(law, layout, out, amplitudes)
        pick = [place[n] for n in amplitudes]
        values, component = linear_block(
            "amplitudes", centre[:, pick], spread[pick], columns, target, residuals
        )
        for i, n in enumerate(amplitudes):
            out[n] = _in_units(layout, n, values[:, i])
        if rank:
            out["wander"] = component
    return out


def _linearised(
    law: Law, layout: Layout, known: dict[str, Any], amplitudes: list[str]
) -> tuple[Any, list[Any]]:
    """Return the target and columns of log loss as a linear function of the amplitudes."""
    rows = layout.family_of_row
    at_rows = {n: v[rows] for n, v in known.items()}
    if not amplitudes:
        return layout.log_loss - pt.log(law(layout.inputs(law), at_rows, xp=PYTENSOR)), []
    # Linearised at a fixed smooth curve: dividing by the observed loss instead would open a
    # degenerate corner where everything shrinks to zero.
    curve = np.exp(layout.log_curve)
    basis = law.basis(layout.inputs(law), at_rows, xp=PYTENSOR)
    target = 1.0 + layout.log_loss - layout.log_curve
    for n in law.linear:
        if n in known:
            target = target - basis[n] * at_rows[n] / curve
    one = np.ones(len(rows))
    return target, [one * basis[n] * layout.priors[n].scale[rows] / curve for n in amplitudes]


def _in_units(layout: Layout, name: str, value: Any) -> Any:
    return value * layout.priors[name].scale
