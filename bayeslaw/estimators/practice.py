"""The practice of Choshen et al.: which checkpoints and how many models, and the error it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import FitError
from bayeslaw.estimators.raw_loss import BORROWED, fit_raw_loss
from bayeslaw.runs import Runs


@dataclass(frozen=True)
class Practice:
    """How a forecast of the largest model of a family is made.

    Attributes
    ----------
    after : tokens of warm-up left out of every run, 1e10 as published.
    share : share of each training run that is seen, from its start.
    tail : share of the target's tokens, from its end, whose mean loss is to be forecast.
    """

    after: float = 1e10
    share: float = 1.0
    tail: float = 0.3


@dataclass(frozen=True)
class Cell:
    """One forecast: a family, how many of its smallest models were seen, and the target.

    Attributes
    ----------
    family, models : the family and the number k of training models.
    train : rows of the k smallest models.
    target : the last rows of the largest model.
    """

    family: str
    models: int
    train: pd.DataFrame
    target: pd.DataFrame

    @property
    def observed(self) -> float:
        """Mean loss of the target's rows."""
        return float(self.target[names.LOSS].mean())


def cells(runs: Runs, practice: Practice | None = None) -> Iterator[Cell]:
    """Yield every forecast that the families allow: k smallest models, then the largest.

    Parameters
    ----------
    runs : families with training curves; a model is one run.
    practice : which rows are seen.
    """
    practice = practice or Practice()
    for family, table in runs.table.groupby(names.FAMILY, sort=False):
        order = table.groupby(names.RUN, sort=False)[[names.PARAMS, names.TOKENS]].max()
        order = order.sort_values([names.PARAMS, names.TOKENS]).index.to_list()
        if len(order) < 3:
            continue
        largest = table[table[names.RUN] == order[-1]]
        end = largest[names.TOKENS].max()
        target = largest[largest[names.TOKENS] >= (1 - practice.tail) * end]
        size = largest[names.PARAMS].max()
        for k in range(2, len(order)):
            train = table[table[names.RUN].isin(order[:k])]
            reach = train.groupby(names.RUN)[names.TOKENS].transform("max") * practice.share
            seen = (train[names.TOKENS] > practice.after) & (train[names.TOKENS] <= reach)
            train = train[seen]
            if train[names.RUN].nunique() == k and train[names.PARAMS].max() < size:
                yield Cell(str(family), k, train, target)


def published_forecast(cell: Cell) -> float:
    """Forecast a cell as published: least squares on every raw loss."""
    return _mean_at(cell, fit_raw_loss(*_columns(cell.train)))


def borrowed_forecast(cell: Cell) -> float:
    """Forecast a cell from its largest training model alone, with a borrowed size term."""
    last = cell.train[cell.train[names.PARAMS] == cell.train[names.PARAMS].max()]
    return _mean_at(cell, fit_raw_loss(*_columns(last), fixed=BORROWED))


def best_seen_forecast(cell: Cell) -> float:
    """Forecast that nothing improves: the lowest loss seen."""
    return float(cell.train[names.LOSS].min())


def errors_by_models(
    runs: Runs, forecast: Callable[[Cell], float] = published_forecast,
    practice: Practice | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Tabulate the absolute relative error of a forecaster by family and number of models.

    Parameters
    ----------
    runs : families with training curves.
    forecast : from a cell to the mean loss of its target.
    practice : which rows are seen.

    Returns
    -------
    pandas.DataFrame
        Columns family, models, observed, forecast and are (a fraction); missing where the
        forecaster gave up.
    """
    rows = []
    for cell in cells(runs, practice):
        try:
            value = forecast(cell)
        except FitError:
            value = np.nan
        rows.append((cell.family, cell.models, cell.observed, value,
                     abs(value / cell.observed - 1)))  # fmt: skip
    return pd.DataFrame(rows, columns=["family", "models", "observed", "forecast", "are"])


def _columns(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, d, y = (table[c].to_numpy(float) for c in (names.PARAMS, names.TOKENS, names.LOSS))
    return n, d, y


def _mean_at(cell: Cell, law: Callable) -> float:
    at = cell.target
    return float(np.mean(law(at[names.PARAMS].to_numpy(), at[names.TOKENS].to_numpy())))
