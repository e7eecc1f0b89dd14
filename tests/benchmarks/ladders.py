"""Ladders to simulate: which runs are trained, what is asked beyond them, and how it is scored."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import inference, names
from bayeslaw.errors import BayeslawWarning
from bayeslaw.inference import Fit
from bayeslaw.model import Spec
from bayeslaw.prediction import Target, forecast
from bayeslaw.runs import Runs, load_runs
from bayeslaw.scoring.rivals import from_draws
from tests.benchmarks.effort import Effort

FAMILY = "simulated"
_STEP = 25  # simulations between two lines of progress


def shape(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw the params and tokens of one ladder: along a line, on a grid, or scattered.

    Four to seven sizes over one to two decades, 8 to 16 runs.
    """
    count = int(rng.integers(4, 8))
    low, span = 10 ** rng.uniform(7.0, 8.3), 10 ** rng.uniform(1.0, 2.0)
    sizes = np.geomspace(low, low * span, count)
    match int(rng.integers(3)):
        case 0:  # two seeds of each size, about the ratio that spends compute best
            params = np.repeat(sizes, 2)
            ratio = np.full(len(params), 20.0)
        case 1:
            params, ratio = np.repeat(sizes, 2), np.tile([10.0, 80.0], count)
        case _:
            params = low * span ** rng.uniform(0, 1, 2 * count)
            ratio = 10 ** rng.uniform(0.7, 2.3, 2 * count)
    return params, ratio * params


def long_shape(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw params and tokens of a ladder as long as published ones: 15 to 60 runs."""
    count = int(rng.integers(5, 9))
    low, span = 10 ** rng.uniform(7.0, 8.3), 10 ** rng.uniform(1.0, 2.0)
    if rng.random() < 0.5:
        ratios = np.geomspace(5.0, 10 ** rng.uniform(1.7, 2.5), int(rng.integers(3, 6)))
        params, ratio = np.repeat(np.geomspace(low, low * span, count), len(ratios)), ratios
        return params, np.tile(ratio, count) * params
    runs = int(rng.integers(20, 61))
    params = low * span ** rng.uniform(0, 1, runs)
    return params, params * 10 ** rng.uniform(0.7, 2.3, runs)


def as_runs(params: np.ndarray, tokens: np.ndarray, loss: Any = 2.5) -> Runs:
    """Return one family, a row per run."""
    run = [f"{i:03d}" for i in range(len(params))]
    table = {names.PARAMS: params, names.TOKENS: tokens, names.LOSS: loss}
    return load_runs(pd.DataFrame({names.FAMILY: FAMILY, names.RUN: run, **table}))


def beyond(runs: Runs, factor: float) -> Target:
    """Return a run of so many times the compute of the dearest, both its inputs enlarged."""
    top = runs.table.iloc[int(runs.table[names.FLOPS].argmax())]
    grown = np.sqrt(factor)
    return Target(grown * top[names.PARAMS], grown * top[names.TOKENS], FAMILY)


def fitted_quietly(runs: Runs, spec: Spec, effort: Effort, cores: int, seed: int) -> Fit:
    """Fit one simulated ladder; an unhealthy fit counts like any other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslawWarning)
        return inference.fit(runs, spec, seed=seed, cores=cores, **effort.fit)


def scores(fitted: Fit, targets: list[Target], observed: np.ndarray) -> pd.DataFrame:
    """Return median, intervals, CRPS and health of the forecasts, one row per target."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslawWarning)
        draws = forecast(fitted, targets).draws.values
    table = from_draws(draws.reshape(-1, len(targets)).T, observed)
    return table.assign(observed=observed, healthy=fitted.health.ok)


def watched(work: Iterable[Any], total: int, what: str) -> Iterator[Any]:
    """Say on standard error, now and then, how much is done."""
    for i, item in enumerate(work, start=1):
        yield item
        if i % _STEP == 0 or i == total:
            print(f"{what}: {i} of {total}", file=sys.stderr, flush=True)
