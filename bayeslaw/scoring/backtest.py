"""Back-tests: hide runs, forecast them from the rest, score what comes out."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import ExtrapolationWarning, RunsError, SpecError, TargetError
from bayeslaw.inference import fit
from bayeslaw.laws import Law
from bayeslaw.model.spec import Spec
from bayeslaw.prediction import Forecast, forecast
from bayeslaw.runs import Runs
from bayeslaw.scoring import rules
from bayeslaw.scoring.baselines import baselines
from bayeslaw.scoring.card import LEVELS, Scorecard

SCORES = ("last", "tail")
_TAIL = 0.7
_LEAST_SIZES = 3
# Sizes closer than this are one size counted slightly differently.
_SAME_SIZE = np.log(1.02)


def backtest(
    runs: Runs,
    holdout: str = "largest",
    *,
    spec: Spec | None = None,
    law: Law | str | None = None,
    seed: int = 0,
    score: str = "last",
    **settings: Any,
) -> Scorecard:
    """Hide runs, fit the rest once, forecast the hidden ones and score the forecasts.

    A run is hidden whole, with all its checkpoints, so nothing of it leaks into the fit.

    Parameters
    ----------
    runs : the training runs.
    holdout : ``"largest"`` hides the largest size of each family of at least three sizes;
        ``"smallest-k:3"`` trains on the three smallest sizes of each family; anything else is
        a condition for :meth:`Runs.where`, such as ``"flops > 1e21"``.
    spec, law : the model, as in :func:`bayeslaw.fit`.
    seed : the same seed gives the same card.
    score : ``"last"`` scores each hidden run's last row; ``"tail"`` the rows in the last 30 % of
        its tokens, averaged per run.
    settings : passed on to :func:`bayeslaw.fit`.

    Returns
    -------
    Scorecard

    Raises
    ------
    RunsError
        If nothing is hidden, or nothing is left to fit.
    """
    if score not in SCORES:
        raise SpecError(f"score is '{score}'; expected one of {', '.join(SCORES)}.")
    training, hidden = hide(runs, holdout)
    fitted = fit(training, spec, law=law, seed=seed, **settings)
    observed = hidden.last() if score == "last" else _tail(hidden)
    with warnings.catch_warnings():
        # To reach beyond the runs is the purpose here; the card says how far.
        warnings.simplefilter("ignore", ExtrapolationWarning)
        forecasts = forecast(fitted, observed)
    table = _table(forecasts, observed, fitted.runs, fitted.law)
    return Scorecard(table, fitted.law.name, seed, holdout, score, fitted.health)


def score(
    forecast: Forecast,
    observed: Runs,
    *,
    training: Runs | None = None,
    law: Law | str | None = None,
) -> Scorecard:
    """Score forecasts against what was observed.

    Parameters
    ----------
    forecast : made from ``observed``, one target per row and in the same order.
    observed : the runs that were forecast.
    training : the runs that were fitted; with them the card has baselines.
    law : law of the least-squares baseline; ``"chinchilla"`` unless given.

    Returns
    -------
    Scorecard

    Raises
    ------
    TargetError
        If the targets are not the observed rows, or are not forecasts of runs.

    Examples
    --------
    >>> import xarray as xr
    >>> from bayeslaw.prediction import Target
    >>> from bayeslaw.runs import load_runs
    >>> runs = load_runs(pd.DataFrame({"family": ["a"], "params": 1e9, "tokens": 2e10,
    ...                                "loss": 2.5}))
    >>> draws = xr.DataArray(np.linspace(2.4, 2.6, 101)[None, :, None], dims=("chain", "draw",
    ...                                                                       "target"))
    >>> made = Forecast(draws, (Target(1e9, 2e10, "a"),), (True,), (4.0,), ((),))
    >>> score(made, runs)
    <Scorecard: 1 forecasts of 1 families; error 0.00%, 90 % intervals held 100%>
    """
    return Scorecard(_table(forecast, observed, training, law or "chinchilla"))


def hide(runs: Runs, holdout: str = "largest") -> tuple[Runs, Runs]:
    """Part runs into those to train on and those to hide.

    Parameters
    ----------
    runs : the training runs.
    holdout : as in :func:`backtest`.

    Returns
    -------
    tuple of Runs
        Training runs and hidden runs; every run is whole in one of them.

    Raises
    ------
    RunsError
        If either part is empty.
    """
    table = runs.table
    smallest = re.fullmatch(r"smallest-k:(\d+)", holdout.strip())
    rank = table.groupby(names.FAMILY, sort=False)[names.PARAMS].transform(_size_rank)
    if holdout.strip() == "largest":
        last = rank.groupby(table[names.FAMILY]).transform("max")
        chosen = (rank == last) & (last >= _LEAST_SIZES - 1)
        why = f"no family has {_LEAST_SIZES} sizes (distinct params)"
    elif smallest:
        chosen = rank >= int(smallest[1])
        why = f"no family has more than {smallest[1]} sizes (distinct params)"
    else:
        rows = runs.where(holdout).table
        keys = set(zip(rows[names.FAMILY], rows[names.RUN], strict=True))
        own = zip(table[names.FAMILY], table[names.RUN], strict=True)
        chosen = pd.Series([key in keys for key in own], index=table.index)
        why = f"no row satisfies '{holdout}'"
    if not chosen.any():
        raise RunsError(
            f"nothing can be held out: {why}. Use another holdout, such as a condition on flops."
        )
    if chosen.all():
        raise RunsError(
            f"holdout '{holdout}' leaves no run to fit; hide fewer runs, or add smaller ones."
        )
    return runs.drop(table.index[chosen]), runs.drop(table.index[~chosen])


def _size_rank(params: pd.Series) -> pd.Series:
    """Rank the sizes of a family from 0, smallest first."""
    ordered = params.sort_values()
    steps = np.diff(np.log(ordered.to_numpy()), prepend=np.log(ordered.iloc[0])) > _SAME_SIZE
    return pd.Series(np.cumsum(steps), index=ordered.index).reindex(params.index)


def _tail(runs: Runs) -> Runs:
    table = runs.table
    last = table.groupby([names.FAMILY, names.RUN])[names.TOKENS].transform("max")
    return runs.drop(table.index[table[names.TOKENS] < _TAIL * last])


def _table(
    forecast: Forecast, observed: Runs, training: Runs | None, law: Law | str
) -> pd.DataFrame:
    """Return the rows of a card."""
    seen = observed.table
    asked = [(t.family, t.params, t.tokens) for t in forecast.targets]
    rows = list(zip(seen[names.FAMILY], seen[names.PARAMS], seen[names.TOKENS], strict=True))
    if asked != rows:
        raise TargetError(
            f"the forecast has {len(asked)} targets that are not the {len(rows)} observed rows in "
            "order; forecast the observed runs themselves: forecast(fit, observed)."
        )
    if any(t.kind != "run" for t in forecast.targets):
        raise TargetError(
            "the forecast is of the curve (kind='mean'), which is never observed; expected "
            "kind='run'. Forecast again with kind='run'."
        )
    draws = forecast.draws.transpose("target", "chain", "draw").values.reshape(len(rows), -1)
    loss = seen[names.LOSS].to_numpy()
    table = seen[[names.FAMILY, names.RUN, names.PARAMS, names.TOKENS]].assign(
        observed=loss, median=np.median(draws, axis=1), sd=draws.std(axis=1, ddof=1)
    )
    for level in LEVELS:
        half = float(level) / 200
        ends = np.quantile(draws, [0.5 - half, 0.5 + half], axis=1)
        table[f"low{level}"], table[f"high{level}"] = ends
    table["crps"] = rules.crps(draws, loss)
    table["log_score"] = rules.log_score(draws, loss)
    table["interval_score"] = rules.interval_score(draws, loss)
    table["pit"] = rules.pit(draws, loss)
    table["extrapolation_factor"] = forecast.extrapolation
    table["known_family"] = forecast.known
    if training is not None:
        table = table.join(baselines(training, seen, law))
    return table
