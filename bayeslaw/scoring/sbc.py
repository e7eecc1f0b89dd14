"""Simulation-based calibration: whether an engine finds the posterior of the declared model."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayeslaw import names
from bayeslaw.errors import BayeslawWarning, FitError, SpecError
from bayeslaw.inference import Fit, Health, fit
from bayeslaw.inference.health import Check
from bayeslaw.inference.prior import draw_prior
from bayeslaw.laws import Law
from bayeslaw.model.layout import lay_out
from bayeslaw.model.spec import Checkpoints, Inflated, Spec
from bayeslaw.pool import Call, Pool, call
from bayeslaw.prediction import Target
from bayeslaw.runs import Runs
from bayeslaw.scoring.calibration import Calibration
from bayeslaw.scoring.estimands import estimands, forecast_beyond, target_beyond, truth_beyond
from bayeslaw.simulation import simulate

#: Kept of each simulated run: several, so that their process is checked too.
CHECKPOINTS = Checkpoints(after=0.5, at_most=5)
# A loss of this size takes the place of the anchors that a prior is otherwise relative to.
LEVEL = 2.5
# Ranks among a hundred draws ask less of a sampler than the ends of an interval do.
_LARGEST_RHAT = 1.05
_LENIENT = {Check.RHAT, Check.BULK_ESS, Check.TAIL_ESS, Check.MISFIT}


def sbc(
    design: Runs | None = None,
    spec: Spec | None = None,
    *,
    law: Law | str | None = None,
    simulations: int = 64,
    ranked: int = 99,
    engine: str = "auto",
    seed: int = 0,
    jobs: int = 1,
    pool: Pool | None = None,
    progress: bool = False,
    fitter: Callable[..., Fit] = fit,
    **settings: Any,
) -> Calibration:
    """Draw truths and losses from the prior, refit, and rank each truth among posterior draws.

    If the engine samples the posterior of the declared model, every rank is uniform. Priors of
    parameters in units of loss are by default relative to an anchor fitted to the losses; here
    the prior must not see the losses, so those intervals become nats, for an anchor of 2.5.

    Joint quantities are ranked too (the log likelihood, the loss at a target beyond the runs,
    a gap between families); ``simuk`` ranks one variable at a time and cannot.

    A simulation is dropped if its fit failed, diverged or did not mix well enough for so many
    ranks. Those rules see the simulated losses and never the truth, so the rest stays calibrated.

    Parameters
    ----------
    design : runs whose inputs, families and checkpoints are used and whose losses are not; a
        small built-in design of four families unless given.
    spec : the model; ``law=`` alone takes the default specification of that law, with several
        checkpoints per run, so that their process is checked too.
    law : name of a law, if no spec is given.
    simulations : data sets to draw and fit.
    ranked : posterior draws that each truth is ranked among, evenly spaced over the chains.
    engine : as in :func:`bayeslaw.fit`.
    seed : the same seed gives the same ranks.
    jobs : simulations fitted at once, each in a process of its own.
    pool : where else to fit them, such as a Dask cluster, and a folder that keeps each as soon as
        it is done; takes the place of ``jobs``.
    progress : show how many simulations are done.
    fitter : called like :func:`bayeslaw.fit`; another one puts another posterior to the test.
    settings : passed on to ``fitter``, such as ``draws`` and ``chains``.

    Returns
    -------
    Calibration

    Raises
    ------
    SpecError
        If both spec and law are given, or a number is out of range.
    FitError
        If no simulation could be kept.
    """
    if spec is not None and law is not None:
        raise SpecError("both spec and law were given; put the law inside the spec: Spec(law=...).")
    pool = pool or Pool(jobs)
    require_positive(simulations, ranked)
    spec = in_nats(spec or Spec(law or "chinchilla", checkpoints=CHECKPOINTS))
    if isinstance(spec.discrepancy, Inflated):
        raise SpecError(
            "an inflated discrepancy acts only beyond the runs, where no engine sees it; expected "
            "a Discrepancy or None. Check the engine with discrepancy=None."
        )
    runs = in_order(spec, small_design() if design is None else design)
    layout, target = lay_out(spec, runs), target_beyond(runs)
    truth = draw_prior(spec, layout, draws=simulations, seed=seed)
    log_loss = truth["log_loss"].values
    beyond = truth_beyond(spec, layout, truth, target, seed)
    known = estimands(spec, layout, truth, log_loss, beyond)

    settings = {"engine": engine, "retry": False} | ({} if pool.single else {"cores": 1}) | settings
    seeds = np.random.default_rng([seed, 5]).integers(2**32, size=simulations)
    work = [
        call(
            simulation,
            _with_losses(runs, np.exp(log_loss[i]), layout.loss_sd),
            spec,
            {name: float(values[i]) for name, values in known.items()},
            target,
            ranked,
            fitter,
            settings | {"seed": int(seeds[i])},
        )
        for i in range(simulations)
    ]
    outcomes = simulated(work, pool, progress)
    return gathered(outcomes, spec, simulations, ranked, seed)


def require_positive(simulations: int, ranked: int) -> None:
    """Refuse counts below one."""
    if simulations < 1 or ranked < 1:
        raise SpecError(f"simulations is {simulations} and ranked {ranked}; expected 1 or more.")


def simulated(work: list[Call], pool: Pool, progress: bool) -> list[Outcome]:
    """Return what came of simulations: their seeds are settled, so wherever they are made."""
    return pool.made(work, makes=Outcome, shown="simulations" if progress else None)


def gathered(
    outcomes: list[Outcome], spec: Spec, simulations: int, ranked: int, seed: int
) -> Calibration:
    """Gather the ranks of all simulations that are kept."""
    dropped = tuple((i, o.fault) for i, o in enumerate(outcomes) if o.fault)
    if len(dropped) == simulations:
        raise FitError(
            f"all {simulations} simulations were dropped, the first because {dropped[0][1]}; "
            "expected some fits to work. Sample longer (draws, tune), or rank fewer draws."
        )
    kept = [(i, o) for i, o in enumerate(outcomes) if not o.fault]
    table = pd.DataFrame(
        [
            {"simulation": i, "quantity": name, "rank": rank}
            for i, o in kept
            for name, rank in o.ranks.items()
        ]
    )
    even = np.random.default_rng([seed, 6]).random(len(table))
    table["pit"] = (table["rank"] + even) / (ranked + 1)
    made_by = ", ".join(dict.fromkeys(o.engine for _, o in kept))
    name: str = spec.law.name  # type: ignore[union-attr]
    return Calibration(table, name, made_by, seed, simulations, ranked, dropped)


def in_nats(spec: Spec, level: float = LEVEL) -> Spec:
    """Return the specification with every loss-unit prior stated in nats, for a fixed anchor.

    Examples
    --------
    >>> in_nats(Spec("power_params", priors={"E": (1.5, 2.0)})).priors["a"]
    (0.1, 1.4)
    """
    law: Law = spec.law  # type: ignore[assignment]
    fixed = {
        p.name: (round(level * low, 6), round(level * high, 6))
        for p in law.parameters
        for low, high in [spec.interval(p)[0]]
        if p.in_loss_units
    }
    return replace(spec, priors=fixed | dict(spec.priors))


def small_design() -> Runs:
    """Return four families of two labs, eight runs each, half of them with checkpoints."""
    sizes, ratios = np.repeat(np.geomspace(3e7, 1e9, 4), 2), np.tile([10.0, 60.0], 4)
    truth = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}
    parts = [
        simulate(
            "chinchilla", truth, params=sizes, tokens=ratios * sizes, family=family,
            checkpoints=checkpoints,
        ).table.assign(lab=lab)
        for family, lab, checkpoints in (
            ("one", "north", 1), ("two", "north", 9), ("three", "south", 1), ("four", "south", 9),
        )
    ]  # fmt: skip
    return Runs(pd.concat(parts), source="small design")


@dataclass(frozen=True)
class Outcome:
    """Ranks of one simulation by quantity, or why it was dropped."""

    ranks: dict[str, int]
    engine: str = ""
    fault: str = ""


def simulation(
    runs: Runs,
    spec: Spec,
    truth: dict[str, float],
    target: Target,
    ranked: int,
    fitter: Callable[..., Fit],
    settings: dict[str, Any],
) -> Outcome:
    """Fit one simulated table, and rank each truth among the draws."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslawWarning)  # what they say decides on the drop
        try:
            made = fitter(runs, spec, **settings)
        except FitError as error:
            return Outcome({}, fault=str(error))
        drawn, pick = thinned(made.posterior, ranked)
        if fault := unrankable(made.health, ranked):
            return Outcome({}, fault=fault)
        beyond = forecast_beyond(made, target, pick)
    found = estimands(spec, made.layout, drawn, made.layout.log_loss, beyond)
    ranks = {name: int((found[name] < value).sum()) for name, value in truth.items()}
    return Outcome(ranks, made.engine)


