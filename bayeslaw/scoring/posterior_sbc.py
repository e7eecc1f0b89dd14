"""Posterior simulation-based calibration: whether an engine is right where the runs are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import FitError, SpecError
from bayeslaw.inference import Fit, fit
from bayeslaw.inference.prior import draw_losses
from bayeslaw.laws import Law
from bayeslaw.model.layout import lay_out
from bayeslaw.model.spec import Spec
from bayeslaw.pool import Pool, call
from bayeslaw.runs import Runs
from bayeslaw.scoring.calibration import Calibration
from bayeslaw.scoring.estimands import estimands, target_beyond, truth_beyond
from bayeslaw.scoring.sbc import (
    gathered,
    in_nats,
    in_order,
    require_positive,
    simulated,
    simulation,
    thinned,
    unrankable,
)


def posterior_sbc(
    given: Runs,
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
    """Draw truths from the posterior of real runs, add what they would give, refit, and rank.

    As :func:`bayeslaw.sbc`, but prior draws spend most simulations on curves that no one would
    see. Here a truth is drawn from the posterior given the runs, the same settings are run once
    more under it, and the model is fitted to the real and the new losses together: given those,
    the truth is a draw of the posterior, so its rank is uniform (arXiv:2502.03279).

    Priors in units of loss are stated in nats, for an anchor at the runs' own level, and the
    same in all fits: they must not see the new losses.

    Parameters
    ----------
    given : real runs, with their losses.
    spec, law, simulations, ranked, engine, seed, jobs, pool, progress, fitter : as in
        :func:`bayeslaw.sbc`.
    settings : passed on to ``fitter``, such as ``draws`` and ``chains``.

    Returns
    -------
    Calibration

    Raises
    ------
    SpecError
        If both spec and law are given, a number is out of range, or there are fewer draws than
        simulations.
    FitError
        If the posterior given the runs cannot be trusted, or no simulation could be kept.
    """
    if spec is not None and law is not None:
        raise SpecError("both spec and law were given; put the law inside the spec: Spec(law=...).")
    pool = pool or Pool(jobs)
    require_positive(simulations, ranked)
    spec = spec or Spec(law or "chinchilla")
    level = float(np.exp(np.log(lay_out(spec, given).anchors).mean()))
    spec = in_nats(spec, level)
    runs = in_order(spec, given)
    settings = {"engine": engine, "retry": False} | ({} if pool.single else {"cores": 1}) | settings

    first = fitter(runs, spec, **(settings | {"seed": seed}))
    if fault := unrankable(first.health, simulations):
        raise FitError(
            f"the posterior given the runs cannot be simulated from: {fault}; expected a fit that "
            "mixed. Sample longer (draws, tune), or look at bayeslaw outliers."
        )
    drawn, _ = thinned(first.posterior, simulations)
    new_losses = draw_losses(spec, first.layout, drawn, seed=seed)
    # The fit lays out rows by family, run and tokens, which is the order they are in.
    twice = [_extended(runs, losses, first.layout.loss_sd) for losses in np.exp(new_losses)]
    layout, target = lay_out(spec, twice[0]), target_beyond(runs)
    log_loss = np.stack([np.log(both.table[names.LOSS].to_numpy()) for both in twice])
    beyond = truth_beyond(spec, first.layout, drawn, target, seed)
    known = estimands(spec, layout, drawn, log_loss, beyond)
    seeds = np.random.default_rng([seed, 7]).integers(2**32, size=simulations)
    work = [
        call(
            simulation,
            twice[i],
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


def _extended(runs: Runs, losses: np.ndarray, relative_sd: np.ndarray) -> Runs:
    """Return the runs and, under other names, the same settings run once more."""
    changed = {
        names.LOSS: losses,
        names.LOSS_SD: relative_sd * losses,
        names.RUN: [f"{run} again" for run in runs.table[names.RUN]],
    }
    both = pd.concat([runs.table, runs.table.assign(**changed)], ignore_index=True)
    order = [names.FAMILY, names.RUN, names.TOKENS]
    return replace(runs, table=both.sort_values(order, kind="stable"))
