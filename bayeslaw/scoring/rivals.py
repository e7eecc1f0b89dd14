"""Rivals: other forecasts with a spread, scored beside ours by the same rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from bayeslaw.laws import Law
from bayeslaw.model.spec import Checkpoints, Noise, Spec
from bayeslaw.scoring import rules
from bayeslaw.scoring.averages import LEVELS
from bayeslaw.scoring.library import scoringrules

# A residual scale that only the data decide: 90 % between these fractions of the loss.
_RESIDUAL = (0.0005, 0.05)


def plain_bayes(law: Law | str) -> Spec:
    """Return the model one would write down first: a curve, and rows that scatter around it.

    Final losses only, each an independent Student-t around its family's curve; no effect of a
    run, no discrepancy, no relation between families; the exponents that published fits have.

    Parameters
    ----------
    law : the curve.

    Examples
    --------
    >>> plain_bayes("chinchilla").pool
    'none'
    """
    return Spec(
        law,
        pool="none",
        labs=False,
        noise=Noise(run=_RESIDUAL),
        discrepancy=None,
        checkpoints=Checkpoints(after=0.0, at_most=1),
    )


def from_draws(draws: np.ndarray, observed: np.ndarray, name: str | None = None) -> pd.DataFrame:
    """Return the columns a card holds of forecasts known by draws.

    Parameters
    ----------
    draws : forecast losses, shape (targets, draws).
    observed : losses, shape (targets,).
    name : of the rival; None for the card's own forecasts.

    Returns
    -------
    pandas.DataFrame
        One row per target: the median (under the rival's name), the ends of four intervals in
        nats per token and the CRPS in relative loss.

    Examples
    --------
    >>> from_draws(np.array([[2.0, 2.2, 2.4]]), np.array([2.2]), "plain")["plain"].tolist()
    [2.2]
    """
    prefix = "" if name is None else f"{name}_"
    table = pd.DataFrame({name or "median": np.median(draws, axis=1)})
    for level in LEVELS:
        half = float(level) / 200
        ends = np.quantile(draws, [0.5 - half, 0.5 + half], axis=1)
        table[f"{prefix}low{level}"], table[f"{prefix}high{level}"] = ends
    table[f"{prefix}crps"] = rules.crps(draws, observed)
    return table


def from_normal(
    median: np.ndarray, log_sd: np.ndarray, observed: np.ndarray, name: str
) -> pd.DataFrame:
    """Return the columns a card holds of forecasts whose log loss is normal.

    Parameters
    ----------
    median : of the loss, shape (targets,); missing where there is no forecast.
    log_sd : s.d. of the log loss, shape (targets,).
    observed : losses, shape (targets,).
    name : of the rival.

    Returns
    -------
    pandas.DataFrame
        As :func:`from_draws`.

    Examples
    --------
    >>> found = from_normal(np.array([2.0]), np.array([0.01]), np.array([2.0]), "plain")
    >>> found[["plain_low90", "plain_high90"]].round(3).values
    array([[1.967, 2.033]])
    """
    log_sd = np.maximum(log_sd, rules.NARROWEST)
    table = pd.DataFrame({name: median})
    for level in LEVELS:
        reach = norm.ppf(0.5 + float(level) / 200) * log_sd
        table[f"{name}_low{level}"] = median * np.exp(-reach)
        table[f"{name}_high{level}"] = median * np.exp(reach)
    table[f"{name}_crps"] = scoringrules.crps_lognormal(
        np.ones_like(observed), np.log(median / observed), log_sd, backend="numpy"
    )
    return table