def unrankable(health: Health, ranked: int) -> str:
    """Say what forbids to rank among the draws of a fit, if anything."""
    for failure in health.failures:
        if failure.check not in _LENIENT:
            return f"it failed {failure.check.name.lower()}"
    figures = dict(health.figures)
    if not figures.get("R-hat", 1.0) < _LARGEST_RHAT:
        return f"its R-hat is not below {_LARGEST_RHAT}"
    if not figures.get("bulk ESS", np.inf) >= ranked:
        return f"its bulk ESS is below the {ranked} draws to be ranked"
    return ""


def thinned(posterior: xr.Dataset, ranked: int) -> tuple[xr.Dataset, np.ndarray]:
    """Keep evenly spaced draws, the chains one after the other, as a single dim ``draw``."""
    total = posterior.sizes["chain"] * posterior.sizes["draw"]
    if total < ranked:
        raise SpecError(
            f"a fit has {total} draws, expected at least the {ranked} that each truth is ranked "
            "among; raise draws, or lower ranked."
        )
    pick = np.linspace(0, total - 1, ranked).round().astype(int)
    chain, draw = np.divmod(pick, posterior.sizes["draw"])
    at = {"chain": xr.DataArray(chain, dims="kept"), "draw": xr.DataArray(draw, dims="kept")}
    kept = posterior.isel(at).drop_vars(["chain", "draw"])
    return kept.rename(kept="draw").transpose("draw", ...), pick


def in_order(spec: Spec, design: Runs) -> Runs:
    """Return the rows a fit would keep, in the order of its layout."""
    kept = design.thin(after=spec.checkpoints.after, at_most=spec.checkpoints.at_most)
    order = [names.FAMILY, names.RUN, names.TOKENS]
    return replace(kept, table=kept.table.sort_values(order, kind="stable"))


def _with_losses(runs: Runs, loss: np.ndarray, relative_sd: np.ndarray) -> Runs:
    # Measurement error is known relative to the loss, and so it stays when the loss changes.
    changed = {names.LOSS: loss, names.LOSS_SD: relative_sd * loss}
    return replace(runs, table=runs.table.assign(**changed))
