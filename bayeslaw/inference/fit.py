"""Fitting: runs and a specification in, a judged posterior out."""

from __future__ import annotations

import os
import time
import warnings
from importlib.metadata import version

import numpy as np
import xarray as xr

from bayeslaw.errors import ConvergenceWarning, SpecError
from bayeslaw.inference.health import Check, Health, examine
from bayeslaw.inference.nuts import sample
from bayeslaw.inference.population import with_population
from bayeslaw.inference.result import Fit
from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout, lay_out
from bayeslaw.model.spec import Spec
from bayeslaw.runs import Runs, check_runs, require_fittable

ENGINES = ("auto", "pymc")
_VERSIONED = ("bayeslaw", "pymc", "pytensor", "nutpie", "numpy", "xarray", "arviz-stats")
# What the gate judges: the quantities a reader would quote, not the sampler's coordinates.
_JUDGED = (
    "population", "between", "across", "run_sd", "checkpoint_sd", "discrepancy_sd",
    "log_typical_run_sd", "log_typical_checkpoint_sd",
)  # fmt: skip


def fit(
    runs: Runs,
    spec: Spec | None = None,
    *,
    law: Law | str | None = None,
    seed: int = 0,
    engine: str = "auto",
    draws: int = 1500,
    tune: int = 800,
    chains: int = 4,
    cores: int | None = None,
    target_accept: float = 0.9,
    retry: bool = True,
    progress: bool = False,
) -> Fit:
    """Fit a hierarchical scaling law to a table of runs.

    Parameters
    ----------
    runs : the training runs, from :func:`bayeslaw.load_runs`.
    spec : the model; ``law=`` alone takes the default specification of that law.
    law : name of a law, if no spec is given.
    seed : the same seed gives the same posterior.
    engine : ``"auto"`` or ``"pymc"`` (NUTS on the PyMC graph).
    draws, tune, chains : draws kept and discarded per chain, and chains.
    cores : chains run at once; all processors unless given.
    target_accept : NUTS acceptance.
    retry : if the gate fails, sample once more: twice as long, and with smaller steps if draws
        diverged.
    progress : show a progress bar.

    Returns
    -------
    Fit
        With ``health``; look at it before quoting a number.

    Warns
    -----
    ConvergenceWarning
        If the health gate fails.

    Raises
    ------
    RunsError
        If the table cannot support a fit.
    SpecError
        If both or neither sensible choice of model is given, or an engine is unknown.
    """
    if spec is not None and law is not None:
        raise SpecError("both spec and law were given; put the law inside the spec: Spec(law=...).")
    if engine not in ENGINES:
        raise SpecError(f"engine '{engine}' is not available; choose one of {', '.join(ENGINES)}.")
    spec = spec or Spec(law=law or "chinchilla")
    require_fittable(runs)
    start = time.perf_counter()
    from bayeslaw.model.build import build_model

    layout = lay_out(spec, runs)
    model = build_model(spec, layout)
    settings = {
        "draws": draws,
        "tune": tune,
        "chains": chains,
        "cores": cores or min(chains, os.cpu_count() or 1),
        "seed": seed,
        "progress": progress,
    }
    accept = target_accept
    posterior, stats, seconds, compiled = sample(model, target_accept=accept, **settings)
    posterior, likelihood = _tidy(spec, layout, posterior, seed)
    health = _judge(spec, layout, runs, posterior, stats, likelihood)
    if retry and not health.ok:
        if any(f.check is Check.DIVERGENCES for f in health.failures):
            accept = max(accept, 0.97)
        settings |= {"draws": 2 * draws, "tune": 2 * tune}
        posterior, stats, again, _ = sample(
            model, target_accept=accept, compiled=compiled, **settings
        )
        seconds["sample"] += again["sample"]
        posterior, likelihood = _tidy(spec, layout, posterior, seed)
        health = _judge(spec, layout, runs, posterior, stats, likelihood)
    seconds["total"] = time.perf_counter() - start
    if not health.ok:
        found = "; ".join(f.found for f in health.failures)
        warnings.warn(f"the fit is not trustworthy: {found}.", ConvergenceWarning, stacklevel=2)
    return Fit(
        spec=spec,
        runs=runs,
        posterior=posterior,
        sample_stats=stats,
        log_likelihood=likelihood,
        health=health,
        seed=seed,
        engine="pymc",
        reason="NUTS on the PyMC graph serves every law, noise and prior",
        seconds=seconds,
        versions={name: version(name) for name in _VERSIONED},
    )


def _tidy(
    spec: Spec, layout: Layout, posterior: xr.Dataset, seed: int
) -> tuple[xr.Dataset, xr.Dataset]:
    """Keep what a reader uses, in a fixed order, and part off the log likelihood."""
    likelihood = posterior[["run_log_likelihood"]].rename(run_log_likelihood="loss")
    posterior = with_population(spec, layout, posterior, seed)
    law: Law = spec.law  # type: ignore[assignment]
    kept = [
        *law.parameter_names, "run_sd", "checkpoint_sd", "discrepancy_sd", "wander",
        "population", "log_population", "between", "across", "log_lab",
        "log_typical_run_sd", "log_typical_checkpoint_sd",
    ]  # fmt: skip
    return posterior[[n for n in kept if n in posterior]], likelihood


def _judge(
    spec: Spec,
    layout: Layout,
    runs: Runs,
    posterior: xr.Dataset,
    stats: xr.Dataset,
    likelihood: xr.Dataset,
) -> Health:
    law: Law = spec.law  # type: ignore[assignment]
    chosen = [n for n in (*law.parameter_names, *_JUDGED) if n in posterior]
    judged = posterior[chosen].assign(log_likelihood=likelihood["loss"].sum("run"))
    middle = {n: posterior[n].median(("chain", "draw")).values for n in law.parameter_names}
    at_rows = {n: v[layout.family_of_row] for n, v in middle.items()}
    curve = np.log(law(layout.inputs(law), at_rows))
    misfit = float(np.median(np.abs(layout.log_loss - curve)))
    notes = tuple(f.message for f in check_runs(runs) if f.severity == "warning")
    return examine(judged, stats, misfit, notes)
