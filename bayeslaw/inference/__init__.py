"""Posteriors: fitting a specification to runs, judging the result, keeping it."""

from bayeslaw.inference.fit import fit
from bayeslaw.inference.health import Check, Health
from bayeslaw.inference.least_squares import least_squares
from bayeslaw.inference.prior import prior_predictive
from bayeslaw.inference.result import Fit
from bayeslaw.inference.store import load_fit

__all__ = ["Check", "Fit", "Health", "fit", "least_squares", "load_fit", "prior_predictive"]
