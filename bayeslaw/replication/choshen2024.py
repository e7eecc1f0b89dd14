"""Choshen, Zhang and Andreas 2024: the error of forecasts by the number of models trained."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binom

from bayeslaw import names
from bayeslaw.errors import ConvergenceWarning, ExtrapolationWarning, FitError
from bayeslaw.estimators.number import Number
from bayeslaw.estimators.practice import (
    Cell,
    Practice,
    borrowed_forecast,
    cells,
    published_forecast,
)
from bayeslaw.inference import fit
from bayeslaw.model import Spec, load_priors
from bayeslaw.prediction import forecast
from bayeslaw.replication.claim import Claim, System, holds, near
from bayeslaw.runs import Runs
from bayeslaw.runs.datasets import load_dataset

#: Mean error in per cent by the number of smallest models, all tokens, the first 1e10 dropped.
PRINTED = {2: 20.49, 3: 18.93, 4: 9.81, 5: 5.12, 6: 4.28, 7: 3.52}
GPT3 = {2: 13.18, 3: 23.36, 4: 5.73, 5: 5.20, 6: 0.81, 7: 2.69}
#: One model with a borrowed size term, GPT-3 13B to 175B.
BORROWED_13B = 6.9
#: Normalised, mixed or without training curves: no loss in nats to forecast from curves.
LEFT_OUT = ("revisiting-LM", "LLM360-Amber", "Chinchilla", "datablations-contour")
_TAIL_ROWS = 8
_THINNED = (
    "the table keeps points evenly spaced in log tokens, so early losses weigh more than in the "
    "published fits; raw least squares depends on that spacing"
)


@dataclass(frozen=True)
class Forecast:
    """Ours for one cell: the median of the target's mean tail loss and its 90 % interval."""

    median: float
    low: float
    high: float


def bayesian_forecast(cell: Cell, runs: Runs, seed: int = 0) -> Forecast:
    """Forecast a cell with the additive law and priors that never saw its lab.

    Parameters
    ----------
    cell : the models seen and the target.
    runs : the table the cell is from.
    seed : seed of the random numbers.
    """
    lab = str(cell.target[names.LAB].iloc[0])
    spec = Spec(labs=False).with_priors(_beliefs(lab))
    train = runs.where(f"tokens > 0 and family == {cell.family!r}")
    train = train.drop(train.table.index[~train.table.index.isin(_places(train, cell))])
    place = np.unique(np.linspace(0, len(cell.target) - 1, _TAIL_ROWS).round().astype(int))
    tail = cell.target.sort_values(names.TOKENS).iloc[place]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", ExtrapolationWarning)
        made = fit(train, spec, seed=seed, engine="quadrature")
        curve = forecast(made, tail, kind="mean", seed=seed).draws.values
        runs_drawn = forecast(made, tail, kind="run", seed=seed).draws.values
    # One run: all rows of the tail share its effect, so one row's is taken for the mean.
    draws = curve.mean(-1) * runs_drawn[..., -1] / curve[..., -1]
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
    return Forecast(float(middle), float(low), float(high))


def _places(runs: Runs, cell: Cell) -> pd.Index:
    key = [names.RUN, names.TOKENS]
    seen = pd.MultiIndex.from_frame(cell.train[key])
    return runs.table.index[pd.MultiIndex.from_frame(runs.table[key]).isin(seen)]


def _beliefs(lab: str):
    from bayeslaw.errors import BayeslawError

    try:
        return load_priors(f"without-{lab.lower()}")
    except BayeslawError:  # the lab taught the generic priors nothing
        return load_priors("generic")


def compare(seed: int = 0, most: int = 7) -> pd.DataFrame:
    """Tabulate every cell: observed, the published estimator's forecast and ours."""
    runs = load_dataset("colpret")
    codemix = runs.table[names.FAMILY].str.startswith("datablations-codemix")
    kept = ~(runs.table[names.FAMILY].isin(LEFT_OUT) | codemix)
    runs = runs.drop(runs.table.index[~kept])
    rows = []
    for cell in cells(runs, Practice()):
        if cell.models > most:
            continue
        try:
            theirs = published_forecast(cell)
        except FitError:
            theirs = np.nan
        ours = bayesian_forecast(cell, runs, seed)
        rows.append((cell.family, cell.models, cell.observed, theirs, ours.median, ours.low,
                     ours.high))  # fmt: skip
    columns = ["family", "models", "observed", "theirs", "ours", "low", "high"]
    table = pd.DataFrame(rows, columns=columns)
    table["theirs_are"] = 100 * (table["theirs"] / table["observed"] - 1).abs()
    table["ours_are"] = 100 * (table["ours"] / table["observed"] - 1).abs()
    table["held"] = table["observed"].between(table["low"], table["high"])
    return table


def _replicate(seed: int) -> list[Claim]:
    table = compare(seed)
    claims = []
    for k, printed in PRINTED.items():
        row = table[table["models"] == k]
        theirs, ours = _mean(row["theirs_are"]), _mean(row["ours_are"])
        claims.append(
            Claim(f"mean error from {k} models, %, {len(row)} families", Number(printed), ours,
                  ours.value < min(theirs.value, printed),
                  "below their estimator here and the printed mean", estimator=theirs)
        )  # fmt: skip
    own = table[table["family"] == "GPT3"].set_index("models")
    for k, printed in GPT3.items():
        claims.append(
            near(f"their estimator's error on GPT-3 175B from {k} models, %", printed,
                 Number(float(own["theirs_are"].to_dict()[k])), 2.0, note=_THINNED)
        )  # fmt: skip
    last = next(c for c in _gpt3() if c.models == 7)
    borrowed = 100 * abs(borrowed_forecast(last) / last.observed - 1)
    claims.append(
        near("one model, borrowed size term: GPT-3 13B to 175B, %", BORROWED_13B,
             Number(borrowed), 0.3)
    )  # fmt: skip
    inside, count = int(table["held"].sum()), len(table)
    low, high = binom.interval(0.95, count, 0.9)
    claims.append(
        holds(f"of {count} targets, inside our 90 % intervals", Number(inside),
              low <= inside <= high, f"{low:.0f} to {high:.0f}, as chance allows")
    )  # fmt: skip
    return claims


def _gpt3():
    return cells(load_dataset("colpret").where("family == 'GPT3'"), Practice())


def _mean(errors: pd.Series) -> Number:
    values = errors.dropna().to_numpy()
    picks = np.random.default_rng(0).choice(values, (2000, len(values)))
    return Number.of(picks.mean(1), 0.9, float(values.mean()))


SYSTEM = System(
    "choshen2024",
    "the error falls from 20 % with two models to 3 % with seven",
    "arXiv:2410.11840",
    "colpret",
    "the families of the collection with training curves and three sizes (colpret), thinned "
    "curves; ours: one family at a time with priors learned from other labs",
    _replicate,
)
