"""Fits and forecasts as the benchmark makes them: warnings are read from the result instead."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw import names
from bayeslaw.errors import BayeslawWarning

if TYPE_CHECKING:
    from bayeslaw.inference import Fit
    from bayeslaw.model import Spec
    from bayeslaw.prediction import Target
    from bayeslaw.runs import Runs


def timed_fit(runs: Runs, spec: Spec | None, engine: str, **settings: Any) -> tuple[Fit, float]:
    """Fit by one engine; return the fit and the seconds the call took."""
    from bayeslaw import inference

    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslawWarning)
        fitted = inference.fit(runs, spec, engine=engine, **{"seed": 1, **settings})
    return fitted, time.perf_counter() - start


def verdict(fitted: Fit) -> str:
    """Say whether a fit passed its gate, and if not where it failed."""
    return "; ".join(failure.found for failure in fitted.health.failures) or "healthy"


@dataclass(frozen=True)
class Moments:
    """Mean, s.d. and bulk ESS of the predicted loss at each target, shape (targets,)."""

    mean: np.ndarray
    sd: np.ndarray
    ess: np.ndarray

    def apart(self, reference: Moments) -> np.ndarray:
        """Return how far the means lie from those of a reference, in its s.d."""
        return (self.mean - reference.mean) / reference.sd

    def noise(self, reference: Moments) -> np.ndarray:
        """Return the s.d. that chance alone gives :meth:`apart` for posteriors that agree."""
        return np.sqrt(1.0 / self.ess + 1.0 / reference.ess)


def moments(fitted: Fit, targets: Sequence[Target], seed: int = 0) -> Moments:
    """Summarise the predicted loss at targets."""
    import arviz_stats

    from bayeslaw.prediction import forecast

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslawWarning)
        draws = forecast(fitted, targets, seed=seed).draws
    flat = draws.values.reshape(-1, len(targets))
    azs: Any = arviz_stats
    ess = azs.ess(draws.to_dataset(name="loss"), method="bulk")["loss"].values
    return Moments(flat.mean(0), flat.std(0, ddof=1), ess)


def beyond(runs: Runs, step: float = 10.0) -> list[Target]:
    """Return the curve's value at ``step`` times the compute of each family's largest run.

    Size and data grow alike, so the target keeps the tokens per parameter of that run.
    """
    from bayeslaw.prediction import Target

    largest = runs.table.loc[runs.table.groupby(names.FAMILY, sort=False)[names.FLOPS].idxmax()]
    return [
        Target(
            params=row[names.PARAMS] * step**0.5,
            tokens=row[names.TOKENS] * step**0.5,
            family=str(row[names.FAMILY]),
            kind="mean",
        )
        for row in largest.to_dict("records")
    ]
