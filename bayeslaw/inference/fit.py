"""Fitting: runs and a specification in, a judged posterior out."""

from __future__ import annotations

import os
import time
import warnings
from dataclasses import replace
from importlib.metadata import version

import numpy as np

from bayeslaw import names
from bayeslaw.errors import ConvergenceWarning, SpecError
from bayeslaw.inference.drawn import Drawn, Settings
from bayeslaw.inference.engines import (
    ENGINES,
    candidates,
    default_accept,
    default_length,
    engine_of,
    tidied,
)
from bayeslaw.inference.health import Check, Health, Weighed, examine
from bayeslaw.inference.result import Fit
from bayeslaw.inference.rows import fitted_curve
from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout, lay_out
from bayeslaw.model.spec import Spec
from bayeslaw.pool import Pool
from bayeslaw.runs import Runs, check_runs, require_fittable

_VERSIONED = ("bayeslaw", "pymc", "pytensor", "nutpie", "numpy", "xarray", "arviz-stats")
# Failures that more draws may mend; the others are of the model or the method.
_CURED_BY_LENGTH = {Check.DIVERGENCES, Check.RHAT, Check.BULK_ESS, Check.TAIL_ESS, Check.BFMI}
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
    draws: int | None = None,
    tune: int | None = None,
    chains: int = 4,
    cores: int | None = None,
    target_accept: float | None = None,
    retry: bool = True,
    pool: Pool | None = None,
    progress: bool = False,
) -> Fit:
    """Fit a hierarchical scaling law to a table of runs.

    Parameters
    ----------
    runs : the training runs, from :func:`bayeslaw.load_runs`.
    spec : the model; ``law=`` alone takes the default specification of that law.
    law : name of a law, if no spec is given.
    seed : the same seed gives the same posterior.
    engine : ``"quadrature"`` (families on importance-weighted lattices, then the population),
        ``"collapsed"`` (NUTS with everything linear integrated out), ``"pymc"`` (NUTS on the
        PyMC graph: the specification, for every law, noise and prior), ``"jax"`` (the same graph
        with its chains side by side on JAX, and on a GPU if JAX has one) or ``"auto"``, which picks
        and, if the checks of one engine fail, goes on to the next; ``Fit.reason`` says why.
    draws, tune, chains : draws kept and discarded per chain, and chains; the lengths are the
        engine's own unless given.
    cores : chains, or families, worked on at once; one per chain unless given, and no more than
        there are processors.
    target_accept : NUTS acceptance; the engine's own unless given.
    retry : if the gate fails, sample once more: with smaller steps if draws diverged, and twice
        as long if anything else failed.
    pool : a Dask cluster to work families on, or a folder that keeps what is done of them, for
        the engine ``"quadrature"``; the others work here. The posterior is the same.
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
        raise SpecError(f"unknown engine '{engine}'; expected one of {', '.join(ENGINES)}.")
    spec = spec or Spec(law=law or "chinchilla")
    require_fittable(runs)
    start = time.perf_counter()
    layout = lay_out(spec, runs)
    said: list[str] = []
    order = candidates(spec, layout, engine)
    for name, why in order:
        length = default_length(name, layout)
        settings = Settings(
            draws=draws or length[0],
            tune=length[1] if tune is None else tune,
            chains=chains,
            cores=cores or min(chains, os.cpu_count() or 1),
            seed=seed,
            target_accept=target_accept or default_accept(name),
            progress=progress,
            pool=pool or Pool(),
        )
        said.append(why)
        try:
            drawn, health = _sampled(spec, layout, runs, name, settings, retry)
        except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
            if name == order[-1][0]:
                raise
            said.append(f"{name} stopped: {error}")
            continue
        if health.ok:
            break
        said.append(f"{name} failed: {'; '.join(f.found for f in health.failures)}")
    seconds = drawn.seconds | {"total": time.perf_counter() - start}
    if not health.ok:
        found = "; ".join(f.found for f in health.failures)
        warnings.warn(f"the fit is not trustworthy: {found}.", ConvergenceWarning, stacklevel=2)
    return Fit(
        spec=spec,
        runs=runs,
        posterior=drawn.posterior,
        sample_stats=drawn.stats,
        log_likelihood=drawn.likelihood,
        health=health,
        seed=seed,
        engine=name,
        reason="; ".join(said),
        seconds=seconds,
        versions={name: version(name) for name in _VERSIONED},
    )


def _sampled(
    spec: Spec, layout: Layout, runs: Runs, name: str, settings: Settings, retry: bool
) -> tuple[Drawn, Health]:
    """Run one engine, and once more for longer if its chains were at fault."""
    engine = engine_of(name, spec, layout)
    drawn = tidied(spec, layout, engine(settings), settings.seed)
    health = judge(spec, layout, runs, drawn)
    checks = {f.check for f in health.failures}
    if retry and checks and checks <= _CURED_BY_LENGTH:
        diverged = Check.DIVERGENCES in checks
        second = settings.again(diverged=diverged, short=bool(checks - {Check.DIVERGENCES}))
        first = drawn.seconds
        drawn = tidied(spec, layout, engine(second), settings.seed)
        total = {k: first[k] + drawn.seconds[k] for k in first}
        drawn = replace(drawn, seconds=total)
        health = judge(spec, layout, runs, drawn)
    return drawn, health


def judge(spec: Spec, layout: Layout, runs: Runs, drawn: Drawn) -> Health:
    """Run the gate over an engine's draws."""
    law: Law = spec.law  # type: ignore[assignment]
    posterior = drawn.posterior
    known = (*law.parameter_names, *_JUDGED)
    chosen = [n for n in known if n in posterior]
    finite = all(np.isfinite(posterior[n].values).all() for n in chosen)
    if finite and "energy" not in drawn.stats and len(layout.families) > 1:
        # Draws that are independent given the population have no chains of their own to judge: a
        # family is judged by the weights behind its draws.
        chosen = [n for n in chosen if names.FAMILY not in posterior[n].dims]
    judged = posterior[chosen].assign(
        log_likelihood=drawn.likelihood["loss"].sum("run", skipna=False)
    )
    off = np.abs(layout.log_loss - fitted_curve(law, layout, posterior))
    own = [float(np.median(off[layout.family_of_row == f])) for f in range(len(layout.families))]
    worst = (layout.families[int(np.argmax(own))], max(own))
    notes = tuple(f.message for f in check_runs(runs) if f.severity == "warning")
    weighed = Weighed((*layout.families, "the population"), drawn.importance_ess, drawn.tail_shape)
    return examine(judged, drawn.stats, float(np.median(off)), notes, worst, weighed)
