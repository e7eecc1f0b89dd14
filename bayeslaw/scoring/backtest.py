"""Back-tests: hide runs, forecast them from the rest, score what comes out."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import ExtrapolationWarning, SpecError, TargetError
from bayeslaw.inference import Fit, Health, fit
from bayeslaw.laws import Law
from bayeslaw.model.spec import Spec
from bayeslaw.pool import Pool
from bayeslaw.prediction import Average, Forecast, forecast
from bayeslaw.runs import Runs
from bayeslaw.scoring import rules
from bayeslaw.scoring.baselines import baselines
from bayeslaw.scoring.card import Scorecard
from bayeslaw.scoring.holdout import hide, late
from bayeslaw.scoring.rivals import from_draws, from_normal, plain_bayes
from bayeslaw.scoring.stacking import average

SCORES = ("last", "tail")
PARAMETRIC, PLAIN = "parametric", "plain_bayes"
_TAIL = 0.3


def backtest(
    runs: Runs,
    holdout: str = "largest",
    *,
    spec: Spec | None = None,
    law: Law | str | None = None,
    seed: int = 0,
    score: str = "last",
    least_sizes: int | None = None,
    parametric: bool = False,
    **settings: Any,
) -> Scorecard:
    """Hide runs, fit the rest once, forecast the hidden ones and score the forecasts.

    A run is hidden whole, with all its checkpoints, so nothing of it leaks into the fit. Only
    ``"tail"`` cuts runs in two; there the continuation is forecast as a new run on the family's
    curve, with the noise of a run: that this very run was seen to lie above or below the curve
    is not used, so the intervals are wider than a forecast of one run's own curve could have.

    Parameters
    ----------
    runs : the training runs.
    holdout : ``"largest"`` hides the largest size of each family of at least three sizes;
        ``"smallest-k:3"`` trains on the three smallest sizes of each family; ``"tail:0.3"``
        hides the last 30 % of each run's tokens; anything else is a condition for
        :meth:`Runs.where`, such as ``"flops > 1e21"``.
    spec, law : the model, as in :func:`bayeslaw.fit`.
    seed : the same seed gives the same card.
    score : ``"last"`` scores each hidden run's last row; ``"tail"`` the rows in the last 30 % of
        its tokens, averaged per run.
    least_sizes : sizes (distinct params) a family needs to be scored: 3 for ``"largest"`` and 1
        for the others, unless given.
    parametric : also score forecasts without discrepancy, which takes two more fits: of the
        same specification (``parametric``), and of the law with independent rows and nothing
        else (``plain_bayes``, see :func:`~bayeslaw.scoring.rivals.plain_bayes`).
    settings : passed on to :func:`bayeslaw.fit` as they are, such as ``engine`` and ``draws``.
        On its ``pool`` families are fitted by least squares too; with a folder, a back-test
        that was interrupted goes on where it was.

    Returns
    -------
    Scorecard

    Raises
    ------
    RunsError
        If nothing is hidden, or nothing is left to fit.
    SpecError
        If ``score`` is unknown, or ``parametric`` would compare a model with itself.
    """
    if score not in SCORES:
        raise SpecError(f"score is '{score}'; expected one of {', '.join(SCORES)}.")
    if parametric and spec is not None and spec.discrepancy is None:
        raise SpecError(
            "parametric=True compares with the model without discrepancy, and this spec has none; "
            "expected Spec(discrepancy=Discrepancy()). Leave parametric out."
        )
    training, hidden = hide(runs, holdout, least_sizes=least_sizes)
    if spec is not None and law is not None:
        raise SpecError("both spec and law were given; put the law inside the spec: Spec(law=...).")
    spec = spec or Spec(law or "chinchilla")
    fitted = _fitted(training, spec, seed, settings)
    observed = hidden.last() if score == "last" else _tail(hidden)
    pool = settings.get("pool")
    table = _table(_beyond(fitted, observed), observed, training, spec.laws[0], pool)
    health = fitted.health
    if parametric:
        rivals = {PARAMETRIC: replace(spec, discrepancy=None), PLAIN: plain_bayes(spec.laws[0])}
        for name, other in rivals.items():
            rival = _fitted(training, other, seed, settings)
            draws = _draws(_beyond(rival, observed))
            table = table.join(from_draws(draws, table["observed"].to_numpy(), name))
            health = _also(health, name, rival.health)
    return Scorecard(table, spec.label, seed, holdout, score, health)


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


def _fitted(training: Runs, spec: Spec, seed: int, settings: dict[str, Any]) -> Fit | Average:
    made = average if spec.also else fit
    return made(training, spec, seed=seed, **settings)


def _beyond(fitted: Fit | Average, observed: Runs) -> Forecast:
    with warnings.catch_warnings():
        # To reach beyond the runs is the purpose here; the card says how far.
        warnings.simplefilter("ignore", ExtrapolationWarning)
        return forecast(fitted, observed)


def _tail(runs: Runs) -> Runs:
    return runs.drop(runs.table.index[~late(runs.table, _TAIL)])


def _also(health: Health, name: str, rival: Health) -> Health:
    """Add what a rival's fit failed; it is a warning, for our forecasts do not rest on it."""
    failed = tuple(f"the {name} refit failed its health gate: {f}" for f in rival.failures)
    return replace(health, warnings=(*health.warnings, *failed))


def _draws(forecast: Forecast) -> np.ndarray:
    values = forecast.draws.transpose("target", "chain", "draw").values
    return values.reshape(len(values), -1)


def _table(
    forecast: Forecast,
    observed: Runs,
    training: Runs | None,
    law: Law | str,
    pool: Pool | None = None,
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
    draws, loss = _draws(forecast), seen[names.LOSS].to_numpy()
    own = [names.FAMILY, names.LAB, names.RUN, names.PARAMS, names.TOKENS]
    table = seen[own].assign(observed=loss, sd=draws.std(axis=1, ddof=1))
    table = table.join(from_draws(draws, loss))
    table["log_score"] = rules.log_score(draws, loss)
    table["interval_score"] = rules.interval_score(draws, loss)
    table["pit"] = rules.pit(draws, loss)
    table["z"] = rules.z_score(draws, loss)
    for _, places in seen.groupby(names.FAMILY, sort=False).indices.items():
        table.loc[places, "energy_score"] = rules.energy_score(draws[places], loss[places])
    table["extrapolation_factor"] = forecast.extrapolation
    table["known_family"] = forecast.known
    if training is not None:
        plain = baselines(training, seen, law, pool=pool)
        spread = plain.pop("inflated_sd").to_numpy()
        inflated = from_normal(plain.pop("inflated").to_numpy(), spread, loss, "inflated")
        table = table.join(plain).join(inflated)
    return table
