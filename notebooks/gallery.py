"""The gallery: every public plot in one line, from shipped and simulated data.

The documentation shows each function below beside its picture; the tests call each of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

import bayeslaw as bl
from bayeslaw.tasks import emergence as skills, two_step as tasks

LADDERS = ("Pythia (Pile test)", "Mamba (Pile val)", "Mamba-2 (Pile val)", "Llama (SlimPajama)")
FEW = "Mamba (Pile val)"
PICTURES: dict[str, Callable[..., Any]] = {}


def picture(function: Callable[..., Any]) -> Callable[..., Any]:
    """Enter a function in the gallery under its name, which is that of the plot."""
    PICTURES[function.__name__] = function
    return function


@cache
def published() -> bl.Fit:
    """Fit four published ladders."""
    chosen = ", ".join(f"'{name}'" for name in LADDERS)
    return bl.fit(bl.load_dataset("published").where(f"family in ({chosen})"), seed=0)


@cache
def simulated() -> bl.Fit:
    """Fit the simulated ladders, which vary size and data apart."""
    return bl.fit(
        bl.load_dataset("simulated"),
        bl.Spec(discrepancy=None, checkpoints=bl.Checkpoints(after=0.05)),
        seed=0,
    )


@cache
def forecast() -> bl.Forecast:
    """Forecast one large run of every published family."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bl.ExtrapolationWarning)
        return bl.forecast(published(), params="20B", tokens="400B")


@cache
def card() -> bl.Scorecard:
    """Hide the largest run of each published family, and forecast it."""
    return bl.backtest(published().runs, holdout="largest", seed=0)


@cache
def pooled() -> dict[str, bl.Fit]:
    """Fit three runs of a family without the others, beside them, and as if all were one."""
    runs = published().runs.where(f"family != '{FEW}' or flops < 2e21")
    as_one = bl.load_runs(runs.table.assign(family=FEW, lab=FEW))
    return {
        "none": bl.fit(runs.where(f"family == '{FEW}'"), bl.Spec(pool="none"), seed=0),
        "partial": bl.fit(runs, seed=0),
        "complete": bl.fit(as_one, seed=0),
    }


def far() -> bl.Target:
    """Return a curve beyond the runs."""
    return bl.Target(params=7e9, tokens=140e9, family=FEW, kind="mean")


def candidates() -> list[bl.Plan]:
    """Four ways to spend a budget, and one that spends a third."""
    budget = 3e21
    return [
        bl.Plan.many_small(budget=budget, sizes=6, seeds=2),
        bl.Plan.ladder(budget=budget),
        bl.Plan.one_large(budget=budget),
        bl.Plan.halves(budget=budget),
        bl.Plan("one at a third", bl.Plan.one_large(budget=budget / 3).runs),
    ]


@cache
def threshold() -> Any:
    """Find where a skill emerges among eight models."""
    flops = np.logspace(19.5, 23, 8)
    share = 0.25 + 0.7 * expit(2.4 * np.log(flops / 4e21))
    noisy = np.random.default_rng(1).binomial(500, share) / 500
    return skills.emergence(
        skills.load_scores(pd.DataFrame({"flops": flops, "share": noisy, "items": 500})),
        chance=0.25,
    )


@cache
def two_steps() -> Any:
    """Forecast a task of a larger model of a simulated family, through its loss."""
    runs = simulated().runs.where("family == 'south'").last().table
    share = 0.25 + 0.7 * expit(3.0 * (3.1 - runs["loss"].to_numpy()))
    noisy = np.random.default_rng(2).binomial(1000, share) / 1000
    table = runs[["family", "seed", "params", "tokens", "loss"]].assign(share=noisy, items=1000)
    return tasks.two_step(table, targets=["params=30B,tokens=600B"], chance=0.25)


@picture
def curves(backend: str = "matplotlib") -> Any:
    """Show loss against compute, and how the forecast widens on the way to the target."""
    return bl.plots.curves(forecast(), fit=published(), backend=backend)


@picture
def surface(backend: str = "matplotlib") -> Any:
    """Show the law in size and data, with the runs and the best size for its compute."""
    return bl.plots.surface(simulated(), "north", backend=backend)


@picture
def isoflop(backend: str = "matplotlib") -> Any:
    """Show loss against size at fixed compute, and where the best size lies."""
    return bl.plots.isoflop(simulated(), [3.6e18, 6e19, 5.4e20], family="north", backend=backend)


@picture
def pooling(backend: str = "matplotlib") -> Any:
    """Show what a family of three runs borrows from the others."""
    return bl.plots.pooling(pooled(), family=FEW, backend=backend)


@picture
def exponents(backend: str = "matplotlib") -> Any:
    """Show exponents by family, above their population."""
    return bl.plots.exponents(published(), backend=backend)


@picture
def prior_posterior(backend: str = "matplotlib") -> Any:
    """Show what the runs taught about each parameter."""
    return bl.plots.prior_posterior(simulated(), "north", backend=backend)


@picture
def residuals(backend: str = "matplotlib") -> Any:
    """Show whether the law misses the runs with a pattern."""
    return bl.plots.residuals(simulated(), backend=backend)


@picture
def calibration(backend: str = "matplotlib") -> Any:
    """Show whether intervals held as often as they claimed."""
    return bl.plots.calibration(card(), backend=backend)


@picture
def pit(backend: str = "matplotlib") -> Any:
    """Show where outcomes fell in their forecasts."""
    return bl.plots.pit(card(), backend=backend)


@picture
def plans(backend: str = "matplotlib") -> Any:
    """Show what each plan is expected to leave of the uncertainty."""
    decision = bl.decide(published(), candidates(), target=far(), seed=0)
    return bl.plots.plans(decision, backend=backend)


@picture
def break_even(backend: str = "matplotlib") -> Any:
    """Show at which seed noise one plan overtakes another."""
    table = bl.break_even(published(), candidates()[:3], target=far(), seed=0)
    return bl.plots.break_even(table, backend=backend)


@picture
def allocation(backend: str = "matplotlib") -> Any:
    """Show how large a model, and how much data, a budget should buy."""
    best = bl.allocate(simulated(), [1e20, 1e21, 1e22, 1e23], family="north", seed=0)
    return bl.plots.allocation(best, backend=backend)


@picture
def emergence(backend: str = "matplotlib") -> Any:
    """Show when a skill emerges."""
    return bl.plots.emergence(threshold(), backend=backend)


@picture
def loss_to_task(backend: str = "matplotlib") -> Any:
    """Show what accuracy goes with a loss, and what a larger model will reach."""
    return bl.plots.loss_to_task(two_steps(), backend=backend)
