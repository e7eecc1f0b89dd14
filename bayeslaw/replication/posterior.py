"""Short words for the posteriors that replications need."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import ConvergenceWarning, ExtrapolationWarning
from bayeslaw.estimators.number import Number
from bayeslaw.inference import Fit, fit
from bayeslaw.model import Checkpoints, Spec
from bayeslaw.prediction import forecast
from bayeslaw.runs import Runs

#: The law as it stands, every row used: what a paper's own fit is compared with.
TRUSTED: dict[str, Any] = {
    "discrepancy": None, "labs": False, "checkpoints": Checkpoints(after=0.0, at_most=10_000),
}  # fmt: skip


def fitted(runs: Runs, law: str, seed: int = 0, **changes: Any) -> Fit:
    """Fit a law; a doubt of the health gate is kept in the fit and not printed."""
    # One engine, so that a doubtful fit is reported and not sampled again for minutes.
    settings: dict[str, Any] = {"engine": "quadrature"}
    settings |= {k: changes.pop(k) for k in ("engine", "draws", "tune", "retry") if k in changes}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit(runs, Spec(law, **(TRUSTED | changes)), seed=seed, **settings)


def number(made: Fit, symbol: str, family: str | None = None, level: float = 0.9) -> Number:
    """Return a published parameter of a family, the only one unless named."""
    return Number.of(made.published(family or made.families[0])[symbol], level)


def held_out(made: Fit, hidden: Runs, seed: int = 0) -> pd.DataFrame:
    """Forecast hidden runs: observed, median, signed error and whether the 90 % interval held."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        made_of = forecast(made, hidden, seed=seed)
    draws = made_of.draws.values.reshape(-1, len(hidden))
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95], axis=0)
    observed = hidden.table[names.LOSS].to_numpy()
    return pd.DataFrame(
        {"family": hidden.table[names.FAMILY].to_numpy(), "observed": observed, "median": middle,
         "low": low, "high": high, "error": middle / observed - 1,
         "held": (low <= observed) & (observed <= high)}
    )  # fmt: skip


def mean_error(card: pd.DataFrame) -> Number:
    """Return the mean absolute relative error in per cent, with a bootstrap interval."""
    errors = 100 * card["error"].abs().to_numpy()
    picks = np.random.default_rng(0).choice(errors, (2000, len(errors)))
    return Number.of(picks.mean(1), 0.9, float(errors.mean()))


def doubt(made: Fit) -> str:
    """Say what the health gate found, if anything."""
    return "; ".join(f.found for f in made.health.failures)
