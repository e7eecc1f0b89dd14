"""Averaging over laws: each weighs as much as its forecasts of runs it did not see."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import BayeslawWarning, RunsError, SpecError
from bayeslaw.inference import fit
from bayeslaw.model.spec import Spec
from bayeslaw.prediction import Average, forecast
from bayeslaw.runs import Runs
from bayeslaw.scoring import rules
from bayeslaw.scoring.averages import by_family
from bayeslaw.scoring.holdout import hide

_STEPS, _SETTLED = 10_000, 1e-9


def average(runs: Runs, spec: Spec, *, seed: int = 0, **settings: Any) -> Average:
    """Fit several laws and weigh them by how they forecast each family's largest size.

    Parameters
    ----------
    runs : the training runs.
    spec : the model; ``also`` names the laws that the first is averaged with.
    seed : the same seed gives the same weights and draws.
    settings : passed on to :func:`bayeslaw.fit`.

    Returns
    -------
    Average
        To be forecast from as a fit is. Where no family has three sizes nothing can be hidden,
        and the laws weigh alike.

    Raises
    ------
    SpecError
        If there is no second law.

    Examples
    --------
    >>> spec = Spec("chinchilla", also=("kaplan",), discrepancy=None)
    >>> spec.label
    'chinchilla, kaplan'
    """
    if not spec.also:
        raise SpecError(
            f"the specification has one law, {spec.label}; expected two or more to average over: "
            "Spec('chinchilla', also=('kaplan',)). Fit it with bayeslaw.fit."
        )
    specs = spec.each()
    try:
        density = _densities(runs, specs, seed, settings)
    except RunsError as error:
        weights = np.full(len(specs), 1 / len(specs))
        notes = (f"the laws weigh alike, for nothing can be held out to weigh them: {error}",)
    else:
        weights, notes = stacked(density), ()
    fits = tuple(fit(runs, one, seed=seed, **settings) for one in specs)
    return Average(spec, fits, tuple(float(w) for w in weights), notes)


def stacked(log_density: pd.DataFrame | np.ndarray) -> np.ndarray:
    """Return the weights under which the mixture forecasts best.

    Parameters
    ----------
    log_density : of what was observed under the forecast of each law, shape (families, laws).

    Returns
    -------
    numpy.ndarray
        Weights that maximise the log score of the mixture (arXiv:1704.02030), plus the log of
        each weight: one family cannot rule a law out, and laws that forecast alike share alike.

    Examples
    --------
    >>> stacked(np.array([[2.0, 2.0]])).round(2)
    array([0.5, 0.5])
    >>> stacked(np.array([[9.0, -9.0]])).round(2)
    array([0.67, 0.33])
    """
    logs = np.asarray(log_density, float)
    relative = np.exp(logs - logs.max(axis=1, keepdims=True))
    count, laws = relative.shape
    weights = np.full(laws, 1 / laws)
    for _ in range(_STEPS):  # expectation-maximisation: the objective is concave
        share = weights * relative
        share /= share.sum(axis=1, keepdims=True)
        new = (share.sum(axis=0) + 1) / (count + laws)
        if np.abs(new - weights).max() < _SETTLED:
            return new
        weights = new
    return weights


def _densities(
    runs: Runs, specs: tuple[Spec, ...], seed: int, settings: dict[str, Any]
) -> pd.DataFrame:
    """Return the log density of each family's hidden losses under each law."""
    training, hidden = hide(runs, "largest")
    observed = hidden.last()
    loss = observed.table[names.LOSS].to_numpy()
    found = {}
    for spec in specs:
        with warnings.catch_warnings():
            # The fits that are quoted are made of all runs, and judged by themselves.
            warnings.simplefilter("ignore", BayeslawWarning)
            made = forecast(fit(training, spec, seed=seed, **settings), observed)
        draws = made.draws.transpose("target", "chain", "draw").values
        found[spec.label] = -rules.student_score(draws.reshape(len(draws), -1), loss)
    return by_family(pd.DataFrame(found), observed.table)
